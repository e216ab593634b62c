package dlq

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/ranges"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// State is what became of a letter.
type State string

// The states. All but Pending and Unclear are settled.
const (
	Pending     State = "pending"
	Replayed    State = "replayed"
	Discarded   State = "discarded"
	Quarantined State = "quarantined"
	Superseded  State = "superseded" // a later letter is about the same record
	Unclear     State = "unclear"    // the ledger's entry cannot be read: it is not replayed, since it may have been, and can be discarded
)

// The codes of what is in the topic and is no letter.
const (
	CodeNoLetter    = "no_letter"    // a record that is nobody's letter
	CodeUnreadBatch = "unread_batch" // the records of a batch that is not read: see LargeBatch
)

// Letter is a letter of the topic and what became of it. It has no value: a topic may hold more of those than memory does.
type Letter struct {
	Position
	Said   deadletter.Letter  // what its headers say
	System deadletter.System  // whose letter; empty: nobody's
	Fault  string             // what of its headers could not be read, or why the batch was not
	Batch  *ranges.LargeBatch // it stands for all records of a batch that is not read; else nil
	At     time.Time          // its own record time
	Key    []byte
	Bytes  int // of key, value and headers
	State  State
	Entry  Entry // of the ledger; zero if Pending or Superseded
	first  place // where its record was read first, if the ledger knows it for a replay's; else zero
}

// place is a record's place in a topic.
type place struct {
	topic     string
	partition int32
	offset    int64
}

func (p place) String() string { return p.topic + "/" + Position{p.partition, p.offset}.String() }

// parsePlace reads what String makes; false if it is none.
func parsePlace(s string) (place, bool) {
	topic, rest, ok := strings.Cut(s, "/")
	at, err := ParsePosition(rest)
	return place{topic, at.Partition, at.Offset}, ok && err == nil
}

// subject is what two letters about one record share: several groups give up one record each for itself.
type subject struct {
	place
	group string
}

// Unreadable says what keeps a letter from being put back; empty if nothing does. Of ours, what can't be read would be taken for zero.
func (l *Letter) Unreadable() string {
	if l.System == deadletter.Ours || l.System == "" {
		return l.Fault
	}
	return "" // of other systems only the place is lost, and the key finds one
}

// subject is false for a letter that does not say where its record lay: it stands for itself.
func (l *Letter) subject() (subject, bool) {
	if l.Unreadable() != "" || l.System == "" || l.Said.Topic == "" || l.Said.Partition < 0 {
		return subject{}, false
	}
	return subject{place{l.Said.Topic, l.Said.Partition, l.Said.Offset}, l.Said.Group}, true
}

// First is where the letter's record was read first, before any replay of it, as the ledger knows.
func (l *Letter) First() deadletter.Origin {
	o := l.Said.First()
	if l.first.topic != "" {
		o.Topic, o.Partition, o.Offset = l.first.topic, l.first.partition, l.first.offset
	}
	return o
}

// Source is the letter's place in its source topic. (Position is its place in the dead-letter topic.)
func (l *Letter) Source() Position { return Position{l.Said.Partition, l.Said.Offset} }

// unreadBatch is the one entry that stands for the records of a batch that is not read.
func unreadBatch(b *ranges.LargeBatch) *Letter {
	return &Letter{Position: Position{b.Partition, b.Span.From}, Fault: b.Error(), Batch: b, State: Pending,
		Said: deadletter.Letter{Code: CodeUnreadBatch, Error: b.Error(), Partition: deadletter.UnknownPartition}}
}

func newLetter(rec *kgo.Record) *Letter {
	inner, system, err := deadletter.Read(rec)
	l := &Letter{Position: Position{rec.Partition, rec.Offset}, Said: inner, System: system, At: deadletter.Near(rec.Timestamp), Key: shortKey(rec.Key), State: Pending}
	if err != nil {
		l.Fault = err.Error()
	}
	if system == "" {
		l.Said.Code, l.Said.Error, l.Said.FailedAt, l.Said.Partition = CodeNoLetter, l.Fault, l.At, deadletter.UnknownPartition
	}
	l.Bytes = len(rec.Key) + len(rec.Value)
	for _, h := range rec.Headers {
		l.Bytes += len(h.Key) + len(h.Value)
	}
	return l
}

// maxKeyBytes is what the index keeps of a key: letters are many, and a key may be as large as a record.
const maxKeyBytes = 1 << 10

// shortKey is a key, or of a long one its beginning and a hash by which it still differs from others.
func shortKey(key []byte) []byte {
	if len(key) <= maxKeyBytes {
		return bytes.Clone(key)
	}
	return fmt.Appendf(nil, "%s…%x", key[:maxKeyBytes], sha256.Sum256(key))
}
