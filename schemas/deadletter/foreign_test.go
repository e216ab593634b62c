package deadletter

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func be(n uint64, bytes int) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	return string(b[8-bytes:])
}

// letters as each system writes them: KIP-298, KIP-1034, KIP-1191, Spring Kafka's DeadLetterRecordManager and Watermill's poison queue.
var foreignLetters = map[string]struct {
	headers []string // name, value, …
	system  System
	want    Letter
}{
	"connect": {[]string{
		"__connect.errors.topic", "in", "__connect.errors.partition", "3", "__connect.errors.offset", "41", "__connect.errors.connector.name", "sink",
		"__connect.errors.task.id", "0", "__connect.errors.stage", "VALUE_CONVERTER", "__connect.errors.class.name", "org.apache.kafka.connect.json.JsonConverter",
		"__connect.errors.exception.class.name", "org.apache.kafka.connect.errors.DataException", "__connect.errors.exception.message", "Converting byte[] to Kafka Connect data failed",
		"__connect.errors.exception.stacktrace", "org.apache…",
	}, Connect, Letter{Topic: "in", Partition: 3, Offset: 41, Timestamp: at, FailedAt: at, Group: "sink", Stage: "VALUE_CONVERTER", Code: "data_exception", Error: "Converting byte[] to Kafka Connect data failed"}},
	"connect failed twice: the last counts": {[]string{
		"__connect.errors.topic", "in", "__connect.errors.partition", "3", "__connect.errors.offset", "41",
		"__connect.errors.topic", "in", "__connect.errors.partition", "3", "__connect.errors.offset", "97",
	}, Connect, Letter{Topic: "in", Partition: 3, Offset: 97, Timestamp: at, FailedAt: at, Code: CodeForeign}},
	"streams": {[]string{
		"__streams.errors.exception", "org.apache.kafka.common.errors.SerializationException", "__streams.errors.stacktrace", "…", "__streams.errors.message", "bad magic",
		"__streams.errors.topic", "in", "__streams.errors.partition", "0", "__streams.errors.offset", "7",
	}, Streams, Letter{Topic: "in", Offset: 7, Timestamp: at, FailedAt: at, Code: "serialization_exception", Error: "bad magic"}},
	"share group": {[]string{
		"__dlq.errors.topic", "in", "__dlq.errors.partition", "2", "__dlq.errors.offset", "8", "__dlq.errors.group", "g", "__dlq.errors.delivery.count", "5", "__dlq.errors.message", "rejected",
	}, Share, Letter{Topic: "in", Partition: 2, Offset: 8, Timestamp: at, FailedAt: at, Group: "g", Attempts: 5, Code: CodeForeign, Error: "rejected"}},
	"spring": {[]string{
		"kafka_dlt-original-topic", "in", "kafka_dlt-original-partition", be(1, 4), "kafka_dlt-original-offset", be(9, 8), "kafka_dlt-original-timestamp", be(uint64(at.UnixMilli()), 8),
		"kafka_dlt-original-timestamp-type", "CreateTime", "kafka_dlt-original-consumer-group", "g", "kafka_dlt-exception-fqcn", "org.springframework.kafka.listener.ListenerExecutionFailedException",
		"kafka_dlt-exception-cause-fqcn", "java.lang.IllegalStateException", "kafka_dlt-exception-message", "Listener failed",
	}, Spring, Letter{Topic: "in", Partition: 1, Offset: 9, Timestamp: at, FailedAt: at, Group: "g", Code: "illegal_state_exception", Error: "Listener failed"}},
	"spring retry topic": {[]string{
		"kafka_original-topic", "in", "kafka_original-partition", be(1, 4), "kafka_original-offset", be(9, 8), "kafka_original-timestamp", be(uint64(at.UnixMilli()), 8),
		"kafka_exception-fqcn", "com.example.Outer$Broken", "retry_topic-attempts", be(4, 4),
	}, Spring, Letter{Topic: "in", Partition: 1, Offset: 9, Timestamp: at, FailedAt: at, Attempts: 4, Code: "broken", Error: "com.example.Outer$Broken"}},
	"watermill": {[]string{
		"reason_poisoned", "cannot unmarshal", "topic_poisoned", "in", "handler_poisoned", "h", "subscriber_poisoned", "kafka.Subscriber", "_watermill_message_uuid", "u",
	}, Watermill, Letter{Topic: "in", Partition: UnknownPartition, Offset: 77, Timestamp: at, FailedAt: at, Group: "kafka.Subscriber", Stage: "h", Code: CodeForeign, Error: "cannot unmarshal"}},
}

func foreignRecord(headers ...string) *kgo.Record {
	rec := &kgo.Record{Topic: "in.dlq", Partition: 6, Offset: 77, Timestamp: at, Key: []byte("k"), Value: []byte("v"),
		Headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte("00-a")}, {Key: "traceparent", Value: nil}}}
	for i := 0; i < len(headers); i += 2 {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
	}
	return rec
}

func TestReadTakesTheLettersOfOtherSystems(t *testing.T) {
	for name, c := range foreignLetters {
		t.Run(name, func(t *testing.T) {
			got, system, err := Read(foreignRecord(c.headers...))
			if err != nil || system != c.system || got != c.want {
				t.Errorf("got %+v of %q (%v)\nwant %+v of %q", got, system, err, c.want, c.system)
			}
		})
	}
	if l, system, err := Read(foreignRecord("other", "x")); err == nil || system != "" {
		t.Errorf("nobody's letter was read as %+v of %q", l, system)
	}
}

