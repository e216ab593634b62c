package pipeline

import (
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

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/outage"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// ledger is what readers with read_committed see: what was written in transactions that committed.
type ledger struct {
	events  []string
	letters []deadletter.Letter
}

// transactionLetters refuses letters in the forms that refuse names, as a topic with a small max.message.bytes does.
type transactionLetters struct {
	mu      sync.Mutex
	refuse  []string
	as      error // how it refuses; default: too large
	written []deadletter.Letter
}

func (l *transactionLetters) Bury(_ context.Context, _ *kgo.Record, letter deadletter.Letter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !slices.Contains(l.refuse, letter.Reference):
		l.written = append(l.written, letter)
		return nil
	case l.as != nil:
		return l.as
	}
	return fault.MessageError(fault.Oversize, "kafka_message_too_large", "too large")
}

func tooLarge(prefix string) func(string, int) error {
	return func(body string, _ int) error {
		if strings.HasPrefix(body, prefix) {
			return fault.MessageError(fault.Oversize, "kafka_message_too_large", "too large")
		}
		return nil
	}
}

// transact repeats the records until a transaction commits, as the consumer does, and tells how many that took.
func transact(t *testing.T, x *ExactlyOnce, s *sender, letters *transactionLetters, recs []*kgo.Record) (out ledger, transactions int) {
	t.Helper()
	settler := x.With(s, letters)
	for transactions < 50 {
		transactions++
		s.taken, letters.written = nil, nil
		if err := settler.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := handle(t.Context(), settler, recs)
		settler.End(err == nil)
		if err == nil {
			slices.Sort(s.taken)
			return ledger{s.taken, letters.written}, transactions
		}
	}
	t.Fatal("no transaction commits")
	return out, transactions
}

func TestATransactionHoldsEventsAndLetters(t *testing.T) {
	for name, c := range map[string]struct {
		values       [][]byte
		answer       func(string, int) error
		refuse       []string
		transactions int
		events       []string
		letters      []string // offset:code/reference/part
	}{
		"all good": {[][]byte{event("r0"), event("r1")}, nil, nil, 1,
			[]string{"r0 COMPLETE", "r0 START", "r1 COMPLETE", "r1 START"}, nil},
		"a bad one": {[][]byte{event("r0"), []byte("no")}, nil, nil, 1,
			[]string{"r0 COMPLETE", "r0 START"}, []string{"1:invalid_json//"}},
		"an event too large: aborted once, then none of its record": {[][]byte{event("r0"), event("r1")}, tooLarge("r1 COMPLETE"), nil, 2,
			[]string{"r0 COMPLETE", "r0 START"}, []string{"1:kafka_message_too_large//"}},
		"one of two results too large": {[][]byte{event("pair")}, tooLarge("first COMPLETE"), nil, 2,
			[]string{"second COMPLETE", "second START"}, []string{"0:kafka_message_too_large//[0]"}},
		"both results too large": {[][]byte{event("pair")}, func(string, int) error { return tooLarge("")("", 0) }, nil, 2,
			nil, []string{"0:kafka_message_too_large//[0],[1]"}},
		"a letter too large becomes a reference": {[][]byte{event("r0"), []byte("no")}, nil, []string{""}, 2,
			[]string{"r0 COMPLETE", "r0 START"}, []string{"1:invalid_json/true/"}},
		"and a bare one": {[][]byte{[]byte("no")}, nil, []string{"", deadletter.ReferenceKept}, 3,
			nil, []string{"0:invalid_json/bare/"}},
		"brokers away: made again": {[][]byte{event("r0")}, func(_ string, nth int) error {
			if nth < 3 {
				return fault.BackendError("kafka", "no leader")
			}
			return nil
		}, nil, 3, []string{"r0 COMPLETE", "r0 START"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			seen := &counted{}
			cfg := quick()
			cfg.Observer = seen
			x := NewExactlyOnce(cfg, "kafka")
			got, transactions := transact(t, x, &sender{backend: backend{answer: c.answer}}, &transactionLetters{refuse: c.refuse}, records(c.values...))
			if transactions != c.transactions {
				t.Errorf("%d transactions, want %d", transactions, c.transactions)
			}
			if !slices.Equal(got.events, c.events) {
				t.Errorf("events %v, want %v", got.events, c.events)
			}
			var letters []string
			for _, l := range got.letters {
				letters = append(letters, fmt.Sprintf("%d:%s/%s/%s", l.Offset, l.Code, l.Reference, l.Part))
			}
			if !slices.Equal(letters, c.letters) {
				t.Errorf("letters %v, want %v", letters, c.letters)
			}
			// Metrics count what was committed, not what was tried.
			if seen.records != len(c.values) || seen.events != len(c.events) || seen.letters != len(c.letters) {
				t.Errorf("counted %+v", seen)
			}
			if len(x.verdicts.by) != 0 {
				t.Errorf("%d verdicts are kept after the commit", len(x.verdicts.by))
			}
		})
	}
}

