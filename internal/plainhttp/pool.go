package plainhttp

import (
	"sync"
	"time"
)

// pool keeps connections that nobody uses. One timer closes those that were kept too long.
type pool struct {
	most  int
	after time.Duration

	mu    sync.Mutex // guards below
	idle  []*conn    // by the time they came; the latest is taken first
	timer *time.Timer
	armed bool // the timer will fire
	over  bool // cleared, and nobody took one since: who still comes is not kept
}

// take is nil if there is none.
func (p *pool) take() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = false
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

// put keeps a connection, or closes it if there are enough.
func (p *pool) put(c *conn) {
	c.since = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) >= p.most || p.over {
		_ = c.Close()
		return
	}
	p.idle = append(p.idle, c)
	if p.armed {
		return
	}
	p.armed = true
	if p.timer == nil {
		p.timer = time.AfterFunc(p.after, p.expire)
		return
	}
	p.timer.Reset(p.after)
}

// expire closes what was kept too long, and comes back for the next.
func (p *pool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, old := time.Now(), 0
	for old < len(p.idle) && now.Sub(p.idle[old].since) >= p.after {
		_ = p.idle[old].Close()
		old++
	}
	p.drop(old)
	p.armed = len(p.idle) > 0
	if p.armed {
		p.timer.Reset(p.idle[0].since.Add(p.after).Sub(now))
	}
}

// clear closes all, and those of requests that are under way when these end, as net/http does.
func (p *pool) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		_ = c.Close()
	}
	p.drop(len(p.idle))
	p.over = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.armed = false
}

// drop forgets the oldest n. The caller holds mu.
func (p *pool) drop(n int) {
	left := copy(p.idle, p.idle[n:])
	clear(p.idle[left:])
	p.idle = p.idle[:left]
}
