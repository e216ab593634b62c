package consumer

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/pierrec/lz4/v4"
)

// The format is that of https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md.
const (
	lz4Magic    = 0x184D2204
	lz4Version  = 1 << 6
	lz4Apart    = 1 << 5 // each block is by itself; else it refers to those before it
	lz4Size     = 1 << 3 // the header says how large the content is
	lz4Sum      = 1 << 2 // a checksum is behind the content
	lz4Stored   = 1 << 31
	lz4Farthest = 64 << 10 // bytes that a block may refer back
	lz4Ratio    = 255      // a byte becomes no more
)

// lz4Kept is how much room is kept, and how large a frame may be that is inflated into it, without its last block.
const lz4Kept = 4 * usualBatch

// lz4Room is where frames are inflated, before they are copied to memory of just their size: the records hold that as long as they are in hand.
var lz4Room = sync.Pool{New: func() any { return new([]byte) }}

// inflateLz4 gives what a frame holds, at most so many bytes. It inflates as producers write, block by block: a library's reader copies what comes out once more, and
// sums it up, although the batch has a checksum of its own that the client has looked at. ok is false for whatever is not one plain frame: others say what
// that is.
func inflateLz4(src []byte, most int) (_ []byte, ok bool) {
	blocks, max, apart, ok := lz4Header(src)
	if !ok {
		return nil, false
	}
	if n := lz4Count(blocks, max); (n-1)*max >= lz4Kept {
		// One that only seems so large, since its blocks are not filled, goes the usual way, unless it is large as it came.
		if out, ok := lz4Whole(blocks, n, max, apart, min(most, lz4Ratio*len(src))); ok || len(src) >= largeBatch {
			return out, ok
		}
	}
	room := lz4Room.Get().(*[]byte)
	out := (*room)[:0]
	defer func() {
		if *room = out; cap(out) <= lz4Kept {
			lz4Room.Put(room)
		}
	}()
	for {
		block, rest, stored, ok := lz4Block(blocks, max)
		switch {
		case !ok:
			return nil, false
		case block == nil:
			return slices.Clone(out), len(rest) == 0
		case stored:
			out = append(out, block...)
		default:
			if out, ok = lz4Append(out, block, max, apart); !ok {
				return nil, false
			}
		}
		if len(out) > most {
			return nil, false
		}
		blocks = rest
	}
}

// lz4Count is how many blocks there are up to the end, or to where there is none.
func lz4Count(blocks []byte, max int) (n int) {
	for {
		block, rest, _, _ := lz4Block(blocks, max)
		if block == nil {
			return n
		}
		n, blocks = n+1, rest
	}
}

// lz4Whole inflates a frame of n blocks, which is large, at once into memory of just its size: writers fill all blocks but the last one, which is therefore
// inflated first. Others are left to inflateLarge.
func lz4Whole(blocks []byte, n, max int, apart bool, most int) (_ []byte, ok bool) {
	if !apart || (n-1)*max >= most {
		return nil, false
	}
	var last []byte
	rest, stored := blocks, false
	for range n {
		last, rest, stored, _ = lz4Block(rest, max)
	}
	if len(rest) != 4 || binary.LittleEndian.Uint32(rest) != 0 {
		return nil, false
	}
	end, ok := lz4Into(make([]byte, max), last, stored)
	if !ok || (n-1)*max+end > most {
		return nil, false
	}
	out := make([]byte, (n-1)*max+end)
	for at := 0; at < len(out); at += max {
		block, rest, stored, _ := lz4Block(blocks, max)
		to := out[at:min(at+max, len(out))]
		if filled, ok := lz4Into(to, block, stored); !ok || filled != len(to) {
			return nil, false
		}
		blocks = rest
	}
	return out, true
}

// lz4Into inflates a block that is by itself.
func lz4Into(to, block []byte, stored bool) (n int, ok bool) {
	if stored {
		return copy(to, block), true
	}
	n, err := lz4.UncompressBlock(block, to)
	return n, err == nil
}

// lz4Header reads what stands before the blocks of a frame: how large each may become, and whether each is by itself.
func lz4Header(src []byte) (blocks []byte, max int, apart, ok bool) {
	if len(src) < 7 || binary.LittleEndian.Uint32(src) != lz4Magic {
		return nil, 0, false, false
	}
	flags, size := src[4], src[5]
	if flags&^(lz4Apart|lz4Size|lz4Sum) != lz4Version || size&^0x70 != 0 || size < 0x40 {
		return nil, 0, false, false // another version, checksums of blocks, a dictionary
	}
	header := 7
	if flags&lz4Size != 0 {
		header += 8
	}
	end := len(src)
	if flags&lz4Sum != 0 {
		end -= 4
	}
	if end < header {
		return nil, 0, false, false
	}
	return src[header:end], 64 << 10 << (2 * (size>>4 - 4)), flags&lz4Apart != 0, true
}

// lz4Block cuts off the next block, which becomes at most max bytes; nil is the end of them.
func lz4Block(blocks []byte, max int) (block, rest []byte, stored, ok bool) {
	if len(blocks) < 4 {
		return nil, nil, false, false
	}
	size := binary.LittleEndian.Uint32(blocks)
	blocks = blocks[4:]
	if size == 0 {
		return nil, blocks, false, true
	}
	n := int(size &^ lz4Stored)
	if n == 0 || n > max || n > len(blocks) {
		return nil, nil, false, false
	}
	return blocks[:n], blocks[n:], size&lz4Stored != 0, true
}

// lz4Append inflates a block behind out; it becomes at most max bytes. Where out has no room for it there is more made.
func lz4Append(out, block []byte, max int, apart bool) ([]byte, bool) {
	for {
		room := min(cap(out)-len(out), max)
		if room < max && room < 4*len(block) { // most become more than that
			room = 0
		}
		if room > 0 {
			var before []byte
			if !apart {
				before = out[len(out)-min(len(out), lz4Farthest):]
			}
			n, err := lz4.UncompressBlockWithDict(block, out[len(out):len(out)+room], before)
			if err == nil {
				return out[:len(out)+n], true
			}
			if room == max {
				return nil, false
			}
		}
		out = slices.Grow(out, min(max, cap(out)+64<<10))
	}
}
