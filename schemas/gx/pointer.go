package gx

import (
	"fmt"
	"strconv"
	"strings"
)

// Decoder is Decode with an envelope of the operator's own. The zero value is Decode.
type Decoder struct {
	pointer []string // reference tokens, unescaped
}

// NewDecoder takes a JSON Pointer (RFC 6901, such as /payload/result) to where the result stands in a message. The error
// says what is wrong with it. Empty: the result is the message itself, or stands in an envelope that Decode knows.
func NewDecoder(pointer string) (Decoder, error) {
	if pointer == "" {
		return Decoder{}, nil
	}
	if pointer[0] != '/' {
		return Decoder{}, fmt.Errorf("%q is no JSON Pointer: it must start with a slash, as in /payload/result", pointer)
	}
	tokens := strings.Split(pointer[1:], "/")
	for i, t := range tokens {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(t), "~") {
			return Decoder{}, fmt.Errorf("%q is no JSON Pointer: a ~ must be written ~0, a slash inside a name ~1", pointer)
		}
		tokens[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(t)
	}
	return Decoder{tokens}, nil
}

// Decode decodes what the pointer leads to. A message in which it leads nowhere is taken as it is, if it is a result
// or an event by itself: a topic may hold both.
func (p Decoder) Decode(value []byte) (*Message, error) {
	return decode(value, p)
}

// follow gives what the reference tokens lead to inside v.
func (d *decoder) follow(v doc, tokens ...string) (doc, bool) {
	for _, token := range tokens {
		var m member
		ok := false
		switch v.kind {
		case '{':
			m, ok = v.get(token)
		case '[':
			i, err := strconv.Atoi(token)
			if ok = err == nil && i >= 0 && i < len(v.members) && strconv.Itoa(i) == token; ok {
				m = v.members[i]
			}
		}
		if !ok {
			return doc{}, false
		}
		v = d.look(m)
	}
	return v, true
}
