package gx

import (
	"bytes"
	"encoding/json"
	"slices"
)

var infinity = []byte("Infinity")

// canonical consumes a value and returns it as compact JSON with sorted keys and one way of escaping, so that a store
// file and a wire message give the same bytes. NaN and the infinities become strings. nil where the result would be
// longer than limit, or where the value is null. What is canonical as it stands shares the message's memory.
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
	case c == '-' || '0' <= c && c <= '9' || c == 't' || c == 'f': // nearly every bound and every observed value
		start := s.pos
		s.skipPlain(c)
		word := s.b[start:s.pos:s.pos]
		switch {
		case s.err != nil || len(word) > limit:
			return nil, -1
		case word[len(word)-1] == 'y': // -Infinity
			return appendQuoted(nil, string(word)), -1
		}
		return word, -1
	case c == '"':
		start := s.pos
		if raw, escaped := s.rawString(); !escaped && s.err == nil {
			if len(raw)+2 > limit {
				return nil, -1
			}
			return s.b[start:s.pos:s.pos], -1
		}
		s.pos = start
		if s.err != nil {
			return nil, -1
		}
	}
	out, count, ok := s.appendCanonical(s.mem.scratch[:0], limit)
	s.mem.scratch = out[:0]
	if !ok {
		return nil, count
	}
	return s.mem.facts.keepJSON(out), count
}

// appendCanonical writes one value, and stops writing beyond limit: ok is false then, and out is as long as dst at the
// least. Every value is passed over once, however deep it lies. It uses no scratch of mem.
func (s *scanner) appendCanonical(dst []byte, limit int) (out []byte, count int, ok bool) {
	count = -1
	switch c := s.next(); c {
	case '"':
		dst = s.appendText(dst, limit)
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
		switch word := s.b[start:s.pos]; {
		case c == 'N' || c == 'I' || bytes.HasSuffix(word, infinity):
			dst = appendQuoted(dst, string(word))
		case len(word) > limit:
			dst = tooLong(dst, limit)
		default:
			dst = append(dst, word...)
		}
	}
	return dst, count, s.err == nil && len(dst) <= limit
}

// tooLong makes dst longer than limit, so that nothing more is written.
func tooLong(dst []byte, limit int) []byte {
	return append(dst, make([]byte, max(0, limit+1-len(dst)))...)
}

// appendText writes a string; without escapes it is canonical as it stands. No escape is longer than six times what it is
// written as here, but for control characters, which are.
func (s *scanner) appendText(dst []byte, limit int) []byte {
	raw, escaped := s.rawString()
	switch {
	case len(raw) > 6*limit:
		return tooLong(dst, limit)
	case escaped:
		return appendQuoted(dst, string(appendUnescaped(make([]byte, 0, len(raw)), raw)))
	}
	dst = append(dst, '"')
	dst = append(dst, raw...)
	return append(dst, '"')
}

// segment is a member of an object that is being written: its name, and the place of name and value in the text so far.
type segment struct {
	key        []byte
	start, end int
}

// appendSorted writes an object; of a repeated key the last value counts, as in Python. The members are written as they
// come and put into order behind the last one, in place where they came in order.
func (s *scanner) appendSorted(dst []byte, limit int) []byte {
	dst = append(dst, '{')
	first, sorted := len(s.mem.segs), true
	s.object(func(key []byte) {
		if len(dst) > limit || !s.keepKey() {
			s.skip()
			return
		}
		if len(key) > limit {
			dst = tooLong(dst, limit)
			s.skip()
			return
		}
		if n := len(s.mem.segs); n > first {
			sorted = sorted && bytes.Compare(s.mem.segs[n-1].key, key) < 0
			dst = append(dst, ',')
		}
		g := segment{key: key, start: len(dst)}
		dst = append(appendQuoted(dst, string(key)), ':')
		dst, _, _ = s.appendCanonical(dst, limit)
		g.end = len(dst)
		s.mem.segs = append(s.mem.segs, g)
	})
	if segs := s.mem.segs[first:]; !sorted && len(dst) <= limit {
		dst = inOrder(dst, segs)
	}
	clear(s.mem.segs[first:])
	s.mem.segs = s.mem.segs[:first]
	return append(dst, '}')
}

// inOrder puts the members at dst's end into the order of their names, of equal names the last.
func inOrder(dst []byte, segs []segment) []byte {
	from, to := segs[0].start, len(dst)
	slices.SortStableFunc(segs, func(a, b segment) int { return bytes.Compare(a.key, b.key) })
	for i, g := range segs {
		if i+1 < len(segs) && bytes.Equal(segs[i+1].key, g.key) {
			continue
		}
		if len(dst) > to {
			dst = append(dst, ',')
		}
		dst = append(dst, dst[g.start:g.end]...)
	}
	return dst[:from+copy(dst[from:], dst[to:])]
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
