package dlq

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/ranges"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// Entry is what the ledger says of a settled letter.
type Entry struct {
	State  State     `json:"state"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	To     string    `json:"to,omitempty"`     // where it was replayed to: a topic or backend
	Reason string    `json:"reason,omitempty"` // why it was discarded or quarantined
	Mended bool      `json:"mended,omitempty"` // replayed with another value, by import

	// Of a record that was written back to its topic: a later letter about it is known by its place and time, whatever else its headers claim.
	As      string    `json:"as,omitempty"`      // its place, topic/partition/offset
	First   string    `json:"first,omitempty"`   // where it was read first
	Time    time.Time `json:"time,omitzero"`     // its record time there, by which it is not taken for one of a topic that was made anew
	Replays int       `json:"replays,omitempty"` // how often it has been replayed, this time included

	fault string // why it cannot be read; its State is Unclear then
}

// Fault says why the entry cannot be read; empty if it can.
func (e Entry) Fault() string { return e.fault }

// ledger is what the ledger topic held when it was read.
type ledger struct {
	entries map[Position]Entry
	made    map[place]made
	stale   map[string]bool // keys that are no entry of the topic's present life, and are not deleted
}

// made is what the ledger knows of a record that a replay wrote.
type made struct {
	first   place
	ms      int64 // its time
	replays int
}

func newLedger() *ledger {
	return &ledger{entries: make(map[Position]Entry), made: make(map[place]made), stale: make(map[string]bool)}
}

// ledgerKey is a letter's key in the ledger. The topic's id is part of it: in a topic that was made anew the same offset is
// another letter.
func (t *Topic) ledgerKey(p Position) []byte {
	return []byte(t.ID + "/" + p.String())
}

// parseLedgerKey gives a key's letter; false if it is one of another life of the topic, or no key of ours.
func (t *Topic) parseLedgerKey(key []byte) (Position, bool) {
	rest, ok := strings.CutPrefix(string(key), t.ID+"/")
	if !ok {
		return Position{}, false
	}
	p, err := ParsePosition(rest)
	return p, err == nil
}

// ParsePosition reads PARTITION/OFFSET.
func ParsePosition(s string) (Position, error) {
	partition, offset, ok := strings.Cut(s, "/")
	p, err1 := strconv.ParseInt(partition, 10, 32)
	o, err2 := strconv.ParseInt(offset, 10, 64)
	if !ok || err1 != nil || err2 != nil || p < 0 || o < 0 {
		return Position{}, fmt.Errorf("%q is no PARTITION/OFFSET such as 3/1042", s)
	}
	return Position{int32(p), o}, nil
}

// ledger reads every entry of the topic's present life.
func (t *Topic) ledger(ctx context.Context) (*ledger, error) {
	extent, err := t.extent(ctx, t.Name+LedgerSuffix)
	if err != nil {
		return nil, err
	}
	l := newLedger()
	// A batch that is too large to be read is none of ours.
	err = t.reader.read(ctx, t.Name+LedgerSuffix, extent, func(rec *kgo.Record) error { t.enter(l, rec); return nil }, func(*ranges.LargeBatch) error { return nil })
	return l, err
}

// enter takes a record of the ledger in. An entry that can't be read is not passed over: a letter that is taken for pending by mistake would be replayed
// twice. It makes its own letter unclear, and no other.
func (t *Topic) enter(l *ledger, rec *kgo.Record) {
	p, ok := t.parseLedgerKey(rec.Key)
	if !ok {
		if rec.Value == nil {
			delete(l.stale, string(rec.Key))
		} else if counts(rec) {
			delete(l.stale, string(rec.Key)) // an operator's order to bury, which is not settled here
		} else if len(rec.Key) <= maxKeyBytes {
			l.stale[string(rec.Key)] = true
		}
		return
	}
	if rec.Value == nil {
		delete(l.entries, p)
		return
	}
	e := parseEntry(rec.Value)
	l.entries[p] = e
	if as, ok := parsePlace(e.As); ok && e.State == Replayed {
		if first, ok := parsePlace(e.First); ok {
			l.made[as] = made{first, e.Time.UnixMilli(), e.Replays}
		}
	}
}

// maxEntryBytes bounds what is read of an entry; ours have some hundred bytes, and a reason.
const maxEntryBytes = 64 << 10

// parseEntry reads an entry; if it can't be read, it is Unclear and says why.
func parseEntry(value []byte) Entry {
	var e Entry
	err := errors.New("it is larger than any of ours")
	if len(value) <= maxEntryBytes {
		err = json.Unmarshal(value, &e)
	}
	switch e.State {
	case Replayed, Discarded, Quarantined:
	default:
		err = cmp.Or(err, errors.New("its state is not replayed, discarded or quarantined"))
	}
	if err != nil {
		return Entry{State: Unclear, fault: fmt.Sprintf("the ledger's entry cannot be read (%v): it may have been replayed, and is not replayed again", err)}
	}
	e.At, e.Time = deadletter.Near(e.At), deadletter.Near(e.Time)
	return e
}

// entryRecord is an entry as the ledger holds it.
func (t *Topic) entryRecord(p Position, e Entry) (*kgo.Record, error) {
	value, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return &kgo.Record{Topic: t.Name + LedgerSuffix, Partition: -1, Key: t.ledgerKey(p), Value: value}, nil
}

// forgotten are tombstones for entries whose letters the topic does not hold any more, and for those of an earlier life of the topic.
func (t *Topic) forgotten(l *ledger, letters ranges.Extent) []*kgo.Record {
	gone := make(map[string]bool)
	for key := range l.stale {
		gone[key] = true
	}
	for p := range l.entries {
		if span, known := letters[p.Partition]; known && p.Offset < span.From {
			gone[string(t.ledgerKey(p))] = true
		}
	}
	var out []*kgo.Record
	for _, key := range slices.Sorted(maps.Keys(gone)) {
		out = append(out, &kgo.Record{Topic: t.Name + LedgerSuffix, Partition: -1, Key: []byte(key)})
	}
	return out
}

// ensureTopics makes the ledger, audit and quarantine topics if they are missing.
func (t *Topic) ensureTopics(ctx context.Context) error {
	details := make(kadm.TopicDetails)
	for _, suffix := range []string{"", LedgerSuffix, AuditSuffix, QuarantineSuffix} {
		// One after the other: of several in one question the answer does not tell which may not be seen.
		one, err := t.admin.ListTopics(ctx, t.Name+suffix)
		if err == nil && suffix == "" {
			err = one[t.Name].Err
		}
		if err != nil {
			return fmt.Errorf("asking for topic %s: %w", t.Name+suffix, err)
		}
		details[t.Name+suffix] = one[t.Name+suffix]
	}
	text := func(s string) *string { return &s }
	replicas := int16(details[t.Name].Partitions.NumReplicas())
	room, err := t.maxMessageBytes(ctx, t.Name)
	if err != nil {
		return err
	}
	for _, topic := range []struct {
		suffix     string
		partitions int32
		configs    map[string]*string
	}{
		{LedgerSuffix, 1, map[string]*string{"cleanup.policy": text("compact")}},
		{AuditSuffix, 1, map[string]*string{"retention.ms": text(strconv.FormatInt((365 * 24 * time.Hour).Milliseconds(), 10))}},
		{QuarantineSuffix, int32(len(details[t.Name].Partitions)), room},
	} {
		if details[t.Name+topic.suffix].Err == nil {
			continue // made before, perhaps by somebody with more rights
		}
		_, err := t.admin.CreateTopic(ctx, topic.partitions, replicas, topic.configs, t.Name+topic.suffix)
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("creating topic %s: %w", t.Name+topic.suffix, err)
		}
	}
	return nil
}

// maxMessageBytes is a topic's own limit, as a setting. None without the right to ask.
func (t *Topic) maxMessageBytes(ctx context.Context, topic string) (map[string]*string, error) {
	all, err := t.admin.DescribeTopicConfigs(ctx, topic)
	if errors.Is(err, kerr.TopicAuthorizationFailed) {
		return nil, nil // the brokers' default, then
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the configuration of %s: %w", topic, err)
	}
	rc, err := all.On(topic, nil)
	if err != nil || rc.Err != nil {
		return nil, nil //nolint:nilerr // the brokers' default, then
	}
	for _, c := range rc.Configs {
		if c.Key == "max.message.bytes" && c.Value != nil {
			return map[string]*string{c.Key: c.Value}, nil
		}
	}
	return nil, nil
}
