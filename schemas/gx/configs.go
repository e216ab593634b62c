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

// Config is an expectation's configuration that came before, byte for byte but for the batch that it names. A suite sends the same ones with each of its
// results, and they are most of a message: to compare one with what is remembered costs far less than to read it, and what it says in an event
// need not be written anew. It never changes, and may be read by many goroutines.
type Config struct {
	// Kept is for the mapper: what it makes of the configuration alone. Always of one type.
	Kept atomic.Value

	head, tail []byte // its JSON, from '{' to the batch's id and from behind it to '}'; without a tail all of it
	hash       uint64
	facts      configFacts
	keys       int // that it counts in the quota
	cost       int64
	next       atomic.Uint32
	slot       uint32
}

// configFacts are what an expectation has from its configuration.
type configFacts struct {
	kind, id, description, notes, severity, column string
	batchID                                        string // of one that has no tail
	hasColumn, rowCondition, old                   bool
	kwargs                                         []Kwarg
	place                                          span // of kwargs, from the configuration's start on; as long as if the batch's id were empty
}

// What is remembered of configurations, in the whole process.
const (
	configSlots  = 1 << 14
	configWays   = 8        // slots that one configuration may stand in
	configBytes  = 12 << 20 // of all, with what the mapper makes of them, as costOf counts
	longConfig   = 4 << 10  // bytes; a longer configuration is read each time
	deepConfig   = 128      // brackets; one with more is read each time too. Those that GX renders have some fifty
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

// begins reports whether b begins with the configuration: then n is its length there, and id the place of the batch that it names there, if it has a tail. An
// object's bytes show where it ends. Escapes in the id are not checked.
func (c *Config) begins(b []byte) (n int, id span, ok bool) {
	if !bytes.HasPrefix(b, c.head) {
		return 0, span{}, false
	}
	n = len(c.head)
	if c.tail == nil {
		return n, span{}, true
	}
	end := closing(b, n)
	if !bytes.HasPrefix(b[end:], c.tail) { // it begins with the quote that ends the id
		return 0, span{}, false
	}
	return end + len(c.tail), span{n, end}, true
}

// closing is where the string ends in which i lies: its quote, or what must not stand in it.
func closing(b []byte, i int) int {
	for i = plain(b, i); i < len(b) && b[i] == '\\'; {
		i = plain(b, min(i+2, len(b)))
	}
	return i
}

// behind is the configuration that came behind c the last time, whatever stands in its slot now; nil if there is none.
func (m *configs) behind(c *Config) *Config {
	if c == nil {
		return nil
	}
	n := c.next.Load()
	if n == 0 {
		return nil
	}
	return m.slots[n-1].Load()
}

// set is the first of the slots in which a configuration of this hash may stand.
func set(hash uint64) uint32 { return uint32(hash) % configSlots &^ (configWays - 1) }

// find looks up a configuration; nil if it is not remembered.
func (m *configs) find(object []byte) (c *Config, id span) {
	h := m.sum(object)
	first := set(h)
	for at := first; at < first+configWays; at++ {
		if c := m.slots[at].Load(); c != nil && c.hash == h {
			if _, id, ok := c.begins(object); ok {
				return c, id
			}
		}
	}
	return nil, span{}
}

var batchKey = []byte(`"batch_id"`)

// sum is a hash that is the same whatever batch the configuration names. Where what looks like a batch's id is none, it is only not found.
func (m *configs) sum(object []byte) uint64 {
	at := bytes.Index(object, batchKey)
	if at < 0 {
		return maphash.Bytes(m.seed, object)
	}
	at += len(batchKey)
	quote := bytes.IndexByte(object[at:], '"')
	if quote < 0 {
		return maphash.Bytes(m.seed, object)
	}
	at += quote + 1
	return 31*maphash.Bytes(m.seed, object[:at]) + maphash.Bytes(m.seed, object[closing(object, at):])
}

// remember keeps what was read of an expectation's configuration, which is not there yet. A full memory takes one in sixteen, so that of too many a part is
// remembered, and not each of them in vain.
func (m *configs) remember(object []byte, e *evr, keys int) *Config {
	if bytes.Count(object, []byte{'{'})+bytes.Count(object, []byte{'['}) > deepConfig {
		return nil
	}
	if room := costOf(len(object)); m.bytes.Load()+room > configBytes {
		if rand.Uint32()%16 != 0 {
			return nil
		}
		m.makeRoom(room)
	}
	c := newConfig(object, e, keys)
	c.hash = m.sum(object)
	first := set(c.hash)
	c.slot = first + uint32(c.hash>>32)%configWays // the one that goes where all are in use
	for at := first; at < first+configWays; at++ {
		if m.slots[at].Load() == nil {
			c.slot = at
		}
	}
	m.bytes.Add(c.cost)
	if old := m.slots[c.slot].Swap(c); old != nil {
		m.bytes.Add(-old.cost)
	}
	return c
}

func (m *configs) makeRoom(cost int64) {
	for range configSlots {
		if m.bytes.Load()+cost <= configBytes {
			return
		}
		if old := m.slots[m.hand.Add(1)%configSlots].Swap(nil); old != nil {
			m.bytes.Add(-old.cost)
		}
	}
}

func costOf(length int) int64 { return int64(configWeight*length + configCost) }

// newConfig copies what was read, since the message's memory is not its own. Names are shared with all others. e's places are from the object's start on.
func newConfig(object []byte, e *evr, keys int) *Config {
	shared := func(s string) string { return unique.Make(s).Value() }
	c := &Config{keys: keys, facts: configFacts{
		kind: shared(e.Type), id: strings.Clone(e.ID), description: strings.Clone(e.Description), notes: strings.Clone(e.Notes), severity: shared(e.Severity),
		column: shared(e.Column), hasColumn: e.HasColumn, rowCondition: e.RowCondition, old: e.old, place: e.kwargs,
	}}
	if at := e.batchAt; at.start > e.kwargs.start && at.end < e.kwargs.end {
		c.head, c.tail = bytes.Clone(object[:at.start]), bytes.Clone(object[at.end:])
		c.facts.place.end -= at.end - at.start
	} else {
		c.head, c.facts.batchID = bytes.Clone(object), shared(e.batchID)
	}
	c.facts.kwargs = ownKwargs(e.Kwargs, shared)
	c.cost = costOf(len(c.head) + len(c.tail))
	return c
}

// ownKwargs copies keywords.
func ownKwargs(kwargs []Kwarg, shared func(string) string) []Kwarg {
	if len(kwargs) == 0 {
		return nil
	}
	size := 0
	for i := range kwargs {
		size += len(kwargs[i].Value)
	}
	values, own := make([]byte, 0, size), make([]Kwarg, len(kwargs))
	for i, k := range kwargs {
		k.Name = shared(k.Name)
		if k.Value != nil {
			start := len(values)
			values = append(values, k.Value...)
			k.Value = json.RawMessage(values[start:len(values):len(values)])
		}
		own[i] = k
	}
	return own
}
