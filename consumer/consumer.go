// Package consumer reads topics as a member of a consumer group, hands each partition's records to a Handler in
// order, and commits what the Handler has settled: nothing else, and nothing sooner.
//
// Every assigned partition has one worker goroutine and one queue. The poll loop never waits for a worker: when a
// queue is full, fetching of that partition pauses and the others go on. Rebalance and stop are one path: take no more,
// let what is in hand settle within the grace, commit the marks, leave. It knows Kafka and nothing of gx-ol.
package consumer

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// Handler settles one partition's records.
type Handler interface {
	// Handle settles recs, which are of one partition and in its order, and returns how many of them, counted from
	// the first, are settled: only those are committed. It may take as long as it needs (an outage): the group
	// membership does not depend on it. When ctx ends it must return soon, with what is settled by then. It returns
	// fewer than all only because ctx ended or with an error; an error while ctx lives ends the Consumer.
	Handle(ctx context.Context, recs []*kgo.Record) (settled int, err error)
}

// Consumer is a member of a consumer group. Make it with New, run it once with Run.
type Consumer struct {
	client  *kgo.Client
	handler Handler
	grace   time.Duration
	max     int
	log     *zap.Logger
	losses  *lossWatch
	commits commitLog
	made    atomic.Pointer[kgo.Client] // client, for what the client calls while New makes it

	topics    []string
	readopted time.Time // when readopt last did its work; for the poll loop alone

	failed chan error // first fatal error of a worker

	mu      sync.Mutex // guards workers
	workers map[partition]*worker
}

type partition struct {
	topic string
	id    int32
}

// New makes the client, which joins the group at once; Run must follow, or nothing leaves the group again. The caller's
// options come last and win, so that an operator can set a start offset or an isolation level.
func New(cfg Config, h Handler) (*Consumer, error) {
	cfg = cfg.withDefaults()
	c := &Consumer{
		handler: h,
		grace:   cfg.Grace,
		max:     cfg.MaxBatch,
		log:     cfg.Log,
		losses:  newLossWatch(cfg),
		topics:  cfg.Topics,
		failed:  make(chan error, 1),
		workers: make(map[partition]*worker),
	}
	c.commits = commitLog{log: cfg.Log, fatal: c.fail}
	opts := append(cfg.groupOpts(),
		// Marks are committed in the background too, so that a kill repeats at most a second and a batch.
		kgo.AutoCommitMarks(),
		kgo.AutoCommitInterval(time.Second),
		kgo.AutoCommitCallback(c.commits.note),
		kgo.RetryTimeoutFn(c.retryTimeout),
		// No rebalance happens between a poll and the hand-over to the queues, so a worker always exists for what
		// was polled and none is made for a partition that has gone.
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(c.assigned),
		kgo.OnPartitionsRevoked(c.revoked),
		kgo.OnPartitionsLost(c.lost),
	)
	client, err := kgo.NewClient(append(opts, cfg.Client...)...)
	if err != nil {
		return nil, fmt.Errorf("making the consumer's Kafka client: %w", err)
	}
	c.client = client
	c.made.Store(client)
	return c, nil
}

// Client is the group member's client, for lag and metadata. It is closed when Run returns.
func (c *Consumer) Client() *kgo.Client { return c.client }

// Next is the first record that fits of those that wait on the partition of after and are not handed over yet; nil if there is
// none, or if this member does not have the partition. The record stays where it is.
func (c *Consumer) Next(after *kgo.Record, fits func(*kgo.Record) bool) *kgo.Record {
	c.mu.Lock()
	w := c.workers[partition{after.Topic, after.Partition}]
	c.mu.Unlock()
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := slices.IndexFunc(w.queue, fits); i >= 0 {
		return w.queue[i]
	}
	return nil
}

