package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

func TestWrongUseOfDLQ(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"misspelt command":     {[]string{"lits"}, `unknown command "lits": did you mean "list"?`},
		"below quarantine":     {[]string{"quarantine", "lst"}, `did you mean "list"?`},
		"misspelt flag":        {[]string{"list", "--codes", "x"}, "did you mean --code?"},
		"form":                 {[]string{"list", "-o", "yaml"}, `-o "yaml" must be table or json`},
		"disposition":          {[]string{"list", "--disposition", "poisn"}, "did you mean poison?"},
		"offset":               {[]string{"list", "--offset", "a-b"}, `--offset "a-b" must be FROM-TO`},
		"offset backwards":     {[]string{"list", "--offset", "9-1"}, "must be FROM-TO"},
		"since":                {[]string{"list", "--since", "yesterday"}, `--since "yesterday" must be a time`},
		"no letter":            {[]string{"show"}, "accepts 1 arg"},
		"no position":          {[]string{"show", "7"}, `"7" is no PARTITION/OFFSET`},
		"to":                   {[]string{"replay", "--to", "sauce"}, "did you mean source?"},
		"stale":                {[]string{"replay", "--stale", "skipp"}, "did you mean skip?"},
		"all":                  {[]string{"replay", "--all"}, "export and import it"},
		"rate":                 {[]string{"replay", "--rate", "-1"}, "not negative"},
		"discard for no cause": {[]string{"discard", "--yes"}, "--reason is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := call(t, "", append([]string{"dlq"}, c.args...)...)
			if code != 2 || stdout != "" || !strings.Contains(stderr, c.want) {
				t.Errorf("exit %d, stdout %q, stderr %q, want %q", code, stdout, stderr, c.want)
			}
		})
	}
}

// buried is a broker with some letters in orders.dlq, of the codes in order.
func buried(t *testing.T, codes ...string) (addr string) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders", "orders.dlq"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	addr = strings.Join(cluster.ListenAddrs(), ",")
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i, code := range codes {
		rec := &kgo.Record{Topic: "orders", Offset: int64(i), Timestamp: time.Now(), Key: []byte("shop.orders"), Value: fmt.Appendf(nil, `{"success": true, "pin": %d}`, i)}
		letter := deadletter.Wrap(rec, "orders.dlq", deadletter.Letter{Group: "g", Disposition: "rejected", Code: code, Error: "refused\x1b[31m", FailedAt: time.Now()})
		if err := client.ProduceSync(t.Context(), letter).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	return addr
}

func TestSettlingAsksAnOperator(t *testing.T) {
	addr := buried(t, "http_422", "http_400")
	ask := func(stdin string, asks bool, args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		a := &process{env: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(stdin), stdout: &out, stderr: &errs, asks: asks, who: "tester"}
		code := run(t.Context(), append(args, "--brokers", addr, "--topic", "orders.dlq"), a)
		return code, out.String(), errs.String()
	}
	replay := []string{"dlq", "replay", "--code", "http_422"}
	if code, _, said := ask("", false, replay...); code != 2 || !strings.Contains(said, "--yes") {
		t.Errorf("nobody to ask: %d %s", code, said)
	}
	for _, answer := range []string{"", "\n", "n\n", "yep\n"} {
		if code, _, said := ask(answer, true, replay...); code != 0 || !strings.Contains(said, "Replay 1 letter of orders.dlq? [y/N]") || strings.Contains(said, "replayed\n") {
			t.Errorf("%q: %d %s", answer, code, said)
		}
	}
	if code, out, _ := ask("", true, append(replay, "--dry-run")...); code != 0 || !strings.Contains(out, "1 letter of orders.dlq would go") {
		t.Errorf("dry run: %d %s", code, out)
	}
	if code, out, said := ask("y\n", true, replay...); code != 0 || out != "" || !strings.HasSuffix(said, "1 replayed\n") {
		t.Errorf("agreed: %d %q %q", code, out, said)
	}
	if code, _, said := ask("", true, replay...); code != 0 || !strings.Contains(said, "no letter fits; 1 are not settled") {
		t.Errorf("again: %d %q", code, said)
	}
	code, out, _ := ask("", false, "dlq", "list", "--all")
	if code != 0 || !strings.Contains(out, "replayed") || !strings.Contains(out, "pending") || strings.Contains(out, "\x1b") {
		t.Errorf("list: %d %q", code, out)
	}
	if code, out, _ = ask("", false, "dlq", "show", "0/1"); code != 0 || !strings.Contains(out, `"pin": ‹number›`) || !strings.Contains(out, `"success": ‹true or false›`) {
		t.Errorf("show: %d %s", code, out)
	}
	if code, out, _ = ask("", false, "dlq", "show", "0/1", "--raw"); code != 0 || !strings.Contains(out, `"pin": 1`) {
		t.Errorf("raw: %d %s", code, out)
	}
	if code, _, said := ask("", false, "dlq", "show", "0/77"); code != 1 || !strings.Contains(said, "there is no letter 0/77 in orders.dlq") {
		t.Errorf("missing: %d %s", code, said)
	}
	if code, _, said := ask("", false, "dlq", "discard", "--reason", "a test", "--yes"); code != 0 || !strings.HasSuffix(said, "1 discarded\n") {
		t.Errorf("discard: %d %s", code, said)
	}
	if code, out, _ := ask("", false, "dlq", "show", "0/1", "-o", "json"); code != 0 || !strings.Contains(out, `"by":"tester"`) || !strings.Contains(out, `"reason":"a test"`) {
		t.Errorf("show: %d %s", code, out)
	}
}

