package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/test/marquez"
)

const chainFile = "../../internal/lineage/testdata/chain.ndjson"

// asking runs one command line, without an environment.
func asking(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	a := &process{env: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(stdin), stdout: &out, stderr: &talk}
	code = run(t.Context(), append([]string{"ask"}, args...), a)
	return code, out.String(), talk.String()
}

func TestAskEndsAsAGateNeeds(t *testing.T) {
	chain, err := filepath.Abs(chainFile)
	if err != nil {
		t.Fatal(err)
	}
	events, err := os.ReadFile(chain)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.ndjson"), events, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"upstream fct_revenue --from " + chain, exitFound, "3 failed assertions", ""},
		{"upstream postgres://db:5432 shop.fct_revenue --from " + folder, exitFound, "3 failed assertions", ""},
		{"upstream fct_revenue --from -", exitFound, "3 failed assertions", ""},
		{"upstream raw.customers --from " + chain, exitDone, "1 failed assertion", ""},
		{"upstream raw.customers --fail-on warn --from " + chain, exitFound, "1 failed assertion", ""},
		{"upstream raw.orders --max-age 1h --from " + chain, exitDone, "nothing failed", ""},
		{"upstream raw.orders --max-age 1h --fail-on stale --from " + chain, exitFound, "1 stale", ""},
		{"upstream hr.payroll --from " + chain, exitDone, "nothing failed", ""},
		{"consumers raw.orders --from " + chain, exitFound, "through 2 datasets", ""},
		{"consumers stg_orders --from " + chain, exitDone, "its latest checks passed, so nobody reads bad data", ""},
		{"consumers hr.payroll --from " + chain, exitDone, "no check of it is known", ""},
		{"common --since 24h --from " + chain, exitDone, "nothing failed since", ""},
		{"common --from " + chain, exitFound, "3 of 3 have the root run nightly", ""},
		{"upstream orders --from " + chain, exitUsage, "", "\"orders\" is part of 2 names; which is meant?\n  postgres://db:5432 raw.orders\n"},
		{"upstream fct_revneue --from " + chain, exitUsage, "", "the nearest are:\n  postgres://db:5432 shop.fct_revenue"},
		{"upstream --from " + chain, exitUsage, "", "name the dataset"},
		{"upstream a b c --from " + chain, exitUsage, "", "3 arguments are too many"},
		{"upstream x -o jsno --from " + chain, exitUsage, "", "did you mean json?"},
		{"upstream x --fail-on wran --from " + chain, exitUsage, "", "did you mean warn?"},
		{"upstream x --max-age -1h --from " + chain, exitUsage, "", "--max-age"},
		{"common --since yesterday --from " + chain, exitUsage, "", "--since"},
		{"comon", exitUsage, "", `did you mean "common"?`},
		{"common", exitUsage, "", "--from http://marquez:5000"},
		{"common --from nofile.json", exitFailed, "", "nofile.json"},
		{"common --from localhost:5000", exitFailed, "", "--from http://localhost:5000"},
		{"common --from http://127.0.0.1:1", exitFailed, "", "hint: is the backend running"},
		{"common --from kafka: ", exitUsage, "", "needs the topic's name"},
	} {
		code, stdout, stderr := asking(t, string(events), strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) || c.stdout == "" && stdout != "" {
			t.Errorf("ask %s: %d, want %d\n%s%s", c.args, code, c.code, stdout, stderr)
		}
	}
}

func TestEveryFormOfAnAnswerIsHarmless(t *testing.T) {
	name := "<script>alert(1)</script>\x1b[2J\"`;}|[]\\ é"
	quoted, err := json.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	event := fmt.Sprintf(`{"eventType":"FAIL","eventTime":"2026-03-01T10:00:00Z","run":{"runId":"1"},"job":{"namespace":"n","name":%s},"inputs":[{"namespace":"n","name":%s,"inputFacets":{"dataQualityAssertions":{"assertions":[{"assertion":%s,"column":%s,"success":false,"expected":%s,"actual":%s}]}}}],"outputs":[],"producer":"p"}
{"eventType":"COMPLETE","eventTime":"2026-03-01T10:00:00Z","run":{"runId":"2"},"job":{"namespace":"n","name":%[1]s},"inputs":[{"namespace":"n","name":%[1]s}],"outputs":[{"namespace":"n","name":"out"}],"producer":"p"}`,
		quoted, quoted, quoted, quoted, quoted, quoted)
	for _, form := range outputs {
		for _, question := range [][]string{{"upstream", name}, {"consumers"}, {"common"}, {"upstream", "nothing" + name}} {
			code, stdout, stderr := asking(t, event, append(question, "--from", "-", "-o", form)...)
			if strings.Contains(stdout+stderr, "\x1b") || code != exitFound && code != exitUsage {
				t.Errorf("%v -o %s: %d %q %q", question, form, code, stdout, stderr)
			}
			if form == "mermaid" && strings.Contains(stdout, "<script") || form == "json" && code == exitFound && !json.Valid([]byte(stdout)) {
				t.Errorf("%v -o %s: %s", question, form, stdout)
			}
		}
	}
}

