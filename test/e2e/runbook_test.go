package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/test/process"
)

// Every command of the runbook does what it says, in its order, on letters of the causes that it names.
func TestTheRunbookOfDeadLetters(t *testing.T) {
	servers := needKafka(t)
	in := name("results")
	newTopic(t, servers, in)
	all := results(240)
	for i := range all {
		switch i % 4 {
		case 0:
			all[i].Value = causes[6].spoil(bytes.ReplaceAll(all[i].Value, []byte(`"shop"`), []byte(`"known"`))) // http_422
		case 1:
			all[i].Value = causes[4].spoil(all[i].Value) // not_a_result
		case 2:
			all[i].Value = nil
		}
	}
	publish(t, servers, in, all...)
	b := startBackend(t)
	b.inner = refuser{b.inner}
	config := `
kafka: {bootstrap.servers: "` + servers + `"}
input: {topics: [` + in + `], group: ` + name("group") + `}
transport: {type: http, url: "` + b.url + `"}
`
	p := startRun(t, "--config", writeFile(t, "gx-ol.yaml", config+"unmapped: error\ndatasources: {known: {namespace: \"postgres://db:5432\"}}\n"))
	letters := readTopic(t, servers, in+".dlq")
	eventually(t, "the letters", func() bool { return letters.more(t) == len(all) })
	p.stop(t)
	b.look(func(b *backend) { b.inner = b.inner.(refuser).inner })

	doc, err := os.ReadFile("../../docs/dead-letters.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "gx-ol.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^\$ (.*)$`).FindAllStringSubmatch(string(doc), -1)
	if len(commands) < 15 {
		t.Fatalf("%d commands in the runbook", len(commands))
	}
	said := make(map[string]string)
	for _, c := range commands {
		said[c[1]] = shell(t, dir, strings.ReplaceAll(c[1], "gx.validation-results", in))
	}
	for command, want := range map[string]string{
		"gx-ol dlq list --code http_422 --limit 5":                                          "5 of ",
		"gx-ol dlq show 0/0":                                                                "what could help",
		"gx-ol dlq replay --code unmapped_dataset,http_422 --limit 10 --yes":                "10 replayed",
		"gx-ol dlq import letters.ndjson --yes":                                             "60 replayed",
		`gx-ol dlq discard --code tombstone --reason "deletions: nothing to deliver" --yes`: "60 discarded",
		"gx-ol dlq quarantine list":                                                         "there is no letter",
		"gx-ol dlq stats":                                                                   "all 240 letters of the topic are settled", // the last time
		"gx-ol dlq list --all --limit 20":                                                   "discarded",
	} {
		if !strings.Contains(said[command], want) {
			t.Errorf("$ %s\n%s\nsays nothing of %q", command, said[command], want)
		}
	}
	// What was mended and replayed is delivered.
	p = startRun(t, "--config", filepath.Join(dir, "gx-ol.yaml"))
	eventually(t, "the events of what was mended", func() bool { return b.events() >= 2*180 })
	p.stop(t)
}

// shell runs a command line as its reader would, with gx-ol in the path.
func shell(t *testing.T, dir, line string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", line)
	cmd.Dir = dir
	cmd.Env = append(process.CleanEnv(), "PATH="+filepath.Dir(binary)+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatal(fmt.Errorf("$ %s: %w\n%s", line, err, out))
	}
	return string(out)
}
