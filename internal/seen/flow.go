package seen

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Reading is what is true of a process, or a group, at one moment. Totals only grow; a number that is not known is -1.
type Reading struct {
	Records, Events, Buried, Skipped, Lost int64          // since the start
	Delays                                 []int64        // attempts that were acknowledged, by how long they took: up to 1 ms, 2 ms, 4 ms, …, longer; nil: not known
	InHand                                 int64          // bytes of records
	Limits                                 map[string]int // attempts at once that each destination gets
	Partitions                             []Partition
	Holds                                  []Hold
	Letters                                []Letters
	Trouble                                []string // why it is not ready, beside what is held
}

// Partition is how far behind a partition is, in offsets.
type Partition struct {
	Topic     string
	Partition int32
	Lag       int64
	Retained  int64   // settled, and still there: at 0 the brokers may delete what is not settled; -1: not known
	History   []int64 // of Lag, oldest first

	Falls float64 // offsets a second by which Retained has fallen, over the last minutes; 0: it does not
	Ran   bool    // Retained was above 0 within the last hour, and is 0 now
}

// Hold is a partition that waits for a destination, and why.
type Hold struct {
	Topic       string
	Partition   int32
	Destination string
	Code        string // of the error
	Reason      string // its text
	Since       time.Time
}

// Letters are a dead-letter topic's that are not settled.
type Letters struct {
	Topic   string
	Letters int
	Oldest  time.Time
}

const (
	// Step is the usual time between two readings.
	Step = 2 * time.Second
	// Span is how far back they reach.
	Span         = time.Hour
	mostFollowed = 128 // partitions whose lag is remembered
	rateSteps    = 5   // over which a rate is taken
)

// Flow is the last hour of a process: it takes a reading every step, and remembers what a chart needs. Make it with NewFlow, and let Run work.
type Flow struct {
	read  func() Reading
	step  time.Duration
	steps int // of Span
	began time.Time

	mu     sync.Mutex // guards all below
	number uint64
	now    Reading
	at     []point
	lags   map[where][]pair
}

type where struct {
	topic     string
	partition int32
}

// pair is a partition's state at one step.
type pair struct{ lag, retained int64 }

// point is one reading, as charts need it.
type point struct {
	time                    time.Time
	records, events, buried int64
	delays                  []int64
	inHand, lag             int64
}

// NewFlow takes where to read, and how often: Step, but for tests.
func NewFlow(read func() Reading, step time.Duration) *Flow {
	return &Flow{read: read, step: step, steps: int(Span / step), began: time.Now(), lags: make(map[where][]pair)}
}

