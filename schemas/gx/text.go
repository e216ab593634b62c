package gx

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// rawString consumes a string and returns what stands between the quotes, and whether it holds escapes.
func (s *scanner) rawString() (raw []byte, escaped bool) {
	b, start := s.b, s.pos+1
	i := start
	for ; i+8 <= len(b); i += 8 { // nearly every string is plain ASCII: that is found out here, with no call
		w := binary.LittleEndian.Uint64(b[i:])
		// Of an ASCII byte the top bit is set by a borrow alone, and the least one that is set is right. The quote (0x22) is
		// put beside the control characters: both are below 0x21 then, and the blank (0x20) is not.
		if found := (w | (w ^ 2*ones - 0x21*ones) | (w ^ '\\'*ones - ones)) & tops; found != 0 {
			if i += bits.TrailingZeros64(found) / 8; b[i] == '"' {
				s.pos = i + 1
				return b[start:i], false
			}
			break
		}
	}
	return s.anyString(start, i)
}

// ones and tops are the least and the greatest bit of each of eight bytes.
const ones, tops = 0x0101010101010101, 0x8080808080808080

// anyString is rawString from i on.
func (s *scanner) anyString(start, i int) (raw []byte, escaped bool) {
	for b := s.b; ; {
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
