package gx

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds nesting, so that a hostile document cannot exhaust the stack.
const maxDepth = 512

// scanner reads JSON as Python writes it (NaN and Infinity included) straight from the message's bytes. The first error
// sticks: every later call returns at once, so callers check err only where they loop.
type scanner struct {
	b     []byte
	pos   int
	base  int64 // offset of b[0] in the message's value
	depth int
	err   *DecodeError
	mem   *store
	quiet span // the last exception_info that told of nothing
}

// fail notes the first error. It also ends the bytes where it stands, so that next needs to look at nothing else.
func (s *scanner) fail(code, format string, args ...any) {
	if s.err == nil {
		s.err = &DecodeError{Code: code, Offset: s.base + int64(s.pos), Reason: fmt.Sprintf(format, args...)}
		s.b = s.b[:s.pos]
	}
}

func (s *scanner) invalid(format string, args ...any) { s.fail("invalid_json", format, args...) }

// truncated reports the end of the bytes inside something; the offset is the value's length.
func (s *scanner) truncated(of string) {
	s.pos = len(s.b)
	s.invalid("the JSON ends in the middle of %s", of)
}

// next skips white space and returns the byte that follows, 0 at the end or after an error.
func (s *scanner) next() byte {
	if i := s.pos; i < len(s.b) && s.b[i] > ' ' {
		return s.b[i]
	}
	return s.nextBlank()
}

func (s *scanner) nextBlank() byte {
	for s.err == nil && s.pos < len(s.b) {
		switch c := s.b[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) atEnd() bool { return s.pos >= len(s.b) }

// enter consumes an opening bracket.
func (s *scanner) enter() bool {
	if s.depth++; s.depth > maxDepth {
		s.fail("too_deep", "the JSON is nested deeper than %d levels", maxDepth)
		return false
	}
	s.pos++
	return true
}

func (s *scanner) leave() {
	s.pos++
	s.depth--
}

// object calls fn for each member, which must consume the value. Any other kind of value is skipped: every key of a
// result is optional, and so is its type. The key's bytes are valid until fn returns.
func (s *scanner) object(fn func(key []byte)) {
	if s.next() != '{' {
		s.skip()
		return
	}
	if !s.enter() {
		return
	}
	if s.next() == '}' {
		s.leave()
		return
	}
	for s.err == nil {
		key, ok := s.key()
		if !ok {
			return
		}
		fn(key)
		switch s.next() {
		case ',':
			s.pos++
		case '}':
			s.leave()
			return
		default:
			s.unexpectedIn(true)
		}
	}
}

// key reads a member's name and the colon.
func (s *scanner) key() (key []byte, ok bool) {
	if s.next() != '"' {
		s.unexpected("an object", "a key in double quotes")
		return nil, false
	}
	key, escaped := s.rawString()
	if s.next() != ':' {
		s.unexpected("an object", "':'")
		return nil, false
	}
	s.pos++
	if escaped {
		key = appendUnescaped(make([]byte, 0, len(key)), key)
	}
	return key, true
}

// array calls fn for each element, which must consume it. Any other kind of value is skipped.
func (s *scanner) array(fn func(i int)) {
	if s.next() != '[' {
		s.skip()
		return
	}
	if !s.enter() {
		return
	}
	if s.next() == ']' {
		s.leave()
		return
	}
	for i := 0; s.err == nil; i++ {
		fn(i)
		switch s.next() {
		case ',':
			s.pos++
		case ']':
			s.leave()
			return
		default:
			s.unexpectedIn(false)
		}
	}
}

func (s *scanner) unexpectedIn(object bool) {
	if object {
		s.unexpected("an object", "',' or '}'")
	} else {
		s.unexpected("an array", "',' or ']'")
	}
}

func (s *scanner) unexpected(inside, want string) {
	if s.err != nil {
		return
	}
	if s.atEnd() {
		s.truncated(inside)
		return
	}
	s.invalid("not valid JSON: %s expected", want)
}

// rawString consumes a string and returns what stands between the quotes, and whether it holds escapes.
func (s *scanner) rawString() (raw []byte, escaped bool) {
	b, start := s.b, s.pos+1
	for i := start; ; {
		if i = plain(b, i); i >= len(b) {
			s.truncated("a string")
			return nil, false
		}
		switch b[i] {
		case '"':
			s.pos = i + 1
			return b[start:i], escaped
		case '\\':
			escaped = true
			n := s.escapeLen(i)
			if n == 0 {
				return nil, false
			}
			i += n
		default:
			s.pos = i
			s.invalid("not valid JSON: a control character inside a string")
			return nil, false
		}
	}
}

// plain returns the first place from i on that is no ordinary byte of a string: a quote, a backslash, a control character.
// It looks at eight bytes at once: in a word, a subtraction borrows first where the least byte that is looked for stands.
func plain(b []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		quote, slash := w^('"'*ones), w^('\\'*ones)
		if found := ((w-0x20*ones)&^w | (quote-ones)&^quote | (slash-ones)&^slash) & tops; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(b) && b[i] >= 0x20 && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// escapeLen checks the escape at i and returns its length, 0 after an error.
func (s *scanner) escapeLen(i int) int {
	if i+1 >= len(s.b) {
		s.truncated("a string")
		return 0
	}
	switch s.b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		for j := i + 2; j < i+6; j++ {
			if j >= len(s.b) {
				s.truncated("a string")
				return 0
			}
			if hexValue(s.b[j]) < 0 {
				s.pos = i
				s.invalid("not valid JSON: \\u needs four hexadecimal digits")
				return 0
			}
		}
		return 6
	}
	s.pos = i
	s.invalid("not valid JSON: an unknown escape inside a string")
	return 0
}

func hexValue(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return rune(c-'A') + 10
	}
	return -1
}

// hex4 reads the \uXXXX at raw's start, -1 if there is none.
func hex4(raw []byte) rune {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range raw[2:6] {
		h := hexValue(c)
		if h < 0 {
			return -1
		}
		r = r<<4 | h
	}
	return r
}

// appendUnescaped decodes a checked string body. A lone surrogate, which Python writes for undecodable file names,
// becomes U+FFFD.
func appendUnescaped(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' || i+1 >= len(raw) {
			dst = append(dst, c)
			i++
			continue
		}
		i += 2
		switch e := raw[i-1]; e {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex4(raw[i-2:])
			if r < 0 { // only in a tail cut out of a checked string
				return dst
			}
			i += 4
			if utf16.IsSurrogate(r) {
				if pair := utf16.DecodeRune(r, hex4(raw[i:])); pair != utf8.RuneError {
					r = pair
					i += 6
				} else {
					r = utf8.RuneError
				}
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, e)
		}
	}
	return dst
}
