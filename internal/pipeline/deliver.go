package pipeline

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// settle delivers an item's events, or buries it, and reports whether it is settled: false only when ctx ended.
func (p *Pipeline) settle(ctx context.Context, it *item) bool {
	if it.bad == nil && !it.done {
		if !p.check(ctx, it) {
			return false
		}
		if it.bad == nil && !p.deliver(ctx, it) {
			return false
		}
	}
	for len(it.close) > 0 {
		// Whether it is taken or refused: more cannot be done for that run.
		if _, err := p.send(ctx, it, it.close[0]); err != nil {
			return false
		}
		it.close = it.close[1:]
	}
	if it.bad != nil && !p.bury(ctx, it) {
		return false
	}
	it.settled = true
	it.runs = nil
	return true
}

// check asks a destination that can tell, before the first event is sent, whether it would refuse one.
func (p *Pipeline) check(ctx context.Context, it *item) bool {
	checker, ok := p.To.(Checker)
	if !ok {
		return true
	}
	for _, run := range it.runs {
		for _, ev := range run.Events {
			bad, err := p.attempt(ctx, it, func() error { return checker.Check(ctx, ev) }, false)
			if err != nil {
				return false
			}
			if bad != nil {
				it.bad, it.part = bad, run.Part
				return true
			}
		}
	}
	return true
}

// deliver sends the runs of a message one after another. A refused run does not keep the others back; it is named in
// the letter. It reports false only when ctx ended.
func (p *Pipeline) deliver(ctx context.Context, it *item) bool {
	var refused []string
	for _, run := range it.runs {
		bad, err := p.deliverRun(ctx, it, run)
		if err != nil {
			return false
		}
		if bad != nil {
			if it.bad == nil {
				it.bad = bad
			}
			refused = append(refused, run.Part)
		}
	}
	it.part = strings.Join(refused, ",")
	return true
}

// deliverRun sends START, waits for its acknowledgement, and sends the terminal event. If the terminal event is
// refused, one without facets follows, so that no run stays RUNNING.
func (p *Pipeline) deliverRun(ctx context.Context, it *item, run openlineage.Run) (*fault.Error, error) {
	for i, ev := range run.Events {
		bad, err := p.send(ctx, it, ev)
		if err != nil {
			return nil, err
		}
		if bad == nil {
			continue
		}
		if i > 0 && run.Minimal != nil {
			if _, err := p.send(ctx, it, *run.Minimal); err != nil {
				return nil, err
			}
		}
		return bad, nil
	}
	return nil, nil
}

// send delivers one event, however long the destination is away.
func (p *Pipeline) send(ctx context.Context, it *item, ev openlineage.Event) (*fault.Error, error) {
	bad, err := p.attempt(ctx, it, func() error {
		started := time.Now()
		if err := p.To.Deliver(ctx, ev); err != nil {
			return err
		}
		p.Observer.EventsDelivered(1, time.Since(started))
		return nil
	}, true)
	if bad == nil && err == nil && ev.Type.Terminal() {
		p.mu.Lock()
		p.last = &ev
		p.mu.Unlock()
	}
	return bad, err
}

// attempt tries until the destination answers for good. It returns the message's fault (or a bug) if there is one, and
// an error only when ctx ended. counts says whether success proves that the destination takes writes.
func (p *Pipeline) attempt(ctx context.Context, it *item, try func() error, counts bool) (*fault.Error, error) {
	at := place{it.rec.Topic, it.rec.Partition}
	for {
		probe, err := p.backend.enter(ctx, func(reason string) { p.hold(at, reason) })
		if err != nil {
			return nil, err
		}
		outcome, err := p.once(ctx, try)
		if err != nil {
			p.backend.leave(probe, nil, true)
			return nil, err
		}
		if outcome == nil {
			p.backend.leave(probe, nil, !counts)
			p.release(at)
			return nil, nil
		}
		if outcome.Kind != fault.Backend {
			p.backend.leave(probe, outcome, false)
			return outcome, nil
		}
		if exhausted, err := p.failed(ctx, it, probe, outcome); exhausted != nil || err != nil {
			return exhausted, err
		}
	}
}

// once makes one attempt within the in-flight limit. A panic in a destination is our bug, not the process's end.
func (p *Pipeline) once(ctx context.Context, try func() error) (outcome *fault.Error, err error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() {
		if r := recover(); r != nil {
			outcome, err = panicked(r), nil
		}
	}()
	err = try()
	if err == nil {
		return nil, nil
	}
	if ctx.Err() != nil { // asked before blame: a stop is nobody's fault
		return nil, ctx.Err()
	}
	return fault.Of(err), nil
}

