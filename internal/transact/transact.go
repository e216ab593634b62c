// Package transact writes records in transactions as the one process that may: of two with the same transactional id the brokers let the later one live. What a broker
// will never take is blamed on exactly the record that it is.
package transact

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// within bounds a transaction, and how long one that was killed keeps the next waiting.
const within = 60 * time.Second

// Writer writes records inside the transactions of one client. It blames exactly the record that a broker will never take, with a Message fault; that
// one of several is refused comes as an unclear Backend fault, until a later attempt is certain which.
type Writer interface {
	// Send hands rec over. done is called once; until then rec is the writer's.
	Send(ctx context.Context, rec *kgo.Record, done func(error))
	// Committed tells that the transaction was committed.
	Committed()
}

// Session is the one process that writes under a transactional id. Make it with New, begin with Begin, end it with Close.
type Session struct {
	client *kgo.Client
	out    Writer
	fenced error
}

// New makes a Session; it asks nobody yet. opts make its client, and writer what writes with it; fenced is the error that another process has begun under the
// same id, for errors.Is.
func New(id string, opts []kgo.Opt, writer func(*kgo.Client) Writer, fenced error) (*Session, error) {
	client, err := kgo.NewClient(append(opts[:len(opts):len(opts)], kgo.TransactionalID(id), kgo.TransactionTimeout(within))...)
	if err != nil {
		return nil, err
	}
	return &Session{client: client, out: writer(client), fenced: fenced}, nil
}

// Begin shuts out every earlier process, and ends the transaction that a killed one left: what is read after it is all that they wrote.
func (s *Session) Begin(ctx context.Context) error {
	_, _, err := s.client.ProducerID(ctx)
	return s.named(err)
}

// Close frees the client.
func (s *Session) Close() { s.client.Close() }

// Transact runs work inside a transaction, which commits if work has no error. A stop does not tear it: it ends within a minute.
func (s *Session) Transact(ctx context.Context, work func(context.Context) error) error {
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	if err := s.client.BeginTransaction(); err != nil {
		return s.named(err)
	}
	failed := work(whole)
	if failed != nil {
		_ = s.client.AbortBufferedRecords(whole) // what it can't abort, the end of the transaction does
	}
	if err := s.client.EndTransaction(whole, kgo.TransactionEndTry(failed == nil)); err != nil {
		return s.named(errors.Join(failed, err))
	}
	if failed == nil {
		s.out.Committed()
	}
	return s.named(failed)
}

// named gives the brokers' word for it ours.
func (s *Session) named(err error) error {
	if errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) || errors.Is(err, kerr.InvalidProducerIDMapping) {
		return fmt.Errorf("%w (%w)", s.fenced, err)
	}
	return err
}

// Refusal is that a broker will never take a record.
type Refusal struct {
	Record *kgo.Record
	All    bool // nor any other for its topic
	Err    error
}

func (e *Refusal) Error() string { return fmt.Sprintf("writing to %s: %v", e.Record.Topic, e.Err) }
func (e *Refusal) Unwrap() error { return e.Err }

// Covers says whether rec would be refused too.
func (e *Refusal) Covers(rec *kgo.Record) bool {
	return rec == e.Record || e.All && rec != nil && rec.Topic == e.Record.Topic
}

// ErrAsAWhole is that a batch of several records was refused, and that the next attempt will tell of which.
var ErrAsAWhole = errors.New("a batch was refused as a whole")

// Write writes records of a transaction, and waits for them. A *Refusal names what a further attempt would not write either; after any error the
// transaction must be aborted.
func (s *Session) Write(ctx context.Context, recs []*kgo.Record) error {
	errs := make([]error, len(recs))
	var told sync.WaitGroup
	told.Add(len(recs))
	for i, rec := range recs {
		rec.Context = nil //nolint:fatcontext // the client keeps that of an attempt before, which has ended: the record would fail by it
		s.out.Send(ctx, rec, func(err error) { errs[i] = err; told.Done() })
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
			return &Refusal{Record: recs[i], All: true, Err: err}
		case f.Kind == fault.Message:
			return &Refusal{Record: recs[i], Err: err}
		case f.Unclear:
			other = fmt.Errorf("%w (%w)", ErrAsAWhole, err)
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
