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

// timesOut answers the first attempt of what begins so with a fault of the brokers.
func timesOut(prefix string) func(string, int) error {
	return func(body string, nth int) error {
		if strings.HasPrefix(body, prefix) && nth == 1 {
			return fault.BackendError("kafka_timeout", "timed out")
		}
		return nil
	}
}

// A fails, and B behind it was acknowledged meanwhile: B is written again after A, or a reader would take A for the newest.
func TestWhatWasWrittenAheadOfARetryIsWrittenAgainAfterIt(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sender, drive drive) {
		s.latency, s.answer = 50*time.Millisecond, timesOut("r0 ")
		recs := records(many(5)...)
		if n, err := handle(t.Context(), drive(to(s, &letters{})), recs); n != 5 || err != nil {
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
	eachWay(t, func(t *testing.T, s *sender, drive drive) {
		s.latency, s.answer = 50*time.Millisecond, timesOut("r0 ")
		recs := records(event("r0"), event("r1"), []byte("bad"), event("r3"), event("r4"))
		l := &letters{}
		if n, err := handle(t.Context(), drive(to(s, l)), recs); n != 5 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		if len(l.all) != 1 || last(s.taken, "r4 START") < last(s.taken, "r0 COMPLETE") {
			t.Errorf("%d letters, delivered %v", len(l.all), s.taken)
		}
	})
}

// So does one that has none and nothing wrong with it: it is not settled before those before it are.
func TestARecordThatIsOnlyCountedKeepsItsPlace(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sender, drive drive) {
		s.latency, s.answer = 50*time.Millisecond, timesOut("r0 ")
		recs := records(event("r0"), event("r1"), event("nothing"), event("r3"), event("r4"))
		if n, err := handle(t.Context(), drive(to(s, &letters{})), recs); n != 5 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		if last(s.taken, "r4 START") < last(s.taken, "r0 COMPLETE") {
			t.Errorf("delivered %v", s.taken)
		}
	})
}

// Every way counts each event once, as often as it is delivered, and tells of each record once.
func TestEveryWayCountsAlike(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sender, drive drive) {
		s.latency, s.answer = time.Millisecond, tooLarge("r3 COMPLETE")
		seen, o, cfg := &counted{}, &told{}, quick()
		cfg.Observer, cfg.Settled = seen, o.settled
		p := New(cfg, []Destination{{Name: "backend", To: s}}, &letters{})
		if n, err := handle(t.Context(), drive(p), records(event("r0"), event("r1"), event("nothing"), event("r3"))); n != 4 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		if seen.events != len(s.taken) || seen.records != 4 || seen.letters != 1 || len(o.all) != 4 {
			t.Errorf("%d events of %d, %d letters; told %v", seen.events, len(s.taken), seen.letters, o.all)
		}
	})
}

