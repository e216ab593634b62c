package dlq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/transact"
)

// transactionalID is the transactional id of whoever settles letters of a topic with this id: of two, the brokers let the later one live.
func transactionalID(topicID string) string { return "gx-ol.dlq." + topicID }

// ErrFenced is that another process has begun to settle letters of the same topic.
var ErrFenced = errors.New("another gx-ol dlq has begun to settle letters of this topic, and this one ends: what it had reported is done, the rest is the other's to do")

// Session is the one process that settles letters of a topic. Make it with Begin, end it with Close.
type Session struct {
	*Topic
	Index *Index // the letters, with what was settled when the session began; states follow what it settles
	by    string
	out   *transact.Session
}

// Begin makes this process the one that settles letters: it shuts out every earlier one, and only then reads what they settled. opts make
// the client, and writer what writes with it; by names the operator in ledger and audit. seen are the letters that the operator has looked at: none that came since is
// settled. If it is nil, the letters are those of now.
func (t *Topic) Begin(ctx context.Context, opts []kgo.Opt, writer func(*kgo.Client) transact.Writer, by string, seen *Index) (*Session, error) {
	if strings.Trim(t.ID, "0") == "" {
		return nil, fmt.Errorf("the brokers give topic %s no id, by which the ledger tells its lives apart: dead letters are settled with Apache Kafka 2.8 and later", t.Name)
	}
	if err := t.ensureTopics(ctx); err != nil {
		return nil, err
	}
	out, err := transact.New(transactionalID(t.ID), append(opts[:len(opts):len(opts)], kgo.RecordPartitioner(placed{})), writer, ErrFenced)
	if err != nil {
		return nil, err
	}
	s := &Session{Topic: t, Index: seen, by: by, out: out}
	if err := s.begin(ctx); err != nil {
		out.Close()
		return nil, err
	}
	return s, nil
}

func (s *Session) begin(ctx context.Context) error {
	if err := s.out.Begin(ctx); err != nil {
		return fmt.Errorf("beginning to settle letters of %s in transactions of the id %s: %w", s.Name, transactionalID(s.ID), err)
	}
	ledger, err := s.look(ctx)
	if err != nil {
		return err
	}
	forgotten := s.forgotten(ledger, s.Index.Extent)
	if len(forgotten) == 0 {
		return nil
	}
	return s.out.Transact(ctx, func(ctx context.Context) error { return s.out.Write(ctx, forgotten) })
}

// look reads what is settled: once, after the fence, so that nothing can be settled beside it.
func (s *Session) look(ctx context.Context) (l *ledger, err error) {
	if s.Index == nil {
		s.Index, l, err = s.load(ctx)
		return l, err
	}
	if l, err = s.ledger(ctx); err == nil {
		s.Index.settle(l)
	}
	return l, err
}

// Close frees the client.
func (s *Session) Close() { s.out.Close() }

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

// Sources are which of the letters' source topics exist.
func (s *Session) Sources(ctx context.Context, letters []*Letter) (map[string]bool, error) {
	out := make(map[string]bool)
	for _, l := range letters {
		if s.IsInput(l.Said.Topic) {
			out[l.Said.Topic] = true
		}
	}
	if len(out) == 0 {
		return out, nil
	}
	names := make([]string, 0, len(out))
	for name := range out {
		names = append(names, name)
	}
	details, err := s.admin.ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("asking for the source topics: %w", err)
	}
	for name := range out {
		out[name] = !errors.Is(details[name].Err, kerr.UnknownTopicOrPartition) // any other error passes, or the write tells it
	}
	return out, nil
}

// Settle does the actions in transactions, each with the entries that say so: all that the brokers take. left are the others; those letters stay.
func (s *Session) Settle(ctx context.Context, actions []*Action) (audits, left []Audit, err error) {
	for {
		audits, err = s.attempt(ctx, actions)
		if errors.Is(err, transact.ErrAsAWhole) {
			continue // the next attempt tells which record it is
		}
		no, ok := errors.AsType[*transact.Refusal](err)
		if !ok {
			return audits, left, err
		}
		before := len(actions)
		actions = slices.DeleteFunc(actions, func(a *Action) bool {
			if !no.Covers(a.Record) {
				return false
			}
			outcome := TooLarge
			if no.All {
				outcome = Refused
			}
			left = append(left, s.Leave(a.Letter, outcome, no.Error()))
			return true
		})
		if len(actions) == before {
			return nil, left, err // not a letter's record: the ledger or the audit
		}
	}
}

// attempt does the actions in one transaction: all of them, or none.
func (s *Session) attempt(ctx context.Context, actions []*Action) ([]Audit, error) {
	if len(actions) == 0 {
		return nil, nil
	}
	var audits []Audit
	err := s.out.Transact(ctx, func(ctx context.Context) error {
		var leave, notes []*kgo.Record
		for _, a := range actions {
			if a.Record != nil {
				leave = append(leave, a.Record)
			}
		}
		if err := s.out.Write(ctx, leave); err != nil {
			return err
		}
		for _, a := range actions {
			a.Entry.By, a.Entry.At = s.by, time.Now().UTC().Truncate(time.Millisecond)
			if a.Record != nil && a.Entry.State == Replayed && a.Outcome == ReplayedOutcome {
				first := a.Letter.First()
				a.Entry.As, a.Entry.First = placeOf(a.Record).String(), place{first.Topic, first.Partition, first.Offset}.String()
				a.Entry.Time, a.Entry.Replays = first.Timestamp, first.Replays
			}
			line := s.audit(a)
			entry, err1 := s.entryRecord(a.Letter.Position, a.Entry)
			value, err2 := json.Marshal(line)
			if err := errors.Join(err1, err2); err != nil {
				return err
			}
			notes = append(notes, entry, &kgo.Record{Topic: s.Name + AuditSuffix, Partition: -1, Key: s.ledgerKey(a.Letter.Position), Value: value})
			audits = append(audits, line)
		}
		return s.out.Write(ctx, notes)
	})
	if err != nil {
		return nil, err
	}
	for _, a := range actions {
		a.Letter.State, a.Letter.Entry = a.Entry.State, a.Entry
	}
	return audits, nil
}

// Discard settles letters as not wanted any more.
func (s *Session) Discard(ctx context.Context, letters []*Letter, reason string, each func(Audit)) error {
	for len(letters) > 0 {
		n := min(MaxChunk, len(letters))
		var actions []*Action
		for _, l := range letters[:n] {
			actions = append(actions, &Action{Letter: l, Outcome: DiscardedNow, Entry: Entry{State: Discarded, Reason: reason}})
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		audits, _, err := s.Settle(ctx, actions) // none has a record that could be refused
		if err != nil {
			return err
		}
		for _, line := range audits {
			each(line)
		}
		letters = letters[n:]
	}
	return nil
}
