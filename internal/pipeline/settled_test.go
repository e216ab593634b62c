package pipeline

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// told notes what Settled is told.
type told struct {
	mu  sync.Mutex // guards all
	all []string
}

func (o *told) settled(rec *kgo.Record, runs []openlineage.Run, buried bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, fmt.Sprintf("%d: %d runs, buried %v", rec.Offset, len(runs), buried))
}

// Whoever wants to know what was settled hears of each record once, with its runs, however it is settled.
func TestEachSettledRecordIsTold(t *testing.T) {
	recs := records(event("r0"), event("unmapped"), event("pair"), event("nothing"))
	for name, kind := range kinds(nil) {
		o, cfg := &told{}, quick()
		cfg.Settled = o.settled
		d, _ := kind()
		if n, err := handle(t.Context(), New(cfg, []Destination{{Name: "backend", To: d}}, &letters{}), recs); n != len(recs) || err != nil {
			t.Fatalf("%s: settled %d, %v", name, n, err)
		}
		slices.Sort(o.all)
		if !slices.Equal(o.all, []string{"0: 1 runs, buried false", "1: 0 runs, buried true", "2: 2 runs, buried false", "3: 1 runs, buried false"}) {
			t.Errorf("%s: %v", name, o.all)
		}
	}
}

// Of a transaction is told what is committed, and nothing of one that is aborted.
func TestWhatIsCommittedIsTold(t *testing.T) {
	o, cfg := &told{}, quick()
	cfg.Settled = o.settled
	s := &sender{backend: backend{answer: tooLarge("first COMPLETE")}}
	_, transactions := transact(t, NewExactlyOnce(cfg, "kafka"), s, &transactionLetters{}, records(event("r0"), event("unmapped"), event("pair")))
	slices.Sort(o.all)
	if want := []string{"0: 1 runs, buried false", "1: 0 runs, buried true", "2: 2 runs, buried true"}; transactions < 2 || !slices.Equal(o.all, want) {
		t.Errorf("%d transactions: %v", transactions, o.all)
	}
}
