// Package deadletter holds the form of a dead letter: a record that could not be delivered, with its key, value and
// headers byte for byte, and beside them gx-ol's own headers that say where it came from and why it was set aside.
//
// It makes and reads letters; it neither produces nor consumes them.
package deadletter

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The headers of a dead letter. Values are UTF-8 text, one a name: set, never appended.
const (
	Prefix              = "gx-ol.dlq."
	HeaderTopic         = Prefix + "topic"
	HeaderPartition     = Prefix + "partition"
	HeaderOffset        = Prefix + "offset"
	HeaderTimestamp     = Prefix + "timestamp"
	HeaderGroup         = Prefix + "group"
	HeaderStage         = Prefix + "stage"
	HeaderDisposition   = Prefix + "disposition"
	HeaderCode          = Prefix + "code"
	HeaderError         = Prefix + "error"
	HeaderAttempts      = Prefix + "attempts"
	HeaderFirstFailedAt = Prefix + "first_failed_at"
	HeaderFailedAt      = Prefix + "failed_at"
	HeaderReplays       = Prefix + "replays"
	HeaderPart          = Prefix + "part"
	HeaderReference     = Prefix + "reference"
	HeaderVersion       = Prefix + "version"
)

// The headers of a replayed record.
const (
	ReplayPrefix          = "gx-ol.replay."
	HeaderReplayTopic     = ReplayPrefix + "topic"
	HeaderReplayPartition = ReplayPrefix + "partition"
	HeaderReplayOffset    = ReplayPrefix + "offset"
	HeaderReplayTimestamp = ReplayPrefix + "timestamp"
	HeaderReplayCount     = ReplayPrefix + "count"
)

// The values of HeaderReference. A whole letter has no such header.
const (
	ReferenceKept = "true" // no value, but key and foreign headers
	ReferenceBare = "bare" // neither value nor key nor foreign headers
)

const (
	// Version is the version of the form that this package writes.
	Version = "1"
	// TimeLayout is the form of all times in headers: RFC 3339 with exactly three fraction digits, always UTC.
	TimeLayout = "2006-01-02T15:04:05.000Z07:00"
	// MaxErrorBytes bounds HeaderError, cut at a rune boundary.
	MaxErrorBytes = 2 << 10
	// maxNameBytes bounds every other text of a letter as it is read, as Kafka bounds the name of a topic.
	maxNameBytes = 249
	// MaxReferenceBytes is what key and foreign headers of a reference letter may have together.
	MaxReferenceBytes = 64 << 10
)

// Letter is what our headers say of a dead letter. Zero times and empty texts have no header.
type Letter struct {
	Topic         string    // the topic in which the record was read; empty in Wrap means the record's own position
	Partition     int32     // its partition; UnknownPartition if another system's letter did not say it
	Offset        int64     // its offset
	Timestamp     time.Time // the source record's time, which Map got as received
	Group         string    // consumer group that gave up
	Stage         string    // decode, map or deliver
	Disposition   string    // poison, rejected, exhausted, oversize or bug
	Code          string    // stable slug of the reason
	Error         string    // one text for people, without secrets and row values; at most MaxErrorBytes
	Attempts      int       // how often the record was tried
	FirstFailedAt time.Time // when it failed first
	FailedAt      time.Time // when it was given up
	Replays       int       // how often it was replayed before this letter, as far as whoever wrote the letter knew
	Part          string    // which validation results of the message were refused; empty for all
	Reference     string    // ReferenceKept or ReferenceBare if the value is not in the letter; else empty
}

// Wrap is rec as a whole letter for topic: key, value and foreign headers byte for byte (the slices are shared, not
// copied; nil stays nil), our own headers set anew. The record's time is left to the producer, since retention
// and brokers refuse old times. Of what a record claims by the headers of a replay, only the time is taken: see OriginOf.
func Wrap(rec *kgo.Record, topic string, l Letter) *kgo.Record {
	l.Reference = ""
	out := &kgo.Record{Topic: topic, Key: rec.Key, Value: rec.Value}
	out.Headers = append(foreign(rec.Headers), headers(placed(rec, l))...)
	return out
}

