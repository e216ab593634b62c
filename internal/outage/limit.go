package outage

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"time"
)

// The adaptive limit never falls below what every backend bears, and starts there, to learn how long an
// answer takes unhurried; then it goes on from what most bear. Marquez gains nothing above
// four attempts at once, but is not hurt by them either.
const (
	minInFlight   = 4
	startInFlight = 16
	window        = 25 * time.Millisecond  // at least so long, …
	windowAnswers = 20                     // … and so many answers, make one step
	recovery      = 100 * time.Millisecond // at least so long lasts the first window after an outage, since what comes back may be weak
	relearn       = 30 * time.Second       // at least so long until it asks anew how long an answer takes unhurried
	tolerance     = 2                      // answers may take so many times as long before it is called a queue
	quick         = 10 * time.Millisecond  // an answer that takes no longer is called no queue: on a busy core answers of less than a millisecond take so long
)

// limit bounds the attempts in flight at a destination. An adaptive one finds how many the destination bears: it grows
// while answers take about as long as when only few are in flight, and shrinks to where they do not. A backend of n workers
// ends at about twice n: all of them busy, and little waiting.
//
// The median of a window is compared, not single answers: on a busy machine those jitter more than any backend's load shows.
type limit struct {
	most     int
	adaptive bool

	mu       sync.Mutex // guards all below
	now      float64    // the limit
	inUse    int
	waiting  []chan struct{} // who waits, in turn; closed: it has its place
	begun    int             // of those, the first so many go on with what they have begun
	answers  []time.Duration // of this window
	peak     int             // most attempts in flight in this window
	since    time.Time       // begin of the window
	base     time.Duration   // an answer's time unhurried
	again    time.Time       // when base is to be learned again
	lasting  time.Duration   // how long this window lasts at least
	learning bool            // this window is at minInFlight, to learn base
	before   float64         // the limit to go back to
}

func newLimit(most int, adaptive bool) *limit {
	l := &limit{most: most, adaptive: adaptive && most > minInFlight}
	l.start(window)
	return l
}

// restart forgets what was learned: what comes back after an outage is weak, and may be another machine.
func (l *limit) restart() { l.start(recovery) }

func (l *limit) start(lasting time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = float64(l.most)
	if l.adaptive {
		l.learn(float64(min(startInFlight, l.most)))
	}
	l.begin(lasting)
}

// learn makes the next window one with few in flight, and goes on from then. The caller holds mu.
func (l *limit) learn(then float64) {
	l.learning, l.before, l.now = true, then, minInFlight
}

// begin starts a window. The caller holds mu.
func (l *limit) begin(lasting time.Duration) {
	l.answers, l.peak, l.since, l.lasting = l.answers[:0], l.inUse, time.Now(), lasting
}

// allowed is the limit now.
func (l *limit) allowed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int(l.now)
}

// acquire waits for a place. Who has one gives it back once with release. Who goes on with what was begun goes first: else every run that
// waits would be begun before one is ended, and all of them begun anew after a crash. It ends with ctx, and with while where there is one.
func (l *limit) acquire(ctx, while context.Context, goesOn bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	if l.inUse < int(l.now) && (len(l.waiting) == 0 || goesOn) {
		l.inUse++
		l.peak = max(l.peak, l.inUse)
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	if goesOn {
		l.waiting = slices.Insert(l.waiting, l.begun, turn)
		l.begun++
	} else {
		l.waiting = append(l.waiting, turn)
	}
	l.mu.Unlock()
	var over <-chan struct{}
	if while != nil {
		over = while.Done()
	}
	select {
	case <-turn:
		return nil
	case <-over:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiting, turn); i >= 0 {
		l.drop(i)
	} else { // it was given its place at the same moment
		l.inUse--
		l.admit()
	}
	return cmp.Or(ctx.Err(), context.Canceled)
}

// release gives a place back. took is how long the destination needed for its answer; 0 if that tells nothing.
func (l *limit) release(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// What was begun before a window of learning had more company than that window allows.
	if l.adaptive && took > 0 && (!l.learning || took <= time.Since(l.since)) {
		l.answers = append(l.answers, took)
		if len(l.answers) >= windowAnswers && time.Since(l.since) >= l.lasting {
			l.step()
			l.begin(window)
		}
	}
	l.inUse--
	l.admit()
}

// admit gives free places to those who wait. The caller holds mu.
func (l *limit) admit() {
	for l.inUse < int(l.now) && len(l.waiting) > 0 {
		close(l.waiting[0])
		l.drop(0)
		l.inUse++
		l.peak = max(l.peak, l.inUse)
	}
}

// drop takes one out of those that wait. The caller holds mu.
func (l *limit) drop(i int) {
	if i == 0 { // the usual one, and many may wait behind it
		l.waiting[0] = nil
		l.waiting = l.waiting[1:]
	} else {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	if i < l.begun {
		l.begun--
	}
}

// step draws the conclusion of a window. The caller holds mu.
func (l *limit) step() {
	slices.Sort(l.answers)
	median := l.answers[len(l.answers)/2]
	switch {
	case l.learning:
		// Learning is to cost a fortieth of the time at most, also where twenty answers take long.
		l.again = time.Now().Add(max(relearn, 40*time.Since(l.since)))
		l.base, l.learning, l.now = median, false, l.before
		return
	case time.Now().After(l.again):
		l.learn(l.now)
		return
	case l.peak < int(l.now):
		return // the load asks for less than is allowed: that proves nothing about more
	}
	gradient := float64(max(tolerance*l.base, quick)) / float64(median)
	if gradient >= 1 {
		l.now = min(l.now*min(1.5, gradient)+1, float64(l.most))
		return
	}
	next := l.now*max(0.5, gradient) + math.Sqrt(l.now)
	l.now = min(max((l.now+next)/2, minInFlight), float64(l.most))
}
