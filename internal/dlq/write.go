package dlq

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// Writer writes records inside the transactions of one client. It blames exactly the record that a broker will never take, with a Message fault; that
// one of several is refused comes as an unclear Backend fault, until a later attempt is certain which.
type Writer interface {
	// Send hands rec over. done is called once; until then rec is the writer's.
	Send(ctx context.Context, rec *kgo.Record, done func(error))
	// Committed tells that the transaction was committed.
	Committed()
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

// write writes the records of a transaction, and waits for them. A *refusal names what a further attempt would not write either; after any error the
// transaction must be aborted.
func write(ctx context.Context, to Writer, recs []*kgo.Record) error {
	errs := make([]error, len(recs))
	var told sync.WaitGroup
	told.Add(len(recs))
	for i, rec := range recs {
		rec.Context = nil //nolint:fatcontext // the client keeps that of an attempt before, which has ended: the record would fail by it
		to.Send(ctx, rec, func(err error) { errs[i] = err; told.Done() })
	}
	told.Wait()
	var other error
	for i, err := range errs {
		if err == nil {
			continue
		}
		f := fault.Of(err)
		switch {
		case topicRefuses(err):
			return &refusal{rec: recs[i], all: true, err: err}
		case f.Kind == fault.Message:
			return &refusal{rec: recs[i], err: err}
		case f.Unclear:
			other = fmt.Errorf("%w (%w)", errAsAWhole, err)
		case other == nil: // what fails because another record did says nothing
			other = err
		}
	}
	return other
}

// topicRefuses says whether a topic takes nothing at all from us.
func topicRefuses(err error) bool {
	return errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.InvalidTopicException) || errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.PolicyViolation)
}
