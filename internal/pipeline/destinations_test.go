package pipeline

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func away(times int) func(string, int) error {
	return func(string, int) error {
		if times--; times >= 0 {
			return fault.BackendError("connection", "no connection")
		}
		return nil
	}
}

func TestARetryGoesOnlyToTheDestinationThatFailed(t *testing.T) {
	for name, kind := range kinds(nil) {
		t.Run(name, func(t *testing.T) {
			l := &letters{}
			b := &backend{answer: away(30)}
			second, copied := kind()
			p := New(quick(), []Destination{{Name: "main", To: b}, {Name: "copy", To: second}}, l)
			if n, err := handle(t.Context(), p, records(many(10)...)); n != 10 || err != nil {
				t.Fatalf("settled %d, %v", n, err)
			}
			if len(b.taken) != 20 || len(copied.taken) != 20 || len(l.all) != 0 {
				t.Errorf("main has %d events, copy %d, want 20 each; %d letters", len(b.taken), len(copied.taken), len(l.all))
			}
			checkOrder(t, b.taken, 10)
			checkOrder(t, copied.taken, 10)
		})
	}
}

// While one destination is away, the record waits and is not committed; the others have it already.
func TestARecordIsSettledWhenEveryDestinationHasIt(t *testing.T) {
	for name, kind := range kinds(nil) {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			main := &backend{answer: func(string, int) error { return fault.BackendError("connection", "no connection") }}
			second, side := kind()
			p := New(quick(), []Destination{{Name: "main", To: main}, {Name: "side", To: second}}, &letters{})
			done := make(chan int)
			go func() {
				n, _ := handle(ctx, p, records(event("r0")))
				done <- n
			}()
			for {
				if h := p.Holds(); len(h) == 1 && h[0].Destination == "main" && h[0].Code == "connection" && len(side.has()) == 2 {
					break
				}
				time.Sleep(time.Millisecond)
			}
			cancel()
			if n := <-done; n != 0 {
				t.Errorf("%d records settled, although main has none of their events", n)
			}
			if !slices.Equal(side.taken, []string{"r0 START", "r0 COMPLETE"}) {
				t.Errorf("side has %v", side.taken)
			}
		})
	}
}

func TestWhatOneDestinationRefusesTheOthersGet(t *testing.T) {
	l := &letters{}
	refuses := &backend{answer: func(body string, _ int) error {
		if strings.HasPrefix(body, "r1 ") {
			return fault.MessageError(fault.Rejected, "http_422", "answered 422")
		}
		return nil
	}}
	side := &backend{}
	p := New(quick(), []Destination{{Name: "main", To: refuses}, {Name: "side", To: side}}, l)
	if n, err := handle(t.Context(), p, records(event("r0"), event("r1"))); n != 2 || err != nil {
		t.Fatalf("settled %d, %v", n, err)
	}
	if len(side.taken) != 4 {
		t.Errorf("side has %v", side.taken)
	}
	if got := l.codes(); !slices.Equal(got, []string{"1:deliver/rejected/http_422"}) || l.all[0].Error != "destination main: START event: answered 422" {
		t.Errorf("letters %+v", l.all)
	}
}

// choosy would refuse an event, and can tell beforehand.
type choosy struct{ backend }

func (c *choosy) Sure(openlineage.Event) bool { return false }

func (c *choosy) Check(_ context.Context, ev openlineage.Event) error {
	if body := string(ev.Body); strings.HasPrefix(body, "r1 COMPLETE") || strings.HasPrefix(body, "second COMPLETE") {
		return fault.MessageError(fault.Rejected, "unsafe_event", "unsafe")
	}
	return nil
}

// All before any: what one destination would refuse is not sent to the others either, so that nothing is half delivered.
func TestWhatOneDestinationWouldRefuseIsSentToNone(t *testing.T) {
	l := &letters{}
	main, side := &choosy{}, &sender{}
	p := New(quick(), []Destination{{Name: "main", To: main}, {Name: "side", To: side}}, l)
	if n, err := handle(t.Context(), p, records(event("r0"), event("r1"), event("pair"))); n != 3 || err != nil {
		t.Fatalf("settled %d, %v", n, err)
	}
	if len(main.taken) != 2 || len(side.taken) != 2 || len(l.all) != 2 {
		t.Errorf("main has %v, side %v, letters %v", main.taken, side.taken, l.codes())
	}
	for _, letter := range l.all {
		if want := map[int64]string{1: "", 2: "[1]"}[letter.Offset]; letter.Part != want {
			t.Errorf("the letter of offset %d names part %q, want %q", letter.Offset, letter.Part, want)
		}
	}
}

// After its database returns, Marquez mixes 201 and 500 for up to half a minute (BEHAVIOUR §11): nothing may be buried then,
// at the default settings, however the mix falls.
func TestABackendThatRecoversBuriesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recovered := time.Now().Add(30 * time.Second)
		random := rand.New(rand.NewPCG(1, 2))
		b := &backend{answer: func(string, int) error {
			if time.Now().Before(recovered) && random.IntN(2) == 0 {
				return unclear()
			}
			return nil
		}}
		l := &letters{}
		p := New(Config{Mapper: fakeMapper{}}, []Destination{{Name: "marquez", To: slowly{b}, Adaptive: true}}, l)
		recs := records(many(200)...)
		for i := range recs {
			recs[i].Key = fmt.Appendf(nil, "k%d", i%40)
		}
		if n, err := handle(t.Context(), p, recs); n != len(recs) || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		slices.Sort(b.taken) // a witness may be there twice
		if taken := len(slices.Compact(b.taken)); len(l.all) != 0 || taken != 400 {
			t.Errorf("%d letters, %d events; want 0, 400", len(l.all), taken)
		}
	})
}

