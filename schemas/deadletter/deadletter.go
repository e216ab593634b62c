// Package deadletter holds the form of a dead letter: a record that could not be delivered, with its key, value and
// headers byte for byte, and beside them gx-ol's own headers that say where it came from and why it was set aside.
//
// It makes and reads letters; it neither produces nor consumes them.
package deadletter

import (
	"fmt"
	"strconv"
	"strings"
	"time"

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
