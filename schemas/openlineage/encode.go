package openlineage

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"
	"time"
	"unicode/utf8"
)

// SchemaURL is the schemaURL of every event that gx-ol makes.
const SchemaURL = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"

// Producer is the producer URI of a version of gx-ol.
func Producer(version string) string {
	if version == "" {
		version = "dev"
	}
	return "https://github.com/gx-ol/gx-ol/tree/" + version
}

// Encoder appends JSON to a buffer. The caller opens and closes in pairs; commas come by themselves. Text is cleaned
// while it is written: no U+0000 (which Marquez's database refuses, breaking the run), no invalid UTF-8. The zero value
// is ready; Reset makes its buffer ready for another text.
type Encoder struct {
	buf   []byte
	comma bool
	end   int // the length beyond which nothing more is written; 0: none
}

// NewEncoder makes an Encoder with room for size bytes; it grows beyond.
func NewEncoder(size int) *Encoder { return &Encoder{buf: make([]byte, 0, size)} }

// Reset cuts the buffer to its first n bytes; what follows is a text of its own.
func (e *Encoder) Reset(n int) { e.buf, e.comma, e.end = e.buf[:n], false, 0 }

// Limit lets the text that begins here have n bytes: soon behind them nothing more is written, and Over is true.
func (e *Encoder) Limit(n int) { e.end = len(e.buf) + n }

// Over reports whether the text became longer than its limit, and is cut short.
func (e *Encoder) Over() bool { return e.end > 0 && len(e.buf) > e.end }

// Bytes is what has been written. The next Reset writes over it.
func (e *Encoder) Bytes() []byte { return e.buf }

func (e *Encoder) next() {
	if e.comma {
		e.buf = append(e.buf, ',')
	}
	e.comma = true
}

// Open begins an object ('{') or an array ('[').
func (e *Encoder) Open(c byte) {
	e.next()
	e.buf = append(e.buf, c)
	e.comma = false
}

// Close ends it, with '}' or ']'.
func (e *Encoder) Close(c byte) {
	e.buf = append(e.buf, c)
	e.comma = true
}

// Key writes a member's name.
func (e *Encoder) Key(name string) {
	e.next()
	e.text(name)
	e.buf = append(e.buf, ':')
	e.comma = false
}

// Field writes a member's name that needs no escape: one that stands in our code.
func (e *Encoder) Field(name string) {
	b := e.buf
	if e.comma {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	e.buf, e.comma = append(b, '"', ':'), false
}

// String writes a string.
func (e *Encoder) String(s string) {
	e.next()
	e.text(s)
}

// Text writes a string that stands as bytes.
func (e *Encoder) Text(s []byte) {
	e.next()
	e.buf = append(e.buf, '"')
	body(e, s)
	e.buf = append(e.buf, '"')
}

// Texts writes the texts as one string.
func (e *Encoder) Texts(all ...string) {
	e.next()
	e.buf = append(e.buf, '"')
	for _, s := range all {
		body(e, s)
	}
	e.buf = append(e.buf, '"')
}

// Int writes an integer.
func (e *Encoder) Int(n int64) {
	e.next()
	e.buf = strconv.AppendInt(e.buf, n, 10)
}

// Bool writes true or false.
func (e *Encoder) Bool(b bool) {
	e.next()
	e.buf = strconv.AppendBool(e.buf, b)
}

// Raw writes JSON that is known to be valid, without the escapes of U+0000 in it.
func (e *Encoder) Raw(json []byte) {
	if e.Over() {
		return
	}
	e.next()
	if bytes.IndexByte(json, '\\') < 0 || !bytes.Contains(json, []byte(nul)) {
		e.buf = append(e.buf, json...)
		return
	}
	for i := 0; i < len(json); {
		switch {
		case bytes.HasPrefix(json[i:], []byte(nul)):
			i += len(nul)
		case json[i] == '\\' && i+1 < len(json):
			e.buf = append(e.buf, json[i], json[i+1])
			i += 2
		default:
			e.buf = append(e.buf, json[i])
			i++
		}
	}
}

// nul is how JSON writes U+0000.
const nul = `\u0000`

// Member writes a string member, unless it is empty. Its name stands in our code.
func (e *Encoder) Member(name, value string) {
	if value == "" {
		return
	}
	b := e.buf // here and below: one slice in hand is cheaper than one in memory
	if e.comma {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, name...)
	e.buf, e.comma = append(b, '"', ':', '"'), true
	body(e, value)
	e.buf = append(e.buf, '"')
}

// Time writes a time member: RFC 3339, UTC, microseconds.
func (e *Encoder) Time(name string, t time.Time) {
	e.Field(name)
	e.next()
	e.buf = appendTime(e.buf, t.UTC())
}

// appendTime is AppendFormat without reading a layout anew for every time.
func appendTime(b []byte, t time.Time) []byte {
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, `"2006-01-02T15:04:05.000000Z"`)
	}
	hour, minute, second := t.Clock()
	micro := t.Nanosecond() / 1000
	b = append(b, '"')
	b = append(appendTwo(appendTwo(b, year/100), year%100), '-')
	b = append(appendTwo(b, int(month)), '-')
	b = append(appendTwo(b, day), 'T')
	b = append(appendTwo(b, hour), ':')
	b = append(appendTwo(b, minute), ':')
	b = append(appendTwo(b, second), '.')
	b = appendTwo(appendTwo(appendTwo(b, micro/10_000), micro/100%100), micro%100)
	return append(b, 'Z', '"')
}

