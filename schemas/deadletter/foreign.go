package deadletter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// System is whose letter a record is.
type System string

// The systems whose letters Read knows.
const (
	Ours      System = "gx-ol"
	Connect   System = "connect"   // Kafka Connect, KIP-298
	Spring    System = "spring"    // Spring Kafka's dead-letter publishing recoverer and retry topics
	Streams   System = "streams"   // Kafka Streams, KIP-1034
	Share     System = "share"     // a share group's broker, KIP-1191
	Watermill System = "watermill" // Watermill's poison queue
)

// UnknownPartition is the source partition of a letter that does not say it.
const UnknownPartition = -1

// CodeForeign is the code of another system's letter that names no exception.
const CodeForeign = "foreign"

// dialect is how a system writes its letters: which header holds what, and how numbers are written.
type dialect struct {
	system                                          System
	topic, partition, offset, timestamp             string
	group, class, cause, message, stage, deliveries string
	binary                                          bool // numbers are big-endian, of 4 and 8 bytes
}

// dialects in the order in which they are looked for: a letter of ours may hold another's headers as foreign ones.
var dialects = []dialect{
	{system: Connect, topic: "__connect.errors.topic", partition: "__connect.errors.partition", offset: "__connect.errors.offset",
		group: "__connect.errors.connector.name", class: "__connect.errors.exception.class.name", message: "__connect.errors.exception.message",
		stage: "__connect.errors.stage"},
	{system: Streams, topic: "__streams.errors.topic", partition: "__streams.errors.partition", offset: "__streams.errors.offset",
		class: "__streams.errors.exception", message: "__streams.errors.message"},
	{system: Share, topic: "__dlq.errors.topic", partition: "__dlq.errors.partition", offset: "__dlq.errors.offset", group: "__dlq.errors.group",
		message: "__dlq.errors.message", deliveries: "__dlq.errors.delivery.count"},
	{system: Spring, topic: "kafka_dlt-original-topic", partition: "kafka_dlt-original-partition", offset: "kafka_dlt-original-offset",
		timestamp: "kafka_dlt-original-timestamp", group: "kafka_dlt-original-consumer-group", class: "kafka_dlt-exception-fqcn",
		cause: "kafka_dlt-exception-cause-fqcn", message: "kafka_dlt-exception-message", binary: true},
	{system: Spring, topic: "kafka_original-topic", partition: "kafka_original-partition", offset: "kafka_original-offset",
		timestamp: "kafka_original-timestamp", group: "kafka_original-consumer-group", class: "kafka_exception-fqcn",
		cause: "kafka_exception-cause-fqcn", message: "kafka_exception-message", deliveries: "retry_topic-attempts", binary: true},
	{system: Watermill, topic: "topic_poisoned", group: "subscriber_poisoned", message: "reason_poisoned", stage: "handler_poisoned"},
}

// marks are how the names of a system's error headers begin.
var marks = map[System][]string{
	Connect:   {"__connect.errors."},
	Streams:   {"__streams.errors."},
	Share:     {"__dlq.errors."},
	Spring:    {"kafka_dlt-", "kafka_original-", "kafka_exception-", "kafka_deliveryAttempt", "retry_topic-"},
	Watermill: {"reason_poisoned", "topic_poisoned", "handler_poisoned", "subscriber_poisoned"},
}

// errUnknownSystem is Read's answer to a record without a letter's headers.
var errUnknownSystem = errors.New("no header of a dead letter: written by hand, or by a system that names no source")

// Read reads the letter out of rec, whoever wrote it. Of another system's letter it gives the position in the source topic
// (Partition is UnknownPartition and Offset the letter's own where it says none), the record's time where the letter has it, the error text, and
// as Code a slug of the exception's class; its Disposition is empty. The error names the first header that can't be read; the
// Letter then holds what could be. A record that is nobody's letter is an error, with System empty.
func Read(rec *kgo.Record) (Letter, System, error) {
	if l, ok, err := Unwrap(rec); ok {
		if l.Timestamp.IsZero() {
			l.Timestamp = Near(rec.Timestamp) // a replay without a time would have other run ids
		}
		return l, Ours, err
	}
	last := make(map[string][]byte, len(rec.Headers))
	for _, h := range rec.Headers {
		last[h.Key] = h.Value // Connect appends at each failure: the last one counts
	}
	for _, d := range dialects {
		if _, ok := last[d.topic]; ok {
			l, err := d.read(last)
			return l.of(rec), d.system, err
		}
	}
	return Letter{}, "", errUnknownSystem
}

// of fills in what only the record itself can say.
func (l Letter) of(rec *kgo.Record) Letter {
	if l.Partition == UnknownPartition {
		l.Offset = rec.Offset
	}
	if l.Timestamp.IsZero() {
		l.Timestamp = Near(rec.Timestamp) // Connect, Streams and share groups keep the source's
	}
	if l.FailedAt.IsZero() {
		l.FailedAt = Near(rec.Timestamp)
	}
	return l
}