// Where a replay writes to is told by the dead-letter topic's name, the configuration or the operator, never by a letter.
func TestAReplayGoesWhereTheOperatorSays(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders", "collected"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	addr := strings.Join(cluster.ListenAddrs(), ",")
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i := range 3 {
		rec := &kgo.Record{Topic: "orders", Offset: int64(i), Timestamp: time.Now(), Value: []byte("v")}
		if err := client.ProduceSync(t.Context(), deadletter.Wrap(rec, "collected", deadletter.Letter{Code: "http_422"})).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	config := func(input string) string {
		path := filepath.Join(t.TempDir(), "gx-ol.yaml")
		text := "kafka: {bootstrap.servers: " + addr + "}\ninput: {topics: [" + input + "], group: g}\ndead_letters: {topic: collected}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	exported := func() string {
		code, out, said := call(t, "", "dlq", "export", "--brokers", addr, "--topic", "collected")
		path := filepath.Join(t.TempDir(), "letters.ndjson")
		if err := os.WriteFile(path, []byte(out), 0o600); err != nil || code != 0 {
			t.Fatal(err, said)
		}
		return path
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"replay", "--brokers", addr, "--topic", "collected"}, 1, "3 foreign topic"},
		{[]string{"replay", "--brokers", addr, "--topic", "collected"}, 1, "say so with --source-topic orders"},
		{[]string{"import", exported(), "--brokers", addr, "--topic", "collected"}, 1, "3 foreign topic"},
		{[]string{"replay", "--config", config("others")}, 1, "3 foreign topic"},
		{[]string{"replay", "--config", config("^oth.*")}, 1, "3 foreign topic"},
		{[]string{"replay", "--limit", "1", "--config", config("^ord.*")}, 0, "1 replayed"},
		{[]string{"replay", "--limit", "1", "--config", config("others, orders")}, 0, "1 replayed"},
		{[]string{"import", exported(), "--brokers", addr, "--topic", "collected", "--source-topic", "orders"}, 0, "1 replayed"},
		{[]string{"replay", "--brokers", addr, "--topic", "collected", "--source-topic", "orders"}, 0, "all 3 letters of the topic are settled"},
	} {
		code, _, said := call(t, "", append(append([]string{"dlq"}, c.args...), "--yes")...)
		if code != c.code || !strings.Contains(said, c.want) {
			t.Errorf("%v: exit %d, %s", c.args, code, said)
		}
	}
}

