package pipeline

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func last(taken []string, body string) int {
	for i := len(taken) - 1; i >= 0; i-- {
		if taken[i] == body {
			return i
		}
	}
	return -1
}

// A fails, and B behind it was acknowledged meanwhile: B is written again after A, or a reader would take A for the newest.
func TestWhatWasWrittenAheadOfARetryIsWrittenAgainAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{latency: 50 * time.Millisecond, backend: backend{answer: func(body string, nth int) error {
			if strings.HasPrefix(body, "r0 ") && nth == 1 {
				return fault.BackendError("kafka_timeout", "timed out")
			}
			return nil
		}}}
		recs := records(many(5)...)
		if n, err := handle(t.Context(), to(s, &letters{}), recs); n != 5 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		checkOrder(t, s.taken, 5)
		if first := slices.Index(s.taken, "r2 START"); first > slices.Index(s.taken, "r0 START") {
			t.Fatal("r2 did not go ahead of r0's second attempt, so nothing is shown")
		}
		if n := s.tries["r2 START"]; n != 2 {
			t.Errorf("r2 behind r0 was written %d times, want 2", n)
		}
		if n := s.tries["r1 START"]; n != 1 {
			t.Errorf("r1 of another lane was written %d times, want once", n)
		}
	})
}

// A record without events stands in its lanes like another: what is behind it must hear of a retry before it.
func TestARecordWithoutEventsKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{latency: 50 * time.Millisecond, backend: backend{answer: func(body string, nth int) error {
			if strings.HasPrefix(body, "r0 ") && nth == 1 {
				return fault.BackendError("kafka_timeout", "timed out")
			}
			return nil
		}}}
		recs := records(event("r0"), event("r1"), []byte("bad"), event("r3"), event("r4"))
		l := &letters{}
		if n, err := handle(t.Context(), to(s, l), recs); n != 5 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		if len(l.all) != 1 || last(s.taken, "r4 START") < last(s.taken, "r0 COMPLETE") {
			t.Errorf("%d letters, delivered %v", len(l.all), s.taken)
		}
	})
}

// All acknowledgements of a partition take as long as one, since nobody waits for them in turn.
func TestRecordsOfOneKeyDoNotWaitForAcknowledgements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{latency: time.Second}
		recs := records(many(1000)...)
		began := time.Now()
		if n, err := handle(t.Context(), to(s, &letters{}), recs); n != 1000 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %s", took)
		}
		checkOrder(t, s.taken, 1000)
	})
}

// While the brokers are away, whatever was in flight is written again in its order.
func TestAnOutageOfABrokerKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := time.Now().Add(time.Minute)
		s := &sender{latency: 50 * time.Millisecond}
		s.answer = func(body string, _ int) error {
			if time.Now().Before(back) && !strings.HasPrefix(body, "r1 ") {
				return fault.BackendError("kafka", "no leader")
			}
			return nil
		}
		l := &letters{}
		p := to(s, l)
		go func() {
			time.Sleep(30 * time.Second)
			if h := p.Holds(); len(h) != 1 || h[0].Code != "kafka" {
				t.Errorf("held %+v", h)
			}
		}()
		if n, err := handle(t.Context(), p, records(many(40)...)); n != 40 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		checkOrder(t, s.taken, 40)
		if len(l.all) != 0 {
			t.Errorf("letters %v", l.codes())
		}
	})
}

// Beside a destination that keeps order by itself, one that does not still gets each lane in order.
func TestADestinationBesideKafkaGetsEachLaneInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, s := &backend{}, &sender{latency: time.Millisecond}
		b.answer = away(10)
		s.answer = away(5)
		other := &sender{latency: 70 * time.Millisecond}
		p := New(quick(), []Destination{{Name: "http", To: slowly{b}}, {Name: "kafka", To: s}, {Name: "copy", To: other}}, &letters{})
		if n, err := handle(t.Context(), p, records(many(20)...)); n != 20 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		for _, taken := range [][]string{b.taken, s.taken, other.taken} {
			checkOrder(t, taken, 20)
		}
		if len(b.taken) != 40 {
			t.Errorf("%d events over HTTP, want 40", len(b.taken))
		}
	})
}

// full is a Sender without room for some events: it takes a second to hand them over.
type full struct{ sender }

func (f *full) Send(ctx context.Context, ev openlineage.Event, done func(error)) {
	if strings.HasPrefix(string(ev.Body), "r0 ") {
		time.Sleep(time.Second)
	}
	f.sender.Send(ctx, ev, done)
}

