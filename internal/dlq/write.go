package dlq

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A writer writes the records of a transaction, and waits for them. A *refusal names what a further attempt would not write either; after any error the
// transaction must be aborted.
type writer interface {
	write(ctx context.Context, recs []*kgo.Record) error
}

// refusal is that a broker will never take a record.
type refusal struct {
	rec *kgo.Record
	all bool // nor any other for its topic
	err error
}

func (e *refusal) Error() string { return fmt.Sprintf("writing to %s: %v", e.rec.Topic, e.err) }
func (e *refusal) Unwrap() error { return e.err }

// covers says whether rec would be refused too.
func (e *refusal) covers(rec *kgo.Record) bool {
	return rec == e.rec || e.all && rec != nil && rec.Topic == e.rec.Topic
}

// errAsAWhole is that a batch of several records was refused, and that the next attempt will tell of which.
var errAsAWhole = errors.New("a batch was refused as a whole")

// batches writes no more at once than a topic takes in one batch: a broker refuses a batch as a whole.
type batches struct {
	client *kgo.Client
	limit  func(ctx context.Context, topic string) (int, error) // the largest batch of a topic in bytes
	singly bool                                                 // a batch was refused as a whole: one record at a time tells which it is
}

func (b *batches) write(ctx context.Context, recs []*kgo.Record) error {
	for len(recs) > 0 {
		n, err := b.together(ctx, recs)
		if err != nil {
			return err
		}
		if err := b.one(ctx, recs[:n]); err != nil {
			return err
		}
		recs = recs[n:]
	}
	b.singly = false
	return nil
}

// together is how many records, from the first on, surely go into batches that are not too large.
func (b *batches) together(ctx context.Context, recs []*kgo.Record) (int, error) {
	if b.singly {
		return 1, nil
	}
	size := 0
	for i, rec := range recs {
		limit, err := b.limit(ctx, rec.Topic)
		if err != nil {
			return 0, err
		}
		if size += recordBytes(rec); i > 0 && size > limit {
			return i, nil
		}
	}
	return len(recs), nil
}

func (b *batches) one(ctx context.Context, recs []*kgo.Record) error {
	for _, rec := range recs {
		rec.Context = nil //nolint:fatcontext // the client keeps that of an attempt before, which has ended: the record would fail by it
	}
	var other error
	for _, result := range b.client.ProduceSync(ctx, recs...) {
		err := result.Err
		switch {
		case err == nil:
			continue
		case topicRefuses(err):
			return &refusal{rec: result.Record, all: true, err: err}
		case recordRefused(err) && len(recs) == 1:
			return &refusal{rec: result.Record, err: err}
		case recordRefused(err):
			b.singly = true
			err = fmt.Errorf("%w (%w)", errAsAWhole, err)
		}
		// What fails because another record did says nothing: one that was refused is looked for first.
		if other == nil || errors.Is(err, errAsAWhole) {
			other = fmt.Errorf("writing to %s: %w", result.Record.Topic, err)
		}
	}
	return other
}

// recordRefused says whether a broker will never take the batch that a record was in.
func recordRefused(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge) || errors.Is(err, kerr.InvalidRecord) || errors.Is(err, kerr.InvalidTimestamp)
}

// topicRefuses says whether a topic takes nothing at all from us.
func topicRefuses(err error) bool {
	return errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.InvalidTopicException) || errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.PolicyViolation)
}

// recordBytes is about what a record takes in a batch.
func recordBytes(rec *kgo.Record) int {
	n := 64 + len(rec.Key) + len(rec.Value)
	for _, h := range rec.Headers {
		n += 10 + len(h.Key) + len(h.Value)
	}
	return n
}

// limits asks for the largest batch of each topic once. A margin is left for the batch's own bytes.
func (t *Topic) limits() func(ctx context.Context, topic string) (int, error) {
	known := make(map[string]int)
	return func(ctx context.Context, topic string) (int, error) {
		if n, ok := known[topic]; ok {
			return n, nil
		}
		config, err := t.maxMessageBytes(ctx, topic)
		if err != nil {
			return 0, err
		}
		n := 1 << 20
		if v := config["max.message.bytes"]; v != nil {
			if set, err := strconv.Atoi(*v); err == nil {
				n = set
			}
		}
		known[topic] = n - n/10
		return known[topic], nil
	}
}
