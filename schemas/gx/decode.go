package gx

import (
	"bytes"
	"unicode/utf8"
)

// Decode finds out what value is and reads its facts. Memory grows with the facts, not with the raw rows, which are
// checked and passed over. The message shares value's memory, which must stay as it is: the event that passes through,
// and single values of kwargs and results; texts are copied. An error is a *DecodeError with its code, byte offset and path, and quotes nothing of the message.
// Offsets inside a JSON string that holds JSON count within the decoded string; the path says so. Those of a compressed value count in what it inflates to.
func Decode(value []byte) (*Message, error) { return decode(value, Decoder{}) }

func decode(value []byte, pointer Decoder) (*Message, error) {
	b, base, fault := unwrap(value)
	if fault != nil {
		return nil, fault
	}
	size := len(value)
	if base < 0 { // it was compressed
		size, base = len(b), 0
	}
	mem := openStore(size)
	defer mem.release()
	m, err := decodeText(b, base, mem, pointer)
	err = described(err, value, b)
	if mem.err != nil { // whatever was made of what came before it
		err = mem.err
	}
	if err != nil {
		mem.facts.release()
		return nil, err
	}
	m.Size, m.facts = size, mem.facts
	return m, nil
}

// decodeText reads one JSON text. The result's type keeps a nil *DecodeError from becoming a non-nil error.
func decodeText(b []byte, base int, mem *store, pointer Decoder) (*Message, *DecodeError) {
	if rest, found := bytes.CutPrefix(b, []byte("\xef\xbb\xbf")); found {
		b, base = rest, base+3
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, &DecodeError{Code: "empty_value", Offset: -1, Reason: "the value is empty"}
	}
	if !utf8.Valid(b) {
		return nil, &DecodeError{Code: "invalid_json", Offset: int64(base + firstInvalid(b)), Reason: "not valid JSON: a byte that is not UTF-8"}
	}
	m, err := (&decoder{s: &scanner{b: b, base: int64(base), mem: mem}, pointer: pointer}).text()
	if err == nil && len(m.Validations) == 1 {
		m.Validations[0].Part = ""
	}
	return m, err
}

// text reads a whole JSON text.
func (d *decoder) text() (*Message, *DecodeError) {
	s := d.s
	v := s.document()
	if s.err == nil && (s.next() != 0 || !s.atEnd()) {
		s.invalid("not valid JSON: more bytes after the document")
	}
	if s.err != nil {
		return nil, s.err
	}
	if inner, ok := d.follow(v, d.pointer.pointer...); ok && len(d.pointer.pointer) > 0 && v.kind != '"' {
		d.pointer = Decoder{}
		m, err := d.open(inner, 0)
		if err != nil && err.Path == "" {
			err.Path = "the pointer's place"
		}
		return m, err
	}
	return d.open(v, 0)
}

func firstInvalid(b []byte) int {
	i := 0
	for i < len(b) {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		i += n
	}
	return i
}