func (d dialect) read(h map[string][]byte) (Letter, error) {
	topic, first := topicName(string(h[d.topic]))
	if first != nil {
		first = fmt.Errorf("header %s: %w", d.topic, first)
	}
	l := Letter{Topic: topic, Partition: UnknownPartition, Group: cut(string(h[d.group]), maxNameBytes), Stage: cut(string(h[d.stage]), maxNameBytes),
		Error: bounded(string(h[d.message])), Code: CodeForeign}
	for _, class := range []string{string(h[d.cause]), string(h[d.class])} {
		if slug := classSlug(class); slug != "" {
			l.Code = slug
			break
		}
	}
	if l.Error == "" {
		l.Error = bounded(string(h[d.class]))
	}
	number := func(name string, bytes int) int64 {
		v, ok := h[name]
		if name == "" || !ok {
			return -1
		}
		n, err := d.number(v, bytes)
		if err != nil && first == nil {
			first = fmt.Errorf("header %s: %w", name, err)
		}
		return n
	}
	l.Partition, l.Offset = int32(number(d.partition, 4)), number(d.offset, 8)
	if l.Partition < 0 || l.Offset < 0 {
		l.Partition, l.Offset = UnknownPartition, 0
	}
	if ms := number(d.timestamp, 8); ms > 0 {
		l.Timestamp = Near(time.UnixMilli(ms))
	}
	l.Attempts = int(max(0, number(d.deliveries, 4)))
	return l, first
}

// number reads a number that is never negative; -1 with an error for anything else.
func (d dialect) number(v []byte, bytes int) (int64, error) {
	if !d.binary {
		n, err := count(string(v), bytes*8)
		if err != nil {
			return -1, err
		}
		return n, nil
	}
	var n int64
	switch len(v) {
	case 4:
		n = int64(int32(binary.BigEndian.Uint32(v)))
	case 8:
		n = int64(binary.BigEndian.Uint64(v))
	default:
		return -1, fmt.Errorf("%d bytes, not %d big-endian ones", len(v), bytes)
	}
	if n < 0 || bytes == 4 && n > 1<<31-1 {
		return -1, fmt.Errorf("not a number from 0 to 2^%d-1", bytes*8-1)
	}
	return n, nil
}

// classSlug is the name of a Java class as a code: org.x.DataException is data_exception. It is as short as a code should
// be: anyone can write a header.
func classSlug(class string) string {
	class = class[strings.LastIndexAny(class, ".$")+1:]
	var b strings.Builder
	for i, r := range class {
		switch {
		case r >= 'A' && r <= 'Z':
			if i > 0 {
				b.WriteByte('_')
			}
			b.WriteRune(r - 'A' + 'a')
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			b.WriteRune(r)
		}
		if b.Len() >= 64 {
			break
		}
	}
	return b.String()
}

// Unwrapped is the record that a letter held: key, value and the record's own headers byte for byte, without what the letter's system said of the failure. rec is
// the letter; for a reference letter original holds the record as it was, else it is nil.
func Unwrapped(rec, original *kgo.Record, l Letter, system System) *kgo.Record {
	out := &kgo.Record{Topic: l.Topic, Partition: l.Partition, Key: rec.Key, Value: rec.Value, Headers: own(rec.Headers, system)}
	if original != nil {
		out.Key, out.Value, out.Headers = original.Key, original.Value, foreign(original.Headers)
	}
	return out
}

// Replay is the unwrapped record, to be written back with the headers that say where it comes from. first is where it was read first (the letter's own place, if
// it was never replayed before), and how often it will have been replayed.
func Replay(rec, original *kgo.Record, l Letter, system System, first Origin) *kgo.Record {
	out := Unwrapped(rec, original, l, system)
	out.Headers = append(out.Headers, ReplayHeaders(first)...)
	return out
}

// own are the headers that a letter's record had before the letter was made.
func own(hs []kgo.RecordHeader, system System) []kgo.RecordHeader {
	if system == Ours {
		// Connect's headers, if the letter has them by option, come behind ours; before ours they are the record's.
		for i, h := range hs {
			if strings.HasPrefix(h.Key, Prefix) {
				return foreign(hs[:i])
			}
		}
	}
	return slices.DeleteFunc(foreign(hs), func(h kgo.RecordHeader) bool {
		return slices.ContainsFunc(marks[system], func(m string) bool { return strings.HasPrefix(h.Key, m) })
	})
}

// WithConnectHeaders adds to a letter of ours the headers that Kafka Connect would write, which most viewers of topics show. They
// say nothing that our own do not, and come last: what comes before ours is the record's.
func WithConnectHeaders(letter *kgo.Record) *kgo.Record {
	l, _, _ := Unwrap(letter)
	add := func(name, value string) {
		letter.Headers = append(letter.Headers, kgo.RecordHeader{Key: "__connect.errors." + name, Value: []byte(value)})
	}
	add("topic", l.Topic)
	add("partition", strconv.Itoa(int(l.Partition)))
	add("offset", strconv.FormatInt(l.Offset, 10))
	add("connector.name", l.Group)
	add("task.id", "0")
	add("stage", connectStage(l.Stage))
	add("class.name", "gx-ol")
	add("exception.class.name", l.Code)
	add("exception.message", l.Error)
	return letter
}

// connectStage is the nearest of Connect's stages.
func connectStage(stage string) string {
	switch stage {
	case "decode":
		return "VALUE_CONVERTER"
	case "map":
		return "TRANSFORMATION"
	}
	return "TASK_PUT"
}