// A record may be settled without its letter never: whatever refuses a letter but its size holds, also in the smallest form.
func TestALetterRefusedInATransactionHolds(t *testing.T) {
	for name, l := range map[string]*transactionLetters{
		"refused":            {refuse: []string{""}, as: fault.MessageError(fault.Rejected, "kafka_invalid_record", "invalid")},
		"a bug":              {refuse: []string{""}, as: errors.New("a bug")},
		"away":               {refuse: []string{""}, as: fault.BackendError("dead_letter_kafka", "no leader")},
		"too large, however": {refuse: []string{"", deadletter.ReferenceKept, deadletter.ReferenceBare}},
	} {
		t.Run(name, func(t *testing.T) {
			x := NewExactlyOnce(quick(), "kafka")
			settler := x.With(&sender{}, l)
			for range 20 {
				if err := settler.Begin(t.Context()); err != nil {
					t.Fatal(err)
				}
				n, err := handle(t.Context(), settler, records([]byte("no")))
				if err == nil || n != 0 {
					t.Fatalf("settled %d without a letter", n)
				}
				settler.End(false)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := settler.Begin(ctx); err == nil {
				t.Error("a stop begins a transaction")
			}
		})
	}
}

// What is too large is known by its place, so another client's transaction starts with what the last one learned.
func TestAVerdictOutlivesTheClient(t *testing.T) {
	x := NewExactlyOnce(quick(), "kafka")
	s := &sender{backend: backend{answer: tooLarge("r1 COMPLETE")}}
	settler := x.With(s, &transactionLetters{})
	if err := settler.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := handle(t.Context(), settler, records(event("r0"), event("r1"))); err == nil {
		t.Fatal("what was refused is committed")
	}
	// The client fails before its transaction ends.
	if _, transactions := transact(t, x, s, &transactionLetters{}, records(event("r0"), event("r1"))); transactions != 1 {
		t.Errorf("%d transactions, want 1", transactions)
	}
}

// A client that fails while it probes an outage takes nobody's turn with it.
func TestAClientThatFailsGivesItsAttemptBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := NewExactlyOnce(quick(), "kafka")
		settler := x.With(&sender{backend: backend{answer: away(2)}}, &transactionLetters{})
		if err := settler.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := handle(t.Context(), settler, records(event("r0")))
		settler.End(err == nil)
		if err := settler.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := x.With(&sender{}, &transactionLetters{}).Begin(ctx); err != nil {
			t.Error("the next client waits for the attempt of one that is gone")
		}
	})
}

// failing is a client whose transaction has failed: what is refused as too large is told after what only fails with it.
type failing struct{ sender }

func (f *failing) Send(_ context.Context, ev openlineage.Event, done func(error)) {
	if strings.HasPrefix(string(ev.Body), "r3 ") {
		time.AfterFunc(time.Second, func() { done(fault.MessageError(fault.Oversize, "kafka_message_too_large", "too large")) })
		return
	}
	done(fault.BackendError("aborted", "the transaction has failed"))
}

