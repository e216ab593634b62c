// Package dlq is the dead-letter topic as a collection: letters that can be listed, looked at, replayed and discarded, each once.
//
// Which letters are settled is kept in Kafka itself, in a compacted ledger topic that is written in the same transaction as
// what settles a letter, so that two operators on two machines see the same truth and a replay that was killed goes on where it was.
package dlq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/ranges"
)

// The topics that belong to a dead-letter topic.
const (
	LedgerSuffix     = ".ledger"     // which letters are settled, and how; compacted
	AuditSuffix      = ".audit"      // who did what to which letter, and when
	QuarantineSuffix = ".quarantine" // letters that were replayed too often; itself a dead-letter topic
)

// Topic is a dead-letter topic. Make it with Open.
type Topic struct {
	Name   string
	ID     string // its topic id in hexadecimal, which a topic that is made anew does not share
	admin  *kadm.Client
	reader reader
	inputs func(topic string) bool
}

// Config is what is to be known of a dead-letter topic beside its name.
type Config struct {
	MaxMessageBytes int                     // input.max_message_bytes: see InflatedBytes
	Inputs          func(topic string) bool // which topics' letters it holds, beside the one that its name tells; nil: none. See Topic.IsInput

	inflate *ranges.Inflater // one that was made before; nil: a new one
}

// Position is a place in the dead-letter topic.
type Position struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
}

func (p Position) String() string {
	return strconv.Itoa(int(p.Partition)) + "/" + strconv.FormatInt(p.Offset, 10)
}

// Compare orders positions by partition, then offset.
func (p Position) Compare(q Position) int {
	return cmp.Or(cmp.Compare(p.Partition, q.Partition), cmp.Compare(p.Offset, q.Offset))
}

// ErrNoTopic is that the dead-letter topic does not exist: nothing was ever buried.
var ErrNoTopic = errors.New("the topic does not exist: nothing was buried, or its name is another")

// Open asks the brokers for the topic. The client stays the caller's.
func Open(ctx context.Context, client *kgo.Client, name string, cfg Config) (*Topic, error) {
	if cfg.inflate == nil {
		inflate, err := newInflater(cfg.MaxMessageBytes)
		if err != nil {
			return nil, err
		}
		cfg.inflate = inflate
	}
	t := &Topic{Name: name, admin: kadm.NewClient(client), reader: reader{ranges.NewReader(client, cfg.inflate, fetchBytes)}, inputs: cfg.Inputs}
	details, err := t.admin.ListTopics(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("asking for topic %s: %w", name, err)
	}
	d := details[name]
	if errors.Is(d.Err, kerr.UnknownTopicOrPartition) {
		return nil, fmt.Errorf("%s: %w", name, ErrNoTopic)
	}
	if d.Err != nil {
		return nil, fmt.Errorf("asking for topic %s: %w", name, d.Err)
	}
	t.ID = fmt.Sprintf("%x", d.ID[:])
	return t, nil
}

// extent is what a topic holds now; nothing for one that does not exist.
func (t *Topic) extent(ctx context.Context, topic string) (ranges.Extent, error) {
	return ranges.ExtentOf(ctx, t.admin, topic)
}
