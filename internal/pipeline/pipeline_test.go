package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/outage"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeMapper makes START and COMPLETE of the runId of a passed-through event.
type fakeMapper struct{}

func (fakeMapper) Map(msg *gx.Message, _ mapper.Input) ([]openlineage.Run, error) {
	facts := &msg.Events[0].Facts
	id := facts.RunID
	switch id {
	case "panic":
		panic("ROWVALUE-in-a-panic")
	case "unmapped":
		return nil, &mapper.Error{Code: "unmapped_dataset", Reason: "no such dataset"}
	case "nothing":
		return []openlineage.Run{{Warn: []string{"no_validations"}}}, nil
	}
	one := func(part, id string) openlineage.Run {
		ev := func(t openlineage.EventType, body string) openlineage.Event {
			return openlineage.Event{Type: t, RunID: id, Key: "run:ns/job", Body: []byte(id + " " + body)}
		}
		minimal := ev(openlineage.Complete, "MINIMAL")
		run := openlineage.Run{Part: part, Minimal: func() openlineage.Event { return minimal }, Events: []openlineage.Event{
			ev(openlineage.Start, "START"), ev(openlineage.Complete, "COMPLETE")}}
		for _, d := range facts.Datasets {
			run.Datasets = append(run.Datasets, openlineage.Dataset(d))
		}
		return run
	}
	if id == "pair" {
		return []openlineage.Run{one("[0]", "first"), one("[1]", "second")}, nil
	}
	run := one("", id)
	if id == "through" {
		run.Events[1].PassThrough = true
	}
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

func (b *backend) has() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.taken)
}

// sender is a backend that keeps the order of what it is handed, as Kafka's producer does. Acknowledgements take a while.
type sender struct {
	backend
	latency time.Duration
	full    func(body string) bool // it has no room for this one now; nil: it always has
}

func (s *sender) TrySend(ctx context.Context, ev openlineage.Event, done func(error)) bool {
	if s.full != nil && s.full(string(ev.Body)) {
		return false
	}
	s.Send(ctx, ev, done)
	return true
}

func (s *sender) Send(ctx context.Context, ev openlineage.Event, done func(error)) {
	err := s.Deliver(ctx, ev)
	if s.latency == 0 {
		done(err)
		return
	}
	time.AfterFunc(s.latency, func() { done(err) })
}

// letters takes dead letters, or fails so many times first.
type letters struct {
	mu   sync.Mutex
	all  []deadletter.Letter
	fail int
}

func (l *letters) Bury(_ context.Context, _ *kgo.Record, letter deadletter.Letter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail > 0 {
		l.fail--
		return errors.New("the topic is away")
	}
	l.all = append(l.all, letter)
	return nil
}

func (l *letters) codes() (out []string) {
	for _, l := range l.all {
		out = append(out, fmt.Sprintf("%d:%s/%s/%s", l.Offset, l.Stage, l.Disposition, l.Code))
	}
	slices.Sort(out)
	return out
}

func event(id string) []byte {
	return fmt.Appendf(nil, `{"eventTime":"2026-01-01T00:00:00Z","producer":"https://example.com","run":{"runId":%q},`+
		`"job":{"namespace":"n","name":"j"},"schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}`, id)
}

// reading is an event that names a dataset.
func reading(id, dataset string) []byte {
	return fmt.Appendf(nil, `{"eventTime":"2026-01-01T00:00:00Z","producer":"https://example.com","run":{"runId":%q},"inputs":[{"namespace":"n","name":%q}],`+
		`"job":{"namespace":"n","name":"j"},"schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}`, id, dataset)
}

func records(values ...[]byte) (out []*kgo.Record) {
	for i, v := range values {
		out = append(out, &kgo.Record{Topic: "in", Partition: 3, Offset: int64(i), Key: fmt.Appendf(nil, "k%d", i%2), Value: v, Timestamp: time.Unix(1, 0)})
	}
	return out
}

// many are the values of n records.
func many(n int) (values [][]byte) {
	for i := range n {
		values = append(values, event(fmt.Sprint("r", i)))
	}
	return values
}

