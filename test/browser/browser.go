// Package browser drives the page in Chromium, as a person would, and lets axe look for what shuts people out.
package browser

import (
	"context"
	_ "embed"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

//go:embed axe/axe.min.js
var axe string

// patience bounds every wait. It is no expectation: a wait ends as soon as what it waits for is there.
const patience = 2 * time.Minute

// chromium finds the browser. Without one the test is skipped and says why; with CI=true it fails.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const lack = "no Chromium in PATH: the page is not looked at in a browser (apt-get install chromium)"
	if os.Getenv("CI") == "true" {
		t.Fatal(lack)
	}
	t.Skip(lack)
	return ""
}

// Tab is a page in the browser. What its console complains of, the Content-Security-Policy among that, fails the test.
type Tab struct {
	t   *testing.T
	ctx context.Context //nolint:containedctx // the browser's own, as chromedp wants it
	at  string          // http://host:port

	mu     sync.Mutex // guards below
	weight float64    // bytes that came since Weigh
}

// Open opens a tab on a page that is served at an address.
func Open(t *testing.T, at string) *Tab {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.Flag("headless", "new"), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(patience), chromedp.Flag("lang", "en"))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, closing := chromedp.NewContext(ctx)
	t.Cleanup(closing)
	tab := &Tab{t: t, ctx: ctx, at: at}
	if err := chromedp.Listen(ctx, tab.hears); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	tab.do("listening to Chromium", func(ctx context.Context, _ *chromedp.Target) (none chromedp.Void, err error) {
		_, err1 := chromedp.Call(ctx, log.Enable, cdp.Empty{})
		_, err2 := chromedp.Call(ctx, network.Enable, network.EnableParams{})
		_, err3 := chromedp.Call(ctx, runtime.Enable, cdp.Empty{})
		return none, errors.Join(err1, err2, err3)
	})
	return tab
}

// hears takes what the browser tells of the page.
func (b *Tab) hears(event any) {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Source == log.EntrySourceSecurity || e.Entry.Source == log.EntrySourceViolation {
			b.t.Errorf("console: %s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning || e.Type == runtime.ConsoleAPICalledTypeAssert {
			b.t.Errorf("console.%s: %v", e.Type, e.Args)
		}
	case *runtime.EventExceptionThrown:
		b.t.Errorf("exception: %+v", e.ExceptionDetails)
	case *network.EventLoadingFinished:
		b.mu.Lock()
		b.weight += e.EncodedDataLength
		b.mu.Unlock()
	}
}

// do runs actions, and ends the test if one fails.
func (b *Tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	b.must(what, chromedp.Do(ctx, actions...))
}

