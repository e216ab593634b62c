package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// opened is a browser that notes what it opens, reads it, and ends the program.
type opened struct {
	mu    sync.Mutex // guards below
	pages []string
	text  string
	end   func()
}

func (o *opened) open(ctx context.Context, url string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.end()
	o.pages = append(o.pages, url)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	o.text = string(text)
}

func TestTheCommandsOpenTheirPageOnATerminal(t *testing.T) {
	for _, args := range [][]string{{"dev", "--kafka-port", "0", "--port", "0", "--metrics-port", "0"},
		{"web", "--brokers", "127.0.0.1:1", "--topic", "in", "--listen", "127.0.0.1:0"}} {
		ctx, cancel := context.WithCancel(t.Context())
		browser := &opened{end: cancel}
		var errs lockedText
		a := &process{env: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(""), stdout: io.Discard, stderr: &errs, asks: true, browser: browser.open}
		if code := run(ctx, args, a); code != 0 {
			t.Fatalf("%s: exit %d: %s", args[0], code, errs.String())
		}
		if len(browser.pages) != 1 || !strings.HasPrefix(browser.pages[0], "http://127.0.0.1:") || !strings.Contains(browser.text, "<title>") {
			t.Errorf("%s: %v: %.200s", args[0], browser.pages, browser.text)
		}
	}
}

func TestNoPageIsOpenedWithoutATerminalOrWhereNobodyWantsIt(t *testing.T) {
	never := func(context.Context, string) { t.Error("it was opened") }
	(&process{asks: false, browser: never}).openPage(t.Context(), "127.0.0.1:1")()
	(&process{asks: true}).openPage(t.Context(), "127.0.0.1:1")()
	ctx, cancel := context.WithCancel(t.Context())
	var errs lockedText
	out := &terminal{want: 1, full: cancel}
	a := &process{env: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(""), stdout: out, stderr: &errs, asks: true, browser: never}
	if code := run(ctx, []string{"dev", "--kafka-port", "0", "--port", "0", "--metrics-port", "0", "--no-open"}, a); code != 0 {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

func TestWebIsToldWhatItLacks(t *testing.T) {
	for args, want := range map[string]string{
		"web --brokers b:1":                               "nothing to read: set input.topics or --topic",
		"web --brokers b:1 --topic in --since -1h":        "--since must be above zero",
		"web --brokers b:1 --topic in --listen nowhere":   "web.listen",
		"web --brokers b:1 --topic in --token-file /no/t": "",
		"web --broker b:1":                                "did you mean --brokers?",
	} {
		ctx, cancel := context.WithCancel(t.Context())
		if want == "" {
			cancel() // it runs
		}
		var errs lockedText
		a := &process{env: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(""), stdout: io.Discard, stderr: &errs}
		code := run(ctx, strings.Fields(args), a)
		cancel()
		if !strings.Contains(errs.String(), want) || want != "" && code == 0 {
			t.Errorf("%s: exit %d: %s", args, code, errs.String())
		}
	}
}
