package consumer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// fetchLog tells what keeps records from being fetched, when it changes; the client itself tries again.
type fetchLog struct {
	log  *zap.Logger
	last string
}

func (l *fetchLog) note(fetches kgo.Fetches) {
	text, reasons := fetchErrors(fetches)
	if text != "" && reasons != l.last {
		l.log.Warn("fetching records", zap.String("error", text))
	}
	l.last = reasons
}

// fetchErrors joins the distinct errors of a poll, each with the first partition that has it. reasons is the same for the same errors, whichever
// partitions have them.
func fetchErrors(fetches kgo.Fetches) (text, reasons string) {
	var texts []string
	seen := make(map[string]bool)
	fetches.EachError(func(topic string, p int32, err error) {
		if errors.Is(err, context.Canceled) || seen[err.Error()] {
			return
		}
		seen[err.Error()] = true
		texts = append(texts, fmt.Sprintf("%s[%d]: %v", topic, p, err))
	})
	return strings.Join(texts, "; "), strings.Join(slices.Sorted(maps.Keys(seen)), "; ")
}

// fatalFetchError is what no waiting mends; nil if there is none. Everything else the client tries again by itself.
func fatalFetchError(fetches kgo.Fetches) (fatal error) {
	fetches.EachError(func(topic string, p int32, err error) {
		switch {
		case errors.Is(err, kerr.FencedInstanceID):
			fatal = fencedError(err)
		case errors.Is(err, kerr.OffsetOutOfRange):
			// The client resets by itself but for auto.offset.reset: none.
			fatal = fmt.Errorf("%s[%d]: the records at the committed offset are gone, and auto.offset.reset is none: set the group's offset, or another auto.offset.reset (%w)", topic, p, err)
		}
	})
	return fatal
}

// recreated are the topics whose id the brokers do not know any more.
func recreated(fetches kgo.Fetches) (topics []string) {
	fetches.EachError(func(topic string, _ int32, err error) {
		if errors.Is(err, kerr.UnknownTopicID) && topic != "" && !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	})
	return topics
}

// lossWatch compares where a partition's records go on with where they should. Gaps are no loss by themselves: compaction and
// transactions make them. A gap whose begin lies before the log's own is one of deletion.
type lossWatch struct {
	log    *zap.Logger
	onLost func(Lost)
	group  string

	mu     sync.Mutex // guards expect
	expect map[partition]int64
}

func newLossWatch(cfg Config) *lossWatch {
	return &lossWatch{log: cfg.Log, onLost: cfg.OnLost, group: cfg.Group, expect: make(map[partition]int64)}
}

// forget is for partitions that are new to this member: others read on in the meantime.
func (l *lossWatch) forget(parts map[string][]int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for topic, ids := range parts {
		for _, id := range ids {
			delete(l.expect, partition{topic, id})
		}
	}
}

// check looks at what a poll brought of a partition, one record at least.
func (l *lossWatch) check(ctx context.Context, client *kgo.Client, p kgo.FetchTopicPartition) {
	of := partition{p.Topic, p.Partition}
	first := p.Records[0].Offset
	l.mu.Lock()
	expect, known := l.expect[of]
	l.expect[of] = p.Records[len(p.Records)-1].Offset + 1
	l.mu.Unlock()
	if !known {
		if expect, known = l.committed(ctx, client, p); !known {
			return // the group is new here: nothing was promised
		}
	}
	if first <= expect || expect >= p.LogStartOffset {
		return
	}
	lost := Lost{Topic: p.Topic, Partition: p.Partition, From: expect, To: min(first, p.LogStartOffset)}
	l.log.Error("records were deleted before they were read: the topic's retention is shorter than the consumer was behind",
		zap.String("topic", lost.Topic), zap.Int32("partition", lost.Partition), zap.Int64("from", lost.From), zap.Int64("to", lost.To))
	l.onLost(lost)
}

// committed is the group's offset of a partition; false if it has none.
func (l *lossWatch) committed(ctx context.Context, client *kgo.Client, p kgo.FetchTopicPartition) (int64, bool) {
	at, ok := client.CommittedOffsets()[p.Topic][p.Partition]
	if ok && at.Offset > 0 || p.LogStartOffset == 0 {
		return at.Offset, ok
	}
	// The client shows 0 both for a group that is new here and for one that committed 0; the log no longer begins there.
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	offsets, err := kadm.NewClient(client).FetchOffsetsForTopics(ctx, l.group, p.Topic)
	if err != nil {
		l.log.Debug("asking for the group's offsets", zap.Error(err))
		return 0, false
	}
	o, ok := offsets.Lookup(p.Topic, p.Partition)
	return o.At, ok && o.Err == nil && o.At >= 0
}

// askTimeout bounds a question that the poll loop waits for.
const askTimeout = 5 * time.Second
