package pipeline

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// halfway is a Sender with a bug: it takes a START, and panics with the first try of r2's end.
type halfway struct {
	sender
	panicked bool
}

func (h *halfway) Send(ctx context.Context, ev openlineage.Event, done func(error)) {
	if string(ev.Body) == "r2 COMPLETE" && !h.panicked {
		h.panicked = true
		panic("a bug")
	}
	h.sender.Send(ctx, ev, done)
}

func (h *halfway) TrySend(ctx context.Context, ev openlineage.Event, done func(error)) bool {
	if h.full != nil && h.full(string(ev.Body)) {
		return false
	}
	h.Send(ctx, ev, done)
	return true
}

// Where a panic left some events handed over and others not, what comes of the former must not be taken for the answers of another attempt, nor waited for: the
// record is buried, also when one before it was written again.
func TestAfterAPanicHalfwayARecordIsNotHandedOverAgain(t *testing.T) {
	for name, c := range map[string]struct {
		drive drive
		full  func(string) bool
	}{
		"settled":        {alone, nil},
		"started":        {asIs, nil},
		"room for START": {asIs, func(body string) bool { return strings.HasSuffix(body, " COMPLETE") }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := &halfway{sender: sender{latency: 50 * time.Millisecond, full: c.full}}
				h.answer = timesOut("r0 ")
				l := &letters{}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if n, err := handle(ctx, c.drive(to(h, l)), records(many(5)...)); n != 5 || err != nil {
					t.Fatalf("settled %d, %v", n, err)
				}
				if got := l.codes(); len(got) != 1 || got[0] != "2:deliver/bug/panic" {
					t.Errorf("letters %v", got)
				}
				if h.tries["r2 COMPLETE"] > 0 || h.tries["r2 START"] != 1 {
					t.Errorf("r2 was handed over again: %v", h.tries)
				}
			})
		})
	}
}

// behind is a Turn of a record behind another one.
type behind struct {
	ending
	first, goOn chan struct{}
}

func (behind) Leads() bool { return false }

func (b behind) GoOn() { close(b.goOn) }

func (b behind) First(context.Context) (bool, error) { <-b.first; return false, nil }

// A record whose first attempt failed is not handed over again once nothing more is to begin, however that attempt was begun: another member may have it already.
func TestAStartedRecordIsNotTriedAgainAfterTheEndOfWhile(t *testing.T) {
	for name, starts := range map[string]bool{"settled": false, "started": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				while, enough := context.WithCancel(t.Context())
				s := &sender{latency: time.Millisecond}
				s.answer = timesOut("r1 ")
				p := to(s, &letters{})
				turn := behind{ending{while: while}, make(chan struct{}), make(chan struct{})}
				ready := p.Prepare(records(event("r1"))[0])
				if starts {
					if !p.Start(t.Context(), ready, turn) {
						t.Fatal("not started")
					}
					<-turn.goOn
				}
				settled := make(chan error)
				go func() { settled <- p.Settle(t.Context(), ready, turn) }()
				synctest.Wait()
				time.Sleep(2 * s.latency)
				enough()
				other := p.Prepare(records(event("r0"))[0])
				if err := p.Settle(t.Context(), other, freely{}); err != nil { // the record before it goes well, and so ends the outage
					t.Fatal(err)
				}
				close(turn.first)
				if err := <-settled; err == nil || s.tries["r1 START"] != 1 {
					t.Errorf("%v after %d attempts, want an error after one", err, s.tries["r1 START"])
				}
			})
		})
	}
}