// The records behind one begin when every destination that keeps order has it, not when the first has.
func TestARecordPassesWhenEverySenderHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := &sender{latency: time.Minute}, &full{sender{latency: time.Minute}}
		p := New(quick(), []Destination{{Name: "one", To: one}, {Name: "two", To: two}}, &letters{})
		if n, err := handle(t.Context(), p, records(many(6)...)); n != 6 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		checkOrder(t, one.taken, 6)
		checkOrder(t, two.taken, 6)
	})
}

// What follows a refused run is a terminal event without facets; the records behind it come after that again.
func TestAMinimalEventIsNotTheLastOfItsLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{latency: 50 * time.Millisecond, backend: backend{answer: func(body string, _ int) error {
			if body == "r0 COMPLETE" {
				return fault.MessageError(fault.Oversize, "kafka_message_too_large", "too large")
			}
			return nil
		}}}
		l := &letters{}
		if n, err := handle(t.Context(), to(s, l), records(many(3)...)); n != 3 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		if last(s.taken, "r2 START") < last(s.taken, "r0 MINIMAL") || last(s.taken, "r0 MINIMAL") < 0 {
			t.Errorf("delivered %v", s.taken)
		}
		if got := l.codes(); !slices.Equal(got, []string{"0:deliver/oversize/kafka_message_too_large"}) {
			t.Errorf("letters %v", got)
		}
	})
}

// panicking is a Sender with a bug.
type panicking struct{ sender }

func (p *panicking) Send(ctx context.Context, ev openlineage.Event, done func(error)) {
	if strings.HasPrefix(string(ev.Body), "r1 COMPLETE") {
		panic("a bug")
	}
	p.sender.Send(ctx, ev, done)
}

func TestABugInASenderIsItsRecordsEndOnly(t *testing.T) {
	l := &letters{}
	s := &panicking{}
	if n, err := handle(t.Context(), to(s, l), records(many(4)...)); n != 4 || err != nil {
		t.Fatalf("settled %d, %v", n, err)
	}
	if got := l.codes(); !slices.Equal(got, []string{"1:deliver/bug/panic"}) {
		t.Errorf("letters %v", got)
	}
}

// freely is a Turn of a record that nothing is before.
type freely struct{}

func (freely) Pass()                               {}
func (freely) Again()                              {}
func (freely) While() context.Context              { return context.Background() }
func (freely) First(context.Context) (bool, error) { return false, nil }

// instantly is a Sender that acknowledges at once and keeps nothing.
type instantly struct{}

func (instantly) Deliver(context.Context, openlineage.Event) error              { return nil }
func (instantly) Send(_ context.Context, _ openlineage.Event, done func(error)) { done(nil) }

func TestSettlingARecordThatGoesWellAllocatesNothing(t *testing.T) {
	p := to(instantly{}, &letters{})
	ready := p.Prepare(records(event("r0"))[0]).(*prepared)
	runs := ready.runs
	if n := testing.AllocsPerRun(1000, func() {
		ready.runs = runs
		if err := p.Settle(t.Context(), ready, freely{}); err != nil {
			t.Fatal(err)
		}
	}); n > 0 && !raced {
		t.Errorf("%.0f allocations a record", n)
	}
}

func BenchmarkSettle(b *testing.B) {
	p := to(instantly{}, &letters{})
	ready := p.Prepare(records(event("r0"))[0]).(*prepared)
	runs := ready.runs
	b.ReportAllocs()
	for b.Loop() {
		ready.runs = runs
		if err := p.Settle(b.Context(), ready, freely{}); err != nil {
			b.Fatal(err)
		}
	}
}

// mapped is a mapper that has done its work before.
type mapped []openlineage.Run

func (m mapped) Map(*gx.Message, mapper.Input) ([]openlineage.Run, error) { return m, nil }

func BenchmarkPrepareBesideDecodeAndMap(b *testing.B) {
	cfg := quick()
	runs, _ := fakeMapper{}.Map(&gx.Message{EventFacts: gx.EventFacts{RunID: "r0", Datasets: []gx.Dataset{{Namespace: "n", Name: "orders"}}}}, mapper.Input{})
	msg := new(gx.Message)
	cfg.Decode, cfg.Mapper = func([]byte) (*gx.Message, error) { return msg, nil }, mapped(runs)
	p := New(cfg, []Destination{{Name: "backend", To: instantly{}}}, &letters{})
	rec := records(event("r0"))[0]
	b.ReportAllocs()
	for b.Loop() {
		p.Prepare(rec)
	}
}
