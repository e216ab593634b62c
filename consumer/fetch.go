package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

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
	text := fetchErrors(fetches)
	if text != "" && text != l.last {
		l.log.Warn("fetching records", zap.String("error", text))
	}
	l.last = text
}

// fetchErrors joins the distinct errors of a poll.
func fetchErrors(fetches kgo.Fetches) string {
	var texts []string
	seen := make(map[string]bool)
	fetches.EachError(func(topic string, p int32, err error) {
		if errors.Is(err, context.Canceled) || seen[err.Error()] {
			return
		}
		seen[err.Error()] = true
		texts = append(texts, fmt.Sprintf("%s[%d]: %v", topic, p, err))
	})
	return strings.Join(texts, "; ")
}

// fatalFetchError is what no waiting mends; nil if there is none. Everything else the client tries again by itself.
func fatalFetchError(fetches kgo.Fetches) (fatal error) {
	fetches.EachError(func(topic string, p int32, err error) {
		switch {
		case errors.Is(err, kerr.FencedInstanceID):
			fatal = fmt.Errorf("another member of the group has the same group.instance.id and took this one's place: give each process its own (%w)", err)
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

	mu     sync.Mutex // guards expect
	expect map[partition]int64
}

func newLossWatch(cfg Config) *lossWatch {
	return &lossWatch{log: cfg.Log, onLost: cfg.OnLost, expect: make(map[partition]int64)}
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
func (l *lossWatch) check(client *kgo.Client, p kgo.FetchTopicPartition) {
	of := partition{p.Topic, p.Partition}
	first := p.Records[0].Offset
	l.mu.Lock()
	expect, known := l.expect[of]
	l.expect[of] = p.Records[len(p.Records)-1].Offset + 1
	l.mu.Unlock()
	if !known {
		at, ok := client.CommittedOffsets()[p.Topic][p.Partition]
		if !ok || at.Offset <= 0 {
			return // the group is new here, and the client shows 0: nothing was promised
		}
		expect = at.Offset
	}
	if first <= expect || expect >= p.LogStartOffset {
		return
	}
	lost := Lost{Topic: p.Topic, Partition: p.Partition, From: expect, To: min(first, p.LogStartOffset)}
	l.log.Error("records were deleted before they were read: the topic's retention is shorter than the consumer was behind",
		zap.String("topic", lost.Topic), zap.Int32("partition", lost.Partition), zap.Int64("from", lost.From), zap.Int64("to", lost.To))
	l.onLost(lost)
}
