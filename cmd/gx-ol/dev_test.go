package main

import (
	"context"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/internal/samples"
)

// terminal counts the runs that a dev prints, and ends it after so many.
type terminal struct {
	mu   sync.Mutex // guards text
	text strings.Builder
	want int
	full func()
}

func (o *terminal) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.text.Write(p)
	if text := o.text.String(); strings.Count(text, "✔ ")+strings.Count(text, "✘ ") == o.want {
		o.full()
	}
	return n, err
}

func TestDevPrintsEachSampleAsItLandsAndStopsCleanly(t *testing.T) {
	all, err := samples.All()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &terminal{want: len(all), full: cancel}
	var errs lockedText
	a := &process{env: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(""), stdout: out, stderr: &errs}
	if code := run(ctx, []string{"dev", "--kafka-port", "0", "--port", "0"}, a); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	for _, want := range []string{"✔ COMPLETE  default/three_validations_1_suite.retail_pg.main", "✘ FAIL  default/orders.numeric.retail_pg",
		"expect_column_values_to_not_be_null(weight_kg)  got 72 of 800 unexpected (9 %)"} {
		if !strings.Contains(out.text.String(), want) {
			t.Errorf("no %q in\n%s", want, out.text.String())
		}
	}
	if strings.Contains(out.text.String(), "ROWVALUE") {
		t.Error("a row value was printed")
	}
}

// Whoever types what dev prints, as it is printed, sees what it promises: a run, a dead letter that shows as it is buried, metrics.
func TestTheHintsOfDevWorkAsPrinted(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	out := &lockedText{}
	a := &process{env: func(string) (string, bool) { return "", false }, self: "gx-ol", stdin: strings.NewReader(""), stdout: out, stderr: io.Discard}
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"dev", "--kafka-port", "0", "--port", "0", "--metrics-port", "0"}, a)
	}()
	says := func(text string) {
		t.Helper()
		for !strings.Contains(out.String(), text) {
			if ctx.Err() != nil {
				t.Fatalf("no %q in\n%s", text, out.String())
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	says("ctrl-c ends it.")
	says("weight_kg") // the pipeline is there
	typed := map[string]string{}
	for line := range strings.SplitSeq(out.String(), "\n") {
		switch words := strings.Fields(line); {
		case strings.HasPrefix(line, "  gx-ol "):
			if words[1] == "dlq" {
				says("✉ letter ")
			}
			code, stdout, stderr := call(t, "", words[1:]...)
			if code != 0 {
				t.Errorf("%s: exit %d, %s", line, code, stderr)
			}
			typed[words[1]] += stdout + stderr
		case strings.HasPrefix(line, "  curl "):
			if _, err := exec.LookPath("curl"); err != nil {
				continue
			}
			said, err := exec.Command("bash", "-c", strings.TrimSpace(line)+" -sSf").CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v, %s", line, err, said)
			}
			typed["curl"] += string(said)
		}
	}
	says("buried, invalid_json: ")
	if len(typed) < 2 || !strings.Contains(typed["dlq"], "invalid_json") || typed["curl"] != "" && !strings.Contains(typed["curl"], "gx_ol_") {
		t.Errorf("%v", typed)
	}
	if typed["curl"] != "" {
		says("load_orders")
	}
	_, show, ok := strings.Cut(out.String(), "    gx-ol dlq show ")
	show, _, _ = strings.Cut(show, "\n")
	if code, stdout, stderr := call(t, "", append([]string{"dlq", "show"}, strings.Fields(show)...)...); !ok || code != 0 || !strings.Contains(stdout, "invalid_json") {
		t.Errorf("%s: exit %d, %s", show, code, stderr)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestHintsNameTheCommandThatStartedIt(t *testing.T) {
	for self, want := range map[string]string{"": "gx-ol", "gx-ol": "gx-ol", "./bin/gx-ol": "./bin/gx-ol", "/tmp/go-build123/b001/exe/gx-ol": "go run ./cmd/gx-ol"} {
		if got := (&process{self: self}).commandLine(); got != want {
			t.Errorf("%s: %s, want %s", self, got, want)
		}
	}
}