// must ends the test after an error, and says what the page shows.
func (b *Tab) must(what string, err error) {
	b.t.Helper()
	if err != nil {
		page, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`)) // the test has failed already
		b.t.Fatalf("%s: %v\n%s", what, err, page[:min(len(page), 3000)])
	}
}

// eval is what a script gives; of a promise what it promises.
func eval[T any](b *Tab, what, script string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	b.must(what, err)
	return v
}

// until asks a script again and again until it says true. While a page is exchanged for another nobody answers.
func (b *Tab) until(what, script string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script))
		if err == nil && ok {
			return
		}
		select {
		case <-ctx.Done():
			b.must(what, errors.Join(ctx.Err(), err))
		case <-time.After(40 * time.Millisecond):
		}
	}
}

// Go opens a path of the page.
func (b *Tab) Go(path string) {
	b.t.Helper()
	b.do("opening "+path, chromedp.Navigate(b.at+path))
	b.Waits("main h1")
}

// Sees waits until the page shows a text.
func (b *Tab) Sees(text string) {
	b.t.Helper()
	b.until("waiting for "+text, `document.querySelector("main")?.innerText.includes(`+quote(text)+`) === true`)
}

// Finds says whether the page has an element.
func (b *Tab) Finds(selector string) bool {
	b.t.Helper()
	return eval[bool](b, "looking for "+selector, `document.querySelector(`+quote(selector)+`) !== null`)
}

// Waits waits until the page has an element that can be seen.
func (b *Tab) Waits(selector string) {
	b.t.Helper()
	b.until("waiting for "+selector, `document.readyState === "complete" && document.querySelector(`+quote(selector)+`)?.checkVisibility() === true`)
}

// Follows clicks on the link or button whose text begins so, and waits for the page that it leads to.
func (b *Tab) Follows(text string) {
	b.t.Helper()
	eval[bool](b, "clicking "+text, `window.stays = true; (() => {
		const all = [...document.querySelectorAll("a, button")].filter((e) => e.innerText?.trim().startsWith(`+quote(text)+`));
		if (all.length === 0) throw new Error("there is none");
		all[0].click();
		return true;
	})()`)
	b.arrives("clicking " + text)
}

// Clicks clicks on the first element that fits, and waits for the page that it leads to.
func (b *Tab) Clicks(selector string) {
	b.t.Helper()
	eval[bool](b, "clicking "+selector, `window.stays = true; document.querySelector(`+quote(selector)+`).click(); true`)
	b.arrives("clicking " + selector)
}

// arrives waits until the page has made room for another.
func (b *Tab) arrives(what string) {
	b.t.Helper()
	b.until(what, `!window.stays && document.readyState === "complete"`)
}

// Types puts a text into a field.
func (b *Tab) Types(selector, text string) {
	b.t.Helper()
	b.do("typing into "+selector, chromedp.SetValue(chromedp.CSS(selector), text))
}

// Keys types a text where the focus is.
func (b *Tab) Keys(text string) {
	b.t.Helper()
	b.do("typing", chromedp.KeyEvent(text))
}

// Tabs presses the Tab key until the element that has the focus fits.
func (b *Tab) Tabs(selector string) {
	b.t.Helper()
	for range 80 {
		b.do("pressing Tab", chromedp.KeyEvent(kb.Tab))
		if eval[bool](b, "asking for the focus", `document.activeElement.matches(`+quote(selector)+`)`) {
			return
		}
	}
	b.t.Fatalf("the Tab key never comes to %s", selector)
}

// Presses presses a key, where the focus is, and waits for the page that it leads to.
func (b *Tab) Presses(key string) {
	b.t.Helper()
	eval[bool](b, "marking the page", `window.stays = true`)
	b.do("pressing a key", chromedp.KeyEvent(key))
	b.arrives("pressing a key")
}

// Look is a way to look at the page.
type Look struct {
	Name          string
	Width, Height int64
	Dark          bool
}

// Looks are the ways that must all be good.
var Looks = []Look{{"light", 1280, 900, false}, {"dark", 1280, 900, true}, {"phone", 390, 844, false}}

// Put makes the browser look that way.
func (b *Tab) Put(l Look) {
	b.t.Helper()
	scheme := "light"
	if l.Dark {
		scheme = "dark"
	}
	var more []chromedp.EmulateViewportOption
	if l.Width < 500 {
		more = append(more, chromedp.EmulateMobile)
	}
	b.do("turning to "+l.Name, chromedp.EmulateViewport(l.Width, l.Height, more...), func(ctx context.Context, _ *chromedp.Target) (none chromedp.Void, err error) {
		_, err = chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return none, err
	})
}

// fault is what axe finds.
type fault struct {
	ID     string `json:"id"`
	Impact string `json:"impact"`
	Help   string `json:"help"`
	Nodes  []struct {
		HTML string `json:"html"`
		Why  string `json:"why"`
	} `json:"nodes"`
}

// Check fails the test for every serious fault of accessibility in the page as it stands, in every look, and where it is wider than the screen.
func (b *Tab) Check(name string) {
	b.t.Helper()
	for _, l := range Looks {
		b.Put(l)
		eval[bool](b, "bringing axe to "+name, axe+"\n;true")
		faults := eval[[]fault](b, "axe in "+name, `axe.run(document, {resultTypes: ["violations"]}).then((r) => r.violations.filter((v) => ["serious", "critical"].includes(v.impact))
			.map((v) => ({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map((n) => ({html: n.html, why: n.failureSummary}))})))`)
		for _, f := range faults {
			b.t.Errorf("%s, %s: %s: %s (%s)", name, l.Name, f.Impact, f.Help, f.ID)
			for i, n := range f.Nodes {
				if i < 4 {
					b.t.Logf("    %.300s\n    %.300s", n.HTML, n.Why)
				}
			}
		}
		if wide := eval[int](b, "measuring", `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
			b.t.Errorf("%s, %s: the page is %d pixels wider than the screen", name, l.Name, wide)
		}
	}
	b.Put(Looks[0])
}

// Weigh tells how many bytes have come since it was asked last.
func (b *Tab) Weigh() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.weight
	b.weight = 0
	return int(w)
}

// picturesEnv names the variable with the folder into which pictures are put: docs/images. Without it none is made.
const picturesEnv = "GX_OL_PICTURES"

// Picture makes a picture of the page as it stands.
func (b *Tab) Picture(name string, l Look) {
	b.t.Helper()
	folder := os.Getenv(picturesEnv)
	if folder == "" {
		return
	}
	b.Put(l)
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	b.must("making a picture", err)
	b.Put(Looks[0])
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600); err != nil { //nolint:gosec // the folder is named by whoever runs the tests
		b.t.Fatal(err)
	}
}

// quote is a text as JavaScript has it.
func quote(s string) string {
	return "\"" + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + "\""
}
