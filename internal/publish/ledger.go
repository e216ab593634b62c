package publish

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/store"
)

// entry is what the ledger says of a file that was published, or of a document in it that is not the whole of its bytes. Its key is
// <topic id>/<hash of the store's name>/<hash of the content>/<path>.
type entry struct {
	Stamp string    `json:"stamp,omitempty"` // a file with this stamp need not be read again
	Run   time.Time `json:"run,omitzero"`
	At    time.Time `json:"at"`
	By    string    `json:"by"`
}

// known is what a ledger holds of one store.
type known struct {
	contents map[fingerprint]fingerprint // of each content that was published the stamp of its file, zero if it may change without a new stamp
	stamps   map[fingerprint]struct{}
}

func newKnown() *known {
	return &known{contents: make(map[fingerprint]fingerprint), stamps: make(map[fingerprint]struct{})}
}

// add takes in that a content was published. stamp is that of its file; empty if none can be relied on.
func (k *known) add(name string, sum digest, stamp string) {
	var of fingerprint
	if stamp != "" {
		of = printOf("stamp", name, []byte(stamp))
		k.stamps[of] = struct{}{}
	}
	k.contents[contentOf(name, sum)] = of
}

// forget takes in that somebody wants a content to be published again.
func (k *known) forget(name string, sum digest) {
	delete(k.stamps, k.contents[contentOf(name, sum)])
	delete(k.contents, contentOf(name, sum))
}

func (k *known) content(name string, sum digest) bool {
	_, ok := k.contents[contentOf(name, sum)]
	return ok
}

func (k *known) stamp(o store.Object) bool {
	_, ok := k.stamps[stampOf(o)]
	return ok
}

// ledger is where a store's entries stand.
type ledger struct {
	topic string // the ledger's
	of    string // the id of the results' topic: in one that was made anew nothing has been published
	store string // its name
}

func (l ledger) prefix() string {
	name := printOf("store", l.store, nil)
	return l.of + "/" + hex.EncodeToString(name[:]) + "/"
}

// key is that of a content under a path.
func (l ledger) key(path string, sum digest) []byte {
	return []byte(l.prefix() + hex.EncodeToString(sum[:]) + "/" + path)
}

// enter takes a record of the ledger in, if it is the store's.
func (l ledger) enter(k *known, rec *kgo.Record) {
	rest, ok := strings.CutPrefix(string(rec.Key), l.prefix())
	if !ok {
		return
	}
	text, path, ok := strings.Cut(rest, "/")
	var sum digest
	if raw, err := hex.DecodeString(text); !ok || err != nil || copy(sum[:], raw) != len(sum) {
		return
	}
	if rec.Value == nil {
		k.forget(path, sum)
		return
	}
	var e entry
	if err := json.Unmarshal(rec.Value, &e); err != nil {
		e.Stamp = "" // it still says that the content was published: to publish it twice would be worse than to read the file again
	}
	k.add(path, sum, e.Stamp)
}

// record is an entry as the ledger holds it.
func (l ledger) record(path string, sum digest, e entry) (*kgo.Record, error) {
	value, err := json.Marshal(e)
	return &kgo.Record{Topic: l.topic, Key: l.key(path, sum), Value: value}, err
}

// mark is a record that a session writes first: who reads up to it has read everything that was published before.
func (l ledger) mark(by string) (rec *kgo.Record, nonce string, err error) {
	nonce = rand.Text()
	value, err := json.Marshal(map[string]string{"store": l.store, "by": by, "at": time.Now().UTC().Format(time.RFC3339), "session": nonce})
	return &kgo.Record{Topic: l.topic, Key: []byte(l.prefix() + "session"), Value: value, Headers: []kgo.RecordHeader{{Key: "session", Value: []byte(nonce)}}}, nonce, err
}

// ensure makes the ledger's topic if it is missing: one partition, compacted, with the replicas of the results' topic.
func (l ledger) ensure(ctx context.Context, admin *kadm.Client, replicas int) error {
	found, err := admin.ListTopics(ctx, l.topic)
	if err != nil {
		return fmt.Errorf("asking for the ledger %s: %w", l.topic, err)
	}
	switch err := found[l.topic].Err; {
	case err == nil:
		return nil
	case !errors.Is(err, kerr.UnknownTopicOrPartition):
		return fmt.Errorf("asking for the ledger %s: %w", l.topic, needs("READ and WRITE on it", err))
	}
	compact := "compact"
	_, err = admin.CreateTopic(ctx, 1, int16(replicas), map[string]*string{"cleanup.policy": &compact}, l.topic)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("creating the ledger %s: %w", l.topic, needs("CREATE on it, or that somebody makes it (one partition, cleanup.policy=compact)", err))
	}
	return nil
}

// load reads the ledger up to the end that it has now, or to the record of a session if nonce is not empty.
func (l ledger) load(ctx context.Context, opts []kgo.Opt, nonce string) (*known, error) {
	client, err := kgo.NewClient(append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{l.topic: {0: kgo.NewOffset().AtStart()}}))...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	k := newKnown()
	end := int64(-1)
	if nonce == "" {
		if end, err = stableEnd(ctx, client, l.topic); err != nil || end <= 0 {
			return k, err
		}
	}
	for {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("reading the ledger %s: %w", l.topic, needs("READ on it", err))
		}
		done := false
		fetches.EachRecord(func(rec *kgo.Record) {
			if !rec.Attrs.IsControl() {
				l.enter(k, rec)
			}
			done = done || nonce == "" && rec.Offset >= end-1 || nonce != "" && sessionOf(rec) == nonce
		})
		if done {
			return k, nil
		}
	}
}

// stableEnd is behind the last record of a ledger that is committed; 0 if there is no ledger.
func stableEnd(ctx context.Context, client *kgo.Client, topic string) (int64, error) {
	ends, err := kadm.NewClient(client).ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("asking where the ledger %s ends: %w", topic, needs("READ on it", err))
	}
	end, _ := ends.Lookup(topic, 0)
	return end.Offset, nil
}

func sessionOf(rec *kgo.Record) string {
	for _, h := range rec.Headers {
		if h.Key == "session" {
			return string(h.Value)
		}
	}
	return ""
}