// WrapReference is a letter without the value, for a record that is too large for the dead-letter topic. Key and
// foreign headers are kept while they have at most MaxReferenceBytes together; above, or with l.Reference set to
// ReferenceBare, there are only ours. The value is empty, not null: a null would delete a key in a compacted topic.
func WrapReference(rec *kgo.Record, topic string, l Letter) *kgo.Record {
	out := &kgo.Record{Topic: topic, Value: []byte{}}
	kept := foreign(rec.Headers)
	size := len(rec.Key)
	for _, h := range kept {
		size += len(h.Key) + len(h.Value)
	}
	if l.Reference == ReferenceBare || size > MaxReferenceBytes {
		l.Reference, kept = ReferenceBare, nil
	} else {
		l.Reference, out.Key = ReferenceKept, rec.Key
	}
	out.Headers = append(kept, headers(placed(rec, l))...)
	return out
}

// Unwrap reads the letter out of rec. The bool is false for a record that is no letter of ours; the error names the
// first header whose value can't be read, and the Letter then holds what could be.
func Unwrap(rec *kgo.Record) (Letter, bool, error) {
	var l Letter
	var first error
	found := false
	for _, h := range rec.Headers {
		if !strings.HasPrefix(h.Key, Prefix) {
			continue
		}
		found = found || h.Key == HeaderTopic
		if err := l.set(h.Key, string(h.Value)); err != nil && first == nil {
			first = fmt.Errorf("header %s: %w", h.Key, err)
		}
	}
	if !found {
		return Letter{}, false, nil
	}
	return l, true, first
}

// Origin is what a replayed record says of itself: where it was read first, when it was made, and how often it has been replayed.
type Origin struct {
	Topic     string
	Partition int32
	Offset    int64
	Timestamp time.Time // the original record time; what Map must get as received, so that run ids stay
	Replays   int
}

// readAs is the header of a letter that a replay's header is read like; empty for others.
func readAs(replay string) string {
	switch replay {
	case HeaderReplayTopic, HeaderReplayPartition, HeaderReplayOffset, HeaderReplayTimestamp:
		return Prefix + strings.TrimPrefix(replay, ReplayPrefix)
	case HeaderReplayCount:
		return HeaderReplays
	}
	return ""
}

// OriginOf reads the replay headers of rec. If one of the five is missing or broken, or names another topic than rec's, to which no replay goes, it is the
// record's own position, with no replays.
//
// It is a claim: anyone who may write to the topic can write headers. Its time is as good as a record's own, which the producer sets too, and may be believed. Its
// position and count may not: who believes them lets one record pass for another. The ledger knows them of each record that a replay has written.
func OriginOf(rec *kgo.Record) Origin {
	own := Origin{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Timestamp: rec.Timestamp}
	if len(rec.Headers) == 0 {
		return own
	}
	var l Letter
	seen := map[string]bool{}
	for _, h := range rec.Headers {
		name := readAs(h.Key)
		if name == "" {
			continue
		}
		if err := l.set(name, string(h.Value)); err != nil {
			return own
		}
		seen[name] = true
	}
	if len(seen) < 5 || l.Topic != rec.Topic {
		return own
	}
	return Origin{Topic: l.Topic, Partition: l.Partition, Offset: l.Offset, Timestamp: l.Timestamp, Replays: l.Replays}
}

// ReplayHeaders are the five headers that make a record a replay of o.
func ReplayHeaders(o Origin) []kgo.RecordHeader {
	return []kgo.RecordHeader{
		{Key: HeaderReplayTopic, Value: []byte(o.Topic)},
		{Key: HeaderReplayPartition, Value: strconv.AppendInt(nil, int64(o.Partition), 10)},
		{Key: HeaderReplayOffset, Value: strconv.AppendInt(nil, o.Offset, 10)},
		{Key: HeaderReplayTimestamp, Value: []byte(formatTime(o.Timestamp))},
		{Key: HeaderReplayCount, Value: strconv.AppendInt(nil, int64(o.Replays), 10)},
	}
}

// placed gives l the record's own position if it has none, and the time that Map got as received.
func placed(rec *kgo.Record, l Letter) Letter {
	if l.Topic == "" {
		l.Topic, l.Partition, l.Offset, l.Timestamp = rec.Topic, rec.Partition, rec.Offset, rec.Timestamp
	}
	if o := OriginOf(rec); l.Topic == o.Topic {
		l.Timestamp = o.Timestamp
	}
	return l
}

// foreign are the headers that are not ours. The slice is new, so that appending never writes into the source's.
func foreign(hs []kgo.RecordHeader) []kgo.RecordHeader {
	out := make([]kgo.RecordHeader, 0, len(hs)+16)
	for _, h := range hs {
		if !strings.HasPrefix(h.Key, Prefix) && !strings.HasPrefix(h.Key, ReplayPrefix) {
			out = append(out, h)
		}
	}
	return out
}

