// Package deadletters buries records in dead-letter topics, and makes these topics.
package deadletters

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/producer/kafka"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// Config describes where letters go.
type Config struct {
	TopicOf        func(source string) string // the dead-letter topic of a source topic
	ConnectHeaders bool                       // letters carry the headers of Kafka Connect too
}

// Topics are the dead-letter topics. They are safe for concurrent use.
type Topics struct {
	cfg         Config
	writer      *kafka.Writer
	transaction bool // see InTransaction
}

// New writes with a writer that stays the caller's.
func New(w *kafka.Writer, cfg Config) *Topics { return &Topics{cfg: cfg, writer: w} }

// InTransaction buries inside the transactions of a writer that kafka.NewTransactionWriter made. One attempt, in the form that
// the letter names: if it is too large, that is a Message fault (oversize), since the transaction has failed and the smaller form
// must be written in the next.
func (t *Topics) InTransaction(w *kafka.Writer) *Topics {
	return &Topics{cfg: t.cfg, writer: w, transaction: true}
}

// Bury writes rec as a letter and waits for the acknowledgement. A letter that the broker finds too large becomes a
// reference letter, and if even that is too large, a bare one; so no record wedges its partition. With l.Reference
// set, the letter is a reference from the start (a record that is over the input's limit).
//
// A nil error alone means that the record may be committed. All others are Backend faults, or ctx's own; in a transaction
// also the Message fault of a letter that is too large in its form.
func (t *Topics) Bury(ctx context.Context, rec *kgo.Record, l deadletter.Letter) error {
	topic := t.cfg.TopicOf(rec.Topic)
	for {
		err := t.write(ctx, rec, topic, l)
		tooLarge := err != nil && fault.Of(err).Code == kafka.TooLarge
		switch {
		case tooLarge && t.transaction:
			return err
		case tooLarge && l.Reference == "":
			l.Reference = deadletter.ReferenceKept
		case tooLarge && l.Reference == deadletter.ReferenceKept:
			l.Reference = deadletter.ReferenceBare
		default:
			return holding(err)
		}
	}
}

// write writes a letter, to a topic that it makes if need be: one that a regular expression took in after the start has no
// dead-letter topic yet.
func (t *Topics) write(ctx context.Context, rec *kgo.Record, topic string, l deadletter.Letter) error {
	err := t.writer.Write(ctx, t.letter(rec, topic, l))
	if !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return err
	}
	if missing := EnsureTopic(ctx, t.writer.Client(), rec.Topic, topic); missing != nil {
		return missing
	}
	if t.transaction {
		return err // it has failed; the next one finds the topic
	}
	return t.writer.Write(ctx, t.letter(rec, topic, l))
}

// letter is rec as a letter, whole or as the reference that l names.
func (t *Topics) letter(rec *kgo.Record, topic string, l deadletter.Letter) *kgo.Record {
	wrap := deadletter.Wrap
	if l.Reference != "" {
		wrap = deadletter.WrapReference
	}
	if t.cfg.ConnectHeaders {
		return deadletter.WithConnectHeaders(wrap(rec, topic, l))
	}
	return wrap(rec, topic, l)
}

// holding makes of every fault one that holds the partition: a record that can't be buried must not be passed over.
func holding(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	held := *f
	held.Kind, held.Disposition = fault.Backend, ""
	held.Code = "dead_letter_" + f.Code
	held.Err = buried{err}
	return &held
}

// buried is the error of a letter.
type buried struct{ error }

func (b buried) Error() string { return "burying record: " + b.error.Error() }

// Unwrap is the writer's error.
func (b buried) Unwrap() error { return b.error }
