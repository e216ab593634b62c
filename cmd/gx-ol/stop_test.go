package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A stop that is asked for while the process still starts is a stop like any other: 130 would say that the signal ended it. The runtime tells what it
// initializes, and in what order: all that takes long comes after who hears signals.
func TestAStopIsHeardFromBeforeMain(t *testing.T) {
	cmd := exec.Command(os.Args[0], "run", "--brokers", "127.0.0.1:1", "--topic", "orders", "--to", "-", "--listen", "off")
	cmd.Env = []string{asProgram + "=1", "GODEBUG=inittrace=1"}
	cmd.Dir = t.TempDir()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	heard := false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		line := lines.Text()
		said = append(said, line)
		switch {
		case heard:
		case strings.HasPrefix(line, "init github.com/gx-ol/gx-ol/internal/stopsignal "):
			heard = true
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Error(err)
			}
		case strings.HasPrefix(line, "init net "), strings.HasPrefix(line, "init main "):
			t.Errorf("before signals are heard: %s", line)
		}
	}
	if err := cmd.Wait(); err != nil || !heard {
		t.Errorf("%v, signals heard: %t\n%s", err, heard, strings.Join(said[max(0, len(said)-5):], "\n"))
	}
}
