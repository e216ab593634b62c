package gx

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"time"
)

// span is a value's place in the scanner's bytes.
type span struct{ start, end int }

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
		return string(appendUnescaped(make([]byte, 0, len(raw)), raw))
	}
	return string(raw)
}

// name is text for what comes again and again: a type, a column.
func (s *scanner) name() string {
	if s.next() != '"' {
		s.skip()
		return ""
	}
	raw, escaped := s.rawString()
	if escaped {
		raw = appendUnescaped(nil, raw)
	}
	return s.mem.name(raw)
}

// boolean consumes a value; nil unless it is true or false.
func (s *scanner) boolean() *bool {
	c := s.next()
	s.skip()
	if c != 't' && c != 'f' || s.err != nil {
		return nil
	}
	return s.mem.boolean(c == 't')
}

// numberText consumes a value and returns a number's text, nothing otherwise.
func (s *scanner) numberText() []byte {
	c := s.next()
	if c != '-' && (c < '0' || c > '9') {
		s.skip()
		return nil
	}
	return s.number()
}

// count consumes a value; nil unless it is a whole number, be it written 2 or 2.0 (MySQL).
func (s *scanner) count() *int64 {
	t := s.numberText()
	if len(t) == 0 {
		return nil
	}
	if n, err := strconv.ParseInt(string(t), 10, 64); err == nil {
		return s.mem.count(n)
	}
	f, err := strconv.ParseFloat(string(t), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 {
		return nil
	}
	return s.mem.count(int64(f))
}

// float consumes a value; nil unless it is a finite number.
func (s *scanner) float() *float64 {
	f, err := strconv.ParseFloat(string(s.numberText()), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil
	}
	return s.mem.float(f)
}

// strings consumes an array and returns its texts.
func (s *scanner) strings() []string {
	var out []string
	s.array(func(int) {
		if s.next() == '"' {
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

var infinity = []byte("Infinity")

// canonical consumes a value and returns it as compact JSON with sorted keys and one way of escaping, so that a store
// file and a wire message give the same bytes. NaN and the infinities become strings. nil where the result would be
// longer than limit, or where the value is null.
func (s *scanner) canonical(limit int) json.RawMessage {
	value, _ := s.canonicalCount(limit)
	return value
}

// canonicalCount is canonical and the number of an array's elements, -1 for anything else.
func (s *scanner) canonicalCount(limit int) (value json.RawMessage, count int) {
	switch c := s.next(); {
	case c == 'n':
		s.skip()
		return nil, -1
	case c == '-' || '0' <= c && c <= '9': // nearly every bound and every observed value
		if word := s.number(); len(word) <= limit && !bytes.HasSuffix(word, infinity) && s.err == nil {
			return s.mem.keepJSON(word), -1
		} else if s.err == nil && len(word) <= limit {
			return appendQuoted(nil, string(word)), -1
		}
		return nil, -1
	}
	out, count, ok := s.appendCanonical(s.mem.scratch[:0], limit)
	s.mem.scratch = out[:0]
	if !ok {
		return nil, count
	}
	return s.mem.keepJSON(out), count
}

// appendCanonical writes one value, and stops writing beyond limit: ok is false then. It uses no scratch of mem.
func (s *scanner) appendCanonical(dst []byte, limit int) (out []byte, count int, ok bool) {
	count = -1
	switch c := s.next(); c {
	case '"':
		dst = s.appendText(dst)
	case '[':
		dst = append(dst, '[')
		count = 0
		s.array(func(i int) {
			count = i + 1
			if len(dst) > limit {
				s.skip()
				return
			}
			if i > 0 {
				dst = append(dst, ',')
			}
			dst, _, _ = s.appendCanonical(dst, limit)
		})
		dst = append(dst, ']')
	case '{':
		dst = s.appendSorted(dst, limit)
	default:
		start := s.pos
		s.skip()
		word := s.b[start:s.pos]
		if c == 'N' || c == 'I' || bytes.HasSuffix(word, infinity) {
			dst = appendQuoted(dst, string(word))
		} else {
			dst = append(dst, word...)
		}
	}
	return dst, count, s.err == nil && len(dst) <= limit
}

// appendText writes a string; without escapes it is canonical as it stands.
func (s *scanner) appendText(dst []byte) []byte {
	raw, escaped := s.rawString()
	if escaped {
		return appendQuoted(dst, string(appendUnescaped(make([]byte, 0, len(raw)), raw)))
	}
	dst = append(dst, '"')
	dst = append(dst, raw...)
	return append(dst, '"')
}

// appendSorted writes an object; of a repeated key the last value counts, as in Python.
func (s *scanner) appendSorted(dst []byte, limit int) []byte {
	type member struct {
		key  string
		at   span
		rank int
	}
	var all []member
	s.object(func(key []byte) {
		k := string(key)
		all = append(all, member{k, s.here(), len(all)})
	})
	slices.SortFunc(all, func(a, b member) int {
		if c := bytes.Compare([]byte(a.key), []byte(b.key)); c != 0 {
			return c
		}
		return a.rank - b.rank
	})
	dst = append(dst, '{')
	first := true
	for i, m := range all {
		if i+1 < len(all) && all[i+1].key == m.key {
			continue
		}
		if len(dst) > limit {
			return dst
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendQuoted(dst, m.key), ':')
		dst, _, _ = s.at(m.at).appendCanonical(dst, limit)
	}
	return append(dst, '}')
}

// appendQuoted writes a JSON string; only what must be escaped is.
func appendQuoted(dst []byte, t string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(t) {
		switch c := t[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// parseTime reads the forms of time that GX has written over the years; a time without a zone is UTC. Zero if it is none.
func parseTime(t string) time.Time {
	if len(t) < 15 || len(t) > 40 {
		return time.Time{}
	}
	if t[10] == ' ' {
		t = t[:10] + "T" + t[11:]
	}
	for _, date := range [...]string{"2006-01-02T15:04:05", "20060102T150405", "2006-01-02T150405"} {
		for _, zone := range [...]string{"Z07:00", "", "Z0700"} {
			if v, err := time.Parse(date+zone, t); err == nil {
				return v.UTC()
			}
		}
	}
	return time.Time{}
}
