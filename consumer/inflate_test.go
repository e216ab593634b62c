package consumer

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// deflated is data as each codec writes it.
func deflated(t testing.TB, data []byte) map[kgo.CompressionCodecType][]byte {
	t.Helper()
	out := make(map[kgo.CompressionCodecType][]byte)
	for _, codec := range []kgo.CompressionCodec{kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		c, err := kgo.DefaultCompressor(codec)
		if err != nil {
			t.Fatal(err)
		}
		b, used := c.Compress(new(bytes.Buffer), data)
		out[used] = bytes.Clone(b)
	}
	return out
}

// text compresses, but not to nothing.
func text(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]byte, n)
	for i := range out {
		out[i] = "etaoin shrdlu 0123456789"[r.IntN(24)]
	}
	return out
}

// However a batch is inflated, the same comes out, and what is larger than the bound is refused as that.
func TestLargeBatchesInflateToTheSame(t *testing.T) {
	data := text(1 << 20)
	usual, err := bounded(2 << 20)
	if err != nil {
		t.Fatal(err)
	}
	for codec, src := range deflated(t, data) {
		want, err := usual.Decompress(src, codec)
		if err != nil || !bytes.Equal(want, data) {
			t.Fatalf("codec %d: the test's own data: %v", codec, err)
		}
		got, ok, err := inflateLarge(src, codec, 2<<20)
		if ok == (codec == kgo.CodecSnappy) || err != nil || ok && (!bytes.Equal(got, data) || cap(got) > len(data)+4096) {
			t.Errorf("codec %d: ok %t, %d of %d bytes, %v", codec, ok, len(got), len(data), err)
		}
		if _, ok, err := inflateLarge(src, codec, len(data)-1); ok && !errors.Is(err, kgo.ErrMaxDecompress) {
			t.Errorf("codec %d: one byte too many is %v", codec, err)
		}
		if _, ok, err := inflateLarge(src[:len(src)/2], codec, 2<<20); ok && err == nil {
			t.Errorf("codec %d: half a batch is taken for a whole one", codec)
		}
	}
}

func FuzzInflateLarge(f *testing.F) {
	for codec, src := range deflated(f, text(300)) {
		f.Add(src, int8(codec))
	}
	usual, err := bounded(1 << 16)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src []byte, codec int8) {
		got, ok, err := inflateLarge(src, kgo.CompressionCodecType(codec), 1<<16)
		if !ok {
			return
		}
		want, wantErr := usual.Decompress(src, kgo.CompressionCodecType(codec))
		if err == nil && wantErr == nil && !bytes.Equal(got, want) {
			t.Errorf("%q and %q", got, want)
		}
		if len(got) > 1<<16 {
			t.Errorf("%d bytes", len(got))
		}
	})
}
