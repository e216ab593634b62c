package gx

import "bytes"

// configuration consumes an expectation_config: one that came before is recognised, any other is read.
func (s *scanner) configuration(e *evr) {
	if s.next() != '{' || s.depth+deepConfig > maxDepth || !e.unconfigured() {
		s.object(func(k []byte) { s.config(e, k) })
		return
	}
	c := s.known(e)
	if c == nil {
		if c = s.learn(e); s.err != nil {
			return
		}
	}
	if last := s.mem.config; last != nil && c != nil && last.next.Load() != c.slot+1 {
		last.next.Store(c.slot + 1)
	}
	s.mem.config = c
}

// known consumes a configuration that came before; nil if this one did not: then it is not consumed.
func (s *scanner) known(e *evr) *Config {
	start := s.pos
	if c := remembered.behind(s.mem.config); c != nil {
		if n, id, ok := c.begins(s.b[start:]); ok {
			return s.take(e, c, n, id)
		}
	}
	// To its end, which costs a fraction of reading it; and no further than one that is remembered may go. What is wrong in it is for the reading to say.
	look := s.at(span{start, min(start+remembered.longest, len(s.b))})
	look.skip()
	if look.err != nil {
		return nil
	}
	object := s.b[start:look.pos]
	c, id := remembered.find(object)
	if c == nil {
		return nil
	}
	return s.take(e, c, len(object), id)
}

// take consumes the n bytes that c is here, and takes what it tells; nil if it has more keys than may be kept, or the batch's id, which lies at the place, is
// no valid string.
func (s *scanner) take(e *evr, c *Config, n int, id span) *Config {
	f, start, batch := &c.facts, s.pos, c.facts.batchID
	if c.tail != nil {
		var ok bool
		if batch, ok = s.batchName(span{start + id.start, start + id.end}); !ok {
			return nil
		}
	}
	if !s.mem.mayKeep(c.keys) {
		return nil
	}
	s.pos += n
	e.Config, e.Type, e.ID, e.Description, e.Notes, e.Severity = c, f.kind, f.id, f.description, f.notes, f.severity
	e.Column, e.HasColumn, e.RowCondition, e.Kwargs = f.column, f.hasColumn, f.rowCondition, f.kwargs
	e.batchID, e.old = batch, f.old
	if f.place.end != 0 {
		e.kwargs = span{start + f.place.start, start + f.place.end + id.end - id.start}
	}
	return c
}

// batchName is the batch's id that stands between the quotes there; ok is false if they hold no valid string.
func (s *scanner) batchName(at span) (name string, ok bool) {
	if bytes.IndexByte(s.b[at.start:at.end], '\\') < 0 {
		return s.mem.batchName(s.b[at.start:at.end]), true
	}
	quoted := s.at(span{at.start - 1, at.end + 1})
	name = quoted.name()
	return name, quoted.err == nil
}

// learn reads a configuration and remembers it.
func (s *scanner) learn(e *evr) *Config {
	start, before := s.pos, s.mem.keys
	s.object(func(k []byte) { s.config(e, k) })
	if s.err != nil || s.pos-start > remembered.longest {
		return nil
	}
	of := *e
	of.kwargs, of.batchAt = e.kwargs.from(start), e.batchAt.from(start)
	e.Config = remembered.remember(s.b[start:s.pos], &of, s.mem.keys-before)
	return e.Config
}

// unconfigured reports whether nothing is known of the configuration yet: members of it may stand beside the results as well.
func (e *evr) unconfigured() bool {
	return e.Type == "" && e.ID == "" && e.Description == "" && e.Notes == "" && e.Severity == "" && !e.HasColumn && !e.RowCondition && !e.old &&
		e.Kwargs == nil && e.batchID == "" && e.kwargs.end == 0
}
