package gx

import "fmt"

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
func (s *scanner) next() (c byte) {
	if s.pos < len(s.b) {
		c = s.b[s.pos]
	}
	if c > ' ' {
		return c
	}
	return s.nextBlank()
}

// nextBlank is kept apart, so that next is small enough to stand wherever it is called.
//
//go:noinline
func (s *scanner) nextBlank() byte {
	if i := s.pos + 1; i < len(s.b) && s.b[i] > ' ' && s.b[i-1] == ' ' { // as Python writes it
		s.pos = i
		return s.b[i]
	}
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

// passBlank passes the byte in hand and the one blank that Python writes behind it.
func (s *scanner) passBlank() {
	if s.pos++; s.pos < len(s.b) && s.b[s.pos] == ' ' {
		s.pos++
	}
}

func (s *scanner) atEnd() bool { return s.pos >= len(s.b) }

// enter consumes an opening bracket.
func (s *scanner) enter() bool {
	if s.depth++; s.depth > maxDepth {
		return s.tooDeep()
	}
	s.pos++
	return true
}

func (s *scanner) tooDeep() bool {
	s.fail("too_deep", "the JSON is nested deeper than %d levels", maxDepth)
	return false
}

func (s *scanner) leave() {
	s.pos++
	s.depth--
}

// object calls fn for each member, which must consume the value. Any other kind of value is skipped: every key of a
// result is optional, and so is its type. The key lies in the message's memory, or in its own.
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
			s.passBlank()
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
	if i := s.pos; i < len(s.b) && s.b[i] == ':' && !escaped {
		s.passBlank()
		return key, true
	}
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
			s.passBlank()
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
