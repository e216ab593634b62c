package consumer

import (
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// mostUnread is how many records of one unread batch are handed over by themselves. A few kilobytes can claim millions of records: the
// last one handed over then stands for the rest.
const mostUnread = 100

// unread is a batch that inflates to more than Config.MaxInflated. The client has stopped reading its partition.
type unread struct {
	batch *kgo.ErrDecompressTooLarge
	in    *partition
}

// refuse hands the records of such batches to the Handler, as far as they are known, behind what was read before them.
func (c *Consumer) refuse(fetches kgo.Fetches) {
	fetches.EachError(func(topic string, id int32, err error) {
		batch, ok := errors.AsType[*kgo.ErrDecompressTooLarge](err)
		p := c.of(topic, id)
		if !ok || p == nil {
			return
		}
		c.log.Warn("a batch inflates to more than is read; its records are not read", zap.String("topic", topic), zap.Int32("partition", id),
			zap.Int64("from", batch.Offset), zap.Int64("to", batch.NextOffset))
		p.addUnread(batch)
		c.unread = append(c.unread, unread{batch, p})
	})
}

// addUnread takes the records of an unread batch.
func (p *partition) addUnread(batch *kgo.ErrDecompressTooLarge) {
	n := batch.NextOffset - batch.Offset
	entries := make([]entry, min(n, mostUnread))
	now := time.Now()
	for i := range entries {
		e := &entries[i]
		rec := &kgo.Record{Topic: p.topic, Partition: p.id, Offset: batch.Offset + int64(i), LeaderEpoch: batch.Epoch, Timestamp: now}
		e.of, e.rec, e.bytes, e.offset, e.epoch, e.unread = p, rec, recordBytes(rec), rec.Offset, rec.LeaderEpoch, true
	}
	if more := n - int64(len(entries)); more > 0 {
		entries[len(entries)-1].more = more
	}
	p.queue(entries)
}

// passOver lets the client go on behind unread batches whose partition has settled everything up to there. The client also commits
// what it is told to go on from, so nothing before may be open. It is called between a poll and AllowRebalance: no partition is revoked meanwhile.
func (c *Consumer) passOver() {
	kept := c.unread[:0]
	for _, u := range c.unread {
		switch {
		case u.in.ended():
		case u.in.bytes.Load() > 0:
			kept = append(kept, u)
		default:
			c.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{u.in.topic: {u.in.id: {Epoch: u.batch.Epoch, Offset: u.batch.NextOffset}}})
		}
	}
	c.unread = kept
}