// Run polls until ctx ends or a Handler fails, then drains: what is in hand settles within the grace, the marks are
// committed, the group is left. It returns nil after a stop by ctx.
func (c *Consumer) Run(ctx context.Context) error {
	pollCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var fatal error
	watcher := make(chan struct{})
	go func() {
		defer close(watcher)
		select {
		case fatal = <-c.failed:
			stop(fatal)
		case <-pollCtx.Done():
		}
	}()

	missing := make(chan struct{})
	go func() {
		defer close(missing)
		watchTopics(pollCtx, c.client, c.topics, c.log)
	}()

	c.poll(pollCtx)
	stop(nil)
	<-watcher
	<-missing

	c.drain(ctx, c.client, c.take(nil), false)
	c.client.CloseAllowingRebalance()
	return fatal
}

// fail ends Run with err; the first one counts.
func (c *Consumer) fail(err error) {
	select {
	case c.failed <- err:
	default:
	}
}

// poll moves records to the queues until ctx ends.
func (c *Consumer) poll(ctx context.Context) {
	fetching := fetchLog{log: c.log}
	for {
		fetches := c.client.PollRecords(ctx, 2*c.max)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			c.client.AllowRebalance()
			return
		}
		fetching.note(fetches)
		if err := fatalFetchError(fetches); err != nil {
			c.fail(err)
		}
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if len(p.Records) == 0 {
				return
			}
			c.mu.Lock()
			w := c.workers[partition{p.Topic, p.Partition}]
			c.mu.Unlock()
			if w != nil {
				c.losses.check(ctx, c.client, p)
				w.add(p.Records)
			}
		})
		c.client.AllowRebalance()
		c.readopt(recreated(fetches))
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

// assigned makes a worker for each partition. Like revoked and lost it uses the client that it is given: the client
// joins the group while New is still making it, so that the first assignment can come before c.client is set.
func (c *Consumer) assigned(_ context.Context, client *kgo.Client, parts map[string][]int32) {
	c.losses.forget(parts)
	c.mu.Lock()
	defer c.mu.Unlock()
	for topic, ids := range parts {
		for _, id := range ids {
			w := newWorker(c, client, partition{topic, id}) //nolint:contextcheck // a worker outlives the rebalance that made it: stop ends it
			c.workers[w.of] = w
			go w.run()
		}
	}
	logPartitions(c.log, "partitions assigned", parts)
}

func (c *Consumer) revoked(ctx context.Context, client *kgo.Client, parts map[string][]int32) {
	c.drain(ctx, client, c.take(parts), false)
	logPartitions(c.log, "partitions revoked", parts)
}

func (c *Consumer) lost(ctx context.Context, client *kgo.Client, parts map[string][]int32) {
	c.drain(ctx, client, c.take(parts), true)
	c.log.Warn("partitions lost; what was in hand comes again", zap.Any("partitions", parts))
}

// take removes and returns the workers of parts; all of them if parts is nil.
func (c *Consumer) take(parts map[string][]int32) []*worker {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*worker
	if parts == nil {
		for _, w := range c.workers {
			out = append(out, w)
		}
		clear(c.workers)
		return out
	}
	for topic, ids := range parts {
		for _, id := range ids {
			if w := c.workers[partition{topic, id}]; w != nil {
				out = append(out, w)
				delete(c.workers, w.of)
			}
		}
	}
	return out
}

// drain stops workers, waits for every one of them, and commits what they marked, unless the partitions are lost:
// then nothing in hand may be marked any more, since another member owns them.
//
// Waiting for the workers before returning is what keeps a late mark from re-inserting a revoked partition, which the
// next commit would carry past the new owner's work.
func (c *Consumer) drain(ctx context.Context, client *kgo.Client, workers []*worker, lost bool) {
	for _, w := range workers {
		w.stop(lost)
	}
	grace := time.NewTimer(c.grace)
	defer grace.Stop()
	for _, w := range workers {
		select {
		case <-w.done:
		case <-grace.C:
			for _, w := range workers {
				w.cancel()
			}
			<-w.done
		}
	}
	for _, w := range workers {
		<-w.done
	}
	if lost || len(workers) == 0 {
		return
	}
	// The stop that ended ctx must not end the commit of what was settled.
	commit, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.grace)
	defer cancel()
	if err := client.CommitMarkedOffsets(commit); err != nil {
		c.log.Warn("committing settled offsets; what they cover comes again", zap.Error(err))
	}
}
