package pipeline

import (
	"context"
	"errors"
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

// several is a pipeline to named destinations.
func several(g *graves, to ...Destination) *Pipeline {
	return New(Config{Mapper: fakeMapper{}, To: to, DeadLetters: g, Group: "g", MaxMessageBytes: 1 << 16,
		Backoff: BackoffConfig{Initial: time.Millisecond, Max: 5 * time.Millisecond}})
}

func TestARetryGoesOnlyToTheDestinationThatFailed(t *testing.T) {
	away := func(times int) func(string, int) error {
		return func(string, int) error {
			if times--; times >= 0 {
				return fault.BackendError("connection", "no connection")
			}
			return nil
		}
	}
	for name, second := range map[string]Deliverer{"one by one": &backend{}, "batch": &batchBackend{}} {
		t.Run(name, func(t *testing.T) {
			g := &graves{}
			b := &backend{answer: away(30)}
			p := several(g, Destination{Name: "main", To: b}, Destination{Name: "copy", To: second})
			var values [][]byte
			for i := range 10 {
				values = append(values, event(fmt.Sprint("r", i)))
			}
			if n, err := p.Handle(t.Context(), records(values...)); n != 10 || err != nil {
				t.Fatalf("Handle = %d, %v", n, err)
			}
			taken := b.taken
			copied := takenBy(second)
			if len(taken) != 20 || len(copied) != 20 || len(g.letters) != 0 {
				t.Errorf("main has %d events, copy %d, want 20 each; %d letters", len(taken), len(copied), len(g.letters))
			}
			checkOrder(t, taken, 10)
			checkOrder(t, copied, 10)
		})
	}
}

func takenBy(d Deliverer) []string {
	switch d := d.(type) {
	case *backend:
		return d.taken
	case *batchBackend:
		return d.taken
	}
	return nil
}

// While one destination is away, the record waits and is not committed; the others have it already.
func TestARecordIsSettledWhenEveryDestinationHasIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	main := &backend{answer: func(string, int) error { return fault.BackendError("connection", "no connection") }}
	side := &backend{}
	p := several(&graves{}, Destination{Name: "main", To: main}, Destination{Name: "side", To: side})
	done := make(chan int)
	go func() {
		n, _ := p.Handle(ctx, records(event("r0")))
		done <- n
	}()
	for {
		if h := p.Held(); len(h) == 1 && h[0].Destination == "main" && h[0].Code == "connection" {
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
}

func TestWhatOneDestinationRefusesTheOthersGet(t *testing.T) {
	g := &graves{}
	refuses := &backend{answer: func(body string, _ int) error {
		if strings.HasPrefix(body, "r1 ") {
			return fault.MessageError(fault.Rejected, "http_422", "answered 422")
		}
		return nil
	}}
	side := &backend{}
	p := several(g, Destination{Name: "main", To: refuses}, Destination{Name: "side", To: side})
	if n, err := p.Handle(t.Context(), records(event("r0"), event("r1"))); n != 2 || err != nil {
		t.Fatalf("Handle = %d, %v", n, err)
	}
	if len(side.taken) != 4 {
		t.Errorf("side has %v", side.taken)
	}
	if got := g.codes(); !slices.Equal(got, []string{"1:deliver/rejected/http_422"}) || g.letters[0].Error != "destination main: answered 422" {
		t.Errorf("letters %+v", g.letters)
	}
}

// choosy would refuse an event, and can tell beforehand.
type choosy struct{ backend }

func (c *choosy) Check(_ context.Context, ev openlineage.Event) error {
	if strings.HasPrefix(string(ev.Body), "r1 COMPLETE") {
		return fault.MessageError(fault.Rejected, "unsafe_event", "unsafe")
	}
	return nil
}

// All before any: what one destination would refuse is not sent to the others either, so that nothing is half delivered.
func TestWhatOneDestinationWouldRefuseIsSentToNone(t *testing.T) {
	g := &graves{}
	main, side := &choosy{}, &batchBackend{}
	p := several(g, Destination{Name: "main", To: main}, Destination{Name: "side", To: side})
	if n, err := p.Handle(t.Context(), records(event("r0"), event("r1"))); n != 2 || err != nil {
		t.Fatalf("Handle = %d, %v", n, err)
	}
	if len(main.taken) != 2 || len(side.taken) != 2 || len(g.letters) != 1 {
		t.Errorf("main has %v, side %v, %d letters", main.taken, side.taken, len(g.letters))
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
				return &fault.Error{Kind: fault.Backend, Code: "http_500", Unclear: true, Err: errors.New("answered 500")}
			}
			return nil
		}}
		g := &graves{}
		p := New(Config{Mapper: fakeMapper{}, To: []Destination{{Name: "marquez", To: slowly{b}, Adaptive: true}}, DeadLetters: g})
		var values [][]byte
		for i := range 200 {
			values = append(values, event(fmt.Sprint("r", i)))
		}
		recs := records(values...)
		for i := range recs {
			recs[i].Key = fmt.Appendf(nil, "k%d", i%40)
		}
		if n, err := p.Handle(t.Context(), recs); n != len(recs) || err != nil {
			t.Fatalf("Handle = %d, %v", n, err)
		}
		slices.Sort(b.taken) // a witness may be there twice
		if taken := len(slices.Compact(b.taken)); len(g.letters) != 0 || taken != 400 {
			t.Errorf("%d letters, %d events; want 0, 400", len(g.letters), taken)
		}
	})
}

