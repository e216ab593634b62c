package main

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// act does one thing of the plan.
func (s *estate) act(ctx context.Context, a action) error {
	from := s.journal.now()
	if a.what == killInHang { // first: else all may be through before it is known who has work
		s.fleet.awaitWords() // who asks the output at its start, and gets no answer, ends
		s.sink.Hang(0)
		defer s.sink.GoOn(0)
	}
	if a.what == killInHang || a.what == killThawed {
		var err error
		if a.who, err = s.busy(ctx); err != nil {
			return err
		}
		if a.who < 0 {
			say("left out, since no process had work: %s", a.what)
			return nil
		}
	}
	s.counts[a.what]++
	if a.last > 0 {
		for s.backend.now() != "" { // one after another, or a long outage would swallow the phases behind it
			time.Sleep(50 * time.Millisecond)
		}
		s.backend.begin(a.what, a.last)
		return nil
	}
	d := disturbance{what: a.what, from: from}
	var m *member
	switch a.what {
	case killProcess, stopProcess, freezeProcess, killThawed, killInHang:
		m = s.fleet.member(a.who)
		d.who = m.id
	}
	if d.froze() {
		return s.freeze(d, a.who, m)
	}
	defer func() { s.disturbed(d) }()
	switch a.what {
	case killProcess, killInHang:
		if a.what == killInHang {
			time.Sleep(hangs) // who counts as settled what was not acknowledged commits it meanwhile
		}
		m.kill()
		d.ended = s.journal.now()
		return s.fleet.again(a.who, m)
	case stopProcess:
		if err := m.stop(s.o.grace); err != nil {
			s.found.add(badExit, "process %d: %v", a.who, err)
		}
		return s.fleet.again(a.who, m)
	case rebalance:
		if err := s.fleet.visit(); err != nil {
			s.found.add(badExit, "a visitor: %v", err)
		}
	case killBroker:
		s.kafka.Kill(a.who)
		time.Sleep(2 * time.Second)
		return s.kafka.Up(a.who)
	case restartBroker:
		return s.kafka.Restart(a.who)
	}
	return nil
}

// disturbed notes a disturbance that has come to its end.
func (s *estate) disturbed(d disturbance) {
	d.to = s.journal.now()
	s.mu.Lock()
	s.e.disturbances = append(s.e.disturbances, d)
	s.mu.Unlock()
}

// freeze stops a process for so long that the group gives its partitions away, as a debugger or a frozen virtual machine does. When it goes
// on, it finds its answers waiting, and must not settle with them what is another's; nor may it begin anew what another has ended, for it may be
// killed in the middle of that. The plan goes on meanwhile.
func (s *estate) freeze(d disturbance, who int, m *member) error {
	m.awaitWord() // what it asks at its start has no time to wait
	if err := m.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	d.ended = s.journal.now()
	s.frozen.Go(func() {
		time.Sleep(sessionTimeout + 2500*time.Millisecond)
		if d.what == killThawed && s.backend != nil && s.backend.now() == "" {
			s.backend.begin(slowAnswer, killedAfter) // what it begins now is not ended when it is killed
		}
		_ = m.signal(syscall.SIGCONT) // it may have been killed since
		s.disturbed(d)
		if d.what == killThawed {
			time.Sleep(killedAfter)
			m.kill()
			err := s.fleet.again(who, m)
			s.mu.Lock()
			s.thawed = errors.Join(s.thawed, err)
			s.mu.Unlock()
		}
	})
	return nil
}
