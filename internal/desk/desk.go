// Package desk is the dead letters of a deployment as an operator works with them from a page: an index of each topic, which is followed while somebody
// looks at it and forgotten afterwards, and settlements (replays, discards), one a topic at a time, which go on behind the request that ordered them.
//
// What is done to a letter is done by packages dlq and replay, as by the dlq commands.
package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/replay"
)

// Config is what a Desk asks of others.
type Config struct {
	Topics  func(context.Context) ([]string, error)                                           // the dead-letter topics, whether they exist or not
	Live    func(topic string) *dlq.Live                                                      // a new index
	Open    func(ctx context.Context, topic string) (*dlq.Topic, error)                       // to read one letter, or to settle some
	Session func(ctx context.Context, t *dlq.Topic, by string) (*dlq.Session, error)          // to settle letters of t; by is for ledger and audit
	Prepare func(ctx context.Context, o replay.Options, p *replay.Plan) (end func(), _ error) // adds what a plan needs of the destinations
	Backend bool                                                                              // letters may go through the pipeline: replay.ToBackend
	Who     string                                                                            // settles where the operator gives no name
	Log     *zap.Logger
}

const (
	pollEvery   = 2 * time.Second // while somebody looks
	topicsEvery = 30 * time.Second
	lookedAt    = 30 * time.Minute // an index that nobody has looked at for so long is forgotten; a page that still shows it asks again then
	watched     = time.Minute      // since somebody last asked whether anything changed
	readsAtOnce = 4                // letters that are read whole
)

// Desk is made with New, and does nothing until Run.
type Desk struct {
	cfg   Config
	came  chan struct{} // capacity 1: there is something to poll
	order chan struct{} // capacity 1: there is something to settle
	reads chan struct{}

	mu      sync.Mutex // guards all below
	number  uint64
	topics  []string
	topicsE error
	known   bool // topics were asked for
	asked   time.Time
	watch   time.Time
	lives   map[string]*followed
	news    chan struct{} // closed when a poll is over
	jobs    []*job
	last    int // number of the last job
}

// followed is the index of a topic.
type followed struct {
	live   *dlq.Live
	looked time.Time
	failed error // of the last poll
	polled bool
}

// New makes a Desk.
func New(cfg Config) *Desk {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	return &Desk{cfg: cfg, came: make(chan struct{}, 1), order: make(chan struct{}, 1), reads: make(chan struct{}, readsAtOnce), lives: make(map[string]*followed), news: make(chan struct{})}
}

// Run follows what is looked at, until ctx ends; then it stops the settlements, and waits for them.
func (d *Desk) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	defer d.stopAll()
	all.Go(func() { d.settleOrders(ctx) })
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		d.poll(ctx)
		select {
		case <-ctx.Done():
			return
		case <-d.came:
		case <-tick.C:
		}
	}
}

// wake lets Run look at once.
func (d *Desk) wake() { ring(d.came) }

func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}

// poll follows what is looked at, while anybody watches.
func (d *Desk) poll(ctx context.Context) {
	d.mu.Lock()
	now := time.Now()
	live := now.Sub(d.watch) < watched
	stale := now.Sub(d.asked) >= topicsEvery
	d.mu.Unlock()
	if live && stale {
		d.askTopics(ctx)
	}
	for name, f := range d.toPoll(live) {
		err := f.live.Poll(ctx)
		d.mu.Lock()
		if ctx.Err() == nil && (err != nil) != (f.failed != nil) || !f.polled {
			d.number++
		}
		if ctx.Err() == nil && err != nil && (f.failed == nil || f.failed.Error() != err.Error()) {
			d.cfg.Log.Warn("following dead letters for the page", zap.String("topic", name), zap.Error(err))
		}
		f.failed, f.polled = err, true
		close(d.news)
		d.news = make(chan struct{})
		d.mu.Unlock()
	}
}

