package gx

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"unique"
)

// Config is an expectation's configuration that came before, byte for byte. A suite sends the same ones with each of its results, and they are
// most of a message: to compare one with what is remembered costs far less than to read it, and what it says in an event
// need not be written anew. It never changes, and may be read by many goroutines.
type Config struct {
	// Kept is for the mapper: what it makes of the configuration alone. Always of one type.
	Kept atomic.Value

	json  []byte // of the configuration, from '{' to '}'
	hash  uint64
	facts configFacts
	keys  int // that it counts in the quota
	next  atomic.Uint32
	slot  uint32
}

// configFacts are what an expectation has from its configuration.
type configFacts struct {
	kind, id, description, notes, severity, column, batchID string
	hasColumn, rowCondition, old                            bool
	kwargs                                                  []Kwarg
	place                                                   span // of kwargs, from the configuration's start on
}

// What is remembered of configurations, in the whole process.
const (
	configSlots  = 1 << 14
	configWays   = 8        // slots that one configuration may stand in
	configBytes  = 12 << 20 // of all, with what the mapper makes of them, as costOf counts
	longConfig   = 4 << 10  // bytes; a longer configuration is read each time
	deepConfig   = 32       // brackets; one with more is read each time too
	configCost   = 900      // bytes of one, beside those of its JSON
	configWeight = 2        // how often the bytes of its JSON stand in memory: as they came, and as facts and text
)

// configs holds configurations. No lock is needed: a slot is replaced as a whole, and
// whoever looks into one compares the bytes.
type configs struct {
	seed    maphash.Seed
	longest int // a longer configuration is read each time
	slots   [configSlots]atomic.Pointer[Config]
	bytes   atomic.Int64
	hand    atomic.Uint32 // the slot that is emptied next where there is no room
}

var remembered = newConfigs(longConfig)

func newConfigs(longest int) *configs { return &configs{seed: maphash.MakeSeed(), longest: longest} }

// behind is the configuration that came behind c the last time, if b begins with it. Whatever stands in the slot now: an object's bytes show where it ends.
func (m *configs) behind(c *Config, b []byte) *Config {
	if c == nil {
		return nil
	}
	n := c.next.Load()
	if n == 0 {
		return nil
	}
	if next := m.slots[n-1].Load(); next != nil && bytes.HasPrefix(b, next.json) {
		return next
	}
	return nil
}

// find looks up what was read of an expectation, and remembers it. A full memory takes one in sixteen, so that of too many a part is remembered, and not
// each of them in vain.
func (m *configs) find(object []byte, e *evr, keys int) *Config {
	if len(object) > m.longest {
		return nil
	}
	h := maphash.Bytes(m.seed, object)
	set := uint32(h) % configSlots &^ (configWays - 1)
	free := set + uint32(h>>32)%configWays // the one that goes where all are in use
	for at := set; at < set+configWays; at++ {
		switch c := m.slots[at].Load(); {
		case c == nil:
			free = at
		case c.hash == h && bytes.Equal(c.json, object):
			return c
		}
	}
	if bytes.Count(object, []byte{'{'})+bytes.Count(object, []byte{'['}) > deepConfig {
		return nil
	}
	cost := costOf(object)
	if m.bytes.Load()+cost > configBytes {
		if rand.Uint32()%16 != 0 {
			return nil
		}
		m.makeRoom(cost)
	}
	c := newConfig(object, e, keys)
	c.hash, c.slot = h, free
	m.bytes.Add(cost)
	if old := m.slots[free].Swap(c); old != nil {
		m.bytes.Add(-costOf(old.json))
	}
	return c
}

func (m *configs) makeRoom(cost int64) {
	for range configSlots {
		if m.bytes.Load()+cost <= configBytes {
			return
		}
		if old := m.slots[m.hand.Add(1)%configSlots].Swap(nil); old != nil {
			m.bytes.Add(-costOf(old.json))
		}
	}
}

func costOf(object []byte) int64 { return int64(configWeight*len(object) + configCost) }

// newConfig copies what was read, since the message's memory is not its own. Names are shared with all others.
func newConfig(object []byte, e *evr, keys int) *Config {
	shared := func(s string) string { return unique.Make(s).Value() }
	c := &Config{json: bytes.Clone(object), keys: keys}
	c.facts = configFacts{
		kind: shared(e.Type), id: strings.Clone(e.ID), description: strings.Clone(e.Description), notes: strings.Clone(e.Notes), severity: shared(e.Severity),
		column: shared(e.Column), batchID: shared(e.batchID), hasColumn: e.HasColumn, rowCondition: e.RowCondition, old: e.old, place: e.kwargs,
	}
	if len(e.Kwargs) == 0 {
		return c
	}
	size := 0
	for i := range e.Kwargs {
		size += len(e.Kwargs[i].Value)
	}
	values := make([]byte, 0, size)
	c.facts.kwargs = make([]Kwarg, len(e.Kwargs))
	for i, k := range e.Kwargs {
		k.Name = shared(k.Name)
		if k.Value != nil {
			start := len(values)
			values = append(values, k.Value...)
			k.Value = json.RawMessage(values[start:len(values):len(values)])
		}
		c.facts.kwargs[i] = k
	}
	return c
}

// configuration consumes an expectation_config: one that came before is recognised, any other is read.
func (s *scanner) configuration(e *evr) {
	if s.next() != '{' || s.depth+deepConfig > maxDepth || !e.unconfigured() {
		s.object(func(k []byte) { s.config(e, k) })
		return
	}
	start, before := s.pos, s.mem.keys
	c := remembered.behind(s.mem.config, s.b[start:])
	if c != nil && s.mem.mayKeep(c.keys) {
		s.pos += len(c.json)
		e.configure(c, start)
	} else {
		s.object(func(k []byte) { s.config(e, k) })
		if s.err != nil {
			return
		}
		at := e.kwargs
		if at.end != 0 {
			e.kwargs = span{at.start - start, at.end - start}
		}
		c = remembered.find(s.b[start:s.pos], e, s.mem.keys-before)
		e.kwargs, e.Config = at, c
	}
	if last := s.mem.config; last != nil && c != nil && last.next.Load() != c.slot+1 {
		last.next.Store(c.slot + 1)
	}
	s.mem.config = c
}

// unconfigured reports whether nothing is known of the configuration yet: members of it may stand beside the results as well.
func (e *evr) unconfigured() bool {
	return e.Type == "" && e.ID == "" && e.Description == "" && e.Notes == "" && e.Severity == "" && !e.HasColumn && !e.RowCondition && !e.old &&
		e.Kwargs == nil && e.batchID == "" && e.kwargs.end == 0
}

// configure takes what c tells; it begins at start.
func (e *evr) configure(c *Config, start int) {
	f := &c.facts
	e.Config, e.Type, e.ID, e.Description, e.Notes, e.Severity = c, f.kind, f.id, f.description, f.notes, f.severity
	e.Column, e.HasColumn, e.RowCondition, e.Kwargs = f.column, f.hasColumn, f.rowCondition, f.kwargs
	e.batchID, e.old = f.batchID, f.old
	if f.place.end != 0 {
		e.kwargs = span{start + f.place.start, start + f.place.end}
	}
}
