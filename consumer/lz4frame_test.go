package consumer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// framed is data in an lz4 frame.
func framed(t testing.TB, data []byte, opts ...lz4.Option) []byte {
	t.Helper()
	var out bytes.Buffer
	w := lz4.NewWriter(&out)
	if err := w.Apply(opts...); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// noise does not compress.
func noise(n int) []byte {
	out := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(out)
	return out
}

// linked is a frame of a stored block and two that refer to what is before them: to the block before, and to the one before that.
func linked(first []byte) (frame, data []byte) {
	frame = binary.LittleEndian.AppendUint32(nil, lz4Magic)
	frame = append(frame, lz4Version, 0x40, 0xC0)
	frame = append(binary.LittleEndian.AppendUint32(frame, uint32(len(first))|lz4Stored), first...)
	data = slices.Clone(first)
	for _, back := range []int{50, 90} {
		block := []byte{0x0A, byte(back), 0, 0x50, 'a', 'b', 'c', 'd', 'e'} // 14 bytes from so far back, five as they are
		frame = append(binary.LittleEndian.AppendUint32(frame, uint32(len(block))), block...)
		data = append(append(data, data[len(data)-back:len(data)-back+14]...), "abcde"...)
	}
	return binary.LittleEndian.AppendUint32(frame, 0), data
}

// unfilled is a frame of n blocks that hold less than blocks of 256 KiB may: of a writer that flushes.
func unfilled(t testing.TB, size, n int) []byte {
	t.Helper()
	frame := slices.Clone(framed(t, nil, lz4.BlockSizeOption(lz4.Block256Kb))[:7])
	for range n {
		frame = append(binary.LittleEndian.AppendUint32(frame, uint32(size)|lz4Stored), noise(size)...)
	}
	frame = binary.LittleEndian.AppendUint32(frame, 0)
	if whole := framed(t, bytes.Repeat(noise(size), n), lz4.BlockSizeOption(lz4.Block256Kb)); frame[4]&lz4Sum != 0 {
		frame = append(frame, whole[len(whole)-4:]...)
	}
	return frame
}

// Frames as producers write them come out as they went in; what is no plain frame is left to the client's own way.
func TestLz4FramesComeOutAsTheyWentIn(t *testing.T) {
	large, huge := text(3<<20+7), text(9<<20+7)
	reference, referred := linked(noise(100))
	sum, size, sums := lz4.ChecksumOption(true), lz4.SizeOption(uint64(len(large))), lz4.BlockChecksumOption(true)
	hugeSize := lz4.SizeOption(uint64(len(huge)))
	for name, c := range map[string]struct {
		src, data []byte
		other     bool // it is no plain frame
		broken    bool // nor anything else
	}{
		"blocks of 64 KiB":            {src: framed(t, large, lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false)), data: large},
		"of 256 KiB, with a checksum": {src: framed(t, large, lz4.BlockSizeOption(lz4.Block256Kb), sum), data: large},
		"of 1 MiB, with its size":     {src: framed(t, large, lz4.BlockSizeOption(lz4.Block1Mb), size), data: large},
		"of 4 MiB, with both":         {src: framed(t, large, lz4.BlockSizeOption(lz4.Block4Mb), size, sum), data: large},
		"nothing":                     {src: framed(t, nil)},
		"one byte":                    {src: framed(t, []byte("x")), data: []byte("x")},
		"noise, which is stored":      {src: framed(t, noise(200<<10)), data: noise(200 << 10)},
		"a large batch":               {src: framed(t, noise(300<<10)), data: noise(300 << 10)},
		"one larger than is kept":     {src: framed(t, noise(5<<20)), data: noise(5 << 20)},
		"of 64 KiB, and large":        {src: framed(t, huge, lz4.BlockSizeOption(lz4.Block64Kb)), data: huge},
		"of 4 MiB, and large":         {src: framed(t, huge, lz4.BlockSizeOption(lz4.Block4Mb), hugeSize, sum), data: huge},
		"large, of whole blocks":      {src: framed(t, huge[:8<<20]), data: huge[:8<<20]},
		"a large one without its end": {src: bytes.TrimRight(framed(t, huge, lz4.ChecksumOption(false)), "\x00"), other: true, broken: true},
		"small, and not filled":       {src: unfilled(t, 1<<10, 64), data: bytes.Repeat(noise(1<<10), 64)},
		"large, and not filled":       {src: unfilled(t, 100<<10, 64), data: bytes.Repeat(noise(100<<10), 64), other: true},
		"blocks that refer back":      {src: reference, data: referred},
		"checksums of blocks":         {src: framed(t, large, sums), data: large, other: true},
		"no frame":                    {src: []byte("this is no frame"), other: true, broken: true},
		"an empty batch":              {other: true},
		"no end":                      {src: reference[:len(reference)-4], other: true, broken: true},
		"half a frame":                {src: reference[:60], other: true, broken: true},
		"a block that refers too far": {src: bytes.Replace(reference, []byte{0x0A, 90}, []byte{0x0A, 255}, 1), other: true, broken: true},
		"a block larger than said":    {src: slices.Concat(reference[:7], []byte{0xff, 0xff, 0xff, 0x7f}, reference[11:]), other: true, broken: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := inflateLz4(c.src, 16<<20)
			if ok == c.other || ok && !bytes.Equal(got, c.data) {
				t.Errorf("%t, %d bytes, want %d", ok, len(got), len(c.data))
			}
			if cap(got) > len(got)+len(got)/8+512 {
				t.Errorf("%d bytes hold %d", len(got), cap(got))
			}
			whole, err := newInflater(Config{}.withDefaults())
			if err != nil {
				t.Fatal(err)
			}
			if got, err := whole.Decompress(c.src, kgo.CodecLz4); (err != nil) != c.broken || !c.broken && !bytes.Equal(got, c.data) {
				t.Errorf("the inflater gives %d bytes, %v", len(got), err)
			}
		})
	}
}

