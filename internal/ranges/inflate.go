package ranges

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What a record and a header cost in memory beside their bytes, here and with who keeps them. A real record has some hundred bytes of its own, so that these
// bind only who sends nothing but empty records or headers.
const (
	recordCost = 512
	headerCost = 64
)

// LargeBatch is a batch that is not read, since it is larger in memory than the bound, or cannot be decompressed. It costs its own records, and reading goes on
// behind it.
type LargeBatch struct {
	Topic     string
	Partition int32
	Span      Range  // its offsets
	Most      int    // the bound, in bytes
	Hint      string // what raises it
}

func (b *LargeBatch) Error() string {
	text := fmt.Sprintf("%s[%d], offsets %d – %d: a batch that is not read, since it is larger than %d bytes in memory or cannot be decompressed",
		b.Topic, b.Partition, b.Span.From, b.Span.To-1, b.Most)
	if b.Hint != "" {
		text += "; if nobody means harm, " + b.Hint
	}
	return text
}

// Inflater decompresses batches up to a bound: anyone who may write to a topic can send 30 KB that inflate to 1 GB, and everyone who reads it would pay. Readers may
// share one. It is a kgo.Decompressor.
type Inflater struct {
	most  int
	hint  string
	inner kgo.Decompressor
}

// NewInflater makes an Inflater of batches of most bytes; hint says what raises that, in the errors about larger ones, and may be empty. It borrows the decompressor
// of a client, which alone can be given a bound; that client never connects.
func NewInflater(most int, hint string) (*Inflater, error) {
	lender, err := kgo.NewClient(kgo.MaxDecompressBatchBytes(most))
	if err != nil {
		return nil, err
	}
	defer lender.Close()
	inner, ok := lender.OptValue(kgo.WithDecompressor).(kgo.Decompressor)
	if !ok {
		return nil, errors.New("the Kafka client has no decompressor to borrow")
	}
	return &Inflater{most: most, hint: hint, inner: inner}, nil
}

// Decompress refuses what is larger than the bound, also once it is made into records, and what it cannot decompress: with ErrMaxDecompress, of which kgo
// tells the offsets.
func (f *Inflater) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	out, err := f.inner.Decompress(src, codec)
	switch {
	case err != nil:
		// What one decompressor takes, the broker's, another may not: the batch is passed over too, or nobody could read what lies behind it.
		return nil, fmt.Errorf("%w: %w", kgo.ErrMaxDecompress, err)
	case codec != kgo.CodecNone && !f.fits(out):
		return nil, kgo.ErrMaxDecompress
	}
	return out, nil
}

func (f *Inflater) large(topic string, partition int32, span Range) *LargeBatch {
	return &LargeBatch{Topic: topic, Partition: partition, Span: span, Most: f.most, Hint: f.hint}
}

// fits says whether the records of a batch, decompressed, stay within the bound in memory.
func (f *Inflater) fits(raw []byte) bool {
	cost := len(raw)
	for len(raw) > 0 && cost <= f.most {
		length, n := binary.Varint(raw)
		if n <= 0 || length < 0 || length > int64(len(raw)-n) {
			break // the parser stops here too
		}
		cost += recordCost + headerCost*headers(raw[n:n+int(length)])
		raw = raw[n+int(length):]
	}
	return cost <= f.most
}

// headers is how many headers a record says that it has: room for them is made before they are read.
func headers(rec []byte) int {
	if len(rec) < 1 {
		return 0
	}
	rec = rec[1:] // attributes
	next := func() int64 {
		v, n := binary.Varint(rec)
		if n <= 0 {
			rec = nil
			return 0
		}
		rec = rec[n:]
		return v
	}
	next() // timestamp
	next() // offset
	for range 2 {
		if n := next(); n > 0 { // key, value; -1 is none
			rec = rec[min(n, int64(len(rec))):]
		}
	}
	return int(max(0, min(next(), int64(len(rec)))))
}

// The parts of a record batch of version 2 (KIP-98), up to its records.
const (
	batchLength     = 8 // of what follows
	batchMagic      = 16
	batchAttributes = 21
	batchLastDelta  = 23
	batchRecords    = 61
)

// cut takes from an answer the first batch that is not compressed and does not fit, and all behind it, which is asked for again. If it is the first of all it is
// returned. Compressed ones are refused as they are decompressed.
func (f *Inflater) cut(topic string, part *kmsg.FetchResponseTopicPartition, at int64) *LargeBatch {
	in := part.RecordBatches
	for i, first := 0, true; len(in)-i >= batchRecords; {
		b := in[i:]
		size := int64(binary.BigEndian.Uint32(b[batchLength:])) + batchLength + 4
		if size < batchRecords || size > int64(len(b)) || b[batchMagic] != 2 {
			return nil
		}
		from := int64(binary.BigEndian.Uint64(b))
		to := from + int64(binary.BigEndian.Uint32(b[batchLastDelta:])) + 1
		compressed := binary.BigEndian.Uint16(b[batchAttributes:])&7 != 0
		if to > at && !compressed && !f.fits(b[batchRecords:size]) {
			part.RecordBatches = in[:i]
			if first {
				return f.large(topic, part.Partition, Range{max(from, at), to})
			}
			return nil
		}
		first = first && to <= at // a batch before the place asked for gives no record
		i += int(size)
	}
	return nil
}
