// Package process builds gx-ol and runs it as its users do, for the suites that judge it from outside.
package process

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Build builds gx-ol into a folder of its own; remove deletes it.
func Build() (binary string, remove func(), err error) {
	return BuildPackage("github.com/gx-ol/gx-ol/cmd/gx-ol")
}

// BuildPackage builds another main package like that.
func BuildPackage(pkg string) (binary string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "gx-ol-test-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	binary = filepath.Join(dir, "gx-ol")
	if out, err := exec.Command("go", "build", "-o", binary, pkg).CombinedOutput(); err != nil { //nolint:gosec,noctx // our own arguments; ends by itself
		remove()
		return "", nil, fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return binary, remove, nil
}

// CleanEnv is the environment without what would configure gx-ol, or the action, behind a test's back.
func CleanEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "OPENLINEAGE_") && !strings.HasPrefix(kv, "GX_OL_") {
			env = append(env, kv)
		}
	}
	return env
}

// FreeAddr is a loopback address on which nobody listens.
func FreeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// Answering takes connections on a loopback address and gives each to handle, one after the other, and closes it then.
func Answering(t *testing.T, handle func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handle(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// Eventually asks again and again until done, or fails after patience; what says then what was waited for.
func Eventually(t *testing.T, patience time.Duration, what string, done func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("not within %s: %s", patience, what)
		case <-tick.C:
		}
	}
}

// Output is what a process has written so far: it can be read while it still writes. The zero value is ready.
type Output struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Tail is the end of what a process said.
func Tail(said string) string { return said[max(0, len(said)-4000):] }
