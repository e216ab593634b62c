package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeMapper makes START and COMPLETE of the runId of a passed-through event.
type fakeMapper struct{}

func (fakeMapper) Map(msg *gx.Message, _ mapper.Input) ([]openlineage.Run, error) {
	id := msg.EventFacts.RunID
	switch id {
	case "panic":
		panic("ROWVALUE-in-a-panic")
	case "unmapped":
		return nil, &mapper.Error{Code: "unmapped_dataset", Reason: "no such dataset"}
	}
	one := func(part, id string) openlineage.Run {
		ev := func(t openlineage.EventType, body string) openlineage.Event {
			return openlineage.Event{Type: t, RunID: id, Key: "run:ns/job", Body: []byte(id + " " + body)}
		}
		minimal := ev(openlineage.Complete, "MINIMAL")
		return openlineage.Run{Part: part, Minimal: func() openlineage.Event { return minimal }, Events: []openlineage.Event{
			ev(openlineage.Start, "START"), ev(openlineage.Complete, "COMPLETE")}}
	}
	if id == "pair" {
		return []openlineage.Run{one("[0]", "first"), one("[1]", "second")}, nil
	}
	run := one("", id)
	if id == "foreign" {
		run.Minimal = nil // as a passed-through event has none
	}
	return []openlineage.Run{run}, nil
}

// backend takes events, or answers what answer says.
type backend struct {
	mu     sync.Mutex
	taken  []string
	answer func(body string, nth int) error // nth attempt of this body, from 1
	tries  map[string]int
}

func (b *backend) Deliver(_ context.Context, ev openlineage.Event) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.tries == nil {
		b.tries = make(map[string]int)
	}
	body := string(ev.Body)
	b.tries[body]++
	if b.answer != nil {
		if err := b.answer(body, b.tries[body]); err != nil {
			return err
		}
	}
	b.taken = append(b.taken, body)
	return nil
}

// batchBackend is a backend that takes many at once, as Kafka does.
type batchBackend struct{ backend }

func (b *batchBackend) DeliverAll(ctx context.Context, evs []openlineage.Event) []error {
	errs := make([]error, len(evs))
	for i, ev := range evs {
		errs[i] = b.Deliver(ctx, ev)
	}
	return errs
}

// graves takes letters, or answers err so many times first.
type graves struct {
	mu      sync.Mutex
	letters []deadletter.Letter
	fail    int
}

func (g *graves) Bury(_ context.Context, _ *kgo.Record, l deadletter.Letter) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fail > 0 {
		g.fail--
		return errors.New("the topic is away")
	}
	g.letters = append(g.letters, l)
	return nil
}

func (g *graves) codes() (out []string) {
	for _, l := range g.letters {
		out = append(out, fmt.Sprintf("%d:%s/%s/%s", l.Offset, l.Stage, l.Disposition, l.Code))
	}
	slices.Sort(out)
	return out
}

func event(id string) []byte {
	return fmt.Appendf(nil, `{"eventTime":"2026-01-01T00:00:00Z","producer":"https://example.com","run":{"runId":%q},`+
		`"job":{"namespace":"n","name":"j"},"schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}`, id)
}

func records(values ...[]byte) (out []*kgo.Record) {
	for i, v := range values {
		out = append(out, &kgo.Record{Topic: "in", Partition: 3, Offset: int64(i), Key: fmt.Appendf(nil, "k%d", i%2), Value: v, Timestamp: time.Unix(1, 0)})
	}
	return out
}

func pipeline(to Deliverer, g *graves) *Pipeline {
	return New(Config{Mapper: fakeMapper{}, To: []Destination{{Name: "backend", To: to}}, DeadLetters: g, Group: "g", MaxMessageBytes: 1 << 16, ExhaustAttempts: 3,
		ExhaustAfter: time.Millisecond, Backoff: BackoffConfig{Initial: time.Millisecond, Max: 5 * time.Millisecond}})
}

