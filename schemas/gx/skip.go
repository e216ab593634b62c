package gx

// skip checks one value and passes over it without building anything. This is how raw rows go by.
func (s *scanner) skip() {
	switch c := s.next(); c {
	case '{', '[':
		if i := s.pos + 1; i < len(s.b) && s.b[i] == c+2 && s.depth < maxDepth { // an empty one
			s.pos = i + 1
			return
		}
		s.skipNested(c)
	default:
		s.skipPlain(c)
	}
}

// skipPlain checks a value that holds no others; c is its first byte.
func (s *scanner) skipPlain(c byte) {
	switch {
	case s.err != nil:
	case c == '"':
		s.rawString()
	case c == '-' || '0' <= c && c <= '9':
		s.number()
	case c == 't':
		s.literal("true")
	case c == 'f':
		s.literal("false")
	case c == 'n':
		s.literal("null")
	case c == 'N':
		s.literal("NaN")
	case c == 'I':
		s.literal("Infinity")
	case s.atEnd():
		s.truncated("a value")
	default:
		s.invalid("not valid JSON: a value expected")
	}
}

// skipNested checks an object or array. It keeps what it is inside of as one bit a level instead of calling itself: of a
// large message most bytes go by here.
func (s *scanner) skipNested(c byte) {
	var objects [(maxDepth + 63) / 64]uint64
	outer := s.depth
	for {
		if c == '{' || c == '[' { // an opening bracket
			if !s.enter() {
				return
			}
			level := s.depth - 1
			objects[level/64] &^= 1 << (level % 64)
			if c == '{' {
				objects[level/64] |= 1 << (level % 64)
			}
			if first := s.next(); first != c+2 { // '}' or ']'
				if c == '{' {
					s.key()
				}
				c = s.next()
				continue
			}
			s.leave()
		} else {
			s.skipPlain(c)
		}
		for { // behind a value
			if s.err != nil || s.depth == outer {
				return
			}
			level := s.depth - 1
			object := objects[level/64]>>(level%64)&1 == 1
			switch next := s.next(); {
			case next == ',':
				s.pos++
				if object {
					s.key()
				}
				c = s.next()
			case object && next == '}' || !object && next == ']':
				s.leave()
				continue
			default:
				s.unexpectedIn(object)
				return
			}
			break
		}
	}
}

// literal consumes the word, or reports where the bytes leave it.
func (s *scanner) literal(word string) {
	if end := s.pos + len(word); end <= len(s.b) && string(s.b[s.pos:end]) == word {
		s.pos = end
		return
	}
	for i := range len(word) {
		if s.pos+i >= len(s.b) {
			s.truncated("the word " + word)
			return
		}
		if s.b[s.pos+i] != word[i] {
			s.invalid("not valid JSON: a value expected")
			return
		}
	}
	s.pos += len(word)
}

// number consumes a number of any length, or -Infinity, and returns its text.
func (s *scanner) number() []byte {
	start := s.pos
	if end := plainNumber(s.b, start); end > 0 {
		s.pos = end
		return s.b[start:end]
	}
	i := start
	if s.b[i] == '-' {
		i++
		if i < len(s.b) && s.b[i] == 'I' {
			s.pos = i
			s.literal("Infinity")
			return s.b[start:s.pos]
		}
	}
	zero := i < len(s.b) && s.b[i] == '0'
	n := s.digits(i)
	if n < 0 {
		return nil
	}
	if zero && n > i+1 {
		s.pos = i
		s.invalid("not valid JSON: a number with a leading zero")
		return nil
	}
	i = n
	if i < len(s.b) && s.b[i] == '.' {
		if i = s.digits(i + 1); i < 0 {
			return nil
		}
	}
	if i < len(s.b) && (s.b[i] == 'e' || s.b[i] == 'E') {
		if i++; i < len(s.b) && (s.b[i] == '+' || s.b[i] == '-') {
			i++
		}
		if i = s.digits(i); i < 0 {
			return nil
		}
	}
	s.pos = i
	return s.b[start:i]
}

// plainNumber is where a number without an exponent ends that something follows; 0 where it takes a closer look.
func plainNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	whole := i
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	if i == whole || i == len(b) || b[whole] == '0' && i > whole+1 {
		return 0
	}
	if b[i] == '.' {
		i++
		part := i
		for i < len(b) && b[i]-'0' <= 9 {
			i++
		}
		if i == part || i == len(b) {
			return 0
		}
	}
	if b[i]|0x20 == 'e' {
		return 0
	}
	return i
}

// digits returns the position after the digits at i, -1 after an error (none there).
func (s *scanner) digits(i int) int {
	start := i
	for i < len(s.b) && '0' <= s.b[i] && s.b[i] <= '9' {
		i++
	}
	if i > start {
		return i
	}
	if i >= len(s.b) {
		s.truncated("a number")
	} else {
		s.pos = i
		s.invalid("not valid JSON: a digit expected")
	}
	return -1
}
