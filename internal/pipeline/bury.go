package pipeline

import (
	"context"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/outage"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// bury writes the dead letter of a bad record, however long that topic is away: if burying fails, the partition holds. It
// reports false only when it was stopped.
func (p *Pipeline) bury(ctx context.Context, r *prepared, turn Turn) bool {
	if r.bad == nil {
		return true
	}
	letter := p.letter(r, r.bad, r.part)
	begun := false
	for i := range r.legs {
		begun = begun || r.legs[i].begun
		n, first := r.legs[i].at.Attempts()
		letter.Attempts = max(letter.Attempts, n+1)
		if n > 0 && first.Before(letter.FirstFailedAt) {
			letter.FirstFailedAt = first
		}
	}
	at := holder(r.rec)
	out := p.burying.Make(ctx, outage.Attempt{For: &at, While: turn.While(), Owner: turn, GoesOn: begun, Try: func(ctx context.Context) error {
		return p.letters.Bury(ctx, r.rec, letter)
	}})
	if out.Answer != outage.Taken {
		return false
	}
	p.Observer.Buried(letter)
	return true
}

// letter says why, where and when: all that `dlq show` can tell.
func (p *preparer) letter(r *prepared, bad *fault.Error, part string) deadletter.Letter {
	now := time.Now()
	letter := deadletter.Letter{
		Topic:         r.rec.Topic,
		Partition:     r.rec.Partition,
		Offset:        r.rec.Offset,
		Timestamp:     r.rec.Timestamp,
		Group:         p.Group,
		Stage:         r.stage,
		Disposition:   string(bad.Disposition),
		Code:          bad.Code,
		Error:         bad.Error(),
		Attempts:      1,
		FirstFailedAt: now,
		FailedAt:      now,
		Part:          part,
	}
	if r.stage == deadletter.StageDecode && bad.Disposition == fault.Oversize {
		// What is larger than we read is not copied either: the letter points at the original.
		letter.Reference = deadletter.ReferenceKept
	}
	return letter
}