func headers(l Letter) []kgo.RecordHeader {
	hs := make([]kgo.RecordHeader, 0, 16)
	add := func(name, value string) {
		if value != "" {
			hs = append(hs, kgo.RecordHeader{Key: name, Value: []byte(value)})
		}
	}
	add(HeaderTopic, l.Topic)
	add(HeaderPartition, strconv.Itoa(int(l.Partition)))
	add(HeaderOffset, strconv.FormatInt(l.Offset, 10))
	add(HeaderTimestamp, formatTime(l.Timestamp))
	add(HeaderGroup, l.Group)
	add(HeaderStage, l.Stage)
	add(HeaderDisposition, l.Disposition)
	add(HeaderCode, l.Code)
	add(HeaderError, bounded(l.Error))
	add(HeaderAttempts, strconv.Itoa(l.Attempts))
	add(HeaderFirstFailedAt, formatTime(l.FirstFailedAt))
	add(HeaderFailedAt, formatTime(l.FailedAt))
	add(HeaderReplays, strconv.Itoa(l.Replays))
	add(HeaderPart, l.Part)
	add(HeaderReference, l.Reference)
	add(HeaderVersion, Version)
	return hs
}

// set reads one header into l. Unknown names are left alone: a later version may have more.
func (l *Letter) set(name, value string) (err error) {
	switch name {
	case HeaderTopic:
		l.Topic, err = topicName(value)
	case HeaderPartition:
		l.Partition, err = partition(value)
	case HeaderOffset:
		l.Offset, err = count(value, 64)
	case HeaderTimestamp:
		l.Timestamp, err = parseTime(value)
	case HeaderGroup:
		l.Group = cut(value, maxNameBytes)
	case HeaderStage:
		l.Stage = cut(value, maxNameBytes)
	case HeaderDisposition:
		l.Disposition = cut(value, maxNameBytes)
	case HeaderCode:
		l.Code = cut(value, maxNameBytes)
	case HeaderError:
		l.Error = cut(value, MaxErrorBytes)
	case HeaderAttempts:
		l.Attempts, err = small(value)
	case HeaderFirstFailedAt:
		l.FirstFailedAt, err = parseTime(value)
	case HeaderFailedAt:
		l.FailedAt, err = parseTime(value)
	case HeaderReplays:
		l.Replays, err = small(value)
	case HeaderPart:
		l.Part = cut(value, MaxErrorBytes)
	case HeaderReference:
		l.Reference = cut(value, maxNameBytes)
	}
	return err
}

// count reads a number that is never negative. The error does not quote the value: anyone can write a header.
func count(value string, bits int) (int64, error) {
	n, err := strconv.ParseInt(value, 10, bits)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("not a number from 0 to 2^%d-1", bits-1)
	}
	return n, nil
}

// partition reads a partition, which is UnknownPartition for a record that another system's letter held.
func partition(value string) (int32, error) {
	if value == strconv.Itoa(UnknownPartition) {
		return UnknownPartition, nil
	}
	n, err := count(value, 32)
	return int32(n), err
}

func small(value string) (int, error) {
	n, err := count(value, 32)
	return int(n), err
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return Near(t).Format(TimeLayout)
}

func parseTime(value string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, value)
	if err != nil || Near(t) != t.UTC() {
		return time.Time{}, errors.New("not an RFC 3339 time")
	}
	return t.UTC(), nil
}

// Near is t in UTC, moved into the years 0 – 9999, which alone have a form in RFC 3339 and in JSON: the time of a record is whatever its producer says.
func Near(t time.Time) time.Time {
	t = t.UTC()
	switch {
	case t.Year() > 9999:
		return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	case t.Year() < 0:
		return time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return t
}

// topicName is value if a topic can have this name. The error does not quote it.
func topicName(value string) (string, error) {
	if value == "" || len(value) > maxNameBytes {
		return "", errors.New("no topic can have this name")
	}
	for i := range len(value) {
		if !strings.Contains(topicLetters, value[i:i+1]) {
			return "", errors.New("no topic can have this name")
		}
	}
	return value, nil
}

// topicLetters are what Kafka lets the name of a topic hold.
const topicLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

// bounded cuts s to MaxErrorBytes.
func bounded(s string) string { return cut(s, MaxErrorBytes) }

// cut shortens s to n bytes without tearing a rune, and makes it UTF-8.
func cut(s string, n int) string {
	if len(s) > 2*n { // what goes may be very long
		s = s[:2*n]
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n])
}