func TestReadNamesTheHeaderThatIsBroken(t *testing.T) {
	_, _, err := Read(foreignRecord("kafka_dlt-original-topic", "in", "kafka_dlt-original-offset", "12"))
	if err == nil || !strings.Contains(err.Error(), "kafka_dlt-original-offset") {
		t.Errorf("got %v", err)
	}
	_, _, err = Read(foreignRecord("__connect.errors.topic", "in", "__connect.errors.partition", "minus one"))
	if err == nil || !strings.Contains(err.Error(), "__connect.errors.partition") || strings.Contains(err.Error(), "minus") {
		t.Errorf("got %v", err)
	}
}

func TestReplayIsTheRecordAsItWas(t *testing.T) {
	for name, c := range foreignLetters {
		t.Run(name, func(t *testing.T) {
			rec := foreignRecord(c.headers...)
			out := Replay(rec, nil, c.want, c.system, c.want.First())
			if out.Topic != "in" || out.Partition != c.want.Partition || string(out.Key) != "k" || string(out.Value) != "v" {
				t.Errorf("replayed as %+v", out)
			}
			kept := 2
			if c.system == Watermill {
				kept = 3 // the message's own id
			}
			if len(out.Headers) != kept+5 || out.Headers[0].Key != "traceparent" || string(out.Headers[0].Value) != "00-a" || out.Headers[1].Value != nil {
				t.Errorf("headers %v", out.Headers)
			}
			o := OriginOf(out)
			if o.Topic != "in" || o.Offset != c.want.Offset || o.Replays != 1 || !o.Timestamp.Equal(at) {
				t.Errorf("origin %+v", o)
			}
			// Buried again by us, it is our letter, of the same time.
			out.Offset = 1000
			again, system, err := Read(Wrap(out, "in.dlq", Letter{Code: "http_422"}))
			if err != nil || system != Ours || again.Partition != c.want.Partition || again.Offset != 1000 || again.Replays != 0 || !again.Timestamp.Equal(at) {
				t.Errorf("buried again: %+v %v %v", again, system, err)
			}
		})
	}
}

func TestReplayOfOursKeepsTheHeadersThatTheRecordHad(t *testing.T) {
	rec := &kgo.Record{Topic: "in", Offset: 5, Timestamp: at, Key: []byte{}, Headers: []kgo.RecordHeader{
		{Key: "__connect.errors.topic", Value: []byte("from elsewhere")}, {Key: "h", Value: nil}}}
	l := Letter{Code: "x", Stage: "decode", Group: "g"}
	letter := WithConnectHeaders(Wrap(rec, "in.dlq", l))
	if _, system, _ := Read(letter); system != Ours {
		t.Errorf("a letter of ours with Connect's headers is %s's", system)
	}
	var topics []string
	for _, h := range letter.Headers {
		if h.Key == "__connect.errors.topic" {
			topics = append(topics, string(h.Value))
		}
	}
	if !slices.Equal(topics, []string{"from elsewhere", "in"}) {
		t.Errorf("connect topics %q", topics)
	}
	got, system, err := Read(letter)
	if err != nil {
		t.Fatal(err)
	}
	out := Replay(letter, nil, got, system, got.First())
	if len(out.Headers) != 7 || out.Headers[0].Key != "__connect.errors.topic" || string(out.Headers[0].Value) != "from elsewhere" || out.Headers[1].Key != "h" || out.Value != nil || out.Key == nil {
		t.Errorf("replayed as %+v", out)
	}
	original := &kgo.Record{Key: []byte("key"), Value: []byte("large"), Headers: []kgo.RecordHeader{{Key: "o"}}}
	if out := Replay(letter, original, got, system, got.First()); string(out.Value) != "large" || string(out.Key) != "key" || out.Headers[0].Key != "o" || len(out.Headers) != 6 {
		t.Errorf("a reference letter replayed as %+v", out)
	}
}

func FuzzRead(f *testing.F) {
	for _, c := range foreignLetters {
		f.Add(c.headers[0], []byte(c.headers[1]), c.headers[2], []byte(c.headers[3]), c.headers[4], []byte(c.headers[5]))
	}
	f.Fuzz(func(t *testing.T, k1 string, v1 []byte, k2 string, v2 []byte, k3 string, v3 []byte) {
		rec := &kgo.Record{Topic: "in.dlq", Offset: 3, Timestamp: time.UnixMilli(1), Headers: []kgo.RecordHeader{{Key: k1, Value: v1}, {Key: k2, Value: v2}, {Key: k3, Value: v3}}}
		l, system, err := Read(rec)
		if system == "" {
			if err == nil {
				t.Error("nobody's letter without an error")
			}
			return
		}
		if l.Partition < UnknownPartition || l.Offset < 0 || l.Attempts < 0 || len(l.Error) > MaxErrorBytes {
			t.Errorf("%+v", l)
		}
		out := Replay(rec, nil, l, system, l.First())
		if l.Topic != "" && err == nil {
			out.Topic = l.Topic
			if o := OriginOf(out); o.Replays != l.Replays+1 || o.Partition != l.Partition || o.Offset != l.Offset {
				t.Errorf("origin %+v of %+v", o, l)
			}
		}
	})
}
