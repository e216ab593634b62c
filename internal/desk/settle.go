package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/replay"
)

// Kind is what is done to letters.
type Kind string

// The kinds.
const (
	Replay  Kind = "replay"
	Discard Kind = "discard"
)

// Order is what an operator wants to be done.
type Order struct {
	Kind    Kind
	Topic   string
	Filter  dlq.Filter     // its Before is what was looked at: no letter that came since is settled
	Options replay.Options // of a replay
	Reason  string         // of a discard
	By      string         // the operator, for ledger and audit; empty: Config.Who
	Asked   string         // the filter in words, to be shown
}

// Job is an order's settlement.
type Job struct {
	ID       string
	Order    Order
	Began    time.Time
	Ended    time.Time // zero: it goes on
	Stopping bool
	All      int // letters; -1 until it is known
	Counts   dlq.Counts
	Lines    []dlq.Audit // the last ones with a warning
	Failed   string      // why it ended early; empty: it did not
	Stopped  bool        // an operator did it
}

// Done is how many letters something was decided about.
func (j Job) Done() int { done, _ := j.Counts.Done(); return done }

// Left is how many letters stay that were meant to go.
func (j Job) Left() int { _, left := j.Counts.Done(); return left }

const (
	mostJobs  = 20 // that are remembered
	mostLines = 50
)

// job is a Job under way. Desk.mu guards it.
type job struct {
	Job
	begun bool // somebody works on it
	stop  context.CancelFunc
	ctx   context.Context //nolint:containedctx // the order's life, which ends with Stop
}

// ErrUnderway is that letters of the topic are being settled.
var ErrUnderway = errors.New("letters of this topic are being settled already: wait for its end, or stop it")

// Begin begins to do what is ordered, and gives the job's ID.
func (d *Desk) Begin(o Order) (string, error) {
	o.By = cmp.Or(o.By, d.cfg.Who)
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Contains(d.topics, o.Topic) {
		return "", fmt.Errorf("%s: %w", o.Topic, ErrNoSuchTopic)
	}
	if slices.ContainsFunc(d.jobs, func(j *job) bool { return j.Order.Topic == o.Topic && j.Ended.IsZero() }) {
		return "", ErrUnderway
	}
	d.last++
	d.number++
	ctx, stop := context.WithCancel(context.Background())
	j := &job{Job: Job{ID: strconv.Itoa(d.last), Order: o, Began: time.Now(), All: -1, Counts: make(dlq.Counts)}, ctx: ctx, stop: stop}
	d.jobs = append(d.jobs, j)
	if len(d.jobs) > mostJobs {
		if i := slices.IndexFunc(d.jobs, func(j *job) bool { return !j.Ended.IsZero() }); i >= 0 {
			d.jobs = slices.Delete(d.jobs, i, i+1)
		}
	}
	ring(d.order)
	return j.ID, nil
}

// settleOrders does what is ordered, topics side by side, until ctx ends; then it waits for what is under way, which Run has stopped.
func (d *Desk) settleOrders(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		for _, j := range d.begun() {
			all.Go(func() { d.work(j) })
		}
		select {
		case <-ctx.Done():
			return
		case <-d.order:
		}
	}
}

// begun takes the jobs that nobody works on yet.
func (d *Desk) begun() (out []*job) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, j := range d.jobs {
		if !j.begun {
			j.begun = true
			out = append(out, j)
		}
	}
	return out
}

// Jobs are the settlements that are remembered, the latest first.
func (d *Desk) Jobs() []Job {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := make([]Job, 0, len(d.jobs))
	for _, j := range slices.Backward(d.jobs) {
		out = append(out, j.copied())
	}
	return out
}

// Job is one of them.
func (d *Desk) Job(id string) (Job, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, j := range d.jobs {
		if j.ID == id {
			return j.copied(), true
		}
	}
	return Job{}, false
}

func (j *job) copied() Job {
	out := j.Job
	out.Counts, out.Lines = maps.Clone(j.Counts), slices.Clone(j.Lines)
	return out
}

// Stop ends a job after the transaction in hand. What it has settled stays settled.
func (d *Desk) Stop(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, j := range d.jobs {
		if j.ID == id && j.Ended.IsZero() {
			j.Stopping = true
			d.number++
			j.stop()
			return true
		}
	}
	return false
}

func (d *Desk) stopAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, j := range d.jobs {
		j.stop()
	}
}

// work does what a job orders.
func (d *Desk) work(j *job) {
	defer j.stop()
	err := d.settle(j.ctx, j)
	d.mu.Lock()
	defer d.mu.Unlock()
	j.Ended = time.Now()
	switch {
	case err != nil && errors.Is(err, context.Canceled):
		j.Stopped = true
	case err != nil:
		j.Failed = err.Error()
	}
	d.number++
	d.wake()
	d.cfg.Log.Info("letters were settled from the page", zap.String("what", string(j.Order.Kind)), zap.String("topic", j.Order.Topic), zap.String("by", j.Order.By),
		zap.Stringer("outcome", j.Counts), zap.String("failed", j.Failed), zap.Bool("stopped", j.Stopped))
}

func (d *Desk) settle(ctx context.Context, j *job) error {
	t, err := d.cfg.Open(ctx, j.Order.Topic)
	if err != nil {
		return err
	}
	o := j.Order // no one changes it
	plan := o.Options.Plan(o.Filter)
	plan.Each = func(line dlq.Audit) { d.note(j, line) }
	if o.Kind == Replay {
		end, err := d.cfg.Prepare(ctx, o.Options, &plan)
		if err != nil {
			return err
		}
		defer end()
	}
	s, err := d.cfg.Session(ctx, t, o.By)
	if err != nil {
		return err
	}
	defer s.Close()
	if o.Kind == Discard {
		letters := plan.Letters(s.Index)
		d.expects(j, len(letters))
		return s.Discard(ctx, letters, o.Reason, plan.Each)
	}
	d.expects(j, len(plan.Letters(s.Index)))
	return replay.Run(ctx, s, plan)
}

func (d *Desk) expects(j *job, letters int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	j.All = letters
	d.number++
}

func (d *Desk) note(j *job, line dlq.Audit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	j.Counts[line.Outcome]++
	if line.Warning != "" {
		if len(j.Lines) == mostLines {
			j.Lines = slices.Delete(j.Lines, 0, 1)
		}
		j.Lines = append(j.Lines, line)
	}
	d.number++
}