func TestWhichRecordsMayBeStarted(t *testing.T) {
	for name, c := range map[string]struct {
		to   []Destination
		want bool
	}{
		"a Sender":   {[]Destination{{Name: "a", To: &sender{}}}, true},
		"two":        {[]Destination{{Name: "a", To: &sender{}}, {Name: "b", To: &sender{}}}, false},
		"one by one": {[]Destination{{Name: "a", To: &backend{}}}, false},
		"one that cannot be asked": {[]Destination{{Name: "a", To: struct {
			Deliverer
			Sender
		}{}}}, false},
		"one that refuses by itself": {[]Destination{{Name: "a", To: &choosySender{}}}, false},
	} {
		if got := New(quick(), c.to, &letters{}).Starts(); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	p := to(&sender{}, &letters{})
	for id, want := range map[string]bool{"r0": true, "pair": true, "nothing": true, "unmapped": false, "through": false} {
		if got := p.Start(t.Context(), p.Prepare(records(event(id))[0]), freely{}); got != want {
			t.Errorf("%s: %t", id, got)
		}
	}
}

type choosySender struct {
	choosy
	sender
}

func (*choosySender) Deliver(context.Context, openlineage.Event) error { return nil }

// All acknowledgements of a partition take as long as one, since nobody waits for them in turn.
func TestRecordsOfOneKeyDoNotWaitForAcknowledgements(t *testing.T) {
	eachWay(t, func(t *testing.T, s *sender, drive drive) {
		s.latency = time.Second
		recs := records(many(1000)...)
		began := time.Now()
		if n, err := handle(t.Context(), drive(to(s, &letters{})), recs); n != 1000 || err != nil {
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
	eachWay(t, func(t *testing.T, s *sender, drive drive) {
		back := time.Now().Add(time.Minute)
		s.latency = 50 * time.Millisecond
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
		if n, err := handle(t.Context(), drive(p), records(many(40)...)); n != 40 || err != nil {
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
	eachWay(t, func(t *testing.T, s *sender, drive drive) {
		s.latency, s.answer = 50*time.Millisecond, tooLarge("r0 COMPLETE")
		l := &letters{}
		if n, err := handle(t.Context(), drive(to(s, l)), records(many(3)...)); n != 3 || err != nil {
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

func (p *panicking) TrySend(ctx context.Context, ev openlineage.Event, done func(error)) bool {
	p.Send(ctx, ev, done)
	return true
}

func TestABugInASenderIsItsRecordsEndOnly(t *testing.T) {
	for name, drive := range map[string]drive{"settled": alone, "started": asIs} {
		t.Run(name, func(t *testing.T) {
			l := &letters{}
			if n, err := handle(t.Context(), drive(to(&panicking{}, l)), records(many(4)...)); n != 4 || err != nil {
				t.Fatalf("settled %d, %v", n, err)
			}
			if got := l.codes(); !slices.Equal(got, []string{"1:deliver/bug/panic"}) {
				t.Errorf("letters %v", got)
			}
		})
	}
}

// freely is a Turn of a record that nothing is before.
type freely struct{}

func (freely) Pass()                                        {}
func (freely) Again()                                       {}
func (freely) While() context.Context                       { return context.Background() }
func (freely) Owned(time.Time) (time.Time, <-chan struct{}) { return time.Time{}, nil }
func (freely) First(context.Context) (bool, error)          { return false, nil }
func (freely) Leads() bool                                  { return true }
func (freely) Done()                                        {}
func (freely) GoOn()                                        {}

// instantly is a Sender that acknowledges at once and keeps nothing.
type instantly struct{}

func (instantly) Deliver(context.Context, openlineage.Event) error              { return nil }
func (instantly) Send(_ context.Context, _ openlineage.Event, done func(error)) { done(nil) }

func (instantly) TrySend(_ context.Context, _ openlineage.Event, done func(error)) bool {
	done(nil)
	return true
}

func TestSettlingARecordThatGoesWellAllocatesNothing(t *testing.T) {
	p := to(instantly{}, &letters{})
	ready := p.Prepare(records(event("r0"))[0]).(*prepared)
	runs := ready.runs
	for name, settles := range map[string]func() bool{
		"settled": func() bool { return p.Settle(t.Context(), ready, freely{}) == nil },
		"started": func() bool { return p.Start(t.Context(), ready, freely{}) && ready.runs == nil },
	} {
		if n := testing.AllocsPerRun(1000, func() {
			ready.runs = runs
			if !settles() {
				t.Fatal(name, "is not settled")
			}
		}); n > 0 && !raced {
			t.Errorf("%s: %.0f allocations a record", name, n)
		}
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
	runs, _ := fakeMapper{}.Map(&gx.Message{Events: []gx.Passed{{Facts: gx.EventFacts{RunID: "r0", Datasets: []gx.Dataset{{Namespace: "n", Name: "orders"}}}}}}, mapper.Input{})
	msg := new(gx.Message)
	cfg.Decode, cfg.Mapper = func([]byte) (*gx.Message, error) { return msg, nil }, mapped(runs)
	p := New(cfg, []Destination{{Name: "backend", To: instantly{}}}, &letters{})
	rec := records(event("r0"))[0]
	b.ReportAllocs()
	for b.Loop() {
		p.Prepare(rec)
	}
}
