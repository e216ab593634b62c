package outage

import (
	"context"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// Pass is the right to make one attempt that its caller makes: one that ends elsewhere than it began, as a transaction does.
type Pass struct{ pass }

// Begin waits until such an attempt may be made; who names the records that wait meanwhile, one a partition. An error is ctx's.
// Whoever begins ends the Pass once.
func (g *Guard) Begin(ctx context.Context, who []*Holder) (Pass, error) {
	if g.gate.closed.Load() {
		_, _, since := g.gate.why()
		for _, h := range who {
			g.holds.add(h, since)
			defer g.holds.release(h)
		}
	}
	p, err := g.enter(ctx, &Attempt{Asks: true})
	return Pass{p}, err
}

// End takes how the attempt ended: nil if all was taken. A Backend fault is an outage; any other fault shows that the
// destination is there; an error that is no fault says nothing.
func (p Pass) End(err error) {
	f, ok := err.(*fault.Error) //nolint:errorlint // what is wrapped was not said of the attempt
	switch {
	case err == nil:
		p.end(taken, nil)
	case !ok:
		p.end(nothing, nil)
	case f.Kind == fault.Backend:
		p.end(away, f)
	default:
		p.end(refused, nil)
	}
}
