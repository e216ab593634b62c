// Package consumer reads topics as a member of a consumer group, lets a Handler settle each record in the order of its
// lanes, and commits what is settled: nothing else, and nothing sooner.
//
// Records of one partition that share a lane settle one after another, others side by side. What the process holds is
// bounded in bytes over all partitions, and the client is polled only while there is room. Of each partition the settled
// prefix is committed, twice a second. Rebalance and stop are one path: take no more, drop what waits, let what is under
// way be finished within the grace, commit, leave. It knows Kafka and nothing of gx-ol.
package consumer

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// Consumer is a member of a consumer group. Make it with New, run it once with Run.
type Consumer struct {
	client  *kgo.Client
	engine  *engine
	grace   time.Duration
	log     *zap.Logger
	losses  *lossWatch
	watch   *Watch
	commits commitLog
	member  membership
	made    atomic.Pointer[kgo.Client] // client, for what the client calls while New makes it

	topics    []string
	readopted time.Time // when readopt last did its work; for the poll loop alone
	records   average
	unread    []unread // batches that are to be passed over; for the poll loop alone

	failed  chan error // first error that ends the member
	abandon func()     // ends every request of the client

	mu    sync.Mutex // guards parts
	parts map[partitionID]*partition
}

type partitionID struct {
	topic string
	id    int32
}

// markEvery is how often settled prefixes are marked; commitEvery, how often marks are committed. Together they are how much of what was
// settled comes again after a crash.
const (
	markEvery   = 100 * time.Millisecond
	commitEvery = 500 * time.Millisecond
)

// New makes the client, which joins the group at once; Run must follow, or nothing leaves the group again. The caller's
// options come last and win, so that an operator can set a start offset or an isolation level.
func New(cfg Config, h Handler) (*Consumer, error) {
	cfg = cfg.withDefaults()
	c := &Consumer{
		grace:  cfg.Grace,
		log:    cfg.Log,
		losses: newLossWatch(cfg),
		watch:  cfg.Watch,
		topics: cfg.Topics,
		failed: make(chan error, 1),
		parts:  make(map[partitionID]*partition),
	}
	c.commits = commitLog{log: cfg.Log, fatal: c.fail}
	c.member.group, c.member.log = cfg.Group, cfg.Log
	sizes := newFetchSize(cfg.MaxBytes)
	opts, err := cfg.groupOpts()
	if err != nil {
		return nil, err
	}
	opts = append(opts,
		kgo.AutoCommitMarks(),
		kgo.AutoCommitInterval(commitEvery),
		kgo.AutoCommitCallback(c.commits.note),
		kgo.RetryTimeoutFn(c.retryTimeout),
		// No rebalance happens between a poll and the hand-over, so a partition always exists for what was polled and
		// none is made for one that has gone.
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(c.assigned),
		kgo.OnPartitionsRevoked(c.revoked),
		kgo.OnPartitionsLost(c.lost),
		kgo.WithHooks(sizes, &c.records, &c.member),
	)
	c.engine = newEngine(cfg, h, c.fail)
	c.engine.member = &c.member
	life, abandon := context.WithCancel(context.Background())
	c.abandon = abandon
	client, err := kgo.NewClient(append(append(opts, cfg.Client...), kgo.WithContext(life))...)
	if err != nil {
		abandon()
		c.engine.stop(context.Background())
		return nil, fmt.Errorf("making the consumer's Kafka client: %w", err)
	}
	sizes.follow(client)
	c.client = client
	c.made.Store(client)
	return c, nil
}

// InHand is how many bytes of records this member holds now: fetched, waiting or in flight.
func (c *Consumer) InHand() int64 { return c.engine.window.inHand.Load() }

// Run polls until ctx ends or the member fails, then drains: what is in flight settles within the grace, the marks are
// committed, the group is left. It returns nil after a stop by ctx.
func (c *Consumer) Run(ctx context.Context) error {
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var fatal error
	var side sync.WaitGroup
	side.Go(func() {
		select {
		case fatal = <-c.failed:
			stop(fatal)
		case <-running.Done():
		}
	})
	side.Go(func() { watchTopics(running, c.client, c.topics, c.log) })
	side.Go(func() { c.watch.follow(running, c.client) })
	side.Go(func() { c.keep(running) })

	c.poll(running)
	stop(nil)
	side.Wait()
	c.losses.wait()

	c.drain(ctx, c.client, c.remove(nil), false, c.grace)
	// The engine first: a record that is being prepared may not outlive the client that it came from.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.grace)
	defer cancel()
	c.engine.stop(ending)
	c.client.AllowRebalance()
	leave(ctx, c.client, min(c.grace, leaveWithin), c.abandon, c.log)
	return fatal
}

// leaveWithin bounds how long leaving the group may take.
const leaveWithin = 5 * time.Second

// leave leaves the group and closes the client. The coordinator answers a join and a leave only when a rebalance is over that other
// members may hold up, and the client waits for a join under way: so all its requests are given up when the time is over. Who did not leave is taken for
// gone when its session ends.
func leave(ctx context.Context, client *kgo.Client, within time.Duration, abandon func(), log *zap.Logger) {
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), within)
	defer cancel()
	if err := client.LeaveGroupContext(leaving); err != nil {
		log.Warn("leaving the group; the others get its partitions when its session ends", zap.Error(err))
		abandon()
	}
	client.Close()
	abandon()
}

// fail ends Run with err; the first one counts.
func (c *Consumer) fail(err error) {
	select {
	case c.failed <- err:
	default:
	}
}

// keep marks what is settled, and lets fetching of partitions go on, until ctx ends.
func (c *Consumer) keep(ctx context.Context) {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, p := range c.all() {
			p.mark(c.client)
			c.resume(p)
		}
	}
}

// all are the partitions of this member.
func (c *Consumer) all() []*partition {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]*partition, 0, len(c.parts))
	for _, p := range c.parts {
		out = append(out, p)
	}
	return out
}

// of is one of them; nil if it is not this member's.
func (c *Consumer) of(topic string, id int32) *partition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.parts[partitionID{topic, id}]
}
