package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// action is something that happens to the estate when so many records are through.
type action struct {
	at   float64 // share of the records, 0 to 1
	what string
	who  int           // process or broker
	last time.Duration // of a phase of the backend
}

// What happens. The names stand in the report.
const (
	killProcess   = "kill -9"
	stopProcess   = "SIGTERM"
	rebalance     = "member joins and leaves"
	freezeProcess = "SIGSTOP past its session, then SIGCONT"
	killThawed    = "SIGSTOP past its session, SIGCONT, and at once kill -9"
	killBroker    = "broker kill -9"
	restartBroker = "broker restart"
	killInHang    = "kill -9 while the output's broker hangs"
)

// The backend's phases.
const (
	answer503   = "503"
	answer429   = "429 with Retry-After"
	answer401   = "401"
	noAnswer    = "no answer"
	slowAnswer  = "slow"
	resetBefore = "reset before storing"
	resetAfter  = "reset after storing"
	lateAnswer  = "stored, no answer in time"
	skips       = "200 for 201"
	mixed500    = "500 and 201 mixed"
	longOutage  = "500 to all for longer than exhaust_after"
)

var phases = []string{answer503, answer429, answer401, noAnswer, slowAnswer, resetBefore, resetAfter, lateAnswer, skips, mixed500}

// mixedBehind is how long answers are mixed behind the outage: shorter than exhaustAfter.
const mixedBehind = 2500 * time.Millisecond

// plan is what a seed decides: equal seeds and sizes make equal plans.
type plan struct {
	kinds   []kind
	actions []action
}

func newPlan(o options) plan {
	r := rand.New(rand.NewPCG(o.seed, 0x6f6c2d6778))
	p := plan{kinds: make([]kind, o.records)}
	for i := range p.kinds {
		switch n := r.IntN(1000); {
		case n < 3:
			p.kinds[i] = undecodable
		case o.mode == http && n < 5:
			p.kinds[i] = refused
		case o.mode == http && n < 7:
			p.kinds[i] = refused500
		case o.mode == http && n < 9:
			p.kinds[i] = refusedEnd
		}
	}
	if o.mode == http {
		// Each of these holds its partition's batch for seconds: a few suffice.
		for range max(2, o.records/50_000) {
			p.kinds[r.IntN(o.records*9/10)] = unclear
		}
	}
	for n := range o.kills {
		what := killProcess
		if n%4 == 3 {
			what = stopProcess
		}
		p.actions = append(p.actions, action{at: 0.03 + 0.9*(float64(n)+r.Float64()*0.8)/float64(o.kills), what: what, who: r.IntN(o.processes)})
	}
	for n := range max(1, o.kills/8) {
		p.actions = append(p.actions, action{at: 0.05 + 0.9*r.Float64(), what: rebalance})
		if o.brokers > 1 {
			what := killBroker
			if n%2 == 1 {
				what = restartBroker
			}
			p.actions = append(p.actions, action{at: 0.05 + 0.85*r.Float64(), what: what, who: r.IntN(o.brokers)})
		}
	}
	// Early, so that there is work left when the process goes on, and another has its partitions.
	for range max(1, o.kills/16) {
		p.actions = append(p.actions, action{at: 0.1 + 0.4*r.Float64(), what: freezeProcess, who: r.IntN(o.processes)})
	}
	if o.ownOutput() {
		for n := range max(3, o.kills/8) {
			at := 0.05 + 0.6*r.Float64()
			if n == 0 {
				at = 0 // a small run is through in a second
			}
			p.actions = append(p.actions, action{at: at, what: killInHang}) // of who has most to do then
		}
	}
	if o.mode == http {
		// The first thing, while all partitions have work: an outage that nobody meets shows nothing.
		// Right behind it answers are mixed: what failed alone as it began fails alone again, and the outage in between must not count.
		// And a member joins in it, so that a partition is given up while its records in flight can't settle.
		at := 0.02 * r.Float64()
		p.actions = append(p.actions, action{at: at, what: longOutage, last: 2 * exhaustAfter}, action{at: at, what: rebalance},
			action{at: at, what: mixed500, last: mixedBehind})
		for n := range max(len(phases), o.kills/3) {
			p.actions = append(p.actions, action{at: 0.02 + 0.93*r.Float64(), what: phases[n%len(phases)],
				last: 500*time.Millisecond + time.Duration(r.IntN(2000))*time.Millisecond})
		}
	}
	// Drawn last, so that the plan of a seed is else what it was.
	for range max(4, o.kills/8) {
		p.actions = append(p.actions, action{at: 0.1 + 0.5*r.Float64(), what: killThawed}) // of who has most to do then
	}
	slices.SortStableFunc(p.actions, func(a, b action) int { return cmp.Compare(a.at, b.at) })
	return p
}
