package gx

import "strconv"

// Locator finds places in the text of one validation, to say where a fact came from.
type Locator struct {
	d    *decoder
	docs map[string]doc // by pointer
	v    *Validation
}

// Locate gives a Locator; it shares the message's memory.
func (v *Validation) Locate() *Locator {
	mem := &store{facts: new(facts)}
	mem.allow(-1) // v was decoded under its message's limits
	d := &decoder{s: &scanner{b: v.raw, mem: mem}}
	return &Locator{d, map[string]doc{"": d.s.document()}, v}
}

// Has reports whether something other than null stands where the pointer's reference tokens lead.
func (l *Locator) Has(tokens ...string) bool {
	v, path := l.docs[""], ""
	for _, token := range tokens {
		path += "/" + token
		next, seen := l.docs[path]
		if !seen {
			next, _ = l.d.follow(v, token)
			l.docs[path] = next
		}
		v = next
	}
	return v.kind != 0 && v.kind != 'n'
}

// Result gives the reference tokens of a result's place.
func (l *Locator) Result(e *Expectation) []string {
	index := strconv.Itoa(e.Index)
	switch {
	case l.v.list != "":
		return []string{l.v.list, index}
	case l.docs[""].kind == '[':
		return []string{index}
	}
	return nil
}
