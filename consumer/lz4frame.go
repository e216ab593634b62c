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
)

// lz4Kept is how much room is kept.
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

// lz4Most is how much of a frame is inflated this way, where most is the bound: of a large one no more than what the room is kept for, since it takes the same
// memory once more.
func lz4Most(compressed, most int) int {
	if compressed >= largeBatch {
		return min(most, lz4Kept)
	}
	return most
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