// What anyone can write into a letter does not reach the terminal as what a terminal obeys, in any form of any command.
func TestForeignTextIsHarmless(t *testing.T) {
	addr := buried(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(addr, ",")...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const evil = "\x1b[2J\x1b]52;c;Zm9v\x07\u202e\u009b31m\r\nforged  row\x7f\xff"
	for i, far := range []int64{1, 1<<62 - 1, -1 << 62} {
		letter := deadletter.Wrap(&kgo.Record{Topic: "orders", Offset: int64(i), Key: []byte("k" + evil), Value: []byte("{" + evil),
			Headers: []kgo.RecordHeader{{Key: "h" + evil, Value: []byte("v" + evil)}}}, "orders.dlq",
			deadletter.Letter{Group: "g" + evil, Stage: "s" + evil, Disposition: "d" + evil, Code: "c" + evil, Error: "e" + evil, Part: "p" + evil, FailedAt: time.UnixMilli(far)})
		letter.Timestamp = time.UnixMilli(far)
		if i == 2 { // another system's
			letter.Headers = []kgo.RecordHeader{{Key: "__connect.errors.topic", Value: []byte("orders")}, {Key: "__connect.errors.exception.message", Value: []byte(evil)}, {Key: "__connect.errors.stage", Value: []byte(evil)}}
		}
		if err := client.ProduceSync(t.Context(), letter).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	settled := func(i int, value string) {
		ids, err := kadm.NewClient(client).ListTopics(t.Context(), "orders.dlq")
		if err != nil {
			t.Fatal(err)
		}
		id := ids["orders.dlq"].ID
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "orders.dlq.ledger", Key: fmt.Appendf(nil, "%x/0/%d", id[:], i), Value: []byte(value)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, nil, "orders.dlq.ledger"); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	settled(1, `{"state":"discarded","by":`+string(text)+`,"to":`+string(text)+`,"reason":`+string(text)+`,"at":"2026-03-01T10:00:00Z"}`)
	for _, args := range [][]string{{"list"}, {"list", "--all"}, {"show", "0/0"}, {"show", "0/0", "--raw"}, {"show", "0/1"}, {"show", "0/2"}, {"stats"}, {"export"}, {"export", "--all"}, {"replay", "--dry-run"},
		{"discard", "--reason", "x", "--dry-run"}, {"replay", "--yes"}} {
		for _, form := range []string{"table", "json"} {
			code, out, said := call(t, "", append([]string{"dlq"}, append(args, "-o", form, "--brokers", addr, "--topic", "orders.dlq")...)...)
			if code != 0 {
				t.Errorf("%v -o %s: exit %d, %s", args, form, code, said)
			}
			for _, r := range out + said {
				if r != '\n' && r != '\t' && !strconv.IsPrint(r) {
					t.Errorf("%v -o %s prints %q:\n%q", args, form, r, out+said)
					break
				}
			}
			if strings.Contains(out, "\nforged  row") && form == "table" && args[0] != "show" {
				t.Errorf("%v: a forged line in\n%s", args, out)
			}
			if args[0] == "export" && !strings.HasSuffix(args[len(args)-1], "all") && strings.Count(out, "\n") != 2 {
				t.Errorf("exported:\n%s", out)
			}
		}
	}
}

func TestTheErrorOfAMissingTopicNamesOthers(t *testing.T) {
	addr := buried(t)
	code, _, said := call(t, "", "dlq", "list", "--brokers", addr, "--topic", "order.dlq")
	if code != 1 || !strings.Contains(said, "order.dlq: the topic does not exist") || !strings.Contains(said, "orders.dlq") {
		t.Errorf("%d %s", code, said)
	}
	code, _, said = call(t, "", "dlq", "list", "--brokers", "127.0.0.1:1")
	if code != 1 || !strings.Contains(said, "no broker answers at 127.0.0.1:1") {
		t.Errorf("%d %s", code, said)
	}
}

func TestImportNamesTheLineThatIsWrong(t *testing.T) {
	good := `{"letter": {"topic": "orders.dlq", "topic_id": "1", "partition": 0, "offset": 0}, "key": "k", "value": {"a": 1}}` + "\n\n"
	for name, c := range map[string]struct{ line, want string }{
		"no JSON":       {`{"letter"`, ":3: unexpected EOF"},
		"misspelt":      {`{"letter": {}, "key": null, "vlaue": "x"}`, `:3: json: unknown field "vlaue"`},
		"no value":      {`{"letter": {"topic": "t", "topic_id": "1", "partition": 0, "offset": 0}, "key": null}`, `:3: "value" is missing`},
		"no letter":     {`{"letter": {}, "key": null, "value": null}`, ":3: letter must have topic"},
		"number":        {`{"letter": {}, "key": 1, "value": null}`, ":3: "},
		"two on a line": {`{"letter": {"topic": "t", "topic_id": "1", "partition": 0, "offset": 0}, "key": null, "value": null} {}`, ":3: more than one"},
		"broken base64": {`{"letter": {}, "key": {"base64": "?"}, "value": null}`, ":3: base64 is no base64"},
	} {
		path := filepath.Join(t.TempDir(), "letters.ndjson")
		if err := os.WriteFile(path, []byte(good+c.line), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, said := call(t, "", "dlq", "import", path, "--yes", "--brokers", "127.0.0.1:1")
		if code != 1 || !strings.Contains(said, path+c.want) {
			t.Errorf("%s: %d %s", name, code, said)
		}
	}
}

func TestExportOfReferenceLettersReadsTheOriginals(t *testing.T) {
	addr := buried(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(addr, ",")...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	original := &kgo.Record{Topic: "orders", Key: []byte("k"), Value: []byte(`{"large": true}`)}
	if err := client.ProduceSync(t.Context(), original).FirstErr(); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{0, 7} { // 7 is not there
		rec := &kgo.Record{Topic: "orders", Offset: offset, Timestamp: time.Now()}
		letter := deadletter.WrapReference(rec, "orders.dlq", deadletter.Letter{Code: "oversize", Disposition: "oversize", Reference: deadletter.ReferenceBare})
		if err := client.ProduceSync(t.Context(), letter).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	code, out, said := call(t, "", "dlq", "export", "--brokers", addr, "--topic", "orders.dlq")
	if code != 1 || strings.Count(out, "\n") != 1 || !strings.Contains(out, `"key":"k","value":"{\"large\": true}"`) || !strings.Contains(said, "0/1: it holds no value") || !strings.Contains(said, "1 letter exported") {
		t.Errorf("%d %s %s", code, out, said)
	}
	if _, out, _ = call(t, "", "dlq", "show", "0/0", "--raw", "--brokers", addr, "--topic", "orders.dlq"); !strings.Contains(out, `"large": true`) || !strings.Contains(out, "read from its topic") {
		t.Errorf("show: %s", out)
	}
}
