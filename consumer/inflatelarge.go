package consumer

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// largeBatch is from how many compressed bytes on a batch is inflated by itself. The client's own way grows a buffer by doubling it, keeps it and copies
// from it: three times what comes out. That is nothing for usual batches, and a process's whole memory for large ones.
const largeBatch = 256 << 10

// inflateLarge inflates a batch into memory of exactly its size: it is inflated once to be counted, and once more to be kept. ok is false for a
// codec whose batches say how large they are.
func inflateLarge(src []byte, codec kgo.CompressionCodecType, most int) (out []byte, ok bool, err error) {
	n, ok, err := inflated(src, codec, func(r io.Reader) (int64, error) {
		return io.Copy(io.Discard, io.LimitReader(r, int64(most)+1))
	})
	switch {
	case !ok || err != nil:
		return nil, ok, err
	case n > int64(most):
		return nil, true, kgo.ErrMaxDecompress
	}
	out = make([]byte, n)
	_, _, err = inflated(src, codec, func(r io.Reader) (int64, error) {
		n, err := io.ReadFull(r, out)
		return int64(n), err
	})
	return out, true, err
}

// inflated reads a batch as it inflates.
func inflated(src []byte, codec kgo.CompressionCodecType, read func(io.Reader) (int64, error)) (n int64, ok bool, err error) {
	in := bytes.NewReader(src)
	switch codec {
	case kgo.CodecLz4:
		n, err = read(lz4.NewReader(in))
	case kgo.CodecGzip:
		r, err := gzip.NewReader(in)
		if err != nil {
			return 0, true, err
		}
		n, err = read(r)
		return n, true, err
	case kgo.CodecZstd:
		r, err := zstd.NewReader(in, zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return 0, true, err
		}
		defer r.Close()
		n, err = read(r)
		if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
			err = kgo.ErrMaxDecompress
		}
		return n, true, err
	default:
		return 0, false, nil
	}
	return n, true, err
}

// maxWindow is how far back a zstd frame may refer: as far as zstd's own tools allow without being asked for more.
const maxWindow = 128 << 20
