package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	signal.Reset(syscall.SIGINT, syscall.SIGTERM) // who runs the tests can end them
	goleak.VerifyTestMain(m)
}

// call runs the program in this process, without its environment.
func call(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &process{
		env:    func(string) (string, bool) { return "", false },
		stdin:  strings.NewReader(stdin),
		stdout: &out,
		stderr: &errs,
	}
	code = run(t.Context(), args, a)
	return code, out.String(), errs.String()
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs("../../schemas/gx/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWrongUseExits2AndSuggests(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
		help string
	}{
		"header":            {[]string{"publish", "-H", "x", "-"}, "-H must be NAME=VALUE", "gx-ol publish"},
		"below dlq":         {[]string{"dlq", "list", "--offset", "x"}, `--offset "x" must be FROM-TO`, "gx-ol dlq list"},
		"misspelt command":  {[]string{"rum"}, `gx-ol: unknown command "rum": did you mean "run"?`, "gx-ol"},
		"unknown command":   {[]string{"zzzzzzzz"}, `unknown command "zzzzzzzz"`, "gx-ol"},
		"misspelt flag":     {[]string{"run", "--broker", "x:1"}, "did you mean --brokers?", "gx-ol run"},
		"one dash":          {[]string{"run", "-brokers", "a:1"}, "unknown flag: -brokers: did you mean --brokers?", "gx-ol run"},
		"one dash, =":       {[]string{"run", "-brokers=a:1"}, "unknown flag: -brokers: did you mean --brokers?", "gx-ol run"},
		"one dash, near":    {[]string{"run", "-broker", "a:1"}, "unknown flag: -broker: did you mean --brokers?", "gx-ol run"},
		"one dash, nothing": {[]string{"run", "-zzzzzzzzz"}, "unknown flag: -zzzzzzzzz", "gx-ol run"},
		"no number":         {[]string{"publish", "--rate", "fast", "x"}, `--rate must be a number, not "fast"`, "gx-ol publish"},
		"no whole number":   {[]string{"check", "--messages", "1.5"}, `--messages must be a whole number, not "1.5"`, "gx-ol check"},
		"no time":           {[]string{"check", "--timeout", "10"}, `--timeout must be a time such as 500ms, 30s or 2m, not "10"`, "gx-ol check"},
		"no bool":           {[]string{"dev", "--no-open=perhaps"}, `--no-open must be true or false, not "perhaps"`, "gx-ol dev"},
		"unknown flag":      {[]string{"run", "--zzzzzzzz"}, "unknown flag: --zzzzzzzz", "gx-ol run"},
		"argument too few":  {[]string{"publish"}, "requires at least 1 arg", "gx-ol publish"},
		"argument too many": {[]string{"run", "x"}, `unknown command "x" for "gx-ol run"`, "gx-ol run"},
		"time":              {[]string{"map", "--received", "noon"}, "--received \"noon\" is no RFC 3339 time", "gx-ol map"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := call(t, "", c.args...)
			if code != 2 || stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "gx-ol") > 2+strings.Count(c.want, `"gx-ol `) || !strings.Contains(stderr, "Run '"+c.help+" --help' for usage.") {
				t.Errorf("exit %d, stdout %q, stderr %q, want %q", code, stdout, stderr, c.want)
			}
		})
	}
}

func TestMisspeltKeyExits2AndNamesThePlace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(file, []byte("input:\n  topcs: [a]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := call(t, "", "run", "--config", file, "--brokers", "localhost:1", "--topic", "a", "--to", "-")
	if want := file + `:2:3: unknown key "topcs": did you mean "topics"?`; code != 2 || !strings.Contains(stderr, want) {
		t.Errorf("exit %d, stderr %q, want %q", code, stderr, want)
	}
}

func TestListenOffIsNoFault(t *testing.T) {
	t.Chdir(t.TempDir())
	// Port 1 answers nobody, so the run ends at the connection: after the configuration was taken.
	code, _, stderr := call(t, "", "run", "--brokers", "127.0.0.1:1", "--topic", "a", "--to", "-", "--listen", "off")
	if code != 1 || !strings.Contains(stderr, "no broker answers at 127.0.0.1:1") {
		t.Errorf("exit %d, stderr %q", code, stderr)
	}
}

func TestDisabledDoesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	var errs bytes.Buffer
	env := func(name string) (string, bool) { return "true", name == "OPENLINEAGE_DISABLED" }
	code := run(t.Context(), []string{"run", "--brokers", "127.0.0.1:1", "--topic", "a"}, &process{env: env, stdin: &errs, stdout: &errs, stderr: &errs})
	if code != 0 || !strings.Contains(errs.String(), "OPENLINEAGE_DISABLED") {
		t.Errorf("exit %d, %q", code, errs.String())
	}
}

func TestMapGivesOneEventALine(t *testing.T) {
	file := testdata(t, "1.24.1-suite.store.json")
	t.Chdir(t.TempDir())
	code, stdout, stderr := call(t, "", "map", "--received", "2026-01-02T03:04:05Z", file)
	lines := strings.Split(strings.TrimSuffix(stdout, "\n"), "\n")
	if code != 0 || stderr != "" || len(lines) != 2 {
		t.Fatalf("exit %d, stderr %q, stdout %q", code, stderr, stdout)
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

func TestMapTellsEachBadFileAndGoesOn(t *testing.T) {
	good := testdata(t, "1.24.1-suite.store.json")
	t.Chdir(t.TempDir())
	if err := os.WriteFile("bad.json", []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := call(t, "[]x", "map", "bad.json", "missing.json", "-", good)
	if code != 1 || strings.Count(stdout, "\n") != 2 {
		t.Errorf("exit %d, stdout %q", code, stdout)
	}
	for _, want := range []string{"\n1 of 4 mapped\n", "bad.json: ", "missing.json: stat missing.json: no such file", "gx-ol: -: "} {
		if !strings.Contains(stderr, want) {
			t.Errorf("stderr %q lacks %q", stderr, want)
		}
	}
}

func TestPassedThroughEventIsOneLine(t *testing.T) {
	t.Chdir(t.TempDir())
	event := "\xef\xbb\xbf{\r\n \"eventTime\": \"2026-01-01T00:00:00Z\",\n \"producer\": \"<&>\", \"run\": {\"runId\": \"r\"}, \"job\": {}}\n"
	code, stdout, stderr := call(t, event, "map", "--received", "2026-01-02T03:04:05Z")
	want := `{"eventTime":"2026-01-01T00:00:00Z","producer":"<&>","run":{"runId":"r"},"job":{}}` + "\n"
	if code != 0 || stdout != want {
		t.Errorf("exit %d, stderr %q, got %q, want %q", code, stderr, stdout, want)
	}
}

func TestDirectoryGivesItsResultsInOrder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.json", "a/x.json", ".ge_store_backend_id"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// Nobody writes to this pipe: whoever opened it would wait for ever. A link whose file is gone is told by its name when it is read.
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"c.json": "b.json", "d.json": "nowhere", "e.json": "pipe.json"} {
		if err := os.Symlink(filepath.Join(dir, to), filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := expand([]string{dir, "-"})
	want := []string{filepath.Join(dir, "a/x.json"), filepath.Join(dir, "b.json"), filepath.Join(dir, "c.json"), filepath.Join(dir, "d.json"), "-"}
	if err != nil || strings.Join(files, " ") != strings.Join(want, " ") {
		t.Errorf("got %v, %v", files, err)
	}
}
