package openlineage

import (
	"bytes"
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
// while it is written: no U+0000 (which Marquez's database refuses, breaking the run), no invalid UTF-8.
type Encoder struct {
	buf   []byte
	comma bool
}

// NewEncoder makes an Encoder with room for size bytes; it grows beyond.
func NewEncoder(size int) *Encoder { return &Encoder{buf: make([]byte, 0, size)} }

// Bytes is what has been written.
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

// String writes a string.
func (e *Encoder) String(s string) {
	e.next()
	e.text(s)
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
	e.next()
	if !bytes.Contains(json, []byte(nul)) {
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

// Member writes a string member, unless it is empty.
func (e *Encoder) Member(name, value string) {
	if value == "" {
		return
	}
	e.Key(name)
	e.String(value)
}

// Time writes a time member: RFC 3339, UTC, microseconds.
func (e *Encoder) Time(name string, t time.Time) {
	e.Key(name)
	e.String(t.UTC().Format("2006-01-02T15:04:05.000000Z"))
}

// Facet opens a facet with its _producer and _schemaURL; the caller closes it.
func (e *Encoder) Facet(name, producer, schemaURL string) {
	e.Key(name)
	e.Open('{')
	e.Member("_producer", producer)
	e.Member("_schemaURL", schemaURL)
}

const hex = "0123456789abcdef"

func (e *Encoder) text(s string) {
	e.buf = append(e.buf, '"')
	start := 0
	for i := 0; i < len(s); {
		if c := s[i]; c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r >= utf8.RuneSelf && (r != utf8.RuneError || n > 1) {
			i += n
			continue
		}
		e.buf = append(e.buf, s[start:i]...)
		e.special(r)
		i += n
		start = i
	}
	e.buf = append(e.buf, s[start:]...)
	e.buf = append(e.buf, '"')
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
