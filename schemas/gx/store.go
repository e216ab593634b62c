package gx

import (
	"encoding/binary"
	"sync"
)

// store is the memory of one Decode: what only the scan needs is used again by the next one, what the facts need is the
// message's.
type store struct {
	names    [1024]string // texts that come again in every message: types, columns, keyword names
	evr      evr          // in hand
	config   *Config      // of the expectation before, if it is remembered
	batch    string       // that a configuration before it names
	segs     []segment    // of the objects in hand, while they become canonical JSON
	scratch  []byte       // canonical JSON in hand
	members  []member     // a chunk, from which documents' members are cut
	readings []*reading   // of the documents in hand
	read     int          // how many of them are in use
	quota

	facts *facts
}

var stores = sync.Pool{New: func() any { return new(store) }}

func openStore(size int) *store {
	m := stores.Get().(*store)
	m.allow(size)
	m.facts = factsPool.Get().(*facts)
	return m
}

// release gives the store back without what a message may still hold.
func (m *store) release() {
	m.facts, m.evr, m.config, m.batch, m.quota = nil, evr{}, nil, "", quota{}
	// A panic may have left some in hand: they must not show in another message.
	clear(m.segs)
	clear(m.members)
	for _, r := range m.readings[:m.read] {
		*r = reading{}
	}
	m.segs, m.members, m.read = m.segs[:0], m.members[:0], 0
	if cap(m.scratch) <= maxObserved*2 && cap(m.segs) <= 4096 {
		stores.Put(m)
	}
}

// reading gives an empty one.
func (m *store) reading() *reading {
	if m.read < len(m.readings) {
		m.read++
		return m.readings[m.read-1]
	}
	r := new(reading)
	if m.read < 8 {
		m.readings = append(m.readings, r)
		m.read++
	}
	return r
}

// fewMembers is the room that an object's members have at once: a result has ten.
const fewMembers = 10

// room gives room for an object's first members.
func (m *store) room() []member {
	n := len(m.members)
	if cap(m.members)-n < fewMembers {
		if m.members != nil { // a message of so many objects is not usual: each has its own
			return make([]member, 0, fewMembers)
		}
		m.members = make([]member, 0, 8*fewMembers)
	}
	m.members = m.members[:n+fewMembers]
	return m.members[n : n : n+fewMembers]
}

// name is text as a string that is made once for many messages. Longer texts are not worth keeping.
func (m *store) name(text []byte) string {
	n := len(text)
	if n == 0 || n > 64 {
		return string(text)
	}
	h := hashOf(text)
	const slots = uint32(len(m.names))
	slot, other := &m.names[h%slots], &m.names[(h^1)%slots]
	switch {
	case *slot == string(text):
		return *slot
	case *other == string(text):
		return *other
	}
	*other, *slot = *slot, string(text) // the older of the two goes
	return *slot
}

// batchName is name for a batch's id, which mostly is the same all over a message, and may be long.
func (m *store) batchName(id []byte) string {
	if m.batch != string(id) {
		m.batch = m.name(id)
	}
	return m.batch
}

// hashOf finds a name's slot. It looks at the ends and the middle of a long one: names that differ in between share a slot.
func hashOf(text []byte) uint32 {
	n := len(text)
	h := uint64(n)
	if n < 8 {
		for _, c := range text {
			h = h<<8 ^ h>>56 ^ uint64(c)
		}
	} else {
		const odd = 0x9e3779b97f4a7c15
		h ^= binary.LittleEndian.Uint64(text)
		h = h*odd ^ binary.LittleEndian.Uint64(text[n-8:])
		h = h*odd ^ binary.LittleEndian.Uint64(text[(n-8)/2:])
	}
	h = (h ^ h>>32) * 0xff51afd7ed558ccd
	return uint32(h >> 48)
}
