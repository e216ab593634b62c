package pipeline

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// bury writes the item's dead letter, however long that topic is away: if burying fails, the partition holds.
func (p *Pipeline) bury(ctx context.Context, it *item) bool {
	letter := p.letter(it)
	defer p.release(it, lettersName)
	for {
		probe, err := p.letters.enter(ctx, func(code, text string) { p.hold(it, lettersName, code, text) })
		if err != nil {
			return false
		}
		outcome, err := p.buryOnce(ctx, it, letter)
		if err != nil {
			p.letters.leave(probe, nil, true)
			return false
		}
		if outcome == nil {
			p.letters.leave(probe, nil, false)
			p.buried(letter)
			return true
		}
		// Whatever keeps a letter from being written, the record may not be settled without it.
		c := *outcome
		c.Kind = fault.Backend
		p.letters.leave(probe, &c, false)
	}
}

// buryOnce makes one attempt within the limit of letters in flight.
func (p *Pipeline) buryOnce(ctx context.Context, it *item, letter deadletter.Letter) (*fault.Error, error) {
	select {
	case p.burying <- struct{}{}:
		defer func() { <-p.burying }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return once(ctx, func() error { return p.DeadLetters.Bury(ctx, it.rec, letter) })
}

// letter says why, where and when: all that `dlq show` can tell.
func (p *Pipeline) letter(it *item) deadletter.Letter {
	now := time.Now()
	attempts, first := it.attempts()
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
		Attempts:      attempts + 1,
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

// buried counts a letter. It is loud about our own bugs; other letters are told at debug level only.
func (p *Pipeline) buried(l deadletter.Letter) {
	p.Observer.Buried(l.Disposition, l.Code)
	log := p.Log.Debug
	if l.Disposition == string(fault.BugFound) {
		log = p.Log.Error
	}
	log("buried", zap.String("topic", l.Topic), zap.Int32("partition", l.Partition), zap.Int64("offset", l.Offset),
		zap.String("code", l.Code), zap.String("error", l.Error))
}
