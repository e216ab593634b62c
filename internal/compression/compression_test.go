package compression

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// compressorOf is what a client of these options compresses with.
func compressorOf(t *testing.T, opts ...kgo.Opt) kgo.Compressor {
	t.Helper()
	client, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, _ := client.OptValue(kgo.WithCompressor).(kgo.Compressor)
	return c
}

func TestWhatIsSaidLastCounts(t *testing.T) {
	lz4, zstd, none := kgo.Lz4Compression(), kgo.ZstdCompression(), kgo.NoCompression()
	for name, c := range map[string]struct {
		first, last []kgo.CompressionCodec
		want        kgo.CompressionCodecType
	}{
		"lz4":                     {last: []kgo.CompressionCodec{lz4}, want: kgo.CodecLz4},
		"lz4 behind another":      {first: []kgo.CompressionCodec{zstd}, last: []kgo.CompressionCodec{lz4}, want: kgo.CodecLz4},
		"another behind lz4":      {first: []kgo.CompressionCodec{lz4}, last: []kgo.CompressionCodec{zstd, none}, want: kgo.CodecZstd},
		"lz4 of a certain level":  {last: []kgo.CompressionCodec{lz4.WithLevel(3)}, want: kgo.CodecLz4},
		"nothing behind lz4":      {first: []kgo.CompressionCodec{lz4}, last: []kgo.CompressionCodec{none}, want: kgo.CodecNone},
		"snappy, with a fallback": {last: []kgo.CompressionCodec{kgo.SnappyCompression(), none}, want: kgo.CodecSnappy},
	} {
		t.Run(name, func(t *testing.T) {
			var opts []kgo.Opt
			if c.first != nil {
				opts = Use(c.first...)
			}
			used := kgo.CodecNone
			if compressor := compressorOf(t, append(opts, Use(c.last...)...)...); compressor != nil {
				_, used = compressor.Compress(new(bytes.Buffer), []byte("some text, some text, some text"))
			}
			if used != c.want {
				t.Errorf("codec %d is used, want %d", used, c.want)
			}
		})
	}
}

// Batches of every size, also by many at once, come out as they went in: empty, around a block's border, and such as nothing can be saved of.
func TestLz4ComesOutAsItWentIn(t *testing.T) {
	compressor := compressorOf(t, Use(kgo.Lz4Compression())...)
	back := kgo.DefaultDecompressor()
	random := rand.NewChaCha8([32]byte{1})
	var all sync.WaitGroup
	for _, size := range []int{0, 1, 100, 64<<10 - 1, 64 << 10, 64<<10 + 1, 128 << 10, 1_000_000, 9 << 20} {
		noise, text := make([]byte, size), bytes.Repeat([]byte("expect_column_values_to_not_be_null "), size/36+1)[:size]
		_, _ = random.Read(noise)
		for _, src := range [][]byte{noise, text} {
			all.Go(func() {
				var dst bytes.Buffer
				out, codec := compressor.Compress(&dst, src)
				if codec != kgo.CodecLz4 {
					t.Errorf("%d bytes: codec %d", size, codec)
					return
				}
				if got, err := back.Decompress(out, codec); err != nil || !bytes.Equal(got, src) {
					t.Errorf("%d bytes come out as %d: %v", size, len(got), err)
				}
			})
		}
	}
	all.Wait()
}

// The header says what readers make room for: blocks of 64 KiB, each by itself, and no checksum behind the content.
func TestLz4IsWrittenAsTheJavaClientWritesIt(t *testing.T) {
	var dst bytes.Buffer
	out, _ := compressorOf(t, Use(kgo.Lz4Compression())...).Compress(&dst, []byte("text"))
	if want := []byte{0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82}; !bytes.HasPrefix(out, want) {
		t.Errorf("the frame begins with % x, want % x", out[:7], want)
	}
}

func BenchmarkLz4(b *testing.B) {
	src := bytes.Repeat([]byte(`{"assertion": "expect_column_values_to_be_between", "success": true, "column": "amount"}, `), 10_000)
	own, err := kgo.DefaultCompressor(kgo.Lz4Compression())
	if err != nil {
		b.Fatal(err)
	}
	for name, c := range map[string]kgo.Compressor{"ours": lz4Frames{}, "client": own} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			var dst bytes.Buffer
			for b.Loop() {
				dst.Reset()
				c.Compress(&dst, src)
			}
		})
	}
}
