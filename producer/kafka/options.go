package kafka

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	brokerSlack  = 1 << 20   // what batches and requests may be larger than a record
	brokerWrites = 100 << 20 // franz-go's own default
	buffered     = 32 << 20  // bytes that a client holds, however long the brokers are away
	bufferedRecs = 20_000
)

// EventOpts are the defaults of a client that writes events; whatever the operator set goes behind them, and wins.
//
// lz4 costs a fifth of zstd's CPU here, and events are what most of the CPU is spent on; see LetterOpts for the rest. No
// linger: while a request is under way the next batch fills by itself, so a loaded writer makes full batches anyway, and a
// single event need not wait.
func EventOpts(maxMessageBytes int) []kgo.Opt {
	return append(shared(maxMessageBytes), kgo.ProducerBatchCompression(kgo.Lz4Compression(), kgo.NoCompression()))
}

// LetterOpts are the defaults of a client that writes dead letters or replays of records of up to maxMessageBytes (key, value and
// headers, uncompressed). zstd lets the largest records through. franz-go counts a batch before it is compressed, so the client's
// own limits stand above: the broker alone tells what is too large.
func LetterOpts(maxMessageBytes int) []kgo.Opt {
	return append(shared(maxMessageBytes), kgo.ProducerBatchCompression(kgo.ZstdCompression(), kgo.SnappyCompression(), kgo.NoCompression()))
}

func shared(maxMessageBytes int) []kgo.Opt {
	batch := min(int64(maxMessageBytes)+brokerSlack, 1<<30-brokerSlack)
	return []kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchMaxBytes(int32(batch)),
		kgo.BrokerMaxWriteBytes(int32(max(batch+brokerSlack, brokerWrites))),
		kgo.MaxBufferedRecords(bufferedRecs),
		kgo.MaxBufferedBytes(int(max(buffered, batch))), // a larger record would be refused for it
		kgo.ProducerLinger(0),
		kgo.RecordDeliveryTimeout(30 * time.Second),
	}
}