// A few kilobytes become no more than the bound, whatever they could become.
func TestLz4FramesKeepToTheBound(t *testing.T) {
	data := make([]byte, 8<<20)
	for _, size := range []lz4.BlockSize{lz4.Block64Kb, lz4.Block4Mb} {
		src := framed(t, data, lz4.BlockSizeOption(size))
		if got, ok := inflateLz4(src, len(data)); !ok || len(got) != len(data) {
			t.Errorf("%v: just the bound is %d bytes, %t", size, len(got), ok)
		}
		if _, ok := inflateLz4(src, len(data)-1); ok {
			t.Errorf("%v: one byte too many is taken", size)
		}
		whole, err := newInflater(Config{MaxInflated: len(data) - 1}.withDefaults())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := whole.Decompress(src, kgo.CodecLz4); !errors.Is(err, kgo.ErrMaxDecompress) {
			t.Errorf("%v: the inflater says %v", size, err)
		}
	}
}

// A frame of a thousand bytes that seems to be one of 60 MiB, since its blocks hold a byte each, takes no memory for that, and comes out as it is.
func TestALz4FrameThatSeemsLargeTakesNoMemory(t *testing.T) {
	src := unfilled(t, 1, 240)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, ok := inflateLz4(src, 64<<20)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 {
		t.Errorf("%d bytes are taken for %d", took, len(src))
	}
	if want := bytes.Repeat(noise(1), 240); !ok || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %t, want %d", len(got), ok, len(want))
	}
}

// What is taken for a plain frame is what the library reads in it. Only checksums are not looked at: the batch has its own.
func FuzzLz4Frame(f *testing.F) {
	reference, _ := linked(noise(100))
	for _, src := range [][]byte{reference, framed(f, text(300)), framed(f, noise(300), lz4.SizeOption(300)), framed(f, text(70<<10), lz4.BlockSizeOption(lz4.Block64Kb)), framed(f, text(128<<10), lz4.BlockSizeOption(lz4.Block64Kb)),
		slices.Concat(framed(f, text(9)), framed(f, text(9)))} {
		f.Add(src)
	}
	usual, err := bounded(1 << 17)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		got, ok := inflateLz4(src, 1<<17)
		if len(got) > 1<<17 {
			t.Fatalf("%d bytes", len(got))
		}
		want, err := usual.Decompress(src, kgo.CodecLz4)
		if ok && err == nil && !bytes.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
		if blocks, max, apart, ok := lz4Header(src); ok { // as if it were large
			if n := lz4Count(blocks, max); n > 0 {
				if whole, ok := lz4Whole(blocks, n, max, apart, 1<<23); ok && !bytes.Equal(whole, got) && len(whole) <= 1<<17 {
					t.Errorf("at once %q, want %q", whole, got)
				}
			}
		}
		if ok && err != nil && !errors.Is(err, lz4.ErrInvalidFrameChecksum) && !errors.Is(err, lz4.ErrInvalidHeaderChecksum) && !errors.Is(err, lz4.ErrInvalidContentSize) {
			t.Errorf("%d bytes are taken, and the library says %v", len(got), err)
		}
	})
}

func BenchmarkInflateLz4(b *testing.B) {
	data := text(470 << 10)
	src := framed(b, data)
	usual, err := bounded(1 << 20)
	if err != nil {
		b.Fatal(err)
	}
	for name, inflate := range map[string]func() bool{
		"client": func() bool { _, err := usual.Decompress(src, kgo.CodecLz4); return err == nil },
		"ours":   func() bool { _, ok := inflateLz4(src, 1<<20); return ok },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if !inflate() {
					b.Fatal("not inflated")
				}
			}
		})
	}
}
