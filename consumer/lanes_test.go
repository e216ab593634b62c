package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// lanes is a Handler whose records name their lanes in their value, one letter each, and whose settling the test steps through.
type lanes struct {
	mu      sync.Mutex
	begun   []int64
	changed chan struct{}
	settle  func(ctx context.Context, rec *kgo.Record, turn Turn) error
}

type named struct{ rec *kgo.Record }

func (n named) Bytes() int { return 0 }

func (n named) Lanes() (out []uint64) {
	for _, letter := range n.rec.Value {
		out = append(out, uint64(letter))
	}
	return out
}

func (l *lanes) Prepare(rec *kgo.Record) Prepared { return named{rec} }

func (l *lanes) Settle(ctx context.Context, p Prepared, turn Turn) error {
	rec := p.(named).rec
	l.mu.Lock()
	l.begun = append(l.begun, rec.Offset)
	close(l.changed)
	l.changed = make(chan struct{})
	l.mu.Unlock()
	return l.settle(ctx, rec, turn)
}

// wait returns when n records have begun, sorted.
func (l *lanes) wait(t *testing.T, n int) []int64 {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		l.mu.Lock()
		begun, changed := slices.Sorted(slices.Values(l.begun)), l.changed
		l.mu.Unlock()
		if len(begun) >= n {
			return begun
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("begun: %v, want %d", begun, n)
		}
	}
}

// inHand gives records, each with its lanes, to a partition of an engine of its own.
func inHand(t *testing.T, h Handler, cfg Config, records ...string) *partition {
	t.Helper()
	failed := func(err error) { t.Error(err) }
	eng := newEngine(cfg.withDefaults(), h, failed)
	p := newPartition(eng, topic, 0)
	t.Cleanup(func() {
		finish([]*partition{p}, 0, true)
		eng.stop(context.Background())
	})
	recs := make([]*kgo.Record, len(records))
	for i, names := range records {
		recs[i] = &kgo.Record{Topic: topic, Offset: int64(i), Value: []byte(names)}
	}
	p.add(recs)
	return p
}

