package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/dlq"
)

// timeout(1) signals the process and its group: two signals at once are one stop, a later one ends the process.
func TestTwoSignalsAtOnceAreOneStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals, ended := make(chan os.Signal), make(chan os.Signal, 4)
		ctx := untilSignal(t.Context(), signals, func(sig os.Signal) { ended <- sig })
		signals <- syscall.SIGTERM
		signals <- syscall.SIGTERM
		<-ctx.Done()
		time.Sleep(sameStop)
		signals <- syscall.SIGINT
		synctest.Wait()
		if len(ended) > 0 {
			t.Fatal("a signal of the same stop ended the process")
		}
		time.Sleep(time.Millisecond)
		signals <- syscall.SIGINT
		if sig := <-ended; sig != syscall.SIGINT {
			t.Error(sig)
		}
		close(signals)
	})
}

// A command that waits for somebody to type ends at once when it is stopped, and says that it did not do its work.
func TestCtrlCEndsWhatWaitsForStdin(t *testing.T) {
	t.Chdir(t.TempDir())
	addr := buried(t, "http_422")
	for name, args := range map[string][]string{
		"map":     {"map"},
		"map -":   {"map", "--received", "2026-01-01T00:00:00Z", "-"},
		"publish": {"publish", "--brokers", addr, "--topic", "orders", "-"},
		"dry run": {"publish", "--dry-run", "-"},
		"import":  {"dlq", "import", "-", "--yes", "--brokers", addr, "--topic", "orders.dlq"},
		"asked":   {"dlq", "replay", "--brokers", addr, "--topic", "orders.dlq"},
	} {
		t.Run(name, func(t *testing.T) {
			typed, hand := io.Pipe() // nobody types: whoever waits for it waits for ever
			defer hand.Close()
			ctx, cancel := context.WithCancel(t.Context())
			var out, errs bytes.Buffer
			stdin := readerFunc(func(p []byte) (int, error) { cancel(); return typed.Read(p) })
			a := &process{env: func(string) (string, bool) { return "", false }, stdin: stdin, stdout: &out, stderr: &errs, asks: true}
			if code := run(ctx, args, a); code != 1 || !strings.Contains(errs.String(), "gx-ol: stopped\n") {
				t.Errorf("exit %d: %s", code, errs.String())
			}
		})
	}
}

