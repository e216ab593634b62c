package e2e

import (
	"bytes"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/segmentio/kafka-go"

	"github.com/gx-ol/gx-ol/test/process"
)

func TestBadInputIsBuriedAndTheNextRecordFlows(t *testing.T) {
	servers := needKafka(t)
	in := name("results")
	newTopic(t, servers, in)
	good := result(0)
	const limit = 16 << 10
	bad := []struct {
		what        string
		value       []byte
		code        string // empty: any
		disposition string
	}{
		{"not JSON", []byte("<xml/>"), "invalid_json", "poison"},
		{"truncated", good[:len(good)/2], "invalid_json", "poison"},
		{"empty value", []byte{}, "", "poison"},
		{"tombstone", nil, "", "poison"},
		{"JSON that is no result", []byte(`{"hello": "world"}`), "unknown_shape", "poison"},
		{"a number", []byte(`42`), "unknown_shape", "poison"},
		{"beyond input.max_message_bytes", bytes.Repeat([]byte(" "), limit+1), "", "oversize"},
	}
	const key = "shop.table_00" // one key, one partition: each bad record stands in the way of the next
	var msgs []kafka.Message
	for _, c := range bad {
		msgs = append(msgs, kafka.Message{Key: []byte(key), Value: c.value, Headers: []kafka.Header{{Key: "team", Value: []byte{0xff, 0}}}})
	}
	msgs = append(msgs, kafka.Message{Key: []byte(key), Value: good})
	publish(t, servers, in, msgs...)

	b := startBackend(t)
	p := startRun(t, "--config", writeFile(t, "gx-ol.yaml", `
kafka: {bootstrap.servers: "`+servers+`"}
input: {topics: [`+in+`], group: `+name("group")+`, max_message_bytes: `+strconv.Itoa(limit)+`}
transport: {type: http, url: "`+b.url+`"}
`))
	eventually(t, "the good record behind the bad ones", func() bool { return b.events() >= 2 })
	letters := readTopic(t, servers, in+".dlq")
	eventually(t, "a letter for each bad record", func() bool { return letters.more(t) >= len(bad) })
	p.stop(t)
	if n := letters.more(t); n != len(bad) {
		t.Errorf("%d letters, want %d", n, len(bad))
	}
	byOffset := map[string]kafka.Message{}
	for _, ms := range letters.got {
		for _, m := range ms {
			byOffset[header(m, "gx-ol.dlq.offset")] = m
		}
	}
	for i, c := range bad {
		t.Run(c.what, func(t *testing.T) {
			m, ok := byOffset[strconv.Itoa(i)]
			if !ok {
				t.Fatalf("no letter for offset %d", i)
			}
			checkLetter(t, m, in, key, c.code, c.disposition)
			if c.disposition == "oversize" {
				if header(m, "gx-ol.dlq.reference") == "" || len(m.Value) != 0 {
					t.Errorf("not a reference letter: %d bytes", len(m.Value))
				}
			} else if !bytes.Equal(m.Value, c.value) || (m.Value == nil) != (c.value == nil) {
				t.Errorf("value %q, want %q byte for byte", m.Value, c.value)
			}
		})
	}
}

func checkLetter(t *testing.T, m kafka.Message, in, key, code, disposition string) {
	t.Helper()
	if string(m.Key) != key {
		t.Errorf("key %q, want %q", m.Key, key)
	}
	if got := header(m, "team"); got != "\xff\x00" {
		t.Errorf("foreign header %q, want its bytes", got)
	}
	if got := header(m, "gx-ol.dlq.topic"); got != in {
		t.Errorf("topic %q, want %q", got, in)
	}
	if got := header(m, "gx-ol.dlq.code"); got == "" || (code != "" && got != code) {
		t.Errorf("code %q, want %q", got, code)
	}
	if got := header(m, "gx-ol.dlq.disposition"); got != disposition {
		t.Errorf("disposition %q, want %q", got, disposition)
	}
	if text := header(m, "gx-ol.dlq.error"); text == "" || !utf8.ValidString(text) {
		t.Errorf("error %q", text)
	}
}

func TestOutageHoldsThePartitionAndBuriesNothing(t *testing.T) {
	const n = 200
	servers := needKafka(t)
	in := name("results")
	newTopic(t, servers, in)
	publish(t, servers, in, results(n)...)
	ids := derived(t, n)
	b := startBackend(t)
	p := startRun(t, "--brokers", servers, "--topic", in, "--group", name("group"), "--to", b.url)
	eventually(t, "some events at the backend", func() bool { return b.events() >= 20 })
	b.look(func(b *backend) { b.refuse = true })
	// The events may all have been taken before the gate fell; then new results meet it.
	more := results(n + 100)[n:]
	publish(t, servers, in, more...)
	eventually(t, "several tries in the outage", func() (tried bool) {
		b.look(func(b *backend) { tried = b.refused >= 6 })
		return tried
	})
	noLetters(t, servers, in)
	b.look(func(b *backend) { b.refuse = false })
	ids = append(ids, derived(t, n+100)[n:]...)
	eventually(t, "every event after the outage", func() (done bool) {
		b.look(func(b *backend) { done = b.journal.complete(ids) })
		return done
	})
	p.stop(t)
	b.look(func(b *backend) { b.journal.check(t, ids, false) })
	noLetters(t, servers, in)
}

func TestWrongUseIsOneClearSentence(t *testing.T) {
	servers := needKafka(t)
	in := name("results")
	newTopic(t, servers, in)
	missing := in + "-that-nobody-made"
	nobody := process.FreeAddr(t)
	for _, c := range []struct {
		what string
		args []string
		says []string // all of these, on stderr
		code int
	}{
		{"a topic that does not exist", []string{"--brokers", servers, "--topic", missing, "--group", "g", "--to", "-"}, []string{missing}, 1},
		{"brokers that do not answer", []string{"--brokers", nobody, "--topic", in, "--group", "g", "--to", "-"}, []string{nobody}, 1},
		{"a misspelt key", []string{"--config", writeFile(t, "gx-ol.yaml", "kafka: {bootstrap.servers: x:1}\ninput:\n  topic: [a]\n")}, []string{"topics", "3"}, 2},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := startRun(t, c.args...)
			if code := p.exitCode(t); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			said := p.stderr.String()
			for _, want := range c.says {
				if !strings.Contains(said, want) {
					t.Errorf("stderr does not name %q:\n%s", want, said)
				}
			}
			if strings.Contains(said, "goroutine ") || strings.Contains(said, "Usage:") {
				t.Errorf("stderr is no clear sentence:\n%s", said)
			}
			if out := p.stdout.String(); out != "" {
				t.Errorf("talk on stdout: %s", out)
			}
		})
	}
}

func TestStopSignalEndsAnIdleProcessWithExitZero(t *testing.T) {
	servers := needKafka(t)
	in := name("results")
	newTopic(t, servers, in)
	publish(t, servers, in, results(1)...)
	b := startBackend(t)
	p := startRun(t, "--brokers", servers, "--topic", in, "--group", name("group"), "--to", b.url)
	eventually(t, "the one result", func() bool { return b.events() == 2 })
	p.stop(t)
}
