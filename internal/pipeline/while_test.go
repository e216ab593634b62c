package pipeline

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// ending is a Turn of a record that nothing is before.
type ending struct {
	freely
	while context.Context //nolint:containedctx // as a Turn has it
}

func (e ending) While() context.Context { return e.while }

// checking asks a backend before anything is sent.
type checking struct{ backend }

func (c *checking) Sure(openlineage.Event) bool { return false }

func (c *checking) Check(ctx context.Context, ev openlineage.Event) error { return c.Deliver(ctx, ev) }

// unwritable takes no letters.
type unwritable struct{ tried func() }

func (u unwritable) Bury(context.Context, *kgo.Record, deadletter.Letter) error {
	u.tried()
	return errors.New("the topic is away")
}

// Wherever a record waits for somebody who is away, the end of While ends that; its record is not settled, and nothing is buried. ctx lives on.
func TestTheEndOfWhileLeavesARecordUnsettled(t *testing.T) {
	away := func(tried func()) func(string, int) error {
		return func(body string, n int) error {
			if body == "first COMPLETE" {
				return fault.MessageError(fault.Rejected, "http_422", "answered 422")
			}
			if body != "first START" {
				tried()
				return fault.BackendError("http_503", "answered 503")
			}
			return nil
		}
	}
	for name, make := range map[string]func(tried func()) (d Deliverer, l DeadLetters, value []byte){
		"a destination": func(tried func()) (Deliverer, DeadLetters, []byte) {
			return &backend{answer: away(tried)}, &letters{}, event("r1")
		},
		"a sender": func(tried func()) (Deliverer, DeadLetters, []byte) {
			return &sender{backend: backend{answer: away(tried)}}, &letters{}, event("r1")
		},
		"the end of a run": func(tried func()) (Deliverer, DeadLetters, []byte) {
			return &backend{answer: away(tried)}, &letters{}, event("pair")
		},
		"the end of a sender's run": func(tried func()) (Deliverer, DeadLetters, []byte) {
			return &sender{backend: backend{answer: away(tried)}}, &letters{}, event("pair")
		},
		"the end of a sender's run whose own end was refused": func(tried func()) (Deliverer, DeadLetters, []byte) {
			return &sender{backend: backend{answer: func(body string, _ int) error {
				switch body {
				case "r1 COMPLETE":
					return fault.MessageError(fault.Rejected, "http_422", "answered 422")
				case "r1 MINIMAL":
					tried()
					return fault.BackendError("http_503", "answered 503")
				}
				return nil
			}}}, &letters{}, event("r1")
		},
		"what a destination can tell before": func(tried func()) (Deliverer, DeadLetters, []byte) {
			return &checking{backend{answer: away(tried)}}, &letters{}, event("r1")
		},
		"the dead letters": func(tried func()) (Deliverer, DeadLetters, []byte) {
			return &backend{}, unwritable{tried}, []byte("bad")
		},
	} {
		t.Run(name, func(t *testing.T) {
			while, enough := context.WithCancel(t.Context())
			tries := 0
			d, l, value := make(func() {
				if tries++; tries == 3 {
					enough()
				}
			})
			cfg := quick()
			cfg.Orders = byHandOnly{-1, 0}
			p := New(cfg, []Destination{{Name: "backend", To: d}}, l)
			err := p.Settle(t.Context(), p.Prepare(records(value)[0]), ending{while: while})
			if err == nil || tries > 4 { // a sender is handed both events of a run at once
				t.Errorf("%v after %d attempts, want an error after 3 or 4", err, tries)
			}
			if l, ok := l.(*letters); ok && len(l.all) > 0 {
				t.Errorf("it was buried: %v", l.codes())
			}
			if held := p.Holds(); len(held) > 0 {
				t.Errorf("it is still held: %v", held)
			}
		})
	}
}

// A record that was begun is finished while everybody is there: no run stays RUNNING, and nothing is delivered a second time for it.
func TestTheEndOfWhileFinishesARecordThatWasBegun(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(body string) error
		want   []string
	}{
		"two runs": {func(string) error { return nil }, []string{"first START", "first COMPLETE", "second START", "second COMPLETE"}},
		"a refused end": {func(body string) error {
			if body == "first COMPLETE" {
				return fault.MessageError(fault.Rejected, "http_422", "answered 422")
			}
			return nil
		}, []string{"first START", "first MINIMAL", "second START", "second COMPLETE"}},
	} {
		t.Run(name, func(t *testing.T) {
			while, enough := context.WithCancel(t.Context())
			l, b := &letters{}, &backend{}
			b.answer = func(body string, _ int) error { enough(); return c.answer(body) }
			p := to(b, l)
			if err := p.Settle(t.Context(), p.Prepare(records(event("pair"))[0]), ending{while: while}); err != nil {
				t.Fatal(err)
			}
			if got := b.has(); !slices.Equal(got, c.want) {
				t.Errorf("delivered %v, want %v", got, c.want)
			}
			if len(l.all) != strings.Count(strings.Join(c.want, " "), "MINIMAL") { // one for the run that was refused
				t.Errorf("letters %v", l.codes())
			}
		})
	}
}