// A stop ends a run over many files between two of them, with what was done until then.
func TestCtrlCEndsARunOverManyFiles(t *testing.T) {
	good, err := os.ReadFile(testdata(t, "1.24.1-suite.store.json"))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for i := range 500 {
		if err := os.WriteFile(filepath.Join(".", "r"+strings.Repeat("x", i%50)+string(rune('a'+i/50))+".json"), good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	out := &terminal{want: -1}
	a := &process{env: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(""), stdout: writerFunc(func(p []byte) (int, error) {
		n, err := out.Write(p)
		if strings.Count(out.text.String(), "\n") == 20 {
			cancel()
		}
		return n, err
	}), stderr: io.Discard}
	if code := run(ctx, []string{"map", "."}, a); code != 1 || strings.Count(out.text.String(), "\n") != 20 {
		t.Errorf("exit %d, %d lines", code, strings.Count(out.text.String(), "\n"))
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A text is split into the documents that whoever wrote it meant.
func TestSplitGivesTheDocumentsOfAText(t *testing.T) {
	for text, want := range map[string][]part{
		`{"a": 1}`:                             {{0, []byte(`{"a": 1}`)}},
		"{\n\"a\": 1}\n":                       {{0, []byte("{\n\"a\": 1}\n")}},
		"{\"a\": 1}\n{\"b\": 2}\n":             {{1, []byte(`{"a": 1}`)}, {2, []byte(`{"b": 2}`)}},
		"{\"a\": 1}\r\n\r\n{\"b\": NaN}":       {{1, []byte(`{"a": 1}`)}, {3, []byte(`{"b": NaN}`)}},
		"{\"a\": NaN}\n{\"b\": 2":              {{1, []byte(`{"a": NaN}`)}, {2, []byte(`{"b": 2`)}},
		"{\n\"a\": 1\n}\n{\n\"b\": 2\n}":       {{1, []byte("{\n\"a\": 1\n}")}, {4, []byte("{\n\"b\": 2\n}")}},
		"{\n\"a\": NaN\n}":                     {{0, []byte("{\n\"a\": NaN\n}")}},
		"[\n{\"a\": 1},\n{\"a\": 2}\n]":        {{0, []byte("[\n{\"a\": 1},\n{\"a\": 2}\n]")}},
		"":                                     {{0, []byte("")}},
		"no JSON\nat all":                      {{0, []byte("no JSON\nat all")}},
		"\xef\xbb\xbf{\"a\": 1}":               {{0, []byte("\xef\xbb\xbf{\"a\": 1}")}},
		"\xef\xbb\xbf{\"a\": 1}\n{\"b\": 2}\n": {{1, []byte("\xef\xbb\xbf{\"a\": 1}")}, {2, []byte(`{"b": 2}`)}},
	} {
		got := split([]byte(text))
		same := len(got) == len(want)
		for i := range got {
			same = same && i < len(want) && got[i].line == want[i].line && bytes.Equal(got[i].value, want[i].value)
		}
		if !same {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte("{\"a\": 1}\n{\"b\": 2}\n"))
	f.Add([]byte("{\n}{\n}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		parts := split(text)
		if len(parts) == 0 {
			t.Fatal("nothing")
		}
		from := 0
		for _, p := range parts {
			i := bytes.Index(text[from:], p.value)
			if i < 0 {
				t.Fatalf("%q is no part of %q", p.value, text)
			}
			from += i + len(p.value)
		}
	})
}

// map takes folders and messages as Kafka's tools print them, and says how many were mapped.
func TestMapTakesFoldersAndLines(t *testing.T) {
	good, err := os.ReadFile("../../internal/samples/results/table-1.9.3.json")
	if err != nil {
		t.Fatal(err)
	}
	var line bytes.Buffer
	for l := range bytes.SplitSeq(good, []byte("\n")) {
		line.Write(bytes.TrimSpace(l))
	}
	line.WriteByte('\n')
	t.Chdir(t.TempDir())
	for name, value := range map[string][]byte{"a/x.json": good, "b.ndjson": append(line.Bytes(), "{\"no\": \"result\"}\n"...), "notes.txt": []byte("no")} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, value, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, stdout, stderr := call(t, line.String()+line.String(), "map", "--received", "2026-01-01T00:00:00Z", ".", "-")
	if code != 1 || strings.Count(stdout, "\n") != 8 || !strings.HasSuffix(stderr, "4 of 5 mapped\n") || !strings.Contains(stderr, "gx-ol: b.ndjson:2: ") {
		t.Errorf("exit %d, %d lines, %s", code, strings.Count(stdout, "\n"), stderr)
	}
}

// What is said of stdin is said of it, and not of each of its messages.
func TestMapSaysOnceThatStdinHasNoTime(t *testing.T) {
	t.Chdir(t.TempDir())
	event := `{"eventTime":"2026-01-01T00:00:00Z","producer":"p","run":{"runId":"r"},"job":{}}` + "\n"
	if code, stdout, stderr := call(t, event+event+event, "map"); code != 0 || strings.Count(stdout, "\n") != 3 || strings.Count(stderr, "stdin counts as received now") != 1 {
		t.Errorf("exit %d, %q, %s", code, stdout, stderr)
	}
}

// Mapping at a desk works with the configuration of production and none of its secrets.
func TestMapAsksForNoSecret(t *testing.T) {
	file := testdata(t, "1.24.1-suite.store.json")
	t.Chdir(t.TempDir())
	yaml := "kafka: {bootstrap.servers: \"h:1\", sasl.password: \"${KAFKA_PASSWORD}\"}\ninput: {topics: [t]}\ntransport: {type: http, url: \"http://h\", auth: {type: api_key, apiKey: \"${file:/run/secrets/none}\"}}"
	if err := os.WriteFile("prod.yaml", []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := call(t, "", "map", "--config", "prod.yaml", file); code != 0 || stdout == "" || stderr != "" {
		t.Errorf("exit %d, %s", code, stderr)
	}
	if code, _, stderr := call(t, "", "run", "--config", "prod.yaml"); code != 2 || !strings.Contains(stderr, "KAFKA_PASSWORD") || !strings.Contains(stderr, "/run/secrets/none") {
		t.Errorf("run: exit %d, %s", code, stderr)
	}
}

// publish gives each line its message with the headers that were asked for; a dry run asks nobody.
func TestPublishLinesWithHeaders(t *testing.T) {
	good, err := os.ReadFile("../../internal/samples/results/table-1.9.3.json")
	if err != nil {
		t.Fatal(err)
	}
	line := strings.ReplaceAll(string(good), "\n", " ") + "\n"
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "results"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	addr := strings.Join(cluster.ListenAddrs(), ",")
	t.Chdir(t.TempDir())
	code, stdout, stderr := call(t, line+line+"{\"no\": 1}\n", "publish", "--brokers", "127.0.0.1:1", "--topic", "results", "--dry-run", "-")
	if code != 1 || strings.Count(stdout, "retail_pg") != 2 || !strings.Contains(stderr, "2 of 3 results would go to results") {
		t.Errorf("dry run: exit %d, %s, %s", code, stdout, stderr)
	}
	code, _, stderr = call(t, line+line+"{\"no\": 1}\n", "publish", "--brokers", addr, "--topic", "results", "-H", "openlineage-job-name=a=b", "--header", "x=", "-")
	if code != 1 || !strings.Contains(stderr, "published 2 of 3 results to results") || !strings.Contains(stderr, "gx-ol: -:3: ") {
		t.Errorf("exit %d, %s", code, stderr)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics("results"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	n := 0
	for n < 2 {
		client.PollFetches(t.Context()).EachRecord(func(rec *kgo.Record) {
			n++
			if len(rec.Headers) != 2 || rec.Headers[0].Key != "openlineage-job-name" || string(rec.Headers[0].Value) != "a=b" || rec.Headers[1].Key != "x" || len(rec.Value) < 100 {
				t.Errorf("%+v", rec)
			}
		})
	}
}

func TestVersionIsAFlagToo(t *testing.T) {
	_, want, _ := call(t, "", "version")
	if code, got, stderr := call(t, "", "--version"); code != 0 || got != want || stderr != "" || !strings.HasPrefix(got, "gx-ol ") {
		t.Errorf("exit %d, %q, want %q, %s", code, got, want, stderr)
	}
}

// Every fault of configuration ends with 2, wherever it is found.
func TestFaultsOfConfigurationExit2(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, yaml := range map[string]string{
		"key":         "tranport: {}",
		"YAML":        "a: [",
		"template":    "job: {name: \"{{ .Nope }}\"}",
		"project":     "great_expectations: nowhere",
		"certificate": "transport: {url: \"https://h\", ssl: {ca.location: nowhere}}",
		"sign in":     "kafka: {security.protocol: SASL_SSL}",
		"no SASL":     "kafka: {sasl.username: u, sasl.password: p}",
		"sessions":    "kafka: {session.timeout.ms: 10, heartbeat.interval.ms: 3000}",
	} {
		if err := os.WriteFile("c.yaml", []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"run", "--config", "c.yaml", "--brokers", "127.0.0.1:1", "--topic", "t"}
		if !strings.Contains(yaml, "transport") {
			args = append(args, "--to", "-")
		}
		if code, _, stderr := call(t, "", args...); code != 2 {
			t.Errorf("%s: exit %d, %s", name, code, stderr)
		}
	}
	if code, _, stderr := call(t, "", "run", "--config", "nowhere.yaml"); code != 2 {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

// A stop of run says that it stops, what it waits for, and what a second signal does.
func TestAStopSaysThatItStops(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "results", "results.dlq"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	t.Chdir(t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	errs := &lockedText{}
	a := &process{env: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(""), stdout: io.Discard, stderr: writerFunc(func(p []byte) (int, error) {
		if bytes.Contains(p, []byte("gx-ol runs")) {
			cancel()
		}
		return errs.Write(p)
	})}
	code := run(ctx, []string{"run", "--brokers", strings.Join(cluster.ListenAddrs(), ","), "--topic", "results", "--to", "-", "--listen", "off"}, a)
	if said := errs.String(); code != 0 || strings.Count(said, "a second signal ends it at once") != 1 || !strings.Contains(said, "what is under way is finished") {
		t.Errorf("exit %d: %s", code, said)
	}
}

// Dead letters are asked for by the name of the input, too; what an input holds are no letters, and no letters are no failure.
func TestDeadLettersByTheNameOfTheInput(t *testing.T) {
	addr := buried(t, "http_422", "invalid_json")
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, nil, "lonely"); err != nil {
		t.Fatal(err)
	}
	for _, topic := range []string{"orders", "lonely"} {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte(`{"success": true}`)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args     []string
		code     int
		out, err string
	}{
		{[]string{"list", "--topic", "orders"}, 0, "http_422", "orders holds results; their dead letters are in orders.dlq"},
		{[]string{"discard", "--topic", "orders", "--reason", "x", "--dry-run"}, 0, "2 letters of orders.dlq would be discarded", ""},
		{[]string{"list", "--topic", "lonely"}, 0, "", "lonely holds 1 record and no dead letter"},
		{[]string{"discard", "--topic", "lonely", "--reason", "x", "--yes"}, 0, "", "no dead letter"},
		{[]string{"replay", "--topic", "lonely", "--yes"}, 0, "", "no dead letter"},
		{[]string{"list"}, 0, "", "there is no topic gx.validation-results.dlq yet"},
		{[]string{"stats", "-o", "json", "--topic", "lonely.dlq"}, 0, `"letters":0`, "there is no topic lonely.dlq yet"},
		{[]string{"show", "0/0", "--topic", "lonely.dlq"}, 1, "", "there is no topic lonely.dlq yet"},
		{[]string{"list", "--topic", "order.dlq"}, 1, "", "orders.dlq"},
		{[]string{"list", "--topic", "orders.dlq", "--code", "http_42"}, 2, "", `--code "http_42" is no code of a letter: did you mean http_422?`},
		{[]string{"list", "--topic", "orders.dlq", "--code", "invalid_jason"}, 2, "", "did you mean invalid_json?"},
		{[]string{"list", "--topic", "orders.dlq", "--code", "http_503"}, 0, "", "no letter fits"},
	} {
		code, out, said := call(t, "", append(append([]string{"dlq"}, c.args...), "--brokers", addr)...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(said, c.err) {
			t.Errorf("%v: exit %d, %q, %q", c.args, code, out, said)
		}
	}
}

// Every code that the documentation tells can be asked for.
func TestDocumentedCodesAreTaken(t *testing.T) {
	doc, err := os.ReadFile("../../docs/dead-letters.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(doc), "| code | meaning |\n|---|---|\n")
	if !ok {
		t.Fatal("no table of codes")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	n := 0
	for row := range strings.SplitSeq(table, "\n") {
		cell, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " | ")
		for i, code := range strings.Split(cell, "`") {
			if i%2 == 1 {
				n++
				if err := checkCodes([]string{code}, &dlq.Index{}); err != nil {
					t.Error(err)
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("%d codes", n)
	}
}