func quick() Config {
	return Config{Mapper: fakeMapper{}, Group: "g", MaxMessageBytes: 1 << 16, ExhaustAttempts: 3,
		ExhaustAfter: time.Millisecond, Backoff: outage.Backoff{Initial: time.Millisecond, Max: 5 * time.Millisecond}}
}

func to(d Deliverer, l DeadLetters) *Pipeline {
	return New(quick(), []Destination{{Name: "backend", To: d}}, l)
}

// kinds are the two ways of delivering: one event after the other, or handed over at once.
func kinds(answer func() func(string, int) error) map[string]func() (Deliverer, *backend) {
	if answer == nil {
		answer = func() func(string, int) error { return nil }
	}
	return map[string]func() (Deliverer, *backend){
		"one by one": func() (Deliverer, *backend) { b := &backend{answer: answer()}; return b, b },
		"sender":     func() (Deliverer, *backend) { s := &sender{backend: backend{answer: answer()}}; return s, &s.backend },
	}
}

func unclear() error {
	return &fault.Error{Kind: fault.Backend, Code: "http_500", Unclear: true, Err: errors.New("answered 500")}
}

func TestBadRecordsAreBuriedWithTheirCodeAndTheNextFlows(t *testing.T) {
	for name, kind := range kinds(nil) {
		t.Run(name, func(t *testing.T) {
			l := &letters{}
			d, b := kind()
			recs := records([]byte("not json"), event("good"), nil, []byte{}, []byte(`{"a":1}`), event("panic"), event("unmapped"),
				[]byte(`"`+strings.Repeat("x", 1<<16)+`"`), []byte(`{"results": [`))
			if n, err := handle(t.Context(), to(d, l), recs); n != len(recs) || err != nil {
				t.Fatalf("settled %d, %v", n, err)
			}
			want := []string{"0:decode/poison/invalid_json", "2:decode/poison/tombstone", "3:decode/poison/empty_value",
				"4:decode/poison/unknown_shape", "5:map/bug/panic", "6:map/poison/unmapped_dataset",
				"7:decode/oversize/oversize", "8:decode/poison/invalid_json"}
			if got := l.codes(); !slices.Equal(got, want) {
				t.Errorf("letters\n got %v\nwant %v", got, want)
			}
			if !slices.Equal(b.taken, []string{"good START", "good COMPLETE"}) {
				t.Errorf("delivered %v", b.taken)
			}
			for _, l := range l.all {
				if strings.Contains(l.Error, "ROWVALUE") {
					t.Errorf("a row value left by a letter: %s", l.Error)
				}
				if l.Code == "oversize" && l.Reference != deadletter.ReferenceKept {
					t.Error("what is larger than we read is copied")
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
		answer := func() func(string, int) error {
			attempts := 0
			return func(string, int) error {
				if attempts++; attempts <= 20 {
					return code
				}
				return nil
			}
		}
		for kind, make := range kinds(answer) {
			t.Run(name+" "+kind, func(t *testing.T) {
				l := &letters{}
				d, b := make()
				if n, err := handle(t.Context(), to(d, l), records(many(30)...)); n != 30 || err != nil {
					t.Fatalf("settled %d, %v", n, err)
				}
				if len(l.all) != 0 {
					t.Errorf("buried in an outage: %v", l.codes())
				}
				checkOrder(t, b.taken, 30)
			})
		}
	}
}

// checkOrder checks that all is delivered, START before COMPLETE, and that the last delivery of a key (k0: even, k1: odd) is its newest.
func checkOrder(t *testing.T, taken []string, n int) {
	t.Helper()
	at := make(map[string]int)
	for i, body := range taken {
		at[body] = i
	}
	for i := range n {
		start, terminal := fmt.Sprint("r", i, " START"), fmt.Sprint("r", i, " COMPLETE")
		if !slices.Contains(taken, start) || !slices.Contains(taken, terminal) {
			t.Errorf("r%d is not delivered", i)
		}
		if at[start] > at[terminal] {
			t.Errorf("r%d: START after COMPLETE", i)
		}
		if i >= 2 && at[fmt.Sprint("r", i-2, " COMPLETE")] > at[start] {
			t.Errorf("r%d is delivered last after r%d", i-2, i)
		}
	}
}

func TestPoisonByServerErrorIsBuriedOnlyWhileOthersSucceed(t *testing.T) {
	l := &letters{}
	b := &backend{answer: func(body string, _ int) error {
		if strings.HasPrefix(body, "r1 ") {
			return unclear()
		}
		return nil
	}}
	if n, err := handle(t.Context(), to(b, l), records(many(4)...)); n != 4 || err != nil {
		t.Fatalf("settled %d, %v", n, err)
	}
	if got := l.codes(); !slices.Equal(got, []string{"1:deliver/exhausted/http_500"}) {
		t.Fatalf("letters %v", got)
	}
	if l := l.all[0]; l.Attempts < 3 || !l.FirstFailedAt.Before(l.FailedAt) {
		t.Errorf("%+v, want at least 3 attempts, and when the first failed", l)
	}
}

func TestARefusedTerminalEventLeavesNoRunRunning(t *testing.T) {
	answer := func() func(string, int) error {
		return func(body string, _ int) error {
			if body == "first COMPLETE" {
				return fault.MessageError(fault.Rejected, "http_422", "answered 422")
			}
			return nil
		}
	}
	for name, kind := range kinds(answer) {
		t.Run(name, func(t *testing.T) {
			l := &letters{}
			d, b := kind()
			if n, err := handle(t.Context(), to(d, l), records(event("pair"))); n != 1 || err != nil {
				t.Fatalf("settled %d, %v", n, err)
			}
			got, want := slices.Sorted(slices.Values(b.taken)), []string{"first MINIMAL", "first START", "second COMPLETE", "second START"}
			if !slices.Equal(got, want) {
				t.Errorf("delivered %v, want %v", got, want)
			}
			if len(l.all) != 1 || l.all[0].Part != "[0]" {
				t.Errorf("letters %+v, want one for [0]", l.all)
			}
		})
	}
}

func TestEachRefusedPartIsNamed(t *testing.T) {
	answer := func() func(string, int) error {
		return func(string, int) error { return fault.MessageError(fault.Rejected, "http_422", "answered 422") }
	}
	for name, kind := range kinds(answer) {
		t.Run(name, func(t *testing.T) {
			l := &letters{}
			d, _ := kind()
			if n, err := handle(t.Context(), to(d, l), records(event("pair"))); n != 1 || err != nil {
				t.Fatalf("settled %d, %v", n, err)
			}
			if len(l.all) != 1 || l.all[0].Part != "[0],[1]" {
				t.Errorf("letters %+v, want one for [0],[1]", l.all)
			}
		})
	}
}

func TestIfBuryingFailsThePartitionHolds(t *testing.T) {
	l := &letters{fail: 5}
	if n, err := handle(t.Context(), to(&backend{}, l), records([]byte("bad"), event("r1"))); n != 2 || err != nil {
		t.Fatalf("settled %d, %v", n, err)
	}
	if len(l.all) != 1 {
		t.Errorf("%d letters, want 1", len(l.all))
	}
}

func TestAStopSettlesOnlyWhatWasAcknowledged(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := &letters{}
	b := &backend{answer: func(body string, n int) error {
		if strings.HasPrefix(body, "r2 ") {
			if n == 3 {
				cancel()
			}
			return fault.BackendError("http_503", "answered 503")
		}
		return nil
	}}
	p := to(b, l)
	n, err := handle(ctx, p, records(many(5)...))
	if !errors.Is(err, context.Canceled) || n > 2 {
		t.Errorf("settled %d, %v; want at most 2 and Canceled", n, err)
	}
	if len(l.all) != 0 {
		t.Errorf("a stop buried %v", l.codes())
	}
	if h := p.Holds(); len(h) != 0 {
		t.Errorf("still held after the end: %v", h)
	}
}

// A broker that never answers must not hold a stop.
func TestAStopDoesNotWaitForAcknowledgements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s := &sender{latency: time.Hour}
		p := to(s, &letters{})
		began := time.Now()
		if n, err := handle(ctx, p, records(many(4)...)); n != 0 || err == nil {
			t.Errorf("settled %d, %v", n, err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("the stop took %s", took)
		}
		s.latency, began = 2*time.Hour, time.Now() // the acknowledgements come after all, while others are waited for
		if n, err := handle(t.Context(), p, records(many(4)...)); n != 4 || err != nil {
			t.Errorf("settled %d, %v", n, err)
		}
		if took := time.Since(began); took != 2*time.Hour {
			t.Errorf("settled after %s by the acknowledgements of other records", took)
		}
	})
}

func TestHoldsTellWhichPartitionWaitsAndWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := &backend{answer: func(string, int) error { return fault.BackendError("http_503", "answered 503") }}
		p := to(b, &letters{})
		done := make(chan struct{})
		began := time.Now()
		go func() { defer close(done); _, _ = handle(ctx, p, records(event("r0"))) }()
		time.Sleep(time.Minute)
		want := outage.Hold{Topic: "in", Partition: 3, Destination: "backend", Code: "http_503", Reason: "answered 503", Since: began}
		if h := p.Holds(); len(h) != 1 || h[0] != want {
			t.Errorf("held %+v, want %+v", h, want)
		}
		cancel()
		<-done
	})
}

