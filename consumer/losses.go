package consumer

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// lossWatch compares where a partition's records go on with where they should. Gaps are no loss by themselves: compaction and
// transactions make them. A gap whose begin lies before the log's own is one of deletion.
type lossWatch struct {
	log    *zap.Logger
	onLost func(Lost)
	group  string
	asking sync.WaitGroup // questions to the coordinator, which no poll waits for

	mu     sync.Mutex // guards expect
	expect map[partitionID]int64
}

func newLossWatch(cfg Config) *lossWatch {
	return &lossWatch{log: cfg.Log, onLost: cfg.OnLost, group: cfg.Group, expect: make(map[partitionID]int64)}
}

// forget is for partitions that are new to this member: others read on in the meantime.
func (l *lossWatch) forget(parts map[string][]int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for topic, ids := range parts {
		for _, id := range ids {
			delete(l.expect, partitionID{topic, id})
		}
	}
}

// check looks at what a poll brought of a partition, one record at least.
func (l *lossWatch) check(ctx context.Context, client *kgo.Client, p kgo.FetchTopicPartition) {
	of := partitionID{p.Topic, p.Partition}
	first, begin := p.Records[0].Offset, p.LogStartOffset
	l.mu.Lock()
	expect, known := l.expect[of]
	l.expect[of] = p.Records[len(p.Records)-1].Offset + 1
	l.mu.Unlock()
	if known {
		l.compare(of, expect, first, begin)
		return
	}
	at, ok := client.CommittedOffsets()[p.Topic][p.Partition]
	switch {
	case ok && at.Offset > 0:
		l.compare(of, at.Offset, first, begin)
	case begin > 0:
		// The client shows 0 both for a group that is new here and for one that committed 0; the log no longer begins there.
		l.asking.Go(func() {
			if at, ok := l.committed(ctx, client, of); ok {
				l.compare(of, at, first, begin)
			}
		})
	}
}

// compare tells of a loss between expect, where records should go on, and first, where they do; begin is the log's first offset.
func (l *lossWatch) compare(of partitionID, expect, first, begin int64) {
	if first <= expect || expect >= begin {
		return
	}
	lost := Lost{Topic: of.topic, Partition: of.id, From: expect, To: min(first, begin)}
	l.log.Error("records were deleted before they were read: the topic's retention is shorter than the consumer was behind",
		zap.String("topic", lost.Topic), zap.Int32("partition", lost.Partition), zap.Int64("from", lost.From), zap.Int64("to", lost.To))
	l.onLost(lost)
}

// committed asks for the group's offset of a partition; false if it has none, or nobody answers.
func (l *lossWatch) committed(ctx context.Context, client *kgo.Client, of partitionID) (int64, bool) {
	// A stop waits for the answer: the commit at its end would hide what was lost.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	offsets, err := kadm.NewClient(client).FetchOffsetsForTopics(ctx, l.group, of.topic)
	if err != nil {
		l.log.Debug("asking for the group's offsets", zap.Error(err))
		return 0, false
	}
	o, ok := offsets.Lookup(of.topic, of.id)
	return o.At, ok && o.Err == nil && o.At >= 0
}

// askTimeout bounds a question to the coordinator.
const askTimeout = 2 * time.Second

// wait returns when every question is answered or given up.
func (l *lossWatch) wait() { l.asking.Wait() }