// Run reads until ctx ends.
func (f *Flow) Run(ctx context.Context) {
	tick := time.NewTicker(f.step)
	defer tick.Stop()
	for {
		f.Take(time.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Take takes one reading.
func (f *Flow) Take(at time.Time) {
	r := f.read()
	p := point{time: at, records: r.Records, events: r.Events, buried: r.Buried, delays: r.Delays, inHand: r.InHand, lag: -1}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, part := range r.Partitions {
		p.lag = max(p.lag, 0) + part.Lag
		f.follow(part)
	}
	f.now = r
	f.number++
	if len(f.at) >= f.steps {
		f.at = slices.Delete(f.at, 0, len(f.at)-f.steps+1)
	}
	f.at = append(f.at, p)
}

// follow remembers a partition's lag. The caller holds mu.
func (f *Flow) follow(p Partition) {
	at := where{p.Topic, p.Partition}
	all, known := f.lags[at]
	if !known && len(f.lags) >= mostFollowed {
		return
	}
	if len(all) >= f.steps {
		all = slices.Delete(all, 0, len(all)-f.steps+1)
	}
	f.lags[at] = append(all, pair{p.Lag, p.Retained})
}

// Number is another one whenever there is a new reading.
func (f *Flow) Number() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.number
}

// Now is the last reading with its hour.
type Now struct {
	Reading
	Began      time.Time // since when the totals count
	Per        Rates
	Recent     Series // the last hour
	P50, P95   time.Duration
	KnownDelay bool // some attempt was acknowledged lately
}

// Rates are per second, over the last seconds.
type Rates struct{ Records, Events, Buried float64 }

// Series are the numbers of the last hour, oldest first. A number that is not known is -1.
type Series struct {
	Times   []time.Time
	Records []float64 // a second
	Events  []float64 // a second
	P95     []float64 // seconds
	InHand  []float64 // bytes
	Lag     []float64 // offsets
}

// Now tells the last reading with its hour, in n points at most.
func (f *Flow) Now(n int) Now {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := Now{Reading: f.now, Began: f.began}
	now.Partitions = slices.Clone(f.now.Partitions)
	for i := range now.Partitions {
		p := &now.Partitions[i]
		all := f.lags[where{p.Topic, p.Partition}]
		for _, one := range thin(all, n) {
			p.History = append(p.History, one.lag)
		}
		p.Falls = f.falls(all)
		p.Ran = p.Retained == 0 && slices.ContainsFunc(all, func(one pair) bool { return one.retained > 0 })
	}
	if len(f.at) == 0 {
		return now
	}
	last := f.at[len(f.at)-1]
	first := f.at[max(len(f.at)-1-rateSteps, 0)]
	now.Per.Records, now.Per.Events, now.Per.Buried = rate(first, last, records), rate(first, last, events), rate(first, last, buried)
	minute := f.at[max(len(f.at)-1-int(time.Minute/f.step), 0)]
	now.P50, now.KnownDelay = quantile(minute.delays, last.delays, 0.5)
	now.P95, _ = quantile(minute.delays, last.delays, 0.95)
	now.Recent = series(thin(f.at, n))
	return now
}

// falls is by how many offsets a second what is retained has fallen over the last ten minutes.
func (f *Flow) falls(all []pair) float64 {
	n := min(len(all), int(10*time.Minute/f.step))
	if n < 2 || all[len(all)-n].retained < 0 {
		return 0
	}
	lost := all[len(all)-n].retained - all[len(all)-1].retained
	return max(float64(lost)/(float64(n-1)*f.step.Seconds()), 0)
}

// thin takes n of all, evenly, with the first and the last.
func thin[T any](all []T, n int) []T {
	if len(all) <= n || n < 2 {
		return all
	}
	out := make([]T, n)
	for i := range out {
		out[i] = all[i*(len(all)-1)/(n-1)]
	}
	return out
}

func records(p point) int64 { return p.records }
func events(p point) int64  { return p.events }
func buried(p point) int64  { return p.buried }

func rate(a, b point, of func(point) int64) float64 {
	seconds := b.time.Sub(a.time).Seconds()
	if seconds <= 0 {
		return 0
	}
	return max(float64(of(b)-of(a)), 0) / seconds
}

func series(at []point) (s Series) {
	for i, p := range at {
		before := at[max(i-1, 0)]
		s.Times = append(s.Times, p.time)
		s.Records = append(s.Records, rate(before, p, records))
		s.Events = append(s.Events, rate(before, p, events))
		d, known := quantile(before.delays, p.delays, 0.95)
		if !known {
			d = -time.Second
		}
		s.P95 = append(s.P95, d.Seconds())
		s.InHand = append(s.InHand, float64(p.inHand))
		s.Lag = append(s.Lag, float64(p.lag))
	}
	return s
}

// quantile is the time that a part of the attempts between two readings took at most, roughly.
func quantile(before, after []int64, q float64) (d time.Duration, known bool) {
	if len(after) == 0 {
		return 0, false
	}
	total := int64(0)
	counts := slices.Clone(after)
	for i := range counts {
		if i < len(before) {
			counts[i] -= before[i]
		}
		total += counts[i]
	}
	if total <= 0 {
		return 0, false
	}
	left := q * float64(total)
	low := time.Duration(0)
	for i, limit := 0, time.Millisecond; i < len(counts); i, limit = i+1, limit*2 {
		if n := float64(counts[i]); n > 0 && left <= n {
			return low + time.Duration(left/n*float64(limit-low)), true
		}
		left -= float64(counts[i])
		low = limit
	}
	return low, true
}
