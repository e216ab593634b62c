package consumer

import (
	"bytes"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// largeInflated is from how many bytes on a batch is large that its records are copied out of.
const largeInflated = 4 * usualBatch

// average follows the size of records: up at once, since the next may be as large, and down slowly. It is a hook too: of what a fetch brings it knows before that
// is polled.
type average struct {
	mu    sync.Mutex
	now   float64
	batch float64 // bytes that a large batch of several records inflates to
}

var _ kgo.HookFetchBatchRead = (*average)(nil)

// OnFetchBatchRead learns from a batch. The client calls it while it reads a fetch.
func (a *average) OnFetchBatchRead(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.FetchBatchMetrics) {
	if m.NumRecords <= 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = max(a.now, float64(m.UncompressedBytes)/float64(m.NumRecords))
	a.batch -= a.batch / 256 // so slowly that a large one counts as long as any of its records is buffered
	if m.NumRecords > 1 {
		a.batch = max(a.batch, float64(m.UncompressedBytes))
	}
}

func (a *average) note(recs []*kgo.Record) {
	var total int64
	for _, rec := range recs {
		total += recordBytes(rec)
	}
	mean := float64(total) / float64(len(recs))
	a.mu.Lock()
	defer a.mu.Unlock()
	if mean > a.now {
		a.now = mean
		return
	}
	a.now += (mean - a.now) / 8
}

// bytes of a record; while nothing is known, of a usual one.
func (a *average) bytes() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now == 0 {
		return 32 << 10
	}
	return int64(a.now)
}

// copyOut copies records out of their batch, where batches are large: one record in hand holds all the memory that its batch inflated to, which may be the window's many
// times over.
func (a *average) copyOut(recs []*kgo.Record) {
	a.mu.Lock()
	large := a.batch >= largeInflated
	a.mu.Unlock()
	if !large {
		return
	}
	for i, rec := range recs {
		recs[i] = own(rec)
	}
}

// own is a record that has nothing in common with its batch. The client keeps the records themselves together too.
func own(rec *kgo.Record) *kgo.Record {
	r := *rec
	r.Key, r.Value, r.Headers = bytes.Clone(rec.Key), bytes.Clone(rec.Value), slices.Clone(rec.Headers)
	for i := range r.Headers {
		r.Headers[i].Value = bytes.Clone(r.Headers[i].Value)
	}
	return &r
}
