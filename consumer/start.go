package consumer

import "time"

// start lets what waits begin, here if a Starter can begin it. The caller holds mu, which is let go of meanwhile.
func (p *partition) start() {
	switch {
	case p.engine.starter == nil:
		p.begin()
	case !p.starting: // else who starts sees what waits
		p.starting = true
		p.startAll()
	}
}

// startAll starts what waits, until nothing more may begin. The caller holds mu, which is let go of meanwhile, and has set starting.
func (p *partition) startAll() {
	for e := p.take(); e != nil; e = p.take() {
		p.mu.Unlock()
		begun := p.engine.starter.Start(p.ctx, e.prepared, e)
		p.mu.Lock()
		if !begun {
			p.engine.settlers.do(task{settle: e})
			continue
		}
		if p.closed { // it was closed meanwhile
			p.takeBack(e)
		}
	}
	p.starting = false
}

// woken is startAll for the goroutine that wake has let do it.
func (p *partition) woken() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.startAll()
}

// wake lets another goroutine start what waits: whoever brings an acknowledgement may not be kept, for it brings the room too that a
// start may wait for. It does so once a good part of what may be in flight has landed, so that a goroutine is not woken for each record, or
// soon where less has: the rest may hang for long, and must not keep the places that are left from being used. The caller holds mu.
func (p *partition) wake() {
	if len(p.waiting) == 0 || p.starting || p.closed {
		return
	}
	most := int(p.engine.inFlight.Load())
	switch free := most - p.inFlight; {
	case free >= max(most/4, 1):
		p.starting = true
		p.engine.settlers.do(task{start: p})
	case free > 0 && p.soon == nil:
		p.soon = time.AfterFunc(soon, p.startSoon)
	}
}

// soon is how long a few free places wait for more of them.
const soon = 5 * time.Millisecond

func (p *partition) startSoon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.soon = nil
	p.start()
}

// takeBack lets Settle end what a Starter has begun, if that has not ended by itself. The caller holds mu.
func (p *partition) takeBack(e *entry) {
	if p.engine.starter != nil && e.begun && !e.settled && p.engine.starter.TakeBack(e.prepared) {
		p.engine.settlers.do(task{settle: e})
	}
}

var _ Started = (*entry)(nil)

// Leads is Started's.
func (e *entry) Leads() bool {
	e.of.mu.Lock()
	defer e.of.mu.Unlock()
	return e.unsettled == 0 && !e.again // behind one that was given up it never leads
}

// Done is Started's.
func (e *entry) Done() {
	p := e.of
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settled(e)
	if p.landed() {
		p.begin()
	}
}

// GoOn is Started's.
func (e *entry) GoOn() { e.of.engine.settlers.do(task{settle: e}) }
