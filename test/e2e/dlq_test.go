package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	kafkatest "github.com/gx-ol/gx-ol/test/kafka"
	"github.com/gx-ol/gx-ol/test/process"
)

// refuser is a backend that finds some results wrong, by their run names.
type refuser struct{ inner http.Handler }

func (r refuser) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the client has gone
	}
	switch {
	case bytes.Contains(body, []byte("refuse-422")):
		http.Error(w, "unknown column", http.StatusUnprocessableEntity)
	case bytes.Contains(body, []byte("refuse-413")):
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	default:
		req.Body = io.NopCloser(bytes.NewReader(body))
		r.inner.ServeHTTP(w, req)
	}
}

// the causes of the letters, and how a result gets them. Everything else of a message stays, so that no two are equal.
var causes = []struct {
	code  string
	spoil func(value []byte) []byte
}{
	{"invalid_json", func(v []byte) []byte { return v[:len(v)-1] }},
	{"tombstone", func([]byte) []byte { return nil }},
	{"empty_value", func([]byte) []byte { return []byte{} }},
	{"unknown_shape", func(v []byte) []byte { return append([]byte(`{"other":`), append(v, '}')...) }},
	{"not_a_result", func(v []byte) []byte { return bytes.Replace(v, []byte(`"results": [`), []byte(`"results": [7, `), 1) }},
	{"invalid_base64", func([]byte) []byte {
		return []byte(`{"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data_base64": "no base64"}`)
	}},
	{"http_422", func(v []byte) []byte {
		return bytes.Replace(v, []byte(`"run_name": "`), []byte(`"run_name": "refuse-422-`), 1)
	}},
	{"http_413", func(v []byte) []byte {
		return bytes.Replace(v, []byte(`"run_name": "`), []byte(`"run_name": "refuse-413-`), 1)
	}},
}

// A replay that is killed five times, and started again, puts every chosen letter back once and no other; Kafka's own consumer counts.
func TestAReplayThatIsKilledReplaysEveryLetterOnce(t *testing.T) {
	servers := needKafka(t)
	in := name("results")
	newTopic(t, servers, in)
	const n = 5000
	all := results(n)
	codes := make(map[string]string) // source position → code
	for i := range all {
		all[i].Value = causes[i%len(causes)].spoil(all[i].Value)
		all[i].Headers = []kafka.Header{{Key: "traceparent", Value: fmt.Appendf(nil, "00-%032x-%016x-01", i, i)}}
	}
	publish(t, servers, in, all...)
	b := startBackend(t)
	b.inner = refuser{b.inner}
	// read_committed: else the pipeline also reads the records of replays that were killed.
	cfg := writeFile(t, "gx-ol.yaml", `
kafka: {bootstrap.servers: "`+servers+`", isolation.level: read_committed}
input: {topics: [`+in+`], group: `+name("group")+`}
transport: {type: http, url: "`+b.url+`"}
`)
	p := startRun(t, "--config", cfg)
	letters := readTopic(t, servers, in+".dlq")
	eventually(t, "the letters", func() bool { return letters.more(t) == n })
	p.stop(t)
	chosen := make(map[string]kafka.Message) // source position → letter
	for _, ms := range letters.got {
		for _, m := range ms {
			at := header(m, "gx-ol.dlq.partition") + "/" + header(m, "gx-ol.dlq.offset")
			codes[at] = header(m, "gx-ol.dlq.code")
			if codes[at] == "http_422" || codes[at] == "invalid_json" {
				chosen[at] = m
			}
		}
	}
	if len(chosen) != 2*n/len(causes) {
		t.Fatalf("%d letters of the two causes, want %d: %v", len(chosen), 2*n/len(causes), tallied(codes))
	}

	replay := []string{"dlq", "replay", "--config", cfg, "--code", "http_422,invalid_json", "--rate", "200", "--yes", "-o", "json"}
	random := rand.New(rand.NewPCG(1, 1))
	said := 0
	watch := client(t, servers)
	for kill := range 5 {
		before := ends(t, watch, in)
		r := start(t, replay...)
		if kill < 4 { // as soon as records are there: in the middle of a transaction
			for giveUp := time.Now().Add(patience); ends(t, watch, in) == before; {
				if time.Now().After(giveUp) {
					t.Fatal("no record of a replay")
				}
			}
			time.Sleep(time.Duration(random.IntN(6)) * time.Millisecond)
		} else { // anywhere
			time.Sleep(time.Duration(random.IntN(1200)) * time.Millisecond)
		}
		r.kill()
		said += strings.Count(r.stdout.String(), "\n")
	}
	r := start(t, replay...)
	if code := r.exitCode(t); code != 0 {
		t.Fatalf("the last replay ended with %d: %s", code, r.stderr.String())
	}
	said += strings.Count(r.stdout.String(), "\n")
	if said > len(chosen) {
		t.Errorf("%d letters were reported, of %d: some twice", said, len(chosen))
	}
	checkReplayed(t, servers, in, len(all), chosen)
	checkLedger(t, servers, in, letters, codes, len(chosen))

	// The pipeline reads them again: what the backend takes now is delivered, what is no JSON is buried again, and counts once.
	b.look(func(b *backend) { b.inner = b.inner.(refuser).inner })
	p = startRun(t, "--config", cfg)
	eventually(t, "the replayed results", func() bool { return b.events() >= 2*n/len(causes) })
	eventually(t, "the letters that were buried again", func() bool { return letters.more(t) == n+n/len(causes) })
	p.stop(t)
	var stats struct {
		Letters int
		Codes   []struct {
			Code    string
			Letters int
		}
	}
	if err := json.Unmarshal(output(t, "dlq", "stats", "--config", cfg, "-o", "json"), &stats); err != nil {
		t.Fatal(err)
	}
	if stats.Letters != 7*n/len(causes) {
		t.Errorf("depth %d, want %d: those delivered are settled, those buried again count once: %+v", stats.Letters, 7*n/len(causes), stats.Codes)
	}
}

