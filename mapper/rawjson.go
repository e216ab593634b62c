package mapper

// The values that the decoder keeps are checked and compact JSON. These readers take them apart in place; what is no
// JSON gives less, never a panic.

// member gives the value of a member of an object, nil if raw is none or has none. The name has no escapes.
func member(raw []byte, name string) (value []byte) {
	eachMember(raw, func(key, v []byte) {
		if len(key) == len(name)+2 && string(key[1:len(key)-1]) == name {
			value = v
		}
	})
	return value
}

// eachMember visits the members of an object; key is with its quotes.
func eachMember(raw []byte, visit func(key, value []byte)) {
	i := blank(raw, 0)
	if i >= len(raw) || raw[i] != '{' {
		return
	}
	for i++; ; i++ {
		start := blank(raw, i)
		if i = valueEnd(raw, start); i <= start || raw[start] != '"' {
			return
		}
		key := raw[start:i]
		if i = blank(raw, i); i >= len(raw) || raw[i] != ':' {
			return
		}
		start = blank(raw, i+1)
		if i = valueEnd(raw, start); i <= start {
			return
		}
		visit(key, raw[start:i])
		if i = blank(raw, i); i >= len(raw) || raw[i] != ',' {
			return
		}
	}
}

// elements takes the elements of an array one by one: next gives nil behind the last, and for what is no array.
type elements struct {
	raw []byte
	at  int // 0 before the first
}

func (e *elements) next() []byte {
	i := blank(e.raw, e.at)
	if i >= len(e.raw) || e.at == 0 && e.raw[i] != '[' || e.at > 0 && e.raw[i] != ',' {
		return nil
	}
	start := blank(e.raw, i+1)
	end := valueEnd(e.raw, start)
	if end <= start {
		return nil
	}
	e.at = end
	return e.raw[start:end]
}

// valueEnd is the place behind the value that begins at i.
func valueEnd(raw []byte, i int) int {
	depth := 0
	for ; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
			if i >= len(raw) {
				return len(raw)
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

func blank(raw []byte, i int) int {
	for i < len(raw) && (raw[i] == ' ' || raw[i] == '\t' || raw[i] == '\n' || raw[i] == '\r') {
		i++
	}
	return i
}

// plainText gives what stands between the quotes of a string without escapes, nil for anything else.
func plainText(raw []byte) []byte {
	if len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	for _, c := range raw {
		if c == '\\' {
			return nil
		}
	}
	return raw[1 : len(raw)-1]
}
