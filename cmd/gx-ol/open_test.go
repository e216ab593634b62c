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
	opened := filepath.Join(folder, "opened")
	script := "#!/bin/sh\nprintf %s \"$1\" > " + opened + ".new; mv " + opened + ".new " + opened + "\nwhile [ -e \"$0\" ]; do sleep 0.05; done\n" // it ends when its folder is removed
	if err := os.WriteFile(filepath.Join(folder, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	browse(func(string) (string, bool) { return ":0", true })(t.Context(), "http://127.0.0.1:9464/?a=b&c=$(id)")
	programs.Eventually(t, 2*time.Minute, "the opener", func() bool { _, err := os.Stat(opened); return err == nil })
	if got, _ := os.ReadFile(opened); string(got) != "http://127.0.0.1:9464/?a=b&c=$(id)" {
		t.Errorf("it opens %s", got)
	}
	if _, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); !errors.Is(err, syscall.ECHILD) {
		t.Errorf("there is a child: %v", err)
	}
}
