package dlq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// transactionalID is the transactional id of whoever settles letters of a topic with this id: of two, the brokers let the later one live.
func transactionalID(topicID string) string { return "gx-ol.dlq." + topicID }

// settleWithin bounds a transaction, and how long one that was killed keeps the next waiting.
const settleWithin = 60 * time.Second

// ErrFenced is that another process has begun to settle letters of the same topic.
var ErrFenced = errors.New("another gx-ol dlq has begun to settle letters of this topic, and this one ends: what it had reported is done, the rest is the other's to do")

// Session is the one process that settles letters of a topic. Make it with Begin, end it with Close.
type Session struct {
	*Topic
	Index  *Index // the letters, with what was settled when the session began; states follow what it settles
	by     string
	client *kgo.Client // transactional
	limits map[string]int
	singly bool // a batch was refused as a whole: one record at a time tells which it is
}

// Begin makes this process the one that settles letters: it shuts out every earlier one, and only then reads what they settled. opts make
// the client; by names the operator in ledger and audit. seen are the letters that the operator has looked at: none that came since is
// settled. If it is nil, the letters are those of now.
func (t *Topic) Begin(ctx context.Context, opts []kgo.Opt, by string, seen *Index) (*Session, error) {
	if strings.Trim(t.ID, "0") == "" {
		return nil, fmt.Errorf("the brokers give topic %s no id, by which the ledger tells its lives apart: dead letters are settled with Apache Kafka 2.8 and later", t.Name)
	}
	if err := t.ensureTopics(ctx); err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(opts, kgo.TransactionalID(transactionalID(t.ID)), kgo.TransactionTimeout(settleWithin),
		kgo.RecordPartitioner(placed{}))...)
	if err != nil {
		return nil, err
	}
	s := &Session{Topic: t, Index: seen, by: by, client: client, limits: make(map[string]int)}
	if err := s.begin(ctx); err != nil {
		client.Close()
		return nil, err
	}
	return s, nil
}

func (s *Session) begin(ctx context.Context) error {
	if _, _, err := s.client.ProducerID(ctx); err != nil { // shuts out, and ends the transaction that a killed one left
		return fmt.Errorf("beginning to settle letters of %s: %w", s.Name, err)
	}
	if err := s.look(ctx); err != nil {
		return err
	}
	forgotten, err := s.forgotten(ctx, s.Index.Extent)
	if err != nil || len(forgotten) == 0 {
		return err
	}
	return s.transact(ctx, func(ctx context.Context) error { return s.write(ctx, forgotten...) })
}

// look reads what is settled.
func (s *Session) look(ctx context.Context) (err error) {
	if s.Index == nil {
		s.Index, err = s.Load(ctx)
		return err
	}
	entries, err := s.ledger(ctx)
	if err != nil {
		return err
	}
	s.Index.judge(entries)
	return nil
}

// Close frees the client.
func (s *Session) Close() { s.client.Close() }

// placed puts a record on the partition that it names, if the topic has it, else where Kafka's own clients would by its key.
type placed struct{ kgo.TopicPartitioner }

// ForTopic makes the partitioner of a topic.
func (placed) ForTopic(topic string) kgo.TopicPartitioner {
	return placed{kgo.StickyKeyPartitioner(nil).ForTopic(topic)}
}

// RequiresConsistency keeps a record from going elsewhere while its partition has no leader.
func (p placed) RequiresConsistency(rec *kgo.Record) bool {
	return rec.Partition >= 0 || p.TopicPartitioner.RequiresConsistency(rec)
}

// Partition chooses one of n.
func (p placed) Partition(rec *kgo.Record, n int) int {
	if rec.Partition >= 0 && int(rec.Partition) < n {
		return int(rec.Partition)
	}
	return p.TopicPartitioner.Partition(rec, n)
}

// Action is one letter's settlement: records that leave, and the entry that says so, in one transaction.
type Action struct {
	Letter  *Letter
	Record  *kgo.Record // the replayed record, the copy in quarantine, or the new letter; nil: nothing leaves
	Entry   Entry
	Outcome Outcome
	Warning string // for the operator
}

// Audit is the line that is written for every letter that something was done to.
type Audit struct {
	At      time.Time `json:"at"`
	By      string    `json:"by"`
	Topic   string    `json:"topic"`
	Letter  string    `json:"letter"` // partition/offset
	Outcome Outcome   `json:"outcome"`
	Code    string    `json:"code,omitempty"`
	Source  string    `json:"source,omitempty"` // topic/partition/offset
	To      string    `json:"to,omitempty"`     // topic/partition/offset, or the backend
	Reason  string    `json:"reason,omitempty"`
	Warning string    `json:"warning,omitempty"`
	Replays int       `json:"replays"` // of the letter, this one included
	TopicID string    `json:"topic_id"`
}

// recordError is that a broker refuses one action's record.
type recordError struct {
	action *Action
	err    error
}

func (e *recordError) Error() string { return e.err.Error() }
func (e *recordError) Unwrap() error { return e.err }