// failed takes a failed attempt. An outage closes the gate. A failure that others do not meet (an unclear answer while
// they succeed) only lets this record wait, and after enough of them over enough time it is exhausted.
func (p *Pipeline) failed(ctx context.Context, it *item, probe bool, outcome *fault.Error) (*fault.Error, error) {
	t := &it.tries
	t.attempts++
	now := time.Now()
	if t.first.IsZero() {
		t.first, t.seen = now, p.backend.count()
		p.backend.leave(probe, outcome, false)
		return nil, nil
	}
	if outcome.Unclear && p.backend.count() == t.seen && p.backend.alone() {
		p.testify(ctx, it)
	}
	successes := p.backend.count()
	if !outcome.Unclear || successes == t.seen {
		p.backend.leave(probe, outcome, false)
		return nil, nil
	}
	t.seen = successes
	t.witnessed++
	if t.from.IsZero() {
		t.from = now
	}
	if t.witnessed >= p.ExhaustAttempts && now.Sub(t.from) >= p.ExhaustAfter {
		c := *outcome
		c.Kind, c.Disposition = fault.Message, fault.Exhausted
		p.backend.leave(probe, &c, false)
		return &c, nil
	}
	// The destination took others: it is there, and only this record waits.
	p.backend.leave(probe, &fault.Error{Kind: fault.Message}, false)
	p.hold(place{it.rec.Topic, it.rec.Partition}, outcome.Error())
	return nil, sleep(ctx, max(p.ownPause(t.witnessed), outcome.RetryAfter))
}

// testify makes a write that is harmless when it repeats, to see whether the destination takes anything while nothing
// else is in hand: the last terminal event that this process delivered, else the failing run's own without facets.
func (p *Pipeline) testify(ctx context.Context, it *item) {
	p.mu.Lock()
	witness := p.last
	p.mu.Unlock()
	if witness == nil && len(it.runs) > 0 {
		witness = it.runs[0].Minimal
	}
	if witness == nil {
		return
	}
	if outcome, err := p.once(ctx, func() error { return p.To.Deliver(ctx, *witness) }); err == nil && outcome == nil {
		p.backend.leave(false, nil, false)
	}
}

// ownPause is how long a record that fails alone waits: full jitter under a doubling bound.
func (p *Pipeline) ownPause(n int) time.Duration {
	bound := p.Backoff.Initial << min(n, 16)
	bound = min(bound, p.Backoff.Max)
	return rand.N(bound) + time.Millisecond
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// bury writes the item's dead letter, however long that topic is away: if burying fails, the partition holds.
func (p *Pipeline) bury(ctx context.Context, it *item) bool {
	letter := p.letter(it)
	at := place{it.rec.Topic, it.rec.Partition}
	for {
		probe, err := p.letters.enter(ctx, func(reason string) { p.hold(at, "burying: "+reason) })
		if err != nil {
			return false
		}
		outcome, err := p.once(ctx, func() error { return p.DeadLetters.Bury(ctx, it.rec, letter) })
		if err != nil {
			p.letters.leave(probe, nil, true)
			return false
		}
		if outcome == nil {
			p.letters.leave(probe, nil, false)
			p.release(at)
			p.Observer.Buried(letter.Disposition, letter.Code)
			p.logBurial(letter)
			return true
		}
		// Whatever keeps a letter from being written, the record may not be settled without it.
		c := *outcome
		c.Kind = fault.Backend
		p.letters.leave(probe, &c, false)
	}
}

// letter says why, where and when: all that `dlq show` can tell.
func (p *Pipeline) letter(it *item) deadletter.Letter {
	now := time.Now()
	first := it.tries.first
	if first.IsZero() {
		first = now
	}
	letter := deadletter.Letter{
		Topic:         it.rec.Topic,
		Partition:     it.rec.Partition,
		Offset:        it.rec.Offset,
		Timestamp:     it.rec.Timestamp,
		Group:         p.Group,
		Stage:         it.stage,
		Disposition:   string(it.bad.Disposition),
		Code:          it.bad.Code,
		Error:         it.bad.Error(),
		Attempts:      it.tries.attempts + 1,
		FirstFailedAt: first,
		FailedAt:      now,
		Part:          it.part,
	}
	if it.stage == stageDecode && it.bad.Disposition == fault.Oversize {
		// What is larger than we read is not copied either: the letter points at the original.
		letter.Reference = deadletter.ReferenceKept
	}
	return letter
}

// logBurial is loud about our own bugs; other letters are counted, and told at debug level only.
func (p *Pipeline) logBurial(l deadletter.Letter) {
	log := p.Log.Debug
	if l.Disposition == string(fault.BugFound) {
		log = p.Log.Error
	}
	log("buried", zap.String("topic", l.Topic), zap.Int32("partition", l.Partition), zap.Int64("offset", l.Offset),
		zap.String("code", l.Code), zap.String("error", l.Error))
}
