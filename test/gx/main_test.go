// Package gx runs Great Expectations itself, 1.x and 0.18, with the action of integrations/great_expectations in a checkpoint: over
// Apache Kafka and the built gx-ol to a Marquez. It also lets OpenLineage's own Python client read what gx-ol makes of the corpus. `make gx` makes the virtualenvs and sets GX_OL_GX; without it the package skips.
package gx

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	kafkatest "github.com/gx-ol/gx-ol/test/kafka"
	"github.com/gx-ol/gx-ol/test/process"
)

// patience bounds every wait of this package. It is no expectation: a wait ends as soon as what it waits for is there.
const patience = 5 * time.Minute

// wantedEnv says that this suite is to run; `make gx` sets it.
const wantedEnv = "GX_OL_GX"

// generations are the releases under test: the names of their virtualenvs and of their checkpoints in testdata.
var generations = []string{"gx1", "gx0"}

// binary is the path of the gx-ol that TestMain built; empty when the suite is skipped.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if os.Getenv(wantedEnv) == "" || testing.Short() {
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

// python gives the interpreter of a virtualenv: a generation's, or the official client's. Where there is none it skips, and fails
// with CI=true.
func python(t *testing.T, generation string) string {
	t.Helper()
	if binary == "" {
		t.Skip("with Great Expectations and OpenLineage's client, in Python: run by `make gx`, which sets " + wantedEnv)
	}
	path, err := filepath.Abs(filepath.Join("..", "..", ".cache", "gx", generation, "bin", "python"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("test/gx/setup made no virtualenv %s", generation)
		}
		t.Skipf("no virtualenv %s: test/gx/setup needs Python 3.11 with venv, and pip", generation)
	}
	return path
}

// told is what a checkpoint of testdata says of its run.
type told struct {
	Success  bool     // did the validations pass?
	Results  int      // how many there were
	Warnings []string // the action's
	Stored   string   // the checkpoint's file
}

// checkpoint runs a checkpoint in dir with an action of these parameters and requires that it ends by itself, well.
func checkpoint(t *testing.T, generation, dir string, action map[string]any, env ...string) told {
	t.Helper()
	params, err := json.Marshal(action)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, python(t, generation), filepath.Join("testdata", generation+".py"), dir, string(params))
	cmd.Env = append(process.CleanEnv(), "GX_ANALYTICS_ENABLED=false", "PYTHONDONTWRITEBYTECODE=1")
	cmd.Env = append(cmd.Env, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the checkpoint of %s: %v\n%s", generation, err, process.Tail(string(out)))
	}
	text, err := os.ReadFile(filepath.Join(dir, "told.json"))
	if err != nil {
		t.Fatal(err)
	}
	var said told
	if err := json.Unmarshal(text, &said); err != nil {
		t.Fatal(err)
	}
	return said
}

// startRun runs `gx-ol run` with this configuration until the end of the test.
func startRun(t *testing.T, config string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gx-ol.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	start(t, "run", "--config", path)
}

// start runs gx-ol until the end of the test, where it must stop without an error.
func start(t *testing.T, args ...string) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Env = t.TempDir(), process.CleanEnv()
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		stuck := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer stuck.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("gx-ol %s: %v", args[0], err)
		}
		if t.Failed() {
			t.Logf("gx-ol said:\n%s", process.Tail(said.String()))
		}
	})
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	process.Eventually(t, patience, what, done)
}