// Settle does the actions in one transaction: all of them, or none. A *recordError names the action that no further attempt would do.
func (s *Session) Settle(ctx context.Context, actions []*Action) ([]Audit, error) {
	if len(actions) == 0 {
		return nil, nil
	}
	var audits []Audit
	err := s.transact(ctx, func(ctx context.Context) error {
		audits = audits[:0]
		if err := s.writeActions(ctx, actions); err != nil {
			return err
		}
		var notes []*kgo.Record
		for _, a := range actions {
			a.Entry.By, a.Entry.At = s.by, time.Now().UTC().Truncate(time.Millisecond)
			entry, err := s.entryRecord(a.Letter.Position, a.Entry)
			if err != nil {
				return err
			}
			line := s.audit(a)
			value, err := json.Marshal(line)
			if err != nil {
				return err
			}
			notes = append(notes, entry, &kgo.Record{Topic: s.Name + AuditSuffix, Partition: -1, Key: s.ledgerKey(a.Letter.Position), Value: value})
			audits = append(audits, line)
		}
		return s.write(ctx, notes...)
	})
	if err != nil {
		return nil, err
	}
	for _, a := range actions {
		a.Letter.State, a.Letter.Entry = a.Entry.State, a.Entry
	}
	return audits, nil
}

func (s *Session) audit(a *Action) Audit {
	l := a.Letter
	line := Audit{At: a.Entry.At, By: s.by, Topic: s.Name, TopicID: s.ID, Letter: l.String(), Outcome: a.Outcome, Code: l.Said.Code,
		Reason: a.Entry.Reason, To: a.Entry.To, Replays: l.Said.Replays, Warning: a.Warning}
	if l.Said.Topic != "" {
		line.Source = l.Said.Topic + "/" + l.Source().String()
	}
	if a.Record != nil && a.Outcome != BuriedAgain {
		line.To = a.Record.Topic + "/" + Position{a.Record.Partition, a.Record.Offset}.String()
	}
	if a.Entry.State == Replayed {
		line.Replays++
	}
	return line
}

// writeActions writes what leaves, no more at once than its topic takes in one batch: a broker refuses a batch as a whole.
func (s *Session) writeActions(ctx context.Context, actions []*Action) error {
	for i := 0; i < len(actions); {
		var group []*kgo.Record
		var of []*Action
		size := 0
		for ; i < len(actions); i++ {
			rec := actions[i].Record
			if rec == nil {
				continue
			}
			limit, err := s.limit(ctx, rec.Topic)
			if err != nil {
				return err
			}
			n := recordBytes(rec)
			if len(group) > 0 && (s.singly || size+n > limit) {
				break
			}
			size += n
			group, of = append(group, rec), append(of, actions[i])
		}
		for _, result := range s.client.ProduceSync(ctx, group...) {
			if result.Err == nil {
				continue
			}
			if len(group) == 1 && refused(result.Err) {
				return &recordError{of[0], result.Err}
			}
			return fmt.Errorf("writing to %s: %w", result.Record.Topic, result.Err)
		}
	}
	return nil
}

// refused says whether a broker will never take the record.
func refused(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge) || errors.Is(err, kerr.InvalidRecord) || errors.Is(err, kerr.InvalidTimestamp)
}

// recordBytes is about what a record takes in a batch.
func recordBytes(rec *kgo.Record) int {
	n := 64 + len(rec.Key) + len(rec.Value)
	for _, h := range rec.Headers {
		n += 10 + len(h.Key) + len(h.Value)
	}
	return n
}

// limit is the largest batch of a topic in bytes, asked for once. A margin is left for the batch's own bytes.
func (s *Session) limit(ctx context.Context, topic string) (int, error) {
	if n, ok := s.limits[topic]; ok {
		return n, nil
	}
	config, err := s.maxMessageBytes(ctx, topic)
	if err != nil {
		return 0, err
	}
	n := 1 << 20
	if v := config["max.message.bytes"]; v != nil {
		if set, err := strconv.Atoi(*v); err == nil {
			n = set
		}
	}
	s.limits[topic] = n - n/10
	return s.limits[topic], nil
}

// write writes records and waits for all of them.
func (s *Session) write(ctx context.Context, recs ...*kgo.Record) error {
	if err := s.client.ProduceSync(ctx, recs...).FirstErr(); err != nil {
		return fmt.Errorf("writing to %s: %w", recs[0].Topic, err)
	}
	return nil
}

// transact runs work inside a transaction, which commits if work has no error. A stop does not tear it: it ends within settleWithin.
func (s *Session) transact(ctx context.Context, work func(context.Context) error) error {
	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleWithin)
	defer cancel()
	if err := s.client.BeginTransaction(); err != nil {
		return fenced(err)
	}
	failed := work(whole)
	if failed != nil {
		_ = s.client.AbortBufferedRecords(whole) // what it can't abort, the end of the transaction does
	}
	if err := s.client.EndTransaction(whole, kgo.TransactionEndTry(failed == nil)); err != nil {
		return fenced(errors.Join(failed, err))
	}
	return fenced(failed)
}

// fenced gives the brokers' word for it ours.
func fenced(err error) error {
	if errors.Is(err, kerr.ProducerFenced) || errors.Is(err, kerr.InvalidProducerEpoch) || errors.Is(err, kerr.InvalidProducerIDMapping) {
		return fmt.Errorf("%w (%w)", ErrFenced, err)
	}
	return err
}
