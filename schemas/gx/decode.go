package gx

import (
	"bytes"
	"unicode/utf8"
)

// Decode finds out what value is and reads its facts. Memory grows with the facts, not with the raw rows, which are
// checked and passed over. Message.Event shares value's memory, unless the event stood in a JSON string; everything
// else is copied. An error is a *DecodeError with its code, byte offset and path, and quotes nothing of the message.
// Offsets inside a JSON string that holds JSON count within the decoded string; the path says so.
func Decode(value []byte) (*Message, error) {
	b, base := value, 0
	if len(b) > 5 && b[0] == 0 { // Confluent framing: a zero byte and the schema's id
		b, base = b[5:], 5
	}
	m, err := decodeText(b, base)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// decodeText reads one JSON text. The result's type keeps a nil *DecodeError from becoming a non-nil error.
func decodeText(b []byte, base int) (*Message, *DecodeError) {
	if rest, found := bytes.CutPrefix(b, []byte("\xef\xbb\xbf")); found {
		b, base = rest, base+3
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, &DecodeError{Code: "empty_value", Offset: -1, Reason: "the value is empty"}
	}
	if !utf8.Valid(b) {
		return nil, &DecodeError{Code: "invalid_json", Offset: int64(base + firstInvalid(b)), Reason: "not valid JSON: a byte that is not UTF-8"}
	}
	s := &scanner{b: b, base: int64(base)}
	doc := s.document(s.next())
	if s.err == nil && s.next() != 0 || s.err == nil && !s.atEnd() {
		s.invalid("not valid JSON: more bytes after the document")
	}
	if s.err != nil {
		return nil, s.err
	}
	d := &decoder{s: s}
	m, err := d.open(doc, 0)
	if err != nil {
		return nil, err
	}
	if len(m.Validations) == 1 {
		m.Validations[0].Part = ""
	}
	return m, nil
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

// doc is one value with its members' places: enough to recognise it before anything is built, since keys come in any order.
type doc struct {
	kind  byte // its first byte
	at    span
	keys  map[string]span
	items []span // elements, or an object's values, in the document's order
}

// document consumes and checks one value.
func (s *scanner) document(kind byte) doc {
	d := doc{kind: kind}
	d.at.start = s.pos
	switch kind {
	case '{':
		d.keys = make(map[string]span, 8)
		s.object(func(key []byte) {
			k := string(key)
			p := s.here()
			d.keys[k] = p
			d.items = append(d.items, p)
		})
	case '[':
		s.array(func(int) { d.items = append(d.items, s.here()) })
	default:
		s.skip()
	}
	d.at.end = s.pos
	return d
}

// look is document for a value that was checked before.
func (s *scanner) look(p span) doc {
	at := s.at(p)
	return at.document(at.next())
}

func (d doc) has(keys ...string) bool {
	for _, k := range keys {
		if _, ok := d.keys[k]; ok {
			return true
		}
	}
	return false
}
