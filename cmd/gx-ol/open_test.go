//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	programs "github.com/gx-ol/gx-ol/test/process"
)

// What opens the page may live as long as the browser: it is no child that nobody waits for.
func TestTheOpenerIsNoChildOfOurs(t *testing.T) {
	folder := t.TempDir()
	opened, ends := filepath.Join(folder, "opened"), filepath.Join(folder, "ends")
	script := "#!/bin/sh\nprintf %s \"$1\" > " + opened + ".new; mv " + opened + ".new " + opened + "\nwhile [ ! -e " + ends + " ]; do sleep 0.05; done\n"
	if err := os.WriteFile(filepath.Join(folder, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	t.Cleanup(func() { _ = os.WriteFile(ends, nil, 0o600) })
	browse(func(string) (string, bool) { return ":0", true })(t.Context(), "http://127.0.0.1:9464/?a=b&c=$(id)")
	programs.Eventually(t, 10*time.Second, "the opener", func() bool { _, err := os.Stat(opened); return err == nil })
	if got, _ := os.ReadFile(opened); string(got) != "http://127.0.0.1:9464/?a=b&c=$(id)" {
		t.Errorf("it opens %s", got)
	}
	if _, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("there is a child: %v", err)
	}
}
