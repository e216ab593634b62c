package consumer

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

const (
	mostPolled   = 1000                   // records a poll
	worthPolling = 8                      // the part of what partitions that go on may hold which must be free for a poll at once
	aMoment      = 10 * time.Millisecond  // how long that is waited for
	heldAfter    = time.Second            // a partition that settles nothing for so long is held
	lookAgain    = 100 * time.Millisecond // while there is no room
)

// poll takes records in hand until ctx ends. It waits for nothing but room and brokers.
func (c *Consumer) poll(ctx context.Context) {
	fetching := fetchLog{log: c.log}
	for {
		room := c.room(ctx)
		if ctx.Err() != nil {
			return
		}
		fetches := c.fetch(ctx, room)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			c.client.AllowRebalance()
			return
		}
		fetching.note(fetches)
		if err := fatalFetchError(fetches); err != nil {
			c.fail(err)
		}
		fetches.EachPartition(func(f kgo.FetchTopicPartition) {
			if p := c.of(f.Topic, f.Partition); p != nil && len(f.Records) > 0 {
				c.losses.check(ctx, c.client, f)
				c.records.note(f.Records)
				c.records.copyOut(f.Records)
				p.add(f.Records)
			}
		})
		c.refuse(fetches) // behind what this poll brought of the same partition, or the prefix would jump over it
		c.passOver()
		c.client.AllowRebalance()
		c.readopt(recreated(fetches))
	}
}

// fetch polls for as many records as there is room for. Where it must wait for them it polls for one: how large they are is known when they are there, not before, and
// all that a fetch brings may be the window's worth many times over.
func (c *Consumer) fetch(ctx context.Context, room int64) kgo.Fetches {
	n := 1
	if c.client.BufferedFetchRecords() > 0 { // asked first: then average has heard of them
		n = c.recordsOf(room)
	}
	if len(c.unread) == 0 {
		return c.client.PollRecords(ctx, n)
	}
	// A partition waits to be passed over as soon as it is empty.
	polling, stop := context.WithTimeout(ctx, lookAgain)
	defer stop()
	return c.client.PollRecords(polling, n)
}

// room waits until there is room in the window, and says for how many bytes. It waits a moment for room that is worth a poll: where the destination
// is slower than the brokers, each record that settles would else bring a poll for one, and wake who asks for it.
func (c *Consumer) room(ctx context.Context) int64 {
	w := c.engine.window
	enough := w.usual() / worthPolling
	if room, _ := c.roomNow(); room >= enough {
		return room
	}
	defer w.wanted.Store(nobodyWaits)
	moment, tick := time.NewTimer(aMoment), time.NewTicker(lookAgain)
	defer moment.Stop()
	defer tick.Stop()
	for {
		room, inHand := c.roomNow()
		if room >= enough {
			return room
		}
		wakeAt := inHand - (enough - room)
		if w.wanted.Store(wakeAt); w.inHand.Load() <= wakeAt {
			continue // it was freed before who frees could know that somebody waits
		}
		select {
		case <-ctx.Done():
			return 0
		case <-w.freed:
		case <-moment.C: // what partitions hold that are held may leave little room for long
			enough = 1
		case <-tick.C:
			c.pauseHeld()
		}
	}
}

// roomNow is for how many bytes there is room, none if it is not above 0, and how many were in hand then. Two thirds of the window are for partitions that
// go on. What partitions hold that are paused counts there for half of that at most, and the last third is there for it: so those
// that go on have room, and together they stay below the bound.
func (c *Consumer) roomNow() (room, inHand int64) {
	w := c.engine.window
	inHand = w.inHand.Load()
	var paused int64
	for _, p := range c.all() {
		if p.paused.Load() {
			paused += p.bytes.Load()
		}
	}
	usual := w.usual()
	return min(usual-(inHand-paused)-min(paused, usual/2), w.max-inHand), inHand
}

// recordsOf is how many records a poll asks for, where there is room for so many bytes.
func (c *Consumer) recordsOf(room int64) int {
	return int(min(max(room/c.records.bytes(), 1), mostPolled))
}

// pauseHeld pauses the fetching of partitions that are held and have more than their share, so that the others go on. If all are held there is
// nothing to go on with, and what the client has buffered is kept.
func (c *Consumer) pauseHeld() {
	all := c.all()
	since := time.Now().Add(-heldAfter)
	var held []*partition
	for _, p := range all {
		if p.held(since) {
			held = append(held, p)
		}
	}
	if len(held) == len(all) {
		return
	}
	share := c.engine.window.max / 3 / int64(len(all))
	for _, p := range held {
		if p.bytes.Load() > share && !p.paused.Swap(true) {
			c.client.PauseFetchPartitions(map[string][]int32{p.topic: {p.id}})
		}
	}
}

// resume lets a paused partition go on that has settled half of its share's worth, or is held no more.
func (c *Consumer) resume(p *partition) {
	if !p.paused.Load() || p.bytes.Load() > c.engine.window.max/12 && p.held(time.Now().Add(-heldAfter)) {
		return
	}
	if p.paused.Swap(false) {
		c.client.ResumeFetchPartitions(map[string][]int32{p.topic: {p.id}})
	}
}

// readopt lets the client forget topics that were deleted and made again, and find them anew: it else asks for the old ones for ever.
// The brokers forget a deleted topic's committed offsets, so that reading starts as auto.offset.reset says.
func (c *Consumer) readopt(topics []string) {
	if len(topics) == 0 || time.Since(c.readopted) < readoptEvery {
		return
	}
	c.readopted = time.Now()
	c.log.Warn("topics were deleted, and perhaps made again; looking for them anew", zap.Strings("topics", topics))
	c.client.PurgeTopicsFromConsuming(topics...)
	if !isRegex(c.topics) { // a regular expression finds them by itself
		c.client.AddConsumeTopics(topics...)
	}
}

// readoptEvery bounds how often a topic that stays away is looked for anew.
const readoptEvery = 10 * time.Second
