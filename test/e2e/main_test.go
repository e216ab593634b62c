// Package e2e runs the built gx-ol as its users do, as a process, against Apache Kafka itself. It publishes and reads with
// segmentio/kafka-go, which is not the product's own client, so that one client's mistake cannot hide in the other.
package e2e

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	kafkatest "github.com/gx-ol/gx-ol/test/kafka"
	"github.com/gx-ol/gx-ol/test/process"
)

// patience bounds every wait of this package. It is no expectation: a wait ends as soon as what it waits for is there.
const patience = 2 * time.Minute

// binary is the path of the gx-ol that TestMain built; empty in short mode.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if testing.Short() {
		return m.Run()
	}
	built, remove, err := process.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	binary = built
	defer kafkatest.Stop()
	return m.Run()
}

// needKafka skips in short mode, else gives the bootstrap servers.
func needKafka(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("end to end, against Apache Kafka: left out by -short, run by `make e2e`")
	}
	return kafkatest.Start(t)
}

// running is one running gx-ol.
type running struct {
	cmd    *exec.Cmd
	done   chan struct{} // closed when it has ended
	stderr *process.Output
	stdout *process.Output
}

// start runs gx-ol with args; the end of the test kills what still runs and, if the test failed, shows what it said.
func start(t *testing.T, args ...string) *running {
	t.Helper()
	p := &running{done: make(chan struct{}), stderr: &process.Output{}, stdout: &process.Output{}}
	p.cmd = exec.Command(binary, args...) // killed by Cleanup
	p.cmd.Dir = t.TempDir()               // no gx-ol.yaml lies there
	p.cmd.Env = process.CleanEnv()
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // exitCode tells
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("gx-ol %s\nexit %d\n%s", strings.Join(args, " "), p.cmd.ProcessState.ExitCode(), process.Tail(p.stderr.String()))
		}
	})
	return p
}

// startRun runs `gx-ol run` with a free telemetry port, so that several can run at once.
func startRun(t *testing.T, args ...string) *running {
	t.Helper()
	return start(t, append([]string{"run", "--listen", process.FreeAddr(t)}, args...)...)
}

// kill is kill -9, and waits until the process is gone.
func (p *running) kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended
	<-p.done
}

// exitCode waits for the process to end by itself.
func (p *running) exitCode(t *testing.T) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("gx-ol still runs after %s; it said:\n%s", patience, process.Tail(p.stderr.String()))
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop is SIGTERM, and requires a clean end.
func (p *running) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	if code := p.exitCode(t); code != 0 {
		t.Errorf("exit code after SIGTERM = %d, want 0", code)
	}
}

// output runs gx-ol to its end and gives its stdout; a failure ends the test.
func output(t *testing.T, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = process.CleanEnv()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("gx-ol %s: %v\n%s", args[0], err, process.Tail(stderr.String()))
	}
	return out
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	process.Eventually(t, patience, what, done)
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
