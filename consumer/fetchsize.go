package consumer

import (
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	firstFetch = 512 << 10 // bytes that a fetch asks for before anything is known of the topic
	minFetch   = 64 << 10
	maxFetch   = 16 << 20
	// inflatedShare is the part of the window that one fetch may become: the client buffers one a broker beside the window.
	inflatedShare = 4
	// spread is how many partitions one fetch is to bring records of: those of one partition stand in few lanes.
	spread = 4
)

// fetchSize keeps what a fetch inflates to within a share of the window. Brokers count compressed bytes, memory does not, and
// between the two lies a factor of one to a hundred. It is a hook of the client.
type fetchSize struct {
	share  float64
	client atomic.Pointer[kgo.Client] // nil until the client is there, and where an operator chose the size

	mu    sync.Mutex // guards below
	ratio float64    // inflated bytes a byte that was fetched, of the latest batches
	now   int32
}

var _ kgo.HookFetchBatchRead = (*fetchSize)(nil)

func newFetchSize(window int64) *fetchSize {
	return &fetchSize{share: float64(window) / inflatedShare, now: firstFetch}
}

// follow makes the sizes of client's fetches follow what is learned, unless an operator chose them.
func (f *fetchSize) follow(client *kgo.Client) {
	if client.OptValue(kgo.FetchMaxBytes) == int32(firstFetch) {
		f.client.Store(client)
	}
}

// OnFetchBatchRead learns from a batch. The client calls it while it reads a fetch.
func (f *fetchSize) OnFetchBatchRead(_ kgo.BrokerMetadata, _ string, _ int32, m kgo.FetchBatchMetrics) {
	client := f.client.Load()
	if client == nil || m.CompressedBytes <= 0 || m.UncompressedBytes <= 0 {
		return
	}
	ratio := max(1, float64(m.UncompressedBytes)/float64(m.CompressedBytes))
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.ratio == 0 || ratio > f.ratio:
		f.ratio = ratio // at once: the next fetch may be as dense
	default:
		f.ratio += (ratio - f.ratio) / 32
	}
	want := int32(min(max(f.share/f.ratio, minFetch), maxFetch))
	if want > f.now*5/4 || want < f.now*4/5 {
		f.now = want
		client.UpdateFetchMaxBytes(want, max(want/spread, minFetch))
	}
}
