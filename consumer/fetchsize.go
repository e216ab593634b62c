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
	batch float64    // compressed bytes of a large one of them
	now   int32      // what a fetch asks for, and of one partition
	each  int32
}

var _ kgo.HookFetchBatchRead = (*fetchSize)(nil)

func newFetchSize(window int64) *fetchSize {
	return &fetchSize{share: float64(window) / inflatedShare, now: firstFetch, each: firstFetch / spread}
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
	follow(&f.ratio, ratio)
	follow(&f.batch, float64(m.CompressedBytes))
	want, each := f.want()
	if differs(want, f.now) || differs(each, f.each) {
		f.now, f.each = want, each
		client.UpdateFetchMaxBytes(want, each)
	}
}

// want is what a fetch should ask for, and of one partition. A partition is to bring a whole batch, for of less than one it brings nothing; and a
// broker may count the batch that it leaves out, so that there must be room for two of each, or the last partitions of the fetch would bring nothing.
func (f *fetchSize) want() (all, each int32) {
	share, batch := f.share/f.ratio, f.batch*9/8
	total := min(max(share, 2*spread*batch, minFetch), max(2*share, minFetch), maxFetch)
	return int32(total), int32(max(total/spread-batch, min(batch, total), minFetch/spread))
}

// follow goes up at once, since the next batch may be as large, and down slowly.
func follow(average *float64, latest float64) {
	if latest > *average {
		*average = latest
		return
	}
	*average += (latest - *average) / 32
}

func differs(want, now int32) bool { return want > now/4*5 || want < now/5*4 }
