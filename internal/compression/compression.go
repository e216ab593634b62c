// Package compression is how record batches are compressed that gx-ol writes.
package compression

import (
	"bytes"
	"sync"

	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Use compresses batches with the first codec that the broker takes. Behind other options it wins over what they say of compression.
//
// lz4 is written as the Java client writes it: blocks of 64 KiB and no checksum, since the batch has one of its own. The client's own way
// fills blocks of 4 MiB and sums them up as well, which takes nearly twice the time and, for each batch under way, 8 MiB.
func Use(codecs ...kgo.CompressionCodec) []kgo.Opt {
	var own kgo.Compressor // nil: the client makes its own of the codecs
	if len(codecs) > 0 && codecs[0] == kgo.Lz4Compression() {
		own = lz4Frames{}
	}
	return []kgo.Opt{kgo.WithCompressor(own), kgo.ProducerBatchCompression(codecs...)}
}

type lz4Frames struct{}

var writers = sync.Pool{New: func() any {
	w := lz4.NewWriter(nil)
	if err := w.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false), lz4.ConcurrencyOption(1)); err != nil {
		panic(err) // an option that the library does not know
	}
	return w
}}

// Compress implements kgo.Compressor.
func (lz4Frames) Compress(dst *bytes.Buffer, src []byte, _ ...kgo.CompressFlag) ([]byte, kgo.CompressionCodecType) {
	w := writers.Get().(*lz4.Writer)
	defer writers.Put(w)
	w.Reset(dst)
	if _, err := w.Write(src); err != nil {
		return nil, kgo.CodecError
	}
	if err := w.Close(); err != nil {
		return nil, kgo.CodecError
	}
	return dst.Bytes(), kgo.CodecLz4
}
