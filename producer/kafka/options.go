package kafka

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/compression"
)

const (
	batchBytes   = 1_000_000 // below what topics take by default (1,048,588), also where nothing compresses
	slack        = 1 << 20   // what batches and requests may be larger than a record
	brokerWrites = 100 << 20 // franz-go's own default
	largest      = 1 << 29   // bytes of a record that a Writer lets its client try: the broker tells what is too large
	buffered     = 32 << 20  // bytes that a client holds, however long the brokers are away
	bufferedRecs = 20_000
)

// EventOpts are the defaults of a client that a Writer writes events with; whatever the operator set goes behind them, and wins.
//
// Batches stay below what a topic takes by default: one that is refused fails all that is held for its partition. Larger records are
// written by the Writer, alone. lz4 takes the least CPU; and no linger: while a request is under way the next batch fills by
// itself, so a loaded writer makes full batches anyway (2 and 5 ms brought nothing), and a single event need not wait.
func EventOpts(maxMessageBytes int) []kgo.Opt {
	return append(append(shared(maxMessageBytes), kgo.ProducerBatchMaxBytes(batchBytes)), compression.Use(kgo.Lz4Compression())...)
}

// LetterOpts are the defaults of a client that a Writer writes dead letters with, of records of up to maxMessageBytes (key, value and
// headers, uncompressed). zstd lets the largest records through.
func LetterOpts(maxMessageBytes int) []kgo.Opt {
	return append(append(shared(maxMessageBytes), kgo.ProducerBatchMaxBytes(batchBytes)), zstd()...)
}

// LargeOpts are the defaults of a client that must write the largest record itself: in transactions, where a Writer bounds its batches
// by what it hands over at once, or without a Writer.
func LargeOpts(maxMessageBytes int) []kgo.Opt {
	return append(append(shared(maxMessageBytes), kgo.ProducerBatchMaxBytes(int32(batchOf(maxMessageBytes)))), zstd()...)
}

func zstd() []kgo.Opt {
	return compression.Use(kgo.ZstdCompression(), kgo.SnappyCompression(), kgo.NoCompression())
}

// batchOf is a batch that a record of the size fits into, as franz-go counts it: before compression.
func batchOf(maxMessageBytes int) int64 { return min(int64(maxMessageBytes)+slack, largest) }

func shared(maxMessageBytes int) []kgo.Opt {
	batch := batchOf(maxMessageBytes)
	return []kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.BrokerMaxWriteBytes(int32(max(batch+slack, brokerWrites))),
		kgo.MaxBufferedRecords(bufferedRecs),
		kgo.MaxBufferedBytes(int(max(buffered, batch))), // a larger record would be refused for it
		kgo.ProducerLinger(0),
		kgo.RecordDeliveryTimeout(30 * time.Second),
	}
}

// besideOpts are those of a client beside one with the given options that writes a record of any size.
func besideOpts(opts []kgo.Opt) []kgo.Opt {
	return append(slices.Clone(opts), kgo.ProducerBatchMaxBytes(largest), kgo.BrokerMaxWriteBytes(largest+slack), kgo.MaxBufferedBytes(largest), kgo.ProducerLinger(0))
}
