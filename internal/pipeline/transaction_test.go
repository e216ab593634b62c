package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
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
	written []deadletter.Letter
}

func (l *transactionLetters) Bury(_ context.Context, _ *kgo.Record, letter deadletter.Letter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.Contains(l.refuse, letter.Reference) {
		return fault.MessageError(fault.Oversize, "kafka_message_too_large", "too large")
	}
	l.written = append(l.written, letter)
	return nil
}

// transactAll repeats the poll until it commits, as the consumer does, and tells how many transactions that took.
func transactAll(t *testing.T, x *Transactions, b *batchBackend, refuse []string, recs []*kgo.Record) (out ledger, transactions int) {
	t.Helper()
	for transactions < 50 {
		transactions++
		b.taken = nil
		letters := &transactionLetters{refuse: refuse}
		x.letters = letters
		committed, err := x.Transact(t.Context(), [][]*kgo.Record{recs})
		if err == nil {
			committed()
			return ledger{b.taken, letters.written}, transactions
		}
	}
	t.Fatal("no transaction commits")
	return out, transactions
}

func TestATransactionHoldsEventsAndLetters(t *testing.T) {
	tooLarge := func(prefix string) func(string, int) error {
		return func(body string, _ int) error {
			if strings.HasPrefix(body, prefix) {
				return fault.MessageError(fault.Oversize, "kafka_message_too_large", "too large")
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		values       [][]byte
		answer       func(string, int) error
		refuse       []string
		transactions int
		events       []string
		letters      []string // offset:code/reference/part
	}{
		"all good": {[][]byte{event("r0"), event("r1")}, nil, nil, 1,
			[]string{"r0 START", "r0 COMPLETE", "r1 START", "r1 COMPLETE"}, nil},
		"a bad one": {[][]byte{event("r0"), []byte("no")}, nil, nil, 1,
			[]string{"r0 START", "r0 COMPLETE"}, []string{"1:invalid_json//"}},
		"an event too large: aborted once, then none of its record": {[][]byte{event("r0"), event("r1")}, tooLarge("r1 COMPLETE"), nil, 2,
			[]string{"r0 START", "r0 COMPLETE"}, []string{"1:kafka_message_too_large//"}},
		"one of two results too large": {[][]byte{event("pair")}, tooLarge("first COMPLETE"), nil, 2,
			[]string{"second START", "second COMPLETE"}, []string{"0:kafka_message_too_large//[0]"}},
		"a letter too large becomes a reference": {[][]byte{event("r0"), []byte("no")}, nil, []string{""}, 2,
			[]string{"r0 START", "r0 COMPLETE"}, []string{"1:invalid_json/true/"}},
		"and a bare one": {[][]byte{[]byte("no")}, nil, []string{"", deadletter.ReferenceKept}, 3,
			nil, []string{"0:invalid_json/bare/"}},
		"brokers away: made again": {[][]byte{event("r0")}, func(_ string, nth int) error {
			if nth < 3 {
				return fault.BackendError("kafka", "no leader")
			}
			return nil
		}, nil, 3, []string{"r0 START", "r0 COMPLETE"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			seen := &counted{}
			b := &batchBackend{backend{answer: c.answer}}
			p := New(Config{Mapper: fakeMapper{}, To: []Destination{{Name: "kafka"}}, Observer: seen,
				Backoff: BackoffConfig{Initial: time.Millisecond, Max: 2 * time.Millisecond}})
			x := p.Transactions(b, nil)
			got, transactions := transactAll(t, x, b, c.refuse, records(c.values...))
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
			if len(x.verdicts) != 0 {
				t.Errorf("%d verdicts are kept after the commit", len(x.verdicts))
			}
		})
	}
}

func TestAStopEndsATransactionThatWaits(t *testing.T) {
	b := &batchBackend{backend{answer: func(string, int) error { return fault.BackendError("kafka", "no leader") }}}
	p := New(Config{Mapper: fakeMapper{}, To: []Destination{{Name: "kafka"}}, Backoff: BackoffConfig{Initial: time.Hour, Max: time.Hour}})
	x := p.Transactions(b, &transactionLetters{})
	if _, err := x.Transact(t.Context(), [][]*kgo.Record{records(event("r0"))}); err == nil {
		t.Fatal("committed although nothing was written")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := x.Transact(ctx, [][]*kgo.Record{records(event("r0"))})
		done <- err
	}()
	for len(p.Held()) == 0 {
		time.Sleep(time.Millisecond)
	}
	if h := p.Held()[0]; h.Destination != "kafka" || h.Code != "kafka" || h.Partition != 3 {
		t.Errorf("held %+v", h)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("a stop is no commit")
	}
	if h := p.Held(); len(h) != 0 {
		t.Errorf("still held: %v", h)
	}
}

// counted observes how much was settled.
type counted struct {
	nobody
	records, events, letters int
}

func (c *counted) RecordsIn(_ string, n int)                        { c.records += n }
func (c *counted) EventsDelivered(_ string, n int, _ time.Duration) { c.events += n }
func (c *counted) Buried(string, string)                            { c.letters++ }
