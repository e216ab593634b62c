package consumer

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// assigned takes partitions up. Like revoked and lost it uses the client that it is given: the client joins the group while
// New is still making it, so that the first assignment can come before c.client is set.
func (c *Consumer) assigned(_ context.Context, client *kgo.Client, parts map[string][]int32) {
	session, _ := client.OptValue(kgo.SessionTimeout).(time.Duration)
	c.member.joined(session)
	c.losses.forget(parts)
	c.watch.took(parts)
	c.mu.Lock()
	defer c.mu.Unlock()
	for topic, ids := range parts {
		for _, id := range ids {
			c.parts[partitionID{topic, id}] = newPartition(c.engine, topic, id)
		}
	}
	c.engine.share(len(c.parts))
	logPartitions(c.log, "partitions assigned", parts)
}

func (c *Consumer) revoked(ctx context.Context, client *kgo.Client, parts map[string][]int32) {
	c.watch.gave(parts)
	c.drain(ctx, client, c.remove(parts), false, c.graceOf(client))
	logPartitions(c.log, "partitions revoked", parts)
}

func (c *Consumer) lost(ctx context.Context, client *kgo.Client, parts map[string][]int32) {
	c.member.lose()
	c.watch.gave(parts)
	c.drain(ctx, client, c.remove(parts), true, min(c.grace, lostGrace))
	if len(parts) > 0 {
		c.log.Warn("partitions lost; what was in hand comes again", zap.Any("partitions", parts))
	}
}

// graceOf is the grace of a rebalance: what is in flight, and then the commit, get a third each of the time after which the brokers throw a
// member out that has not come back, whatever the grace of a stop may be.
func (c *Consumer) graceOf(client *kgo.Client) time.Duration {
	if timeout, ok := client.OptValue(kgo.RebalanceTimeout).(time.Duration); ok {
		return min(c.grace, timeout/3)
	}
	return c.grace
}

// remove takes partitions out and returns them; all of them if parts is nil.
func (c *Consumer) remove(parts map[string][]int32) (out []*partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if parts == nil {
		for _, p := range c.parts {
			out = append(out, p)
		}
		clear(c.parts)
		return out
	}
	for topic, ids := range parts {
		for _, id := range ids {
			key := partitionID{topic, id}
			if p := c.parts[key]; p != nil {
				out = append(out, p)
				delete(c.parts, key)
			}
		}
	}
	c.engine.share(len(c.parts))
	return out
}

// drain closes partitions, waits until nothing of them is in flight, and commits what they settled, unless they are lost:
// then nothing in hand may be marked any more, since another member owns them.
func (c *Consumer) drain(ctx context.Context, client *kgo.Client, parts []*partition, lost bool, grace time.Duration) {
	finish(parts, grace, lost)
	if len(parts) == 0 {
		return
	}
	paused := make(map[string][]int32)
	for _, p := range parts {
		if p.paused.Load() {
			paused[p.topic] = append(paused[p.topic], p.id)
		}
	}
	client.ResumeFetchPartitions(paused) // one that comes back to this member must not stay paused
	if lost {
		return
	}
	for _, p := range parts {
		p.mark(client)
	}
	// The stop that ended ctx must not end the commit of what was settled.
	commit, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := client.CommitMarkedOffsets(commit); err != nil {
		c.log.Warn("committing settled offsets; what they cover comes again", zap.Error(err))
	}
}

// lostGrace is how long what is in flight of a lost partition may settle: long enough to end what it has begun, say a run whose START is
// sent. If the new owner had ended that before, nobody would end it again.
const lostGrace = time.Second

// finish closes partitions and returns when nothing of them is in flight: what is may settle within the grace.
func finish(parts []*partition, grace time.Duration, lost bool) {
	for _, p := range parts {
		p.close(lost)
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	for _, p := range parts {
		select {
		case <-p.idle:
		case <-timer.C:
			for _, p := range parts {
				p.cancel()
			}
			<-p.idle
		}
	}
	for _, p := range parts {
		<-p.idle
		p.cancel()
	}
}

// graceful is a context that outlives ctx by grace. stop frees it and waits for nothing.
func graceful(ctx context.Context, grace time.Duration) (work context.Context, stop func()) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-work.Done():
		}
	})
	return work, func() { unhook(); cancel() }
}