func TestBadRecordsAreBuriedWithTheirCodeAndTheNextFlows(t *testing.T) {
	for _, kind := range []struct {
		name string
		to   Deliverer
		took func(Deliverer) []string
	}{
		{"one by one", &backend{}, func(d Deliverer) []string { return d.(*backend).taken }},
		{"batch", &batchBackend{}, func(d Deliverer) []string { return d.(*batchBackend).taken }},
	} {
		t.Run(kind.name, func(t *testing.T) {
			g := &graves{}
			p := pipeline(kind.to, g)
			recs := records([]byte("not json"), event("good"), nil, []byte{}, []byte(`{"a":1}`), event("panic"), event("unmapped"),
				[]byte(`"`+strings.Repeat("x", 1<<16)+`"`), []byte(`{"results": [`))
			n, err := p.Handle(t.Context(), recs)
			if n != len(recs) || err != nil {
				t.Fatalf("Handle = %d, %v", n, err)
			}
			want := []string{"0:decode/poison/invalid_json", "2:decode/poison/tombstone", "3:decode/poison/empty_value",
				"4:decode/poison/unknown_shape", "5:map/bug/panic", "6:map/poison/unmapped_dataset",
				"7:decode/oversize/oversize", "8:decode/poison/invalid_json"}
			if got := g.codes(); !slices.Equal(got, want) {
				t.Errorf("letters\n got %v\nwant %v", got, want)
			}
			if got := kind.took(kind.to); !slices.Equal(got, []string{"good START", "good COMPLETE"}) {
				t.Errorf("delivered %v", got)
			}
			for _, l := range g.letters {
				if strings.Contains(l.Error, "ROWVALUE") {
					t.Errorf("a row value left by a letter: %s", l.Error)
				}
			}
		})
	}
}

func TestAnOutageHoldsAndBuriesNothing(t *testing.T) {
	for name, code := range map[string]*fault.Error{
		"connection": fault.BackendError("connection", "no connection"),
		"401":        fault.BackendError("http_401", "wrong token"),
		"unclear":    {Kind: fault.Backend, Code: "http_500", Unclear: true, Err: errors.New("answered 500")},
	} {
		t.Run(name, func(t *testing.T) {
			g := &graves{}
			attempts := 0
			b := &backend{answer: func(string, int) error {
				if attempts++; attempts <= 20 {
					return code
				}
				return nil
			}}
			var recs [][]byte
			for i := range 30 {
				recs = append(recs, event(fmt.Sprint("r", i)))
			}
			n, err := pipeline(b, g).Handle(t.Context(), records(recs...))
			if n != 30 || err != nil {
				t.Fatalf("Handle = %d, %v", n, err)
			}
			if len(g.letters) != 0 {
				t.Errorf("buried in an outage: %v", g.codes())
			}
			if len(b.taken) != 60 {
				t.Errorf("delivered %d events, want 60", len(b.taken))
			}
			checkOrder(t, b.taken, 30)
		})
	}
}

// checkOrder checks that START comes before COMPLETE, and that records of one key (k0: even, k1: odd) keep their order.
func checkOrder(t *testing.T, taken []string, n int) {
	t.Helper()
	at := make(map[string]int)
	for i, body := range taken {
		if _, again := at[body]; !again {
			at[body] = i
		}
	}
	for i := range n {
		id := fmt.Sprint("r", i)
		if at[id+" START"] > at[id+" COMPLETE"] {
			t.Errorf("%s: START after COMPLETE", id)
		}
		if i >= 2 && at[fmt.Sprint("r", i-2, " COMPLETE")] > at[id+" START"] {
			t.Errorf("%s overtook r%d", id, i-2)
		}
	}
}

func TestPoisonByServerErrorIsBuriedOnlyWhileOthersSucceed(t *testing.T) {
	g := &graves{}
	b := &backend{answer: func(body string, _ int) error {
		if strings.HasPrefix(body, "r1 ") {
			return &fault.Error{Kind: fault.Backend, Code: "http_500", Unclear: true, Err: errors.New("answered 500")}
		}
		return nil
	}}
	n, err := pipeline(b, g).Handle(t.Context(), records(event("r0"), event("r1"), event("r2"), event("r3")))
	if n != 4 || err != nil {
		t.Fatalf("Handle = %d, %v", n, err)
	}
	if got := g.codes(); !slices.Equal(got, []string{"1:deliver/exhausted/http_500"}) {
		t.Errorf("letters %v", got)
	}
	if l := g.letters[0]; l.Attempts < 3 {
		t.Errorf("%d attempts, want at least 3", l.Attempts)
	}
}