func TestRecordsWaitForThoseBeforeThemInAnyOfTheirLanes(t *testing.T) {
	for _, c := range []struct {
		records []string
		free    []int64 // begin while nothing is settled
		behind  []int64 // begin once 0 is settled
	}{
		{[]string{"a", "b", "c"}, []int64{0, 1, 2}, nil},
		{[]string{"a", "a", "b"}, []int64{0, 2}, []int64{1}},
		{[]string{"ad", "bd", "c"}, []int64{0, 2}, []int64{1}},           // another key, one dataset
		{[]string{"a", "ab", "b", "c"}, []int64{0, 3}, []int64{1}},       // 2 waits for 1, which waits for 0
		{[]string{"", "", ""}, []int64{0, 1, 2}, nil},                    // no lane, no order
		{[]string{"aa", "a", "b"}, []int64{0, 2}, []int64{1}},            // a lane named twice is one
		{[]string{"abcde", "e", "d", "f"}, []int64{0, 3}, []int64{1, 2}}, // more lanes than most records have
	} {
		t.Run(fmt.Sprint(c.records), func(t *testing.T) {
			release, others := make(chan struct{}), make(chan struct{})
			l := &lanes{changed: make(chan struct{})}
			l.settle = func(ctx context.Context, rec *kgo.Record, _ Turn) error {
				wait := others
				if rec.Offset == 0 {
					wait = release
				}
				select {
				case <-wait:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			inHand(t, l, Config{}, c.records...)
			l.wait(t, len(c.free))
			time.Sleep(5 * time.Millisecond) // whoever begins too early has had the time for it
			if got := l.wait(t, len(c.free)); !slices.Equal(got, c.free) {
				t.Fatalf("begun %v, want %v", got, c.free)
			}
			close(release)
			want := slices.Sorted(slices.Values(append(slices.Clone(c.free), c.behind...)))
			if got := l.wait(t, len(want)); !slices.Equal(got, want) {
				t.Errorf("behind 0 begun %v, want %v", got, want)
			}
			close(others)
		})
	}
}

func TestAtMostMaxInFlightSettleAtOnce(t *testing.T) {
	release := make(chan struct{})
	l := &lanes{changed: make(chan struct{}), settle: func(ctx context.Context, _ *kgo.Record, _ Turn) error {
		select {
		case release <- struct{}{}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}}
	p := inHand(t, l, Config{MaxInFlight: 3}, make([]string, 20)...)
	for settled := range 20 {
		l.wait(t, min(3+settled, 20))
		p.mu.Lock()
		if p.inFlight > 3 {
			t.Errorf("%d in flight", p.inFlight)
		}
		p.mu.Unlock()
		<-release
	}
	if err := p.whole(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestWhatSettlesSideBySideIsBoundedOverAllPartitions(t *testing.T) {
	eng := newEngine(Config{MaxInFlight: 64, MaxTogether: 128}.withDefaults(), settling(nil), func(error) {})
	defer eng.stop(t.Context())
	for partitions, want := range map[int]int64{0: 64, 1: 64, 2: 64, 4: 32, 100: 8} {
		if eng.share(partitions); eng.inFlight.Load() != want {
			t.Errorf("%d partitions: %d each, want %d", partitions, eng.inFlight.Load(), want)
		}
	}
}

// A record that was handed over lets those behind it begin, and is written again with them if it must be.
func TestWhatIsWrittenAgainTakesThoseBehindItAlong(t *testing.T) {
	var mu sync.Mutex
	var written []int64 // in the order in which they arrive
	write := func(rec *kgo.Record) {
		mu.Lock()
		defer mu.Unlock()
		written = append(written, rec.Offset)
	}
	fails := make(chan struct{})
	l := &lanes{changed: make(chan struct{})}
	l.settle = func(ctx context.Context, rec *kgo.Record, turn Turn) error {
		ok := true
		if rec.Offset == 0 { // its first write fails, after all others have been acknowledged
			turn.Pass()
			select {
			case <-fails:
			case <-ctx.Done():
				return ctx.Err()
			}
			ok = false
		} else {
			write(rec)
			turn.Pass()
		}
		again, err := turn.First(ctx)
		if err != nil {
			return err
		}
		if again || !ok {
			turn.Again()
			write(rec)
		}
		return nil
	}
	p := inHand(t, l, Config{}, "a", "a", "ab", "b", "c")
	l.wait(t, 5)
	for { // the others are written
		mu.Lock()
		n := len(written)
		mu.Unlock()
		if n == 4 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	close(fails)
	if err := p.whole(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if got, want := written[4:], []int64{0, 1, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("written again: %v, want %v in their order; 4 stands in none of their lanes", got, want)
	}
}

func TestFirstEndsWithItsContext(t *testing.T) {
	errs := make(chan error, 1)
	l := &lanes{changed: make(chan struct{})}
	l.settle = func(ctx context.Context, rec *kgo.Record, turn Turn) error {
		turn.Pass()
		if rec.Offset == 0 {
			<-ctx.Done()
			return ctx.Err()
		}
		_, err := turn.First(ctx)
		errs <- err
		return err
	}
	p := inHand(t, l, Config{}, "a", "a")
	l.wait(t, 2)
	finish([]*partition{p}, 0, false)
	if err := <-errs; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestThePrefixGrowsOverWhatSettledBeforeItsTurn(t *testing.T) {
	gates := map[int64]chan struct{}{}
	for i := range int64(6) {
		gates[i] = make(chan struct{})
	}
	l := &lanes{changed: make(chan struct{})}
	l.settle = func(ctx context.Context, rec *kgo.Record, _ Turn) error {
		select {
		case <-gates[rec.Offset]:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p := inHand(t, l, Config{}, make([]string, 6)...)
	l.wait(t, 6)
	prefix := func(inFlight int) (int64, bool) {
		for {
			p.mu.Lock()
			done, at, grown := p.inFlight == inFlight, p.prefix.Offset, p.unmarked
			p.mu.Unlock()
			if done {
				return at, grown
			}
			time.Sleep(time.Millisecond)
		}
	}
	close(gates[1])
	close(gates[3])
	if _, grown := prefix(4); grown {
		t.Error("the prefix has grown although 0 is not settled")
	}
	close(gates[0])
	if at, grown := prefix(3); !grown || at != 1 {
		t.Errorf("prefix ends at %d (%v), want 1", at, grown)
	}
	close(gates[2])
	if at, _ := prefix(2); at != 3 {
		t.Errorf("prefix ends at %d, want 3", at)
	}
	if n := p.bytes.Load(); n != 2*recordBytes(&kgo.Record{}) {
		t.Errorf("%d bytes in hand, want those of the two that are not settled", n)
	}
}

// What is settled takes no memory any more: neither its lanes nor its place in the order.
func TestWhatIsSettledIsForgotten(t *testing.T) {
	ready, tails := func(*entry) {}, make(map[uint64]*place)
	a, b := &entry{}, &entry{}
	a.join([]uint64{1, 2, 3}, tails)
	b.join([]uint64{2}, tails)
	if a.leave(tails, ready); len(tails) != 1 || tails[2].of != b {
		t.Errorf("%d lanes with one record in hand", len(tails))
	}
	if b.leave(tails, ready); len(tails) != 0 {
		t.Errorf("%d lanes with nothing in hand", len(tails))
	}
	p := &partition{}
	for n := range 10_000 {
		p.order = append(p.order, &entry{})
		p.next++
		if n >= 200 { // so many are in hand
			p.order[p.head].settled = true
		}
		p.grow()
	}
	if len(p.order) > 1000 || cap(p.order) > 4000 || p.next != len(p.order) || p.next-p.head != 200 {
		t.Errorf("the order has %d places, room for %d, and goes on from %d to %d", len(p.order), cap(p.order), p.head, p.next)
	}
	for _, e := range append(slices.Clone(p.order[:p.head]), p.order[p.next:cap(p.order)]...) {
		if e != nil {
			t.Fatal("it keeps what is settled")
		}
	}
}