// ends is the sum of a topic's end offsets, uncommitted records included.
func ends(t *testing.T, c *kafka.Client, topic string) (sum int64) {
	t.Helper()
	got, err := c.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: everyPartition()}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range got.Topics[topic] {
		sum += p.LastOffset
	}
	return sum
}

func tallied(codes map[string]string) map[string]int {
	out := make(map[string]int)
	for _, c := range codes {
		out[c]++
	}
	return out
}

// checkReplayed compares what the source topic holds behind its first records with the chosen letters.
func checkReplayed(t *testing.T, servers, in string, published int, chosen map[string]kafka.Message) {
	t.Helper()
	records := 0
	count := make(map[string]int)
	if err := kafkatest.ReadCommitted(t.Context(), servers, in, func(r kafkatest.Record) error {
		records++
		if offset := r.Headers["gx-ol.replay.offset"]; offset != "" {
			at := r.Headers["gx-ol.replay.partition"] + "/" + offset
			count[at]++
			if r.Headers["gx-ol.replay.count"] != "1" || r.Headers["gx-ol.dlq.code"] != "" || fmt.Sprint(r.Partition) != r.Headers["gx-ol.replay.partition"] {
				t.Errorf("%s was replayed to partition %d with %v", at, r.Partition, r.Headers)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if records != published+len(chosen) {
		t.Errorf("%d committed records in the source topic, want %d", records, published+len(chosen))
	}
	for at, n := range count {
		if _, ok := chosen[at]; !ok || n != 1 {
			t.Errorf("%s was replayed %d times (chosen: %t)", at, n, ok)
		}
	}
	if len(count) != len(chosen) {
		t.Errorf("%d letters were replayed, want %d", len(count), len(chosen))
	}
	// The bytes, with a client that shows them as they are (and aborted records too).
	source := readTopic(t, servers, in)
	source.more(t)
	for _, ms := range source.got {
		for _, m := range ms {
			letter, ok := chosen[header(m, "gx-ol.replay.partition")+"/"+header(m, "gx-ol.replay.offset")]
			if ok && (!bytes.Equal(m.Value, letter.Value) || !bytes.Equal(m.Key, letter.Key) || header(m, "traceparent") != header(letter, "traceparent") ||
				header(m, "gx-ol.replay.timestamp") != header(letter, "gx-ol.dlq.timestamp")) {
				t.Errorf("offset %d differs from its letter", m.Offset)
			}
		}
	}
}

// checkLedger compares the ledger with the letters: each chosen one is replayed, once, and no other is in it.
func checkLedger(t *testing.T, servers, in string, letters *topicReader, codes map[string]string, want int) {
	t.Helper()
	sourceOf := make(map[string]string) // place in the dead-letter topic → source position
	for p, ms := range letters.got {
		for _, m := range ms {
			sourceOf[fmt.Sprintf("%d/%d", p, m.Offset)] = header(m, "gx-ol.dlq.partition") + "/" + header(m, "gx-ol.dlq.offset")
		}
	}
	entries := make(map[string]bool)
	if err := kafkatest.ReadCommitted(t.Context(), servers, in+".dlq.ledger", func(r kafkatest.Record) error {
		_, at, _ := strings.Cut(r.Key, "/")
		code := codes[sourceOf[at]]
		if entries[at] || code != "http_422" && code != "invalid_json" || !strings.Contains(r.Value, `"state":"replayed"`) {
			t.Errorf("the ledger's entry of %s (%s): %s", at, code, r.Value)
		}
		entries[at] = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(entries) != want {
		t.Errorf("%d entries in the ledger, want %d", len(entries), want)
	}
}

// Ctrl-c ends a replay after the letters in hand; of two replays at once the earlier ends and says so; together they replay every letter once.
func TestReplaysThatAreStoppedOrShutOut(t *testing.T) {
	servers := needKafka(t)
	in := name("results")
	newTopic(t, servers, in)
	newTopic(t, servers, in+".dlq")
	const n = 400
	all := results(n)
	for i := range all {
		for _, h := range []string{"topic " + in, "partition 0", fmt.Sprintf("offset %d", i), fmt.Sprintf("timestamp 2026-03-01T10:00:00.%03dZ", i), "group g", "code http_422", "disposition rejected", "replays 0"} {
			k, v, _ := strings.Cut(h, " ")
			all[i].Headers = append(all[i].Headers, kafka.Header{Key: "gx-ol.dlq." + k, Value: []byte(v)})
		}
	}
	publish(t, servers, in+".dlq", all...)
	replay := []string{"dlq", "replay", "--brokers", servers, "--topic", in + ".dlq", "--yes", "-o", "json", "--rate", "40"}
	began := func() *running {
		p := start(t, replay...)
		eventually(t, "letters replayed", func() bool { return strings.Contains(p.stdout.String(), "\n") })
		return p
	}
	p := began()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	endsWith(t, p, 1, "of 400 letters; the same command goes on with the rest")
	one := began()
	two := began()
	endsWith(t, one, 1, "another gx-ol dlq has begun to settle letters of this topic")
	if code := two.exitCode(t); code != 0 {
		t.Errorf("the later replay ended with %d: %s", code, two.stderr.String())
	}
	count := make(map[string]int)
	if err := kafkatest.ReadCommitted(t.Context(), servers, in, func(r kafkatest.Record) error {
		count[r.Headers["gx-ol.replay.offset"]]++
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(count) != n {
		t.Errorf("%d letters were replayed, want %d", len(count), n)
	}
	for at, times := range count {
		if times != 1 {
			t.Errorf("%s was replayed %d times", at, times)
		}
	}
}

// Straight through the pipeline: what the backend takes is delivered, what it refuses is buried again, and what is older than what the backend has is told.
func TestLettersGoStraightToTheBackend(t *testing.T) {
	servers := needKafka(t)
	in := name("results")
	newTopic(t, servers, in)
	all := results(120) // of 50 tables: the first 50 are older than what follows
	for i := range 20 {
		all[i].Value = causes[6].spoil(all[i].Value)         // http_422
		all[100+i].Value = causes[0].spoil(all[100+i].Value) // invalid_json
	}
	publish(t, servers, in, all...)
	b := startBackend(t)
	b.inner = refuser{b.inner}
	cfg := writeFile(t, "gx-ol.yaml", `
kafka: {bootstrap.servers: "`+servers+`"}
input: {topics: [`+in+`], group: `+name("group")+`}
transport: {type: http, url: "`+b.url+`"}
`)
	addr := process.FreeAddr(t)
	p := start(t, "run", "--config", cfg, "--listen", addr)
	letters := readTopic(t, servers, in+".dlq")
	eventually(t, "the letters", func() bool { return letters.more(t) == 40 && b.events() >= 160 })
	eventually(t, "their number in the metrics", func() bool {
		return strings.Contains(metrics(t, addr), `gx_ol_dead_letters{code="http_422",disposition="rejected",topic="`+in+`.dlq"} 20`)
	})
	p.stop(t)
	b.look(func(b *backend) { b.inner = b.inner.(refuser).inner })

	outcomes := func(args ...string) map[string]int {
		got := make(map[string]int)
		for line := range bytes.Lines(output(t, append([]string{"dlq", "replay", "--config", cfg, "--to", "backend", "--yes", "-o", "json"}, args...)...)) {
			var audit struct{ Outcome, Warning, To string }
			if err := json.Unmarshal(line, &audit); err != nil {
				t.Fatal(err)
			}
			got[audit.Outcome]++
			if audit.Warning != "" {
				got["warned"]++
			}
			if audit.Outcome == "replayed" && audit.To != "http" {
				t.Errorf("replayed to %q", audit.To)
			}
		}
		return got
	}
	if got := outcomes("--code", "http_422", "--stale", "skip"); got["stale"] != 20 || len(got) != 2 {
		t.Errorf("with --stale skip: %v", got)
	}
	before := b.events()
	if got := outcomes(); got["replayed"] != 20 || got["buried_again"] != 20 || got["warned"] != 20 {
		t.Errorf("outcomes %v", got)
	}
	if n := b.events() - before; n != 40 {
		t.Errorf("%d events delivered, want 40", n)
	}
	if got := outcomes("--code", "http_422"); len(got) != 0 {
		t.Errorf("again: %v", got)
	}
	if got := outcomes("--max-replays", "1"); got["quarantined"] != 20 || len(got) != 1 {
		t.Errorf("replayed too often: %v", got)
	}
	if n := bytes.Count(output(t, "dlq", "quarantine", "list", "--config", cfg, "-o", "json"), []byte("\n")); n != 20 {
		t.Errorf("%d letters in quarantine, want 20", n)
	}
}

func metrics(t *testing.T, addr string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Letters of other systems, as those write them, are shown and replayed.
func TestLettersOfOtherSystemsAreShownAndReplayed(t *testing.T) {
	servers := needKafka(t)
	in := name("orders")
	newTopic(t, servers, in)
	newTopic(t, servers, in+".dlt")
	be := func(n uint64, bytes int) string { // big-endian
		b := make([]byte, bytes)
		for i := range b {
			b[i] = byte(n >> (8 * (bytes - 1 - i)))
		}
		return string(b)
	}
	systems := map[string][]string{
		"connect": {"__connect.errors.topic", in, "__connect.errors.partition", "1", "__connect.errors.offset", "5", "__connect.errors.connector.name", "sink",
			"__connect.errors.exception.class.name", "org.apache.kafka.connect.errors.DataException", "__connect.errors.exception.message", "cannot convert connect"},
		"spring": {"kafka_dlt-original-topic", in, "kafka_dlt-original-partition", be(1, 4), "kafka_dlt-original-offset", be(6, 8), "kafka_dlt-original-timestamp", be(1_772_000_000_000, 8),
			"kafka_dlt-exception-fqcn", "java.lang.IllegalStateException", "kafka_dlt-exception-message", "cannot convert spring"},
		"streams": {"__streams.errors.exception", "org.apache.kafka.common.errors.SerializationException", "__streams.errors.message", "cannot convert streams",
			"__streams.errors.topic", in, "__streams.errors.partition", "1", "__streams.errors.offset", "7"},
		"share":     {"__dlq.errors.topic", in, "__dlq.errors.partition", "1", "__dlq.errors.offset", "8", "__dlq.errors.group", "g", "__dlq.errors.message", "cannot convert share"},
		"watermill": {"reason_poisoned", "cannot convert watermill", "topic_poisoned", in, "handler_poisoned", "h", "subscriber_poisoned", "s"},
	}
	for system, headers := range systems {
		m := kafka.Message{Key: []byte(system), Value: []byte(`{"success": true, "secret": "` + system + `"}`), Headers: []kafka.Header{{Key: "own", Value: []byte("header")}}}
		for i := 0; i < len(headers); i += 2 {
			m.Headers = append(m.Headers, kafka.Header{Key: headers[i], Value: []byte(headers[i+1])})
		}
		publish(t, servers, in+".dlt", m)
	}
	common := []string{"--brokers", servers, "--topic", in + ".dlt"}
	var listed struct{ Letter, System, Error, Key string }
	lines := bytes.SplitSeq(bytes.TrimSpace(output(t, append([]string{"dlq", "list", "-o", "json"}, common...)...)), []byte("\n"))
	shown := 0
	for line := range lines {
		if err := json.Unmarshal(line, &listed); err != nil {
			t.Fatal(err)
		}
		if listed.System != listed.Key || listed.Error != "cannot convert "+listed.Key {
			t.Errorf("listed as %s", line)
		}
		text := string(output(t, append([]string{"dlq", "show", listed.Letter}, common...)...))
		for _, want := range []string{"cannot convert " + listed.Key, "written by", listed.System, "header own", `"success": ‹true or false›`, `"secret": ‹text`} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", listed.System, want, text)
			}
		}
		shown++
	}
	output(t, append([]string{"dlq", "replay", "--yes"}, common...)...)
	source := readTopic(t, servers, in)
	source.more(t)
	replayed := 0
	for p, ms := range source.got {
		for _, m := range ms {
			if len(m.Value) == 0 || len(m.Headers) == 0 {
				continue // a transaction's marker, which this client shows
			}
			replayed++
			if header(m, "own") != "header" || len(m.Headers) != 6 || !strings.Contains(string(m.Value), string(m.Key)) || string(m.Key) != "watermill" && p != 1 {
				t.Errorf("replayed to partition %d as %s with %v", p, m.Value, m.Headers)
			}
		}
	}
	if shown != len(systems) || replayed != len(systems) {
		t.Errorf("%d shown and %d replayed, want %d", shown, replayed, len(systems))
	}
}
