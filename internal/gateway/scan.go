package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
)

// wanted says what of a JSON value is kept: a scalar, and of an object and an array what stands here. The rest is checked and passed over:
// most of an event are facets that nobody here reads, and building them costs more than all else that a request does.
type wanted struct {
	members map[string]*wanted // kept of an object
	names   bool               // of an object's other members the names are kept, with true for a value
	items   *wanted            // kept of each element of an array
	odd     bool               // a text is kept only if it is empty or has more than oddBytes: usual ones are passed over
}

// oddBytes is how long a text may be for whoever asks for odd ones: the guard has nothing against names of so many bytes.
const oddBytes = 255

// passedOver stands for a text that is not kept.
type passedOver struct{}

// wantedOfEvents is what check, keyOf and the guard read of an event.
var wantedOfEvents = func() *wanted {
	scalar := &wanted{}
	named := func(more map[string]*wanted) *wanted {
		m := map[string]*wanted{"namespace": scalar, "name": scalar}
		for k, v := range more {
			m[k] = v
		}
		return &wanted{members: m}
	}
	id := named(nil)
	facets := &wanted{names: true, members: map[string]*wanted{
		"parent":     {members: map[string]*wanted{"job": id, "root": {members: map[string]*wanted{"job": id}}}},
		"parentRun":  {members: map[string]*wanted{"job": id}},
		"symlinks":   {members: map[string]*wanted{"identifiers": {items: id}}},
		"dataSource": {members: map[string]*wanted{"name": scalar}},
		"schema":     {members: map[string]*wanted{"fields": {items: &wanted{members: map[string]*wanted{"name": {odd: true}}}}}},
	}}
	set := named(map[string]*wanted{"facets": facets, "inputFacets": facets, "outputFacets": facets})
	return &wanted{members: map[string]*wanted{"eventType": scalar, "eventTime": scalar, "producer": scalar, "schemaURL": scalar, "job": set, "dataset": set,
		"run": {members: map[string]*wanted{"runId": scalar, "facets": facets}}, "inputs": {items: set}, "outputs": {items: set}}}
}()

// scanner reads one JSON text, strictly. The text is valid UTF-8.
type scanner struct {
	b     []byte
	i     int
	depth int
	bad   string // why it is refused; empty: it is not
	at    int    // where
}

// scan reads a text and keeps what is wanted of it, as encoding/json would with UseNumber.
func scan(b []byte, w *wanted) (any, *answer) {
	s := &scanner{b: b}
	v := s.value(w)
	if s.bad == "" && s.next() != 0 {
		s.fail("more bytes after the document")
	}
	if s.bad != "" {
		return nil, noJSON(s.bad, int64(s.at))
	}
	return v, nil
}

func (s *scanner) fail(why string) {
	if s.bad == "" {
		s.bad, s.at = why, s.i
	}
}

// next is the next byte that is no blank; 0 at the end.
func (s *scanner) next() byte {
	for ; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; c {
		case ' ', '\t', '\n', '\r':
		case 0:
			return 1 // no end, and nothing that could stand here
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) value(w *wanted) any {
	switch c := s.next(); {
	case c == '{':
		return s.nested(w, s.object)
	case c == '[':
		return s.nested(w, s.array)
	case c == '"':
		text := s.text()
		if w == nil || s.bad != "" {
			return true
		}
		if n := len(text) - 2; w.odd && n > 0 && n <= oddBytes {
			return passedOver{}
		}
		return unquoted(text)
	case c == 't':
		return s.word("true", true)
	case c == 'f':
		return s.word("false", false)
	case c == 'n':
		return s.word("null", nil)
	case c == '-' || c >= '0' && c <= '9':
		return s.number(w)
	case c == 0:
		s.fail("it ends too early")
	default:
		s.fail("not valid JSON")
	}
	return nil
}

func (s *scanner) nested(w *wanted, read func(*wanted) any) any {
	if s.depth++; s.depth > maxDepth {
		s.fail(fmt.Sprintf("nested more than %d deep", maxDepth))
		return nil
	}
	s.i++
	v := read(w)
	s.depth--
	return v
}

func (s *scanner) object(w *wanted) any {
	var kept map[string]any // made with its first member: most need none
	if s.next() == '}' {
		s.i++
		return kept
	}
	for s.bad == "" {
		if c := s.next(); c != '"' {
			s.unexpected(c)
			break
		}
		key := s.text()
		if c := s.next(); c != ':' {
			s.unexpected(c)
			break
		}
		s.i++
		if name, v, ok := s.member(w, key); ok {
			if _, passed := v.(passedOver); passed {
				delete(kept, name) // the last of two equal names counts
			} else {
				if kept == nil {
					kept = make(map[string]any, len(w.members))
				}
				kept[name] = v
			}
		}
		if !s.more('}') {
			break
		}
	}
	return kept
}

// member reads a value, and gives it with its name if it is wanted.
func (s *scanner) member(w *wanted, key []byte) (name string, v any, ok bool) {
	if w == nil || s.bad != "" {
		s.value(nil)
		return "", nil, false
	}
	raw, plain := key[1:len(key)-1], bytes.IndexByte(key, '\\') < 0
	var want *wanted
	if plain {
		want = w.members[string(raw)] // no copy
	} else {
		name = unquoted(key)
		want = w.members[name]
	}
	v = s.value(want)
	if want == nil && !w.names {
		return "", nil, false
	}
	if want == nil {
		v = true
	}
	if plain {
		name = string(raw)
	}
	return name, v, true
}

func (s *scanner) array(w *wanted) any {
	var kept []any
	var items *wanted
	if w != nil {
		items = w.items
	}
	if s.next() == ']' {
		s.i++
		return kept
	}
	for s.bad == "" {
		v := s.value(items)
		if items != nil {
			kept = append(kept, v)
		}
		if !s.more(']') {
			break
		}
	}
	return kept
}

// more reads what stands behind an element: a comma, behind which another comes, or the end.
func (s *scanner) more(end byte) bool {
	c := s.next()
	if c != end && c != ',' {
		s.unexpected(c)
	}
	s.i++
	return c != end
}

func (s *scanner) unexpected(c byte) {
	if c == 0 {
		s.fail("it ends too early")
		return
	}
	s.fail("not valid JSON")
}

// whole reads a text with all that it holds; it was scanned before.
func whole(b []byte) (map[string]any, *answer) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var ev map[string]any
	if err := dec.Decode(&ev); err != nil {
		return nil, noJSON("not valid JSON at byte "+strconv.FormatInt(dec.InputOffset(), 10), -1)
	}
	return ev, nil
}