func TestRecordsStandInTheLanesOfTheirKeyAndDatasets(t *testing.T) {
	p := to(&backend{}, &letters{})
	lanes := func(key string, value []byte) []uint64 {
		rec := &kgo.Record{Topic: "in", Value: value}
		if key != "" {
			rec.Key = []byte(key)
		}
		return p.Prepare(rec).Lanes()
	}
	shared := func(a, b []uint64) (n int) {
		for _, l := range a {
			if slices.Contains(b, l) {
				n++
			}
		}
		return n
	}
	for name, c := range map[string]struct {
		a, b []uint64
		want int
	}{
		"one key":                                {lanes("k", event("a")), lanes("k", event("b")), 1},
		"two keys":                               {lanes("k", event("a")), lanes("l", event("b")), 0},
		"no key: that of the first event":        {lanes("", event("a")), lanes("", event("b")), 1},
		"two keys, one dataset":                  {lanes("k", reading("a", "orders")), lanes("l", reading("b", "orders")), 1},
		"two keys, two datasets":                 {lanes("k", reading("a", "orders")), lanes("l", reading("b", "items")), 0},
		"a bad record has no dataset but a key":  {lanes("k", []byte("no")), lanes("k", event("a")), 1},
		"a bad record without a key has nothing": {lanes("", []byte("no")), lanes("", []byte("no")), 0},
	} {
		if got := shared(c.a, c.b); got != c.want {
			t.Errorf("%s: %d lanes shared, want %d", name, got, c.want)
		}
	}
	both := bytes.Replace(reading("pair", "orders"), []byte(`"inputs":[`), []byte(`"inputs":[{"namespace":"n","name":"items"},`), 1)
	if got := lanes("k", both); len(got) != 3 {
		t.Errorf("%d lanes of two runs that read the same two datasets, want one for the key and one for each dataset", len(got))
	}
	if got, want := p.Prepare(records(event("pair"))[0]).Bytes(), len("first START")+len("first COMPLETE")+len("second START")+len("second COMPLETE"); got != want {
		t.Errorf("%d bytes, want %d", got, want)
	}
}

func TestRecordsWithoutAKeyKeepTheirOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		recs := records(many(20)...)
		for _, rec := range recs {
			rec.Key = nil // all are of one job
		}
		if n, err := handle(t.Context(), to(slowly{b}, &letters{}), recs); n != 20 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		for i := range 20 {
			if b.taken[2*i] != fmt.Sprint("r", i, " START") || b.taken[2*i+1] != fmt.Sprint("r", i, " COMPLETE") {
				t.Fatalf("delivered %v", b.taken)
			}
		}
	})
}

// A letter holds a whole record: however many records are bad, not more of them are in flight than the bound says.
func TestLettersInFlightAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &slowLetters{}
		cfg := quick()
		cfg.MaxInFlight = 8
		recs := records(slices.Repeat([][]byte{[]byte("bad")}, 100)...)
		for i := range recs {
			recs[i].Key = fmt.Append(nil, i)
		}
		if n, err := handle(t.Context(), New(cfg, []Destination{{Name: "backend", To: &backend{}}}, l), recs); n != 100 || err != nil {
			t.Fatalf("settled %d, %v", n, err)
		}
		if l.most != 8 {
			t.Errorf("%d letters in flight at once, want 8", l.most)
		}
	})
}

type slowLetters struct {
	mu        sync.Mutex
	now, most int
}

