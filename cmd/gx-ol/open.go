package main

import (
	"context"
	"net/http"
	"os/exec"
	"runtime"
	"time"
)

// openPage opens the page in a browser once it answers, if somebody sits at a terminal; wait ends with that. Where there is no browser, nothing happens: the
// address was printed.
func (a *process) openPage(ctx context.Context, address string) (wait func()) {
	if !a.asks || a.browser == nil {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		if answers(ctx, "http://"+address+"/healthz") {
			a.browser(ctx, "http://"+address+"/")
		}
	}()
	return func() { cancel(); <-done }
}

// answers waits until somebody answers at url.
func answers(ctx context.Context, url string) bool {
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			return true
		}
		pause := time.NewTimer(50 * time.Millisecond)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
	return false
}

// browse opens a page with what the system opens pages with, and waits for that. On a system with windows that has none now (a shell on another machine) it
// opens nothing: some openers would take the terminal.
func browse(env func(string) (string, bool)) func(ctx context.Context, url string) {
	return func(ctx context.Context, url string) {
		// xdg-open may become the browser itself: a shell leaves it behind, so that it is not ours to wait for, and ctrl-c does not end it.
		name, args := "sh", []string{"-c", `xdg-open "$1" > /dev/null 2>&1 &`, "sh", url}
		switch runtime.GOOS {
		case "darwin":
			name, args = "open", []string{url}
		case "windows":
			name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
		default:
			x, _ := env("DISPLAY")
			wayland, _ := env("WAYLAND_DISPLAY")
			if x == "" && wayland == "" {
				return
			}
		}
		_ = exec.CommandContext(ctx, name, args...).Run() //nolint:gosec // of our own address
	}
}