func TestARefusedTerminalEventLeavesNoRunRunning(t *testing.T) {
	refuse := func(body string, _ int) error {
		if body == "first COMPLETE" {
			return fault.MessageError(fault.Rejected, "http_422", "answered 422")
		}
		return nil
	}
	want := []string{"first START", "first MINIMAL", "second START", "second COMPLETE"}
	b := &backend{answer: refuse}
	batch := &batchBackend{backend{answer: refuse}}
	for _, c := range []struct {
		name  string
		to    Deliverer
		taken *[]string
	}{{"one by one", b, &b.taken}, {"batch", batch, &batch.taken}} {
		t.Run(c.name, func(t *testing.T) {
			g := &graves{}
			if n, err := pipeline(c.to, g).Handle(t.Context(), records(event("pair"))); n != 1 || err != nil {
				t.Fatalf("Handle = %d, %v", n, err)
			}
			got, want := slices.Sorted(slices.Values(*c.taken)), slices.Sorted(slices.Values(want))
			if !slices.Equal(got, want) {
				t.Errorf("delivered %v, want %v", got, want)
			}
			if len(g.letters) != 1 || g.letters[0].Part != "[0]" {
				t.Errorf("letters %+v, want one for [0]", g.letters)
			}
		})
	}
}

func TestIfBuryingFailsThePartitionHolds(t *testing.T) {
	g := &graves{fail: 5}
	if n, err := pipeline(&backend{}, g).Handle(t.Context(), records([]byte("bad"), event("r1"))); n != 2 || err != nil {
		t.Fatalf("Handle = %d, %v", n, err)
	}
	if len(g.letters) != 1 {
		t.Errorf("%d letters, want 1", len(g.letters))
	}
}

func TestAStopSettlesOnlyWhatWasAcknowledged(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	g := &graves{}
	b := &backend{answer: func(body string, n int) error {
		if strings.HasPrefix(body, "r2 ") {
			if n == 3 {
				cancel()
			}
			return fault.BackendError("http_503", "answered 503")
		}
		return nil
	}}
	p := pipeline(b, g)
	p.MaxInFlight = 1
	n, err := p.Handle(ctx, records(event("r0"), event("r1"), event("r2"), event("r3"), event("r4")))
	if !errors.Is(err, context.Canceled) || n > 2 {
		t.Errorf("Handle = %d, %v; want at most 2 and Canceled", n, err)
	}
	if len(g.letters) != 0 {
		t.Errorf("a stop buried %v", g.codes())
	}
	if h := p.Held(); len(h) != 0 {
		t.Errorf("still held after the end: %v", h)
	}
}

func TestHeldTellsWhichPartitionWaitsAndWhy(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b := &backend{answer: func(string, int) error { return fault.BackendError("http_503", "answered 503") }}
	p := pipeline(b, &graves{})
	done := make(chan struct{})
	go func() { defer close(done); _, _ = p.Handle(ctx, records(event("r0"))) }()
	for len(p.Held()) == 0 {
		time.Sleep(time.Millisecond)
	}
	h := p.Held()[0]
	if h.Topic != "in" || h.Partition != 3 || h.Reason != "answered 503" {
		t.Errorf("held %+v", h)
	}
	cancel()
	<-done
}

func TestABatchRetryKeepsTheOrderOfAKey(t *testing.T) {
	b := &batchBackend{backend{answer: func(body string, nth int) error {
		if strings.HasPrefix(body, "r0 ") && nth == 1 {
			return fault.BackendError("kafka_timeout", "timed out")
		}
		return nil
	}}}
	if n, err := pipeline(b, &graves{}).Handle(t.Context(), records(event("r0"), event("r1"), event("r2"))); n != 3 || err != nil {
		t.Fatalf("Handle = %d, %v", n, err)
	}
	last := func(s string) (at int) {
		for i, body := range b.taken {
			if body == s {
				at = i
			}
		}
		return at
	}
	if last("r0 COMPLETE") > last("r2 START") {
		t.Errorf("the newest of key k0 is not delivered last: %v", b.taken)
	}
}
