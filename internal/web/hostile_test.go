package web

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/gx-ol/gx-ol/internal/seen"
)

// Other people's text, wherever a message or a broker may bring it: into no page as markup, as a control, or at a length that hurts.
func TestForeignTextIsHarmlessOnEveryPage(t *testing.T) {
	for name, text := range map[string]string{
		"markup":    `<script>alert(1)</script><img src=x onerror=alert(1)>"'><svg/onload=alert(1)>{{.}}javascript:alert(1)`,
		"controls":  "a\x00b\x1b[2Jc\rd\x7f\u0085e\u2028f",
		"turned":    "abc\u202edcba\u2066x\u200fy\u061cz\ufeff\u200b",
		"no UTF-8":  "a\xff\xfe\xc0b",
		"megabyte":  strings.Repeat("n", 1<<20),
		"megabytes": strings.Repeat("\u202e<", 300<<10),
	} {
		t.Run(name, func(t *testing.T) {
			o := seenAll(text)
			s := made(t, o)
			targets := append(pages(text), "/results/in/1/77", "/"+url.PathEscape(text[:min(len(text), 1000)]))
			for _, target := range targets {
				r := asked(http.MethodGet, "/now")
				var err error
				if r.URL, err = url.Parse(target); err != nil {
					t.Fatal(err)
				}
				w := answer(s, r)
				if w.Code >= 500 {
					t.Errorf("%.60s: %d %.300s", target, w.Code, w.Body)
				}
				mustBeHarmless(t, target, w)
			}
		})
	}
}

// inMarkup is what may not stand in a page: foreign text that became markup.
var inMarkup = regexp.MustCompile(`(?i)<script>|<img|<svg/onload|\sonerror=alert\(1\)>|href="javascript:`)

func mustBeHarmless(t *testing.T, target string, w *httptest.ResponseRecorder) {
	t.Helper()
	body := w.Body.String()
	if m := inMarkup.FindString(body); m != "" {
		t.Errorf("%.60s: holds %s", target, m)
	}
	for _, r := range body {
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028') {
			t.Errorf("%.60s: holds %U", target, r)
			break
		}
	}
	if len(body) > 2<<20 {
		t.Errorf("%.60s: %d bytes", target, len(body))
	}
}

// The templates themselves obey the policy that they are sent with.
func TestTemplatesHaveNothingInline(t *testing.T) {
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script(?:>|[^>]*[^"]>)|https?://[a-z]`)
	err := fs.WalkDir(templateFiles, "templates", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := templateFiles.ReadFile(name)
		for _, found := range inline.FindAllString(string(text), -1) {
			t.Errorf("%s: %s", name, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryAnswerHasThePolicy(t *testing.T) {
	s := made(t, seenAll("orders"))
	for _, target := range append(pages("orders"), "/nowhere", s.assets.url("app.css"), "/favicon.ico", "/results/in/1/3/events") {
		w := answer(s, asked(http.MethodGet, target))
		want := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
		if got := w.Header().Get("Content-Security-Policy"); got != want {
			t.Errorf("%s: %q", target, got)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: %v", target, w.Header())
		}
	}
}

func TestAPageIsLight(t *testing.T) {
	all := 0
	err := fs.WalkDir(os.DirFS("assets"), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		all += int(info.Size())
		return err
	})
	if err != nil || all > 300_000 {
		t.Errorf("the assets have %d bytes, %v", all, err)
	}
}

func FuzzEventsAreReadLeniently(f *testing.F) {
	run := result("j", "d", "s", "c", 1, 1, seen.Run{}.Ended)
	f.Add(run.Events[0].Body)
	f.Add([]byte(`{"run":{"facets":{"test":{"tests":[{"status":"fail","expected":{"a":[1]}},{"success":null}]}}},"inputs":[{"facets":{"dataQualityMetrics":{"rowCount":"x"}}}],"outputs":[1]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, ok := readEvent(body)
		if ok && v.Passed+v.Failed+v.Skip != len(v.Checks) {
			t.Fatalf("%+v", v)
		}
		pretty(body)
		oneLine(body)
		harmless(body)
	})
}

func FuzzURLs(f *testing.F) {
	f.Add("dataset=a&suite=b&outcome=failed&q=c&before=7&page=3", "/results?x=1", "in", "3")
	f.Add("before=-1&page=99999999999999999999&outcome=nothing", "//evil.example/", "..", "x")
	f.Fuzz(func(t *testing.T, query, to, topic, number string) {
		q, _ := url.ParseQuery(query)
		a := filterOf(q)
		if len(a.Text) > mostFilter || a.Page < 1 {
			t.Fatalf("%+v", a)
		}
		again, err := url.ParseQuery(strings.TrimPrefix(a.page(a.Page), "?"))
		if err != nil {
			t.Fatal(err)
		}
		if b := filterOf(again); b.Text != a.Text || b.Dataset != a.Dataset || b.Suite != a.Suite || b.Outcome != a.Outcome || b.Page != a.Page {
			t.Fatalf("%+v is not %+v", b, a)
		}
		path := within(to)
		u, err := url.Parse(path)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.HasPrefix(path, "/\\") {
			t.Fatalf("%q leads to %q", to, path)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetPathValue("topic", topic)
		r.SetPathValue("partition", number)
		r.SetPathValue("offset", number)
		if at, ok := placeIn(r); ok && (at.Partition < 0 || at.Offset < 0 || strings.ContainsAny(at.Topic, "/\\ ")) {
			t.Fatalf("%+v", at)
		}
	})
}
