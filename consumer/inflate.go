package consumer

import (
	"errors"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// usualBatch is what a batch inflates to at most with a producer's usual settings.
const usualBatch = 1 << 20

// collectedFirst is from how many bytes on the garbage of an answer is collected before the next one: of the answer as it came, or of one batch of it, inflated.
// It is more than a fetch ever asks for, so that only an answer with a batch that is too large for that comes to it.
const collectedFirst = 2 * maxFetch

// inflater inflates fetched batches within bounds: one batch to Config.MaxInflated, and all of one answer to about Config.MaxBytes. From there on
// only batches of the usual size are inflated, up to twice that; what is left of the answer is fetched again. So a hundred kilobytes on
// the wire can't become gigabytes, however many batches they are. It is also a hook: it is told when an answer begins.
type inflater struct {
	whole, usual kgo.Decompressor
	most         int          // of one batch
	enough       int64        // of one answer
	used         atomic.Int64 // of the one that is being read
	large        atomic.Bool  // garbage is to be collected before the next answer
}

var (
	_ kgo.Decompressor    = (*inflater)(nil)
	_ kgo.HookBrokerRead  = (*inflater)(nil)
	_ kgo.HookBrokerWrite = (*inflater)(nil)
)

// errLater is for a batch that is to be fetched again: the client ends with what it has read of the answer.
var errLater = errors.New("the answer has inflated to enough; the rest is fetched again")

func newInflater(cfg Config) (*inflater, error) {
	most := cfg.MaxInflated
	whole, err := bounded(most)
	if err != nil {
		return nil, err
	}
	usual, err := bounded(min(most, usualBatch))
	return &inflater{whole: whole, usual: usual, most: most, enough: cfg.MaxBytes}, err
}

// bounded is the client's own way to inflate, with a bound. It can be had from a client alone.
func bounded(most int) (kgo.Decompressor, error) {
	client, err := kgo.NewClient(kgo.MaxDecompressBatchBytes(most))
	if err != nil {
		return nil, err
	}
	defer client.Close() // it never connected to anything
	d, ok := client.OptValue(kgo.WithDecompressor).(kgo.Decompressor)
	if !ok {
		return nil, errors.New("the Kafka client does not tell how it inflates")
	}
	return d, nil
}

// OnBrokerRead begins an answer to a fetch. Several brokers may answer at once; then each has a little less, or more.
func (f *inflater) OnBrokerRead(_ kgo.BrokerMetadata, key int16, n int, _, _ time.Duration, err error) {
	if key != int16(kmsg.Fetch) || err != nil {
		return
	}
	f.used.Store(0)
	if n >= collectedFirst {
		f.large.Store(true)
	}
}

// OnBrokerWrite collects what a large answer left before the next one comes, which the client asks for when the last record of the one before was polled: the
// collector alone would let them lie beside each other, and between them holes that are too small for the next. It takes milliseconds, and such an answer tens of them.
func (f *inflater) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, _ error) {
	if key == int16(kmsg.Fetch) && f.large.CompareAndSwap(true, false) {
		debug.FreeOSMemory()
	}
}

// Decompress inflates one batch.
func (f *inflater) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	used := f.used.Load()
	if used >= 2*f.enough {
		return nil, errLater
	}
	d, most := f.whole, f.most
	if used >= f.enough {
		d, most = f.usual, min(f.most, usualBatch)
	}
	var out []byte
	var err error
	done := false
	if codec == kgo.CodecLz4 {
		out, done = inflateLz4(src, most)
	}
	if !done && len(src) >= largeBatch {
		out, done, err = inflateLarge(src, codec, most)
	}
	if !done {
		out, err = d.Decompress(src, codec)
	}
	if d == f.usual && errors.Is(err, kgo.ErrMaxDecompress) {
		return nil, errLater
	}
	f.used.Add(int64(len(out)))
	if len(out) >= collectedFirst {
		f.large.Store(true)
	}
	return out, err
}