// slowly takes the time of a Marquez for each answer.
type slowly struct{ *backend }

func (s slowly) Deliver(ctx context.Context, ev openlineage.Event) error {
	if err := sleep(ctx, 50*time.Millisecond); err != nil {
		return err
	}
	return s.backend.Deliver(ctx, ev)
}

// A record is poison by 5xx at the defaults only after eight witnessed attempts over two minutes.
func TestPoisonTakesTwoMinutesAndEightAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		b := &backend{answer: func(body string, _ int) error {
			if strings.HasPrefix(body, "r1 ") {
				return &fault.Error{Kind: fault.Backend, Code: "http_500", Unclear: true, Err: errors.New("answered 500")}
			}
			return nil
		}}
		g := &graves{}
		p := New(Config{Mapper: fakeMapper{}, To: []Destination{{Name: "marquez", To: b}}, DeadLetters: g})
		if n, err := p.Handle(t.Context(), records(event("r0"), event("r1"), event("r2"))); n != 3 || err != nil {
			t.Fatalf("Handle = %d, %v", n, err)
		}
		if took := time.Since(began); took < 2*time.Minute || len(g.letters) != 1 || g.letters[0].Attempts < 8 {
			t.Errorf("after %s: letters %+v", took, g.letters)
		}
	})
}

// The only record in hand is its own witness's defendant: a write that is known to be harmless speaks instead.
func TestALoneRecordIsJudgedByAWriteThatIsHarmless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answer: func(body string, _ int) error {
			if strings.HasSuffix(body, "START") {
				return &fault.Error{Kind: fault.Backend, Code: "http_500", Unclear: true, Err: errors.New("answered 500")}
			}
			return nil
		}}
		g := &graves{}
		p := New(Config{Mapper: fakeMapper{}, To: []Destination{{Name: "marquez", To: b}}, DeadLetters: g})
		if n, err := p.Handle(t.Context(), records(event("r0"))); n != 1 || err != nil {
			t.Fatalf("Handle = %d, %v", n, err)
		}
		if got := g.codes(); !slices.Equal(got, []string{"0:deliver/exhausted/http_500"}) {
			t.Errorf("letters %v", got)
		}
		for _, body := range b.taken {
			if body != "r0 MINIMAL" {
				t.Errorf("the witness was %q, want the run's own terminal event without facets", body)
			}
		}
	})
}

// Without any witness nobody is judged: the record waits as long as it takes.
func TestWithoutAWitnessNothingIsBuried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
		defer cancel()
		b := &backend{answer: func(string, int) error {
			return &fault.Error{Kind: fault.Backend, Code: "http_500", Unclear: true, Err: errors.New("answered 500")}
		}}
		g := &graves{}
		p := New(Config{Mapper: fakeMapper{}, To: []Destination{{Name: "marquez", To: b}}, DeadLetters: g})
		if n, _ := p.Handle(ctx, records(event("r0"), event("r1"))); n != 0 || len(g.letters) != 0 {
			t.Errorf("%d settled, letters %v", n, g.codes())
		}
	})
}

func TestARecordThatNothingCanJudgeSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := &backend{answer: func(string, int) error {
			return &fault.Error{Kind: fault.Backend, Code: "http_500", Unclear: true, Err: errors.New("answered 500")}
		}}
		p := New(Config{Mapper: fakeMapper{}, To: []Destination{{Name: "marquez", To: b}}, DeadLetters: &graves{}})
		done := make(chan struct{})
		go func() { defer close(done); _, _ = p.Handle(ctx, records(event("foreign"))) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if h := p.Held(); len(h) != 1 || !strings.Contains(h[0].Reason, "answered 500 (nothing else is there to deliver") {
			t.Errorf("held %+v", h)
		}
		cancel()
		<-done
	})
}

// The first record of a process is a passed-through event that is answered with 500, and nothing else is in hand: the next record of
// another key speaks, ahead of its turn.
// What would overtake a record of its key that is in hand is no witness.
func TestAWitnessOvertakesNothing(t *testing.T) {
	p := New(Config{Mapper: fakeMapper{}, To: []Destination{{Name: "marquez", To: &backend{}}}, DeadLetters: &graves{}})
	all := records(event("a"), event("b"), event("c"), event("d"))
	all[3].Key = []byte("fresh")
	p.Next = func(_ *kgo.Record, fits func(*kgo.Record) bool) *kgo.Record {
		if i := slices.IndexFunc(all[2:], fits); i >= 0 {
			return all[2+i]
		}
		return nil
	}
	first, second := p.newItem(all[0]), p.newItem(all[1]) // keys k0 and k1, of which c is one more
	first.lanes = map[string][]*item{"k0": {first}, "k1": {second}}
	got := p.outlets[0].further(first)
	if len(got) != 2 || string(got[0].Body) != "d START" {
		t.Errorf("the witness is %v, want the record of the key of which nothing is in hand", got)
	}
}

func TestARecordThatStandsAloneIsJudgedByTheNextOfAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answer: func(body string, _ int) error {
			if strings.HasPrefix(body, "foreign") {
				return &fault.Error{Kind: fault.Backend, Code: "http_500", Unclear: true, Err: errors.New("answered 500")}
			}
			return nil
		}}
		g := &graves{}
		all := records(event("foreign"), event("next"), event("same key"), event("no key"))
		all[1], all[2] = all[2], all[1] // the one that may speak stands behind one of the key in hand
		all[3].Key = nil
		waiting := all[1:]
		p := New(Config{Mapper: fakeMapper{}, To: []Destination{{Name: "marquez", To: b}}, DeadLetters: g,
			Next: func(_ *kgo.Record, fits func(*kgo.Record) bool) *kgo.Record {
				if i := slices.IndexFunc(waiting, fits); i >= 0 {
					return waiting[i]
				}
				return nil
			}})
		if n, err := p.Handle(t.Context(), all[:1]); n != 1 || err != nil {
			t.Fatalf("Handle = %d, %v", n, err)
		}
		if got := g.codes(); !slices.Equal(got, []string{"0:deliver/exhausted/http_500"}) {
			t.Errorf("letters %v", got)
		}
		if len(b.taken) < 2 || b.taken[0] != "next START" || b.taken[1] != "next COMPLETE" {
			t.Errorf("the witness was %v", b.taken)
		}
	})
}

func TestOneKeyStaysInOrderWhileOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		p := New(Config{Mapper: fakeMapper{}, To: []Destination{{Name: "gateway", To: slowly{b}, MaxInFlight: 64}}, DeadLetters: &graves{}})
		var recs []*kgo.Record
		for i := range 128 {
			recs = append(recs, &kgo.Record{Topic: "in", Offset: int64(i), Key: fmt.Appendf(nil, "k%d", i%64), Value: event(fmt.Sprint("r", i))})
		}
		began := time.Now()
		if n, err := p.Handle(t.Context(), recs); n != 128 || err != nil {
			t.Fatalf("Handle = %d, %v", n, err)
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