// A batch that is too large may hold the one record that is: the next transaction tells which, and need not wait.
func TestABatchThatIsRefusedIsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := quick()
		cfg.Backoff = outage.Backoff{Initial: time.Hour, Max: time.Hour}
		x := NewExactlyOnce(cfg, "kafka")
		s := &sender{backend: backend{answer: func(_ string, nth int) error {
			if nth < 3 {
				return &fault.Error{Kind: fault.Backend, Code: "kafka_batch_too_large", Unclear: true, Err: errors.New("together with others")}
			}
			return nil
		}}}
		began := time.Now()
		if _, transactions := transact(t, x, s, &transactionLetters{}, records(event("r0"))); transactions != 3 || time.Since(began) > 0 {
			t.Errorf("%d transactions, %s", transactions, time.Since(began))
		}
	})
}

// The rest of a transaction fails with the event that is refused: that is no outage.
func TestARefusedEventIsNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := quick()
		cfg.Backoff = outage.Backoff{Initial: time.Hour, Max: time.Hour}
		x := NewExactlyOnce(cfg, "kafka")
		settler := x.With(&failing{}, &transactionLetters{})
		if err := settler.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		recs := records(many(4)...)
		for i := range recs {
			recs[i].Key = fmt.Append(nil, i)
		}
		if _, err := handle(t.Context(), settler, recs); err == nil {
			t.Fatal("committed")
		}
		time.Sleep(2 * time.Second) // a transaction ends when its client has told of all records
		settler.End(false)
		began := time.Now()
		if err := settler.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		settler.End(true)
		if took := time.Since(began); took > 0 {
			t.Errorf("the transaction after a verdict waited %s", took)
		}
		if known := x.verdicts.on(recs[3]); known.parts[""] == nil {
			t.Error("nothing was learned")
		}
	})
}

// A bug in a transaction holds it like an outage: nothing is passed over that was not written.
func TestABugInATransactionHolds(t *testing.T) {
	settler := NewExactlyOnce(quick(), "kafka").With(&panicking{}, &transactionLetters{})
	if err := settler.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := settler.Settle(t.Context(), settler.Prepare(records(event("r1"))[0]), freely{})
	if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.Backend {
		t.Errorf("got %v, want what holds", err)
	}
	settler.End(false)
}

func TestAStopEndsATransactionThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{backend: backend{answer: func(string, int) error { return fault.BackendError("kafka", "no leader") }}}
		cfg := quick()
		cfg.Backoff = outage.Backoff{Initial: time.Hour, Max: time.Hour}
		x := NewExactlyOnce(cfg, "kafka")
		settler := x.With(s, &transactionLetters{})
		if err := settler.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := handle(t.Context(), settler, records(event("r0"))); err == nil {
			t.Fatal("committed although nothing was written")
		}
		settler.End(false)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- settler.Begin(ctx) }()
		synctest.Wait()
		if h := x.Holds(); len(h) != 1 || h[0].Destination != "kafka" || h[0].Code != "kafka" || h[0].Topic != "in" || h[0].Partition != 3 {
			t.Errorf("held %+v", h)
		}
		cancel()
		if err := <-done; err == nil {
			t.Error("a stop is no commit")
		}
		if h := x.Holds(); len(h) != 0 {
			t.Errorf("still held: %v", h)
		}
	})
}

// counted observes how much was settled.
type counted struct {
	nobody
	mu                       sync.Mutex
	records, events, letters int
}

func (c *counted) count(what *int, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*what += n
}

func (c *counted) RecordsIn(_ string, n int)                        { c.count(&c.records, n) }
func (c *counted) EventsDelivered(_ string, n int, _ time.Duration) { c.count(&c.events, n) }
func (c *counted) Buried(deadletter.Letter)                         { c.count(&c.letters, 1) }
