package pipeline

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// doubted is a Turn of a record that may be another process's once doubt says so.
type doubted struct {
	ending
	doubt func() bool
	again chan struct{}
}

func (d doubted) Owned(time.Time) (time.Time, <-chan struct{}) {
	if d.doubt() {
		return time.Time{}, d.again
	}
	return time.Time{}, nil
}

// Who stood still, and may have lost its partition, begins no run that another has ended before; but what it has begun it ends.
func TestNoRunIsBegunThatMayBeAnothers(t *testing.T) {
	refuse := func(body string, _ int) error {
		if body == "r1 COMPLETE" {
			return fault.MessageError(fault.Rejected, "http_422", "answered 422")
		}
		return nil
	}
	for name, c := range map[string]struct {
		to    func(b *backend) Deliverer
		value []byte
		after int // events that arrive before the doubt
		more  []string
	}{
		"a START":          {func(b *backend) Deliverer { return b }, event("r1"), 0, nil},
		"the end of a run": {func(b *backend) Deliverer { return b }, event("pair"), 1, []string{"first START", "first COMPLETE"}},
		"the next run":     {func(b *backend) Deliverer { return b }, event("pair"), 2, []string{"first START", "first COMPLETE"}},
		"an end refused":   {func(b *backend) Deliverer { b.answer = refuse; return b }, event("r1"), 1, []string{"r1 START", "r1 MINIMAL"}},
		"a sender":         {func(b *backend) Deliverer { return &sender{backend: backend{}} }, event("r1"), 0, nil},
		"a letter":         {func(b *backend) Deliverer { return b }, []byte("bad"), 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b, l := &backend{}, &letters{}
			while, lost := context.WithCancel(t.Context())
			defer lost()
			turn := doubted{ending{while: while}, func() bool { return len(b.has()) >= c.after }, make(chan struct{})}
			d := c.to(b)
			if s, ok := d.(*sender); ok {
				b = &s.backend
			}
			p := to(d, l)
			done := make(chan error, 1)
			go func() { done <- p.Settle(t.Context(), p.Prepare(records(c.value)[0]), turn) }()
			select {
			case err := <-done:
				t.Fatalf("settled: %v", err)
			case <-time.After(50 * time.Millisecond):
			}
			lost()
			if err := <-done; err == nil {
				t.Error("settled after the loss")
			}
			if got := b.has(); !slices.Equal(got, c.more) || len(l.all) > 0 {
				t.Errorf("delivered %v, want %v; letters %v", got, c.more, l.codes())
			}
		})
	}
}

func TestNothingIsStartedThatMayBeAnothers(t *testing.T) {
	p := to(&sender{}, &letters{})
	if p.Start(t.Context(), p.Prepare(records(event("r1"))[0]), inDoubt{}) {
		t.Error("it was started")
	}
}

type inDoubt struct{ freely }

func (inDoubt) Owned(now time.Time) (time.Time, <-chan struct{}) { return now, make(chan struct{}) }