func (l *slowLetters) Bury(context.Context, *kgo.Record, deadletter.Letter) error {
	l.count(1)
	time.Sleep(time.Second)
	l.count(-1)
	return nil
}

func (l *slowLetters) count(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now += n
	l.most = max(l.most, l.now)
}

// A checkpoint without validations is settled and counted: no event, no letter.
func TestACheckpointThatValidatedNothingIsCounted(t *testing.T) {
	for name, kind := range kinds(nil) {
		m, err := mapper.New(mapper.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		d, b := kind()
		l, counted := &letters{}, &warned{}
		cfg := quick()
		cfg.Mapper, cfg.Observer = m, counted
		p := New(cfg, []Destination{{Name: "backend", To: d}}, l)
		recs := records([]byte(`{"run_results": {}, "checkpoint_config": {"name": "c"}, "success": true}`))
		if n, err := handle(t.Context(), p, recs); n != 1 || err != nil || len(b.has()) != 0 || len(l.all) != 0 {
			t.Errorf("%s: %d settled, %v, events %v, letters %v", name, n, err, b.has(), l.codes())
		}
		if codes := counted.codes; !slices.Equal(codes, []string{"no_validations"}) {
			t.Errorf("%s: warned %v", name, codes)
		}
	}
}

// warned collects warnings.
type warned struct {
	nobody
	codes []string
}

func (w *warned) Warned(code string, _ *openlineage.Run) { w.codes = append(w.codes, code) }

// A record's time may be in another unit, or none: then the clock stands in, and that is counted.
func TestARecordsTimeThatCannotBeIsNone(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		at   time.Time
		none bool
	}{
		{now, false}, {now.Add(time.Hour), false}, {now.AddDate(-3, 0, 0), false},
		{time.UnixMilli(now.UnixMicro()), true}, {time.UnixMilli(now.UnixNano()), true}, {time.UnixMilli(0), true}, {time.UnixMilli(-1), true},
		{now.Add(49 * time.Hour), true},
	} {
		in := InputOf(&kgo.Record{Topic: "in", Timestamp: c.at})
		if in.NoTime != c.none || c.none && in.Received.Sub(now).Abs() > time.Hour || !c.none && !in.Received.Equal(c.at) {
			t.Errorf("%s: received %s, no time %v", c.at, in.Received, in.NoTime)
		}
	}
}

func TestHeadersNameTheParent(t *testing.T) {
	in := InputOf(&kgo.Record{Timestamp: time.Now(), Headers: []kgo.RecordHeader{{Key: "openlineage-context", Value: []byte(`{}`)}, {Key: "openlineage-parent-id", Value: []byte("a/b/c")}}})
	if in.Context != "{}" || in.Parent.ID != "a/b/c" {
		t.Errorf("%+v", in)
	}
}

func TestALetterSaysWhichEventWasRefused(t *testing.T) {
	for kind, event := range map[string]string{"START": "START", "COMPLETE": "COMPLETE"} {
		for name, make := range kinds(func() func(string, int) error {
			return func(body string, _ int) error {
				if strings.HasSuffix(body, event) {
					return fault.MessageError(fault.Rejected, "http_422", "answered 422")
				}
				return nil
			}
		}) {
			d, b := make()
			l := &letters{}
			if n, err := handle(t.Context(), to(d, l), records(many(1)...)); n != 1 || err != nil || len(l.all) != 1 {
				t.Fatalf("%s: %d settled, %v, letters %v", name, n, err, l.codes())
			}
			if ended := slices.Contains(b.taken, "r0 MINIMAL"); ended != (kind == "COMPLETE") {
				t.Errorf("%s: %s was refused, and taken %v", name, kind, b.taken)
			}
			if got := l.all[0].Error; got != kind+" event: answered 422" {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
}
