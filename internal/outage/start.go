package outage

import (
	"context"
	"time"
)

// Start begins an attempt for h that its caller makes, if nothing has to be waited for: no outage, no place in flight, no pace, no doubt. while and owner are
// Attempt's. Whoever begins it ends it with Went where it went well, and else goes on with Make, as Attempt.Begun.
func (g *Guard) Start(ctx, while context.Context, owner Owner, h *Holder) (Pass, bool) {
	if g.limit != nil || g.cfg.Pace != nil || g.gate.closed.Load() || over(ctx, while) != nil {
		return Pass{}, false
	}
	p := pass{g: g, began: time.Now()}
	if owner != nil {
		if _, again := owner.Owned(p.began); again != nil {
			return Pass{}, false
		}
	}
	g.under.add(h, p.began)
	return Pass{p}, true
}

// Went ends an attempt of h that Start began, and that went well. It says how long it lasted.
func (p Pass) Went(h *Holder) time.Duration {
	took := time.Since(p.began)
	p.g.under.remove(h)
	p.end(taken, nil)
	return took
}
