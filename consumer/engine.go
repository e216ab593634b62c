package consumer

import (
	"context"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// engine is what all partitions share: who prepares, who settles, and the window. It outlives none of its partitions.
type engine struct {
	handler     Handler
	starter     Starter      // nil: each record settles in a goroutine
	maxInFlight int          // records of one partition that settle side by side, …
	maxTogether int          // … and of all
	inFlight    atomic.Int64 // the share of one partition now
	fail        func(error)  // is told of an error that ends the member
	member      *membership  // nil: nothing that is begun here can be another's
	window      *window
	preparers   *preparers
	settlers    *settlers
}

func newEngine(cfg Config, h Handler, fail func(error)) *engine {
	eng := &engine{handler: h, maxInFlight: cfg.MaxInFlight, maxTogether: cfg.MaxTogether, fail: fail, window: newWindow(cfg.MaxBytes),
		settlers: &settlers{idle: make(chan task), quit: make(chan struct{})}}
	if s, ok := h.(Starter); ok && s.Starts() {
		eng.starter = s
	}
	eng.preparers = newPreparers(eng)
	eng.share(1)
	return eng
}

// share gives each of n partitions its part of what settles side by side.
func (eng *engine) share(n int) {
	eng.inFlight.Store(int64(min(eng.maxInFlight, max(eng.maxTogether/max(n, 1), 8))))
}

// stop ends the goroutines of an engine whose partitions are closed and idle. A Prepare under way is not waited for beyond
// ctx: nothing can end it, and its record comes again.
func (eng *engine) stop(ctx context.Context) {
	eng.settlers.stop()
	eng.preparers.stop(ctx)
}

// chunk is how many records are prepared before their partition looks at them: locks and wake-ups are paid once a chunk.
const (
	chunkRecords = 32
	chunkBytes   = 256 << 10
)

// preparers prepare records side by side, one goroutine a core.
type preparers struct {
	eng  *engine
	done sync.WaitGroup

	mu    sync.Mutex // guards below
	wake  sync.Cond
	queue [][]entry // chunks of one partition each, in turn
	ended bool
}

func newPreparers(eng *engine) *preparers {
	p := &preparers{eng: eng}
	p.wake.L = &p.mu
	for range runtime.GOMAXPROCS(0) {
		p.done.Go(p.run)
	}
	return p
}

// add queues entries of one partition, in chunks.
func (p *preparers) add(entries []entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(entries) > 0 {
		n, size := 0, int64(0)
		for n < len(entries) && n < chunkRecords && (n == 0 || size+entries[n].bytes <= chunkBytes) {
			size += entries[n].bytes
			n++
		}
		p.queue = append(p.queue, entries[:n])
		entries = entries[n:]
		p.wake.Signal()
	}
}

func (p *preparers) run() {
	for {
		p.mu.Lock()
		for len(p.queue) == 0 && !p.ended {
			p.wake.Wait()
		}
		if p.ended {
			p.mu.Unlock()
			return
		}
		chunk := p.queue[0]
		p.queue[0] = nil
		p.queue = p.queue[1:]
		p.mu.Unlock()
		p.prepare(chunk)
	}
}

func (p *preparers) prepare(chunk []entry) {
	of := chunk[0].of
	for i := range chunk {
		if of.ended() {
			return // what is not begun comes again, elsewhere
		}
		of.prepare(&chunk[i])
	}
	of.prepared()
}

// stop waits for what is being prepared, until ctx ends.
func (p *preparers) stop(ctx context.Context) {
	p.mu.Lock()
	p.ended = true
	p.queue = nil
	p.wake.Broadcast()
	p.mu.Unlock()
	done := make(chan struct{})
	go func() { p.done.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// settlers are the goroutines in which records settle: as many as are in flight at most, kept for the next.
type settlers struct {
	idle chan task
	quit chan struct{}
	done sync.WaitGroup
}

// task is what one of them does.
type task struct {
	settle *entry
	start  *partition // what waits there is to be started
}

// do does t in a goroutine that has nothing to do, or in a new one. It does not wait.
func (s *settlers) do(t task) {
	select {
	case s.idle <- t:
	default:
		s.done.Go(func() { s.run(t) })
	}
}

func (s *settlers) run(t task) {
	for {
		if t.start != nil {
			t.start.woken()
		}
		for e := t.settle; e != nil; e = t.settle {
			t = e.of.settle(e)
		}
		select {
		case t = <-s.idle:
		case <-s.quit:
			return
		}
	}
}

// stop waits for all of them: nothing is in flight any more.
func (s *settlers) stop() {
	close(s.quit)
	s.done.Wait()
}

// window bounds the bytes in hand over all partitions.
type window struct {
	max    int64
	inHand atomic.Int64
	freed  chan struct{} // capacity 1: there may be room
	wanted atomic.Int64  // somebody waits until no more than this is in hand
}

// nobodyWaits is for window.wanted.
const nobodyWaits = math.MinInt64

func newWindow(limit int64) *window {
	w := &window{max: limit, freed: make(chan struct{}, 1)}
	w.wanted.Store(nobodyWaits)
	return w
}

// usual is the part of the window for partitions that go on.
func (w *window) usual() int64 { return w.max * 2 / 3 }

func (w *window) take(n int64) { w.inHand.Add(n) }

func (w *window) release(n int64) {
	if w.inHand.Add(-n) <= w.wanted.Load() {
		select {
		case w.freed <- struct{}{}:
		default:
		}
	}
}