func marquez(b *backend, l *letters) *Pipeline {
	return New(Config{Mapper: fakeMapper{}}, []Destination{{Name: "marquez", To: b}}, l)
}

// A record is poison by 5xx at the defaults only after eight witnessed attempts over two minutes.
func TestPoisonTakesTwoMinutesAndEightAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		b := &backend{answer: func(body string, _ int) error {
			if strings.HasPrefix(body, "r1 ") {
				return unclear()
			}
			return nil
		}}
		l := &letters{}
		if n, err := handle(t.Context(), marquez(b, l), records(many(3)...)); n != 3 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		if took := time.Since(began); took < 2*time.Minute || len(l.all) != 1 || l.all[0].Attempts < 8 {
			t.Errorf("after %s: letters %+v", took, l.all)
		}
	})
}

// The only record in hand can't be the witness against itself: a write that is known to be harmless shows whether the backend takes any.
func TestARecordAloneIsTestedByAWriteThatIsHarmless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answer: func(body string, _ int) error {
			if strings.HasSuffix(body, "START") {
				return unclear()
			}
			return nil
		}}
		l := &letters{}
		if n, err := handle(t.Context(), marquez(b, l), records(event("r0"))); n != 1 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		if got := l.codes(); !slices.Equal(got, []string{"0:deliver/exhausted/http_500"}) {
			t.Errorf("letters %v", got)
		}
		for _, body := range b.taken {
			if body != "r0 MINIMAL" {
				t.Errorf("the witness was %q, want the run's own terminal event without facets", body)
			}
		}
	})
}

// The witness of a process that has delivered is its last terminal event: one that the backend is known to take.
func TestTheLastDeliveredEventIsTheWitness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		l := &letters{}
		p := marquez(b, l)
		if n, err := handle(t.Context(), p, records(event("r0"))); n != 1 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		b.taken = nil
		b.answer = func(body string, _ int) error {
			if strings.HasPrefix(body, "foreign ") {
				return unclear()
			}
			return nil
		}
		if n, err := handle(t.Context(), p, records(event("foreign"))); n != 1 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		if got := l.codes(); !slices.Equal(got, []string{"0:deliver/exhausted/http_500"}) {
			t.Errorf("letters %v", got)
		}
		if len(b.taken) == 0 || slices.ContainsFunc(b.taken, func(body string) bool { return body != "r0 COMPLETE" }) {
			t.Errorf("the witnesses were %v", b.taken)
		}
	})
}

// Without any witness nothing is poison: the record waits as long as it takes. What succeeded before an outage is none.
func TestAnOutageOfHoursBuriesNothing(t *testing.T) {
	for _, before := range []int{0, 1, 5} {
		t.Run(fmt.Sprint(before, " successes before"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
				defer cancel()
				b := &backend{}
				l := &letters{}
				p := marquez(b, l)
				if n, err := handle(ctx, p, records(many(before)...)); n != before || err != nil {
					t.Fatalf("settled %d, %v", n, err)
				}
				b.answer = func(string, int) error { return unclear() }
				if n, _ := handle(ctx, p, records(many(2)...)); n != 0 || len(l.all) != 0 {
					t.Errorf("%d settled, letters %v", n, l.codes())
				}
			})
		})
	}
}

func TestARecordWithoutAWitnessSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := marquez(&backend{answer: func(string, int) error { return unclear() }}, &letters{})
		done := make(chan struct{})
		go func() { defer close(done); _, _ = handle(ctx, p, records(event("foreign"))) }()
		time.Sleep(10 * time.Minute)
		if h := p.Holds(); len(h) != 1 || !strings.Contains(h[0].Reason, "answered 500 (nothing else is there to deliver") {
			t.Errorf("held %+v", h)
		}
		cancel()
		<-done
	})
}

func TestOneKeyStaysInOrderWhileOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		p := New(Config{Mapper: fakeMapper{}}, []Destination{{Name: "gateway", To: slowly{b}, MaxInFlight: 64}}, &letters{})
		var recs []*kgo.Record
		for i := range 128 {
			recs = append(recs, &kgo.Record{Topic: "in", Offset: int64(i), Key: fmt.Appendf(nil, "k%d", i%64), Value: event(fmt.Sprint("r", i))})
		}
		began := time.Now()
		if n, err := handle(t.Context(), p, recs); n != 128 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		// Two records a key, two events each, 50 ms an event; all keys side by side.
		if took := time.Since(began); took > 250*time.Millisecond {
			t.Errorf("took %s: keys waited for each other", took)
		}
		at := make(map[string]int)
		for i, body := range b.taken {
			at[body] = i
		}
		for i := 64; i < 128; i++ {
			if at[fmt.Sprint("r", i, " START")] < at[fmt.Sprint("r", i-64, " COMPLETE")] {
				t.Errorf("r%d overtook r%d", i, i-64)
			}
		}
	})
}

// People read what a console or a file is sent: a run's events stay together, also beside other destinations.
func TestTheEventsOfARecordStayTogetherWhereThatIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		p := New(quick(), []Destination{{Name: "console", To: slowly{b}, Whole: true}, {Name: "kafka", To: &sender{latency: time.Second}}}, &letters{})
		if n, err := handle(t.Context(), p, records(many(20)...)); n != 20 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		for i := 0; i < len(b.taken); i += 2 {
			if run, found := strings.CutSuffix(b.taken[i], " START"); !found || b.taken[i+1] != run+" COMPLETE" {
				t.Fatalf("delivered %v", b.taken)
			}
		}
	})
}
