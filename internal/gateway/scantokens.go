package gateway

import (
	"bytes"
	"encoding/json"
)

// text passes a string over, and gives it with its quotes.
func (s *scanner) text() []byte {
	from := s.i
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[from:s.i]
		case c == '\\':
			if !s.escape() {
				s.fail("not valid JSON")
				return nil
			}
		case c < ' ':
			s.fail("not valid JSON")
			return nil
		}
	}
	s.fail("it ends too early")
	return nil
}

// escape passes what follows a backslash, but for its last byte.
func (s *scanner) escape() bool {
	s.i++
	if s.i >= len(s.b) {
		return false
	}
	switch s.b[s.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			s.i++
			if s.i >= len(s.b) {
				return false
			}
			switch c := s.b[s.i]; {
			case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
			default:
				return false
			}
		}
		return true
	}
	return false
}

// unquoted is the text of a string that was passed over.
func unquoted(text []byte) string {
	if bytes.IndexByte(text, '\\') >= 0 {
		var out string
		_ = json.Unmarshal(text, &out) // it was checked
		return out
	}
	return string(text[1 : len(text)-1])
}

func (s *scanner) word(word string, v any) any {
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		s.fail("not valid JSON")
		return nil
	}
	s.i += len(word)
	return v
}

func (s *scanner) number(w *wanted) any {
	from := s.i
	if s.b[s.i] == '-' {
		s.i++
	}
	if s.i < len(s.b) && s.b[s.i] == '0' {
		s.i++
	} else if !s.digits() {
		return nil
	}
	if s.i < len(s.b) && s.b[s.i] == '.' {
		s.i++
		if !s.digits() {
			return nil
		}
	}
	if s.i < len(s.b) && (s.b[s.i] == 'e' || s.b[s.i] == 'E') {
		s.i++
		if s.i < len(s.b) && (s.b[s.i] == '+' || s.b[s.i] == '-') {
			s.i++
		}
		if !s.digits() {
			return nil
		}
	}
	if w == nil {
		return true
	}
	return json.Number(s.b[from:s.i])
}

func (s *scanner) digits() bool {
	from := s.i
	for s.i < len(s.b) && s.b[s.i] >= '0' && s.b[s.i] <= '9' {
		s.i++
	}
	if s.i == from {
		s.fail("not valid JSON")
	}
	return s.i > from
}
