package gx

import (
	"bytes"
	"math"
	"strconv"
)

// span is a value's place in the scanner's bytes.
type span struct{ start, end int }

// from is the place counted from start on; the zero value stays as it is.
func (p span) from(start int) span {
	if p.end == 0 {
		return p
	}
	return span{p.start - start, p.end - start}
}

// here consumes one value and returns its place.
func (s *scanner) here() span {
	s.next()
	start := s.pos
	s.skip()
	return span{start, s.pos}
}

// at is a scanner for a value that was passed over before.
func (s *scanner) at(p span) *scanner {
	return &scanner{b: s.b[:p.end], pos: p.start, base: s.base, mem: s.mem}
}

// text consumes a value and returns it if it is a string, as a copy.
func (s *scanner) text() string {
	if s.next() != '"' {
		s.skip()
		return ""
	}
	raw, escaped := s.rawString()
	if escaped {
		return s.unescaped(raw)
	}
	return s.mem.facts.text(raw)
}

// unescaped decodes a string's body, by way of the scratch where it is short.
func (s *scanner) unescaped(raw []byte) string {
	if len(raw) > maxObserved {
		return string(appendUnescaped(make([]byte, 0, len(raw)), raw))
	}
	out := appendUnescaped(s.mem.scratch[:0], raw)
	s.mem.scratch = out[:0]
	return s.mem.facts.text(out)
}

// textBytes is text without a copy where the string has no escapes.
func (s *scanner) textBytes() []byte {
	if s.next() != '"' {
		s.skip()
		return nil
	}
	raw, escaped := s.rawString()
	if escaped {
		return appendUnescaped(make([]byte, 0, len(raw)), raw)
	}
	return raw
}

// name is text for what comes again and again: a type, a column.
func (s *scanner) name() string {
	if s.next() != '"' {
		s.skip()
		return ""
	}
	raw, escaped := s.rawString()
	if escaped {
		return s.unescaped(raw)
	}
	return s.mem.name(raw)
}

// boolean consumes a value: true or false, also as 1 and 0, and as the text that json.dumps(default=str) makes of NumPy's
// booleans. readable is false for what is neither one of these nor null.
func (s *scanner) boolean() (value *bool, readable bool) {
	switch s.next() {
	case 't':
		s.literal("true")
		return s.mem.facts.boolean(true), true
	case 'f':
		s.literal("false")
		return s.mem.facts.boolean(false), true
	}
	p := s.here()
	if s.err != nil {
		return nil, true
	}
	switch string(s.b[p.start:p.end]) {
	case `"True"`, `"true"`, "1":
		return s.mem.facts.boolean(true), true
	case `"False"`, `"false"`, "0":
		return s.mem.facts.boolean(false), true
	case "null", `"None"`:
		return nil, true
	}
	return nil, false
}

// numberText consumes a value and returns the text of a number, which may stand in quotes (json.dumps(default=str) of a
// Decimal), nothing otherwise.
func (s *scanner) numberText() []byte {
	switch c := s.next(); {
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	case c == '"':
		raw, _ := s.rawString()
		if isNumber(raw) {
			return raw
		}
	default:
		s.skip()
	}
	return nil
}

// isNumber reports whether a text is a JSON number and nothing else.
func isNumber(text []byte) bool {
	if len(text) == 0 || len(text) > 64 || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return false
	}
	s := scanner{b: text}
	s.number()
	return s.err == nil && s.pos == len(text) && !bytes.HasSuffix(text, infinity)
}

// count consumes a value; nil unless it is a whole number, be it written 2 or 2.0 (MySQL).
func (s *scanner) count() *int64 {
	t := s.numberText()
	if len(t) == 0 {
		return nil
	}
	if n := 0; len(t) < 10 { // nearly all of them
		for _, c := range t {
			if c < '0' || c > '9' {
				n = -1
				break
			}
			n = 10*n + int(c-'0')
		}
		if n >= 0 {
			return s.mem.facts.count(int64(n))
		}
	}
	if n, err := strconv.ParseInt(string(t), 10, 64); err == nil {
		return s.mem.facts.count(n)
	}
	f, err := strconv.ParseFloat(string(t), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return nil
	}
	return s.mem.facts.count(int64(f))
}

// float consumes a value; nil unless it is a finite number.
func (s *scanner) float() *float64 {
	f, err := strconv.ParseFloat(string(s.numberText()), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil
	}
	return s.mem.facts.float(f)
}

// strings consumes an array and returns its texts.
func (s *scanner) strings() []string {
	var out []string
	s.array(func(int) {
		if s.next() == '"' && s.keepKey() {
			out = append(out, s.text())
		} else {
			s.skip()
		}
	})
	return out
}

// members consumes a value and counts an array's elements or an object's members; -1 for anything else.
func (s *scanner) members() int {
	n := 0
	switch s.next() {
	case '[':
		s.array(func(int) { n++; s.skip() })
	case '{':
		s.object(func([]byte) { n++; s.skip() })
	default:
		s.skip()
		return -1
	}
	return n
}
