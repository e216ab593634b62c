package publish

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/topicnames"
	"github.com/gx-ol/gx-ol/internal/transact"
)

// ErrFenced is that another process has begun to publish the same store.
var ErrFenced = errors.New("another gx-ol publish has begun to publish this store to this topic, and this one ends: what it published is done, the rest is the other's to do. " +
	"If the other's is another store under the same name, give each a name with --store")

// Place is where a store's results go, and who publishes them.
type Place struct {
	Topic  string
	Ledger string // its topic; empty: Topic and topicnames.PublishedSuffix
	Store  string // the name under which the ledger keeps the store
	By     string // the operator, user@host
	Opts   []kgo.Opt
	Writer func(*kgo.Client) transact.Writer
}

// session is the one process that publishes a store.
type session struct {
	ledger
	by    string
	out   *transact.Session
	known *known
}

// lost is an error of the brokers.
type lost struct{ error }

func (e lost) Unwrap() error { return e.error }

func (p Place) ledgerTopic() string {
	if p.Ledger != "" {
		return p.Ledger
	}
	return p.Topic + topicnames.PublishedSuffix
}

// transactionalID is that of whoever publishes a store to a topic by a ledger: of two, the brokers let the later one live.
func (l ledger) transactionalID() string {
	id := printOf("transaction", l.topic+"\x00"+l.store, nil)
	return "gx-ol.publish." + l.of + "." + hex.EncodeToString(id[:8])
}

// find asks the brokers for the topic, of which the ledger's keys hold the id.
func (p Place) find(ctx context.Context, admin *kadm.Client) (l ledger, replicas int, err error) {
	found, err := admin.ListTopics(ctx, p.Topic)
	if err == nil {
		err = found[p.Topic].Err
	}
	if err != nil {
		return l, 0, fmt.Errorf("asking for topic %s: %w", p.Topic, err)
	}
	d := found[p.Topic]
	return ledger{topic: p.ledgerTopic(), of: fmt.Sprintf("%x", d.ID[:]), store: p.Store}, d.Partitions.NumReplicas(), nil
}

// peek reads what the ledger holds, and shuts nobody out.
func (p Place) peek(ctx context.Context) (*known, error) {
	client, err := kgo.NewClient(p.Opts...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	l, _, err := p.find(ctx, kadm.NewClient(client))
	if err != nil {
		return nil, err
	}
	return l.load(ctx, p.Opts, "")
}

// begin makes this process the one that publishes the store: it shuts out every earlier one, and only then reads what they published.
func (p Place) begin(ctx context.Context) (s *session, err error) {
	plain, err := kgo.NewClient(p.Opts...)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	l, replicas, err := p.find(ctx, kadm.NewClient(plain))
	if err != nil {
		return nil, lost{err}
	}
	if err := l.ensure(ctx, kadm.NewClient(plain), replicas); err != nil {
		return nil, lost{err}
	}
	out, err := transact.New(l.transactionalID(), append(p.Opts[:len(p.Opts):len(p.Opts)], kgo.RecordPartitioner(placed{l.topic})), p.Writer, ErrFenced)
	if err != nil {
		return nil, err
	}
	s = &session{ledger: l, by: p.By, out: out}
	if s.known, err = s.fence(ctx, p.Opts); err != nil {
		out.Close()
		return nil, lost{err}
	}
	return s, nil
}

func (s *session) fence(ctx context.Context, opts []kgo.Opt) (*known, error) {
	if err := s.out.Begin(ctx); err != nil {
		return nil, fmt.Errorf("beginning to publish in transactions of the id %s: %w", s.transactionalID(), needs("WRITE on transactional ids gx-ol.publish.*", err))
	}
	mark, nonce, err := s.mark(s.by)
	if err != nil {
		return nil, err
	}
	if err := s.transact(ctx, []*kgo.Record{mark}); err != nil {
		return nil, fmt.Errorf("writing to the ledger %s: %w", s.topic, needs("WRITE on it", err))
	}
	return s.load(ctx, opts, nonce)
}

// close frees the client.
func (s *session) close() { s.out.Close() }

// placed puts the ledger's records on its partition 0, and others where Kafka's own clients would by their key.
type placed struct{ ledger string }

// ForTopic makes the partitioner of a topic.
func (p placed) ForTopic(topic string) kgo.TopicPartitioner {
	if topic == p.ledger {
		return kgo.ManualPartitioner().ForTopic(topic)
	}
	return kgo.StickyKeyPartitioner(nil).ForTopic(topic)
}

// publish writes the files' records and their entries in one transaction: all that the brokers take. A record that they will never take becomes a fault of
// its file, and the others go.
func (s *session) publish(ctx context.Context, files []*file) error {
	for {
		recs, of, err := s.records(files)
		if err != nil {
			return err
		}
		err = s.transact(ctx, recs)
		if err == nil {
			s.learn(files)
			return nil
		}
		switch no, ok := errors.AsType[*transact.Refusal](err); {
		case errors.Is(err, transact.ErrAsAWhole): // the next attempt tells which record it is
		case ok && !no.All && of[no.Record] != nil:
			of[no.Record].refuse(no.Record, no.Err)
		default:
			return lost{err}
		}
	}
}

// records are those of a transaction, and the file of each that is a result.
func (s *session) records(files []*file) (recs []*kgo.Record, of map[*kgo.Record]*file, err error) {
	of = make(map[*kgo.Record]*file)
	now := time.Now().UTC().Truncate(time.Millisecond)
	var notes []*kgo.Record
	note := func(f *file, sum digest, e entry) {
		e.At, e.By = now, s.by
		rec, failed := s.record(f.Path, sum, e)
		notes, err = append(notes, rec), errors.Join(err, failed)
	}
	for _, f := range files {
		for _, d := range f.docs {
			recs, of[d.rec] = append(recs, d.rec), f
			if d.sum != f.sum {
				note(f, d.sum, entry{Run: d.run})
			}
		}
		if len(f.bad) == 0 { // else the file is looked at again by the next process
			note(f, f.sum, entry{Run: f.run, Stamp: f.settled()})
		}
	}
	return append(recs, notes...), of, err
}

// learn takes in what a transaction has committed.
func (s *session) learn(files []*file) {
	for _, f := range files {
		for _, d := range f.docs {
			s.known.add(f.Path, d.sum, "")
		}
		if len(f.bad) == 0 {
			s.known.add(f.Path, f.sum, f.settled())
		}
	}
}

// refuse takes a record out of the file.
func (f *file) refuse(rec *kgo.Record, err error) {
	for i, d := range f.docs {
		if d.rec == rec {
			f.docs = append(f.docs[:i:i], f.docs[i+1:]...)
			f.bad = append(f.bad, err)
			return
		}
	}
}

// transact writes records in one transaction.
func (s *session) transact(ctx context.Context, recs []*kgo.Record) error {
	return s.out.Transact(ctx, func(ctx context.Context) error { return s.out.Write(ctx, recs) })
}

// needs says which right is missing, where one is.
func needs(right string, err error) error {
	if errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed) || errors.Is(err, kerr.TransactionalIDAuthorizationFailed) {
		return fmt.Errorf("%w; it needs %s", err, right)
	}
	return err
}

// forGood says whether an error of the brokers will not end by itself.
func forGood(err error) bool {
	for _, never := range []error{ErrFenced, kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed, kerr.SaslAuthenticationFailed, kerr.InvalidTopicException} {
		if errors.Is(err, never) {
			return true
		}
	}
	return false
}
