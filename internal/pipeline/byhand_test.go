package pipeline

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// byHandOnly orders to bury one record, so long after somebody waits for it to be told.
type byHandOnly struct {
	offset int64
	after  time.Duration
}

func (o byHandOnly) Watch(_ string, _ int32, offset int64, condemned func(string)) func() {
	if offset != o.offset {
		return func() {}
	}
	timer := time.AfterFunc(o.after, func() { condemned("no such entity (ann@host)") })
	return func() { timer.Stop() }
}

// A record that waits is buried by an operator's order, and those behind it flow; no other is.
func TestARecordThatWaitsIsBuriedByHand(t *testing.T) {
	b := &backend{answer: func(body string, _ int) error {
		if strings.HasPrefix(body, "r1 ") {
			return &fault.Error{Kind: fault.Backend, Code: "http_403", Err: errors.New("answered 403")}
		}
		return nil
	}}
	l := &letters{}
	cfg := quick()
	cfg.Orders = byHandOnly{1, 20 * time.Millisecond}
	p := New(cfg, []Destination{{Name: "backend", To: b}}, l)
	recs := records(many(4)...)
	if n, err := handle(t.Context(), p, recs); n != 4 || err != nil {
		t.Fatalf("%d settled, %v", n, err)
	}
	if got := l.codes(); len(got) != 1 || got[0] != "1:deliver/rejected/buried_by_hand" {
		t.Errorf("letters %v", got)
	}
	if l.all[0].Error != "buried by hand: no such entity (ann@host)" || l.all[0].Attempts < 1 {
		t.Errorf("%+v", l.all[0])
	}
	if len(p.Holds()) != 0 {
		t.Errorf("still held: %v", p.Holds())
	}
}

// deaf delivers what it has begun, whatever ends meanwhile.
type deaf struct{ backend }

func (d *deaf) Deliver(_ context.Context, ev openlineage.Event) error {
	time.Sleep(time.Second)
	return d.backend.Deliver(context.Background(), ev)
}

// An order that comes while the last event is delivered, and is taken, has nothing to bury.
func TestAnOrderThatComesTooLateBuriesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, l, cfg := &deaf{}, &letters{}, quick()
		cfg.Orders = byHandOnly{0, 1500 * time.Millisecond}
		p := New(cfg, []Destination{{Name: "backend", To: b}}, l)
		if err := p.Settle(t.Context(), p.Prepare(records(many(1)...)[0]), freely{}); err != nil || len(b.taken) != 2 || len(l.all) != 0 {
			t.Errorf("%v: delivered %v, letters %v", err, b.taken, l.codes())
		}
	})
}