// toPoll are the indexes that somebody looks at. Those that nobody has looked at for long are forgotten.
func (d *Desk) toPoll(live bool) map[string]*followed {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make(map[string]*followed)
	for name, f := range d.lives {
		if time.Since(f.looked) > lookedAt {
			delete(d.lives, name)
			d.number++
		} else if live || !f.polled {
			out[name] = f
		}
	}
	return out
}

func (d *Desk) askTopics(ctx context.Context) {
	names, err := d.cfg.Topics(ctx)
	if ctx.Err() != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil && !slices.Equal(names, d.topics) || (err == nil) != (d.topicsE == nil) || !d.known {
		d.number++
	}
	if err == nil {
		d.topics = names
	}
	d.topicsE, d.known, d.asked = err, true, time.Now()
	close(d.news)
	d.news = make(chan struct{})
}

// Number is another one whenever something has changed. Who asks for it watches.
func (d *Desk) Number() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.watch = time.Now()
	n := d.number
	for _, f := range d.lives {
		f.live.View(func(_ *dlq.Index, s dlq.LiveState) { n += s.Number })
	}
	return n
}

// ErrNoSuchTopic is that a topic is none of the deployment's dead-letter topics.
var ErrNoSuchTopic = errors.New("this is none of the dead-letter topics that are read here")

// firstWithin is how long a page waits for what it shows; then it says that it is being read.
const firstWithin = 1500 * time.Millisecond

// Topics are the dead-letter topics. Their error says why they are not known, or no more than those that were known.
func (d *Desk) Topics(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, firstWithin)
	defer cancel()
	d.await(ctx, func() bool { return d.known })
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.topics), d.topicsE
}

// await waits until done, which is asked with mu held, or until ctx ends.
func (d *Desk) await(ctx context.Context, done func() bool) {
	for {
		d.mu.Lock()
		d.watch = time.Now()
		ok, news := done(), d.news
		d.mu.Unlock()
		if ok {
			return
		}
		d.wake()
		select {
		case <-ctx.Done():
			return
		case <-news:
		}
	}
}

// Look lets see look at a topic's letters as they are known now; failed is why no newer ones are. see keeps nothing of the index.
func (d *Desk) Look(ctx context.Context, topic string, see func(ix *dlq.Index, s dlq.LiveState, failed error)) error {
	known, err := d.Topics(ctx)
	if !slices.Contains(known, topic) {
		if err != nil {
			return err
		}
		return fmt.Errorf("%s: %w", topic, ErrNoSuchTopic)
	}
	d.mu.Lock()
	f := d.lives[topic]
	if f == nil {
		f = &followed{live: d.cfg.Live(topic)}
		d.lives[topic] = f
	}
	f.looked = time.Now()
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, firstWithin)
	defer cancel()
	d.await(ctx, func() bool { return f.polled })
	d.mu.Lock()
	failed := f.failed
	d.mu.Unlock()
	f.live.View(func(ix *dlq.Index, s dlq.LiveState) { see(ix, s, failed) })
	return nil
}

// Show is all there is to say of a letter, masked; nil: there is no such letter.
func (d *Desk) Show(ctx context.Context, topic string, at dlq.Position) (s *dlq.Shown, err error) {
	var failed error
	var known bool
	if err := d.Look(ctx, topic, func(ix *dlq.Index, state dlq.LiveState, away error) {
		s, failed, known = ix.Show(at), away, state.Known
	}); err != nil {
		return nil, err
	}
	switch {
	case s == nil && failed != nil:
		return nil, failed
	case s == nil && !known:
		return nil, errors.New("the letters are still being read: load this page again in a moment")
	case s == nil:
		return nil, nil
	}
	select {
	case d.reads <- struct{}{}:
		defer func() { <-d.reads }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	t, err := d.cfg.Open(ctx, topic)
	if err != nil {
		return nil, err
	}
	return s, t.Fill(ctx, s, false)
}

// Backend reports whether letters may go through the pipeline.
func (d *Desk) Backend() bool { return d.cfg.Backend }
