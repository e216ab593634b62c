package gx

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// store is the memory of one Decode: what only the scan needs is used again by the next one, what the facts need is handed
// out in chunks, for a result has hundreds of small ones.
type store struct {
	names   [1024]string // texts that come again in every message: types, columns, keyword names
	kwargs  []Kwarg      // of the expectation in hand
	results [][]evr      // of the list in hand, in chunks: a slice that grows would cost several times its size
	segs    []segment    // of the objects in hand, while they become canonical JSON
	scratch []byte       // canonical JSON in hand
	quota

	keptKwargs []Kwarg // chunks, from which facts are cut; never used again
	keptCounts []int64
	keptFloats []float64
	keptBools  []bool
	keptJSON   []byte
}

var stores = sync.Pool{New: func() any { return new(store) }}

// release gives the store back without what a message may still hold.
func (m *store) release() {
	// A panic may have left some in hand: they must not show in another message.
	clear(m.kwargs)
	clear(m.segs)
	m.kwargs, m.segs, m.quota = m.kwargs[:0], m.segs[:0], quota{}
	m.clearResults()
	m.keptKwargs, m.keptCounts, m.keptFloats, m.keptBools, m.keptJSON = nil, nil, nil, nil, nil
	if cap(m.scratch) <= maxObserved*2 && len(m.results) <= 32 && cap(m.kwargs) <= 4096 && cap(m.segs) <= 4096 {
		stores.Put(m)
	}
}

// chunkSize is the number of results that a chunk holds.
const chunkSize = 64

// result gives the place of the list's result i.
func (m *store) result(i int) *evr {
	chunk := i / chunkSize
	if chunk == len(m.results) {
		m.results = append(m.results, make([]evr, 0, chunkSize))
	}
	c := &m.results[chunk]
	*c = (*c)[:i%chunkSize+1]
	return &(*c)[i%chunkSize]
}

// clearResults empties the chunks and keeps them.
func (m *store) clearResults() {
	for i, c := range m.results {
		clear(c)
		m.results[i] = c[:0]
	}
}

// name is text as a string that is made once for many messages. Longer texts are not worth keeping.
func (m *store) name(text []byte) string {
	n := len(text)
	if n == 0 || n > 64 {
		return string(text)
	}
	h := uint32(2166136261) // FNV-1a
	for _, c := range text {
		h = (h ^ uint32(c)) * 16777619
	}
	h ^= h >> 15
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

func (m *store) count(n int64) *int64     { return keep(&m.keptCounts, n, 32) }
func (m *store) float(f float64) *float64 { return keep(&m.keptFloats, f, 16) }
func (m *store) boolean(b bool) *bool     { return keep(&m.keptBools, b, 64) }

// keep puts v into a chunk and returns its place, which stays: a full chunk is left to its facts.
func keep[T any](chunk *[]T, v T, size int) *T {
	if len(*chunk) == cap(*chunk) {
		*chunk = make([]T, 0, size)
	}
	*chunk = append(*chunk, v)
	return &(*chunk)[len(*chunk)-1]
}

// sortKwargs puts the keywords in hand into the order of their names, of a repeated one the last, as in Python. A store
// file sorts its keys, a message does not: one order makes one event of both.
func (m *store) sortKwargs() {
	k, sorted := m.kwargs, true
	for i := 1; i < len(k) && sorted; i++ {
		sorted = k[i-1].Name < k[i].Name
	}
	if sorted {
		return
	}
	slices.SortStableFunc(k, func(a, b Kwarg) int { return strings.Compare(a.Name, b.Name) })
	kept := k[:0]
	for i := range k {
		if i+1 == len(k) || k[i+1].Name != k[i].Name {
			kept = append(kept, k[i])
		}
	}
	clear(k[len(kept):])
	m.kwargs = kept
}

// keepKwargs copies the keywords in hand.
func (m *store) keepKwargs() []Kwarg {
	n := len(m.kwargs)
	if n == 0 {
		return nil
	}
	if cap(m.keptKwargs)-len(m.keptKwargs) < n {
		m.keptKwargs = make([]Kwarg, 0, max(n, min(32, 8+2*len(m.keptKwargs))))
	}
	start := len(m.keptKwargs)
	m.keptKwargs = append(m.keptKwargs, m.kwargs...)
	clear(m.kwargs)
	m.kwargs = m.kwargs[:0]
	return m.keptKwargs[start : start+n : start+n]
}

// keepJSON copies bytes.
func (m *store) keepJSON(b []byte) json.RawMessage {
	if cap(m.keptJSON)-len(m.keptJSON) < len(b) {
		m.keptJSON = make([]byte, 0, max(len(b), 512))
	}
	start := len(m.keptJSON)
	m.keptJSON = append(m.keptJSON, b...)
	return json.RawMessage(m.keptJSON[start:len(m.keptJSON):len(m.keptJSON)])
}