// TestEveryCommandOfTheDocumentationAnswersAsItSays runs docs/asking.md: each command, against a Marquez, a topic and a file with the same events, and compares
// what is printed with what stands there.
func TestEveryCommandOfTheDocumentationAnswersAsItSays(t *testing.T) {
	text, err := os.ReadFile("../../docs/asking.md")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(marquez.New())
	defer server.Close()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "openlineage.events"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	tellTopic(t, client)
	tellBackend(t, server.URL)
	ran := 0
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```\n(?:\n```text\n(.*?)```)?").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(m[1]) {
			command, _, _ := strings.Cut(strings.TrimSpace(line), " |")
			args := strings.Fields(strings.TrimPrefix(command, "gx-ol ask "))
			if !strings.Contains(command, "--from") {
				args = append(args, "--from", "http://localhost:5000")
			}
			for i := range args {
				switch args[i] {
				case "http://localhost:5000":
					args[i] = server.URL
				case "events.ndjson":
					args[i] = chainFile
				case "kafka:openlineage.events":
					args = append(args, "--brokers", cluster.ListenAddrs()[0])
				}
			}
			code, stdout, stderr := asking(t, "", args...)
			ran++
			if want := m[2]; want != "" && stdout+stderr != want {
				t.Errorf("%s\n%s\nthe documentation says\n%s", line, stdout+stderr, want)
			}
			if fault := code == exitFailed || code == exitUsage && m[2] == ""; fault {
				t.Errorf("%s: %d %s%s", line, code, stdout, stderr)
			}
		}
	}
	if ran < 10 {
		t.Errorf("only %d commands ran", ran)
	}
}

// chain are the events of the chain.
func chain(t *testing.T) (out [][]byte) {
	t.Helper()
	raw, err := os.ReadFile(chainFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(raw) {
		out = append(out, bytes.TrimSpace(line))
	}
	return out
}

func tellTopic(t *testing.T, client *kgo.Client) {
	t.Helper()
	for _, ev := range chain(t) {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "openlineage.events", Value: ev}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

func tellBackend(t *testing.T, url string) {
	t.Helper()
	for _, ev := range chain(t) {
		res, err := http.Post(url+"/api/v1/lineage", "application/json", bytes.NewReader(ev))
		if err != nil || res.StatusCode != http.StatusCreated {
			t.Fatal(err, res)
		}
		_ = res.Body.Close()
	}
}

// Questions are signed in as deliveries are: where a backend wants tokens, it wants them from ask too.
func TestAskSignsInWithATokenWhereTheBackendWantsOne(t *testing.T) {
	idp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token": "of-idp", "token_type": "bearer", "expires_in": 3600}`))
	}))
	defer idp.Close()
	double := marquez.New()
	plain := httptest.NewServer(double)
	defer plain.Close()
	guarded := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer of-idp" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		double.ServeHTTP(w, r)
	}))
	defer guarded.Close()
	tellBackend(t, plain.URL)
	t.Chdir(t.TempDir())
	text := fmt.Sprintf(`transport: {type: http, url: %q, auth: {type: oauth2, tokenEndpoint: %q, clientId: id, clientSecret: of-the-client}}`, guarded.URL, idp.URL)
	if err := os.WriteFile("gx-ol.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, said := asking(t, "", "upstream", "fct_revenue"); code != exitFound || !strings.Contains(out, "3 failed assertions") {
		t.Errorf("exit %d: %s%s", code, out, said)
	}
}
