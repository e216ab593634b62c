package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// fake is a pipeline whose records share a lane if their keys are equal.
type fake struct {
	settle func(ctx context.Context, rec *kgo.Record) error

	mu       sync.Mutex // guards what follows
	settled  []string   // values, in the order in which they were settled
	now, max int        // under way
}

type prepared struct{ rec *kgo.Record }

func (p prepared) Lanes() (out []uint64) {
	for _, b := range p.rec.Key {
		out = append(out, uint64(b))
	}
	return out
}

func (prepared) Bytes() int { return 0 }

func (f *fake) Prepare(rec *kgo.Record) Prepared { return prepared{rec} }

func (f *fake) Settle(ctx context.Context, p Prepared, turn Turn) error {
	rec := p.(prepared).rec
	if again, err := turn.First(ctx); again || err != nil && ctx.Err() == nil {
		panic("called before its turn")
	}
	turn.Pass()
	f.mu.Lock()
	f.now++
	f.max = max(f.max, f.now)
	f.mu.Unlock()
	err := f.settle(ctx, rec)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now--
	if err == nil {
		f.settled = append(f.settled, string(rec.Value))
	}
	return err
}

func TestReplayThroughThePipeline(t *testing.T) {
	e := newEstate(t)
	good, bad, late := e.bury(0, 1, "a"), e.bury(0, 2, "a"), e.bury(0, 3, "a")
	behind := e.bury(0, 4, "a")
	ctx, cancel := context.WithCancel(t.Context())
	s := e.begin()
	got := make(map[string]dlq.Outcome)
	refusals := NewRefusals()
	pipeline := &fake{settle: func(ctx context.Context, rec *kgo.Record) error {
		if rec.Topic != source || !rec.Timestamp.Equal(day) || len(rec.Headers) != 6 {
			t.Errorf("delivered %+v", rec)
		}
		switch rec.Offset {
		case 2:
			return refusals.Bury(ctx, rec, deadletter.Letter{Group: "g", Code: "http_400", Stage: "deliver"})
		case 3:
			cancel()
			return ctx.Err()
		case 4:
			t.Error("one behind it in its lane was begun")
		}
		return nil
	}}
	plan := Plan{Through: &Through{Pipeline: pipeline, Refusals: refusals, Name: "marquez", InFlight: 4}, Each: func(a dlq.Audit) { got[a.Letter] = a.Outcome }}
	if err := Run(ctx, s, plan); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	ix := e.index()
	if got[good.String()] != dlq.ReplayedOutcome || got[bad.String()] != dlq.BuriedAgain || ix.At(late).State != dlq.Pending || ix.At(behind).State != dlq.Pending || len(got) != 2 {
		t.Errorf("outcomes %v", got)
	}
	if l := ix.At(good); l.Entry.To != "marquez" {
		t.Errorf("%+v", l.Entry)
	}
	pending := ix.Choose(dlq.Filter{Codes: []string{"http_400"}})
	if len(pending) != 1 || pending[0].Said.Offset != 2 || pending[0].Said.Replays != 1 || !pending[0].Said.Timestamp.Equal(day) || len(e.read(source)) != 0 {
		t.Errorf("the new letter: %+v", pending)
	}
}

func TestOneThatFailsEndsTheReplayAndLosesNone(t *testing.T) {
	e := newEstate(t)
	for i := range 6 {
		e.bury(0, int64(i), fmt.Sprint("k", i))
	}
	broken := errors.New("broken")
	pipeline := &fake{settle: func(_ context.Context, rec *kgo.Record) error {
		if rec.Offset == 2 {
			return broken
		}
		return nil
	}}
	n := 0
	err := Run(t.Context(), e.begin(), Plan{Through: &Through{Pipeline: pipeline, Refusals: NewRefusals(), InFlight: 1}, Each: func(dlq.Audit) { n++ }})
	if !errors.Is(err, broken) || n != len(pipeline.settled) || n == 6 {
		t.Errorf("%v; %d told, %v settled", err, n, pipeline.settled)
	}
	if left := len(e.index().Choose(dlq.Filter{})); left != 6-n {
		t.Errorf("%d pending, %d settled", left, n)
	}
}

// Records that share any lane are settled in their order, others side by side, and no more than so many.
func TestLanesKeepTheirOrder(t *testing.T) {
	var recs []*kgo.Record
	for i := range 60 {
		recs = append(recs, &kgo.Record{Key: []byte{byte('a' + i%3), byte('x' + i%2)}, Value: fmt.Appendf(nil, "%02d", i)})
	}
	for i := range 60 {
		recs = append(recs, &kgo.Record{Key: []byte{byte(i)}, Value: []byte("free")})
	}
	f := &fake{settle: func(context.Context, *kgo.Record) error { time.Sleep(time.Millisecond); return nil }}
	settled, err := settleAll(t.Context(), f, recs, 8)
	if err != nil || len(settled) != len(recs) || f.max > 8 || f.max < 4 {
		t.Errorf("%d settled, %d at once, %v", len(settled), f.max, err)
	}
	for _, lane := range "abcxy" {
		var got []string
		for _, v := range f.settled {
			if i, err := strconv.Atoi(v); err == nil && slices.Contains(recs[i].Key, byte(lane)) {
				got = append(got, v)
			}
		}
		if !slices.IsSorted(got) || len(got) < 20 {
			t.Errorf("lane %c: %v", lane, got)
		}
	}
}