func appendTwo(b []byte, n int) []byte { return append(b, byte('0'+n/10), byte('0'+n%10)) }

const hex = "0123456789abcdef"

func (e *Encoder) text(s string) {
	e.buf = append(e.buf, '"')
	body(e, s)
	e.buf = append(e.buf, '"')
}

// body writes what stands between the quotes. Beyond the limit it writes nothing: an event is one text after the other.
func body[T string | []byte](e *Encoder, s T) {
	if e.Over() {
		return
	}
	start := len(e.buf)
	b := append(e.buf, s...)
	i := plain(b[start:])
	if e.buf = b[:start+i]; i == len(s) {
		return
	}
	for i < len(s) {
		if c := s[i]; c < utf8.RuneSelf {
			if i++; c >= 0x20 && c != '"' && c != '\\' {
				e.buf = append(e.buf, c)
			} else {
				e.special(rune(c))
			}
			continue
		}
		var next [utf8.UTFMax]byte
		r, n := utf8.DecodeRune(next[:copy(next[:], s[i:])])
		if r == utf8.RuneError && n <= 1 {
			e.special(r)
		} else {
			e.buf = append(e.buf, next[:n]...)
		}
		i += n
	}
}

// plain is the number of ordinary ASCII characters that b begins with. It looks at eight bytes at once: in a word, a
// subtraction borrows first where the least byte that is looked for stands. Of what is no ASCII the top bit
// is set anyway; the quote (0x22) is put beside the control characters, where the blank (0x20) leaves its place to it.
func plain(b []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for i < len(b) && len(b) >= 8 {
		i = min(i, len(b)-8) // the last ones are looked at together with some before them
		w := binary.LittleEndian.Uint64(b[i:])
		if found := (w | (w ^ 2*ones - 0x21*ones) | (w ^ '\\'*ones - ones)) & tops; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
		i += 8
	}
	for i < len(b) && b[i] >= 0x20 && b[i] < utf8.RuneSelf && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// special writes what cannot stand in a string as it is.
func (e *Encoder) special(r rune) {
	switch r {
	case 0:
	case utf8.RuneError: // a byte that is not UTF-8
		e.buf = append(e.buf, "\ufffd"...)
	case '"', '\\':
		e.buf = append(e.buf, '\\', byte(r))
	case '\n':
		e.buf = append(e.buf, '\\', 'n')
	case '\t':
		e.buf = append(e.buf, '\\', 't')
	case '\r':
		e.buf = append(e.buf, '\\', 'r')
	default:
		e.buf = append(e.buf, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
	}
}
