package pipeline

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// stuck is a Turn of a record behind one that is never settled.
type stuck struct{ freely }

func (stuck) Leads() bool { return false }

func (stuck) First(ctx context.Context) (bool, error) {
	<-ctx.Done()
	return false, ctx.Err()
}

// mute never answers.
type mute struct{}

func (m *mute) Deliver(ctx context.Context, _ openlineage.Event) error {
	<-ctx.Done()
	return ctx.Err()
}

func (m *mute) Sure(openlineage.Event) bool { return false }

func (m *mute) Check(ctx context.Context, ev openlineage.Event) error { return m.Deliver(ctx, ev) }

// Whatever a record waits for, a stop leaves it unsettled: it comes again.
func TestAStopSettlesNothingThatWaits(t *testing.T) {
	for name, c := range map[string]struct {
		to    []Destination
		turn  Turn
		value []byte
		n     int // records that are settled side by side
	}{
		"for what a destination can tell before":     {[]Destination{{Name: "a", To: &mute{}}}, freely{}, event("r1"), 1},
		"for its turn beside a sender":               {[]Destination{{Name: "a", To: &backend{}}, {Name: "b", To: &sender{}}}, stuck{}, event("r1"), 1},
		"for its turn, with nothing to deliver":      {[]Destination{{Name: "a", To: &backend{}}, {Name: "b", To: &sender{}}}, stuck{}, event("nothing"), 1},
		"for its turn, to be buried":                 {[]Destination{{Name: "a", To: &backend{}}, {Name: "b", To: &sender{}}}, stuck{}, []byte("bad"), 1},
		"for a file that another one is written to":  {[]Destination{{Name: "a", To: slow{}, Whole: true}}, freely{}, event("r1"), 2},
		"for one of several destinations":            {[]Destination{{Name: "a", To: slow{}}, {Name: "b", To: &backend{}}}, freely{}, event("r1"), 1},
		"for the acknowledgement of one of several":  {[]Destination{{Name: "a", To: &sender{latency: time.Hour}}, {Name: "b", To: &backend{}}}, freely{}, event("r1"), 1},
		"for those before it, with a sender":         {[]Destination{{Name: "a", To: &sender{}}}, stuck{}, event("r1"), 1},
		"to be written again, with a sender":         {[]Destination{{Name: "a", To: &onceOnly{}}}, overtaken{}, event("r1"), 1},
		"for the acknowledgement of the only sender": {[]Destination{{Name: "a", To: &sender{latency: time.Hour}}}, freely{}, event("r1"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &letters{}
				p := New(quick(), c.to, l)
				ctx, stop := context.WithTimeout(t.Context(), time.Minute)
				defer stop()
				var wg sync.WaitGroup
				for range c.n {
					wg.Go(func() {
						if err := p.Settle(ctx, p.Prepare(records(c.value)[0]), c.turn); err == nil {
							t.Error("it is settled")
						}
					})
				}
				wg.Wait()
				if len(l.all) > 0 {
					t.Errorf("it was buried: %v", l.codes())
				}
				time.Sleep(2 * time.Hour) // for the acknowledgements
			})
		})
	}
}

// overtaken is a Turn of a record before which another was written again.
type overtaken struct{ freely }

func (overtaken) First(context.Context) (bool, error) { return true, nil }

// onceOnly is a Sender that acknowledges no event a second time.
type onceOnly struct{ sender }

func (o *onceOnly) Send(ctx context.Context, ev openlineage.Event, done func(error)) {
	o.sender.Send(ctx, ev, func(err error) {
		if o.tries[string(ev.Body)] == 1 {
			done(err)
		}
	})
}

// slow needs an hour for each event.
type slow struct{}

func (slow) Deliver(ctx context.Context, _ openlineage.Event) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Hour):
		return nil
	}
}

func TestADestinationsOwnBoundWins(t *testing.T) {
	cfg := quick()
	cfg.MaxInFlight = 7
	got := New(cfg, []Destination{{Name: "usual", To: &backend{}}, {Name: "own", To: &backend{}, MaxInFlight: 3}, {Name: "kafka", To: &sender{}}}, &letters{}).Limits()
	if len(got) != 2 || got["usual"] != 7 || got["own"] != 3 {
		t.Errorf("%v", got)
	}
}

func TestALetterSaysHowOftenItWasTriedAndSinceWhen(t *testing.T) {
	for name, c := range map[string]struct {
		value    []byte
		refused  *fault.Error // by the destination, behind as many attempts in an outage
		outage   int
		attempts int
		since    time.Duration // at least so long before it was given up
	}{
		"what cannot be read":     {value: []byte("bad"), attempts: 1},
		"what is refused":         {value: event("r1"), refused: fault.MessageError(fault.Rejected, "http_422", "no"), attempts: 1},
		"refused after an outage": {value: event("r1"), refused: fault.MessageError(fault.Rejected, "http_422", "no"), outage: 5, attempts: 6, since: time.Nanosecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &letters{}
				p := to(&backend{answer: func(_ string, n int) error {
					if n <= c.outage {
						return fault.BackendError("http_503", "away")
					}
					return c.refused
				}}, l)
				if err := p.Settle(t.Context(), p.Prepare(records(c.value)[0]), freely{}); err != nil || len(l.all) != 1 {
					t.Fatal(err, l.codes())
				}
				letter := l.all[0]
				if since := letter.FailedAt.Sub(letter.FirstFailedAt); letter.Attempts != c.attempts || since < c.since || c.since == 0 && since != 0 {
					t.Errorf("%d attempts within %s, want %d", letter.Attempts, since, c.attempts)
				}
			})
		})
	}
}
