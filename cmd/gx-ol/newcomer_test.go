package main

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/samples"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/test/marquez"
	programs "github.com/gx-ol/gx-ol/test/process"
)

// asProgram makes the test's own binary gx-ol, for tests that need it as a shell finds it.
const asProgram = "TEST_RUNS_AS_GX_OL"

// examples are the command lines that the README and the commands' own help show.
func examples(t *testing.T) (lines []string) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(readme), -1) {
		for line := range strings.SplitSeq(block[1], "\n") {
			line, _, _ = strings.Cut(line, " #")
			line = strings.ReplaceAll(line, "go run ./cmd/gx-ol", "gx-ol")
			if strings.HasPrefix(line, "gx-ol ") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for line := range strings.SplitSeq(c.Example, "\n") {
			line = regexp.MustCompile(`\s{3,}.*`).ReplaceAllString(strings.TrimSpace(line), "") // what an example is for stands behind it
			if line != "" {
				lines = append(lines, line)
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRootCommand(&process{}))
	return lines
}

// program is a shell's way to run the test's own binary as gx-ol. The race detector would let each process sleep for a second at its end.
func program(self string) string {
	return "GORACE=atexit_sleep_ms=0 " + asProgram + "=1 exec " + self + ` "$@"`
}

// newcomersFolder holds what the examples name.
func newcomersFolder(t *testing.T, brokers, backend string) (folder, bin string) {
	t.Helper()
	folder, bin = t.TempDir(), t.TempDir()
	result, err := os.ReadFile("../../internal/samples/results/table-1.9.3.json")
	if err != nil {
		t.Fatal(err)
	}
	project, err := os.ReadFile(projectFile)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	line := strings.ReplaceAll(string(result), "\n", " ")
	files := map[string]string{"gx/great_expectations.yml": string(project), "letters.ndjson": "", "cases.yaml": "cases: [{input: results/a.json, expect: {count: 2}}]", "airflow.token": "0123456789abcdef0123456789abcdef\n",
		"gx-ol.yaml": fmt.Sprintf("kafka: {bootstrap.servers: %q}\ninput: {topics: [gx.validation-results], group: newcomer}\ntransport: {type: http, url: %q}\ntelemetry: {listen: \"off\"}\n", brokers, backend)}
	for _, name := range []string{"result.json", "results/a.json", "validations/a.json", "great_expectations/uncommitted/validations/a.json", "internal/samples/results/table-1.9.3.json"} {
		files[name] = string(result)
	}
	writeFiles(t, folder, files)
	for name, script := range map[string]string{"gx-ol": program(self), "kubectl": "cat <<'END'\n" + line + "\nEND", "dot": "cat", "kcat": "cat <<'END'\n" + line + "\n" + line + "\nEND"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return folder, bin
}

// untilUp is a line with what lets it run beside others, and what it says when it is up if it goes on until it is stopped; else up is empty.
func untilUp(line string) (typed, up string) {
	words := strings.Fields(line)
	if strings.Contains(line, "--watch") {
		words[1] = "--watch"
	}
	for _, c := range []struct{ command, up, flags string }{
		{"run", "partitions assigned", " --listen off"},
		{"dev", "ctrl-c ends it.", " --kafka-port 0 --port 0 --metrics-port 0"},
		{"web", "gx-ol web serves", " --listen 127.0.0.1:0"},
		{"gateway", "gateway listens", " --listen 127.0.0.1:0"},
		{"--watch", "watching file://", ""},
	} {
		if words[0] == "gx-ol" && words[1] == c.command {
			return "exec " + line + c.flags, c.up
		}
	}
	return line, ""
}

// hear gives what a command says until it ends. One that goes on is stopped when it is up.
func hear(cmd *exec.Cmd, up string) (said string, err error) {
	var out programs.Output
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for asked := false; ; {
		select {
		case err := <-ended:
			return out.String(), err
		case <-tick.C:
			if up != "" && !asked && strings.Contains(out.String(), up) {
				asked = true
				_ = cmd.Process.Signal(syscall.SIGINT) // if it has ended, its code says why
			}
		}
	}
}

// Whoever types what README and help show, in their order, with the files that they name, is not let down by any.
func TestTheExamplesRunAsANewcomerWould(t *testing.T) {
	if testing.Short() && os.Getenv("CI") == "" {
		t.Skip("starts forty processes")
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "gx.validation-results", "gx.validation-results.dlq", "gx.validation-results.dlq.quarantine", "openlineage.events"),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	brokers := strings.Join(cluster.ListenAddrs(), ",")
	backend := httptest.NewServer(marquez.New())
	defer backend.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i, code := range []string{"http_422", "unmapped_dataset", "tombstone", "not_a_result", "invalid_json", "http_503"} {
		rec := &kgo.Record{Topic: "gx.validation-results", Offset: int64(i), Timestamp: time.Now(), Value: []byte(samples.Broken + "}}")}
		letter := deadletter.Wrap(rec, "gx.validation-results.dlq", deadletter.Letter{Group: "g", Disposition: "rejected", Code: code, Error: "unknown column", FailedAt: time.Now()})
		if err := client.ProduceSync(t.Context(), letter).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	tellTopic(t, client)
	tellBackend(t, backend.URL)
	folder, bin := newcomersFolder(t, brokers, backend.URL)
	_, noJQ := exec.LookPath("jq")
	ran := 0
	for _, line := range examples(t) {
		if noJQ != nil && strings.Contains(line, "jq ") {
			continue
		}
		typed := line
		for was, is := range map[string]string{"kafka-1:9092": brokers, "prod:9092": brokers, "localhost:9092": brokers, "http://marquez:5000": backend.URL, "http://localhost:5000": backend.URL, "3/1042": "0/0",
			"--partition 3 --offset 1042": "--partition 0 --offset 0"} {
			typed = strings.ReplaceAll(typed, was, is)
		}
		typed, up := untilUp(typed)
		if strings.HasPrefix(typed, "gx-ol config init") { // a newcomer has no file yet
			typed = "cd $(mktemp -d -p .) && " + typed
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		cmd := exec.CommandContext(ctx, "bash", "-o", "pipefail", "-c", typed)
		cmd.Dir, cmd.Env = folder, []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + folder, "USER=newcomer"}
		said, err := hear(cmd, up)
		cancel()
		ran++
		if found := cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == exitFound && strings.HasPrefix(line, "gx-ol ask "); err != nil && !found {
			t.Errorf("$ %s\n%v\n%s", line, err, said)
		}
	}
	if ran < 30 {
		t.Errorf("%d examples", ran)
	}
}
