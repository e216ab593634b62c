package gx

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// facts is the memory of one message's facts. It belongs to the message, and serves another one when that is released: a
// result has hundreds of small facts, so that making them anew costs more than reading them.
type facts struct {
	validations []Validation
	results     []Expectation
	kwargs      []Kwarg
	counts      []int64
	floats      []float64
	json        []byte
	texts       strings.Builder // texts are cut from it and stay as they are: it is never written over
	yes, no     bool
}

var factsPool = sync.Pool{New: func() any { return new(facts) }}

// Most of what one message may leave behind for the next: what a large one made large is left to the collector.
const (
	keptResults = 512
	keptNumbers = 4096
	keptBytes   = 256 << 10
)

// Release gives the memory of the message's facts back, for another message. Whoever decoded a message may call it when
// nothing reads the message any more; it is then empty. Texts, and the event that passes through, stay as they are. A message that is not released
// is left to the collector.
func (m *Message) Release() {
	f := m.facts
	if f == nil {
		return
	}
	m.facts, m.Validations = nil, nil
	f.release()
}

func (f *facts) release() {
	if cap(f.validations) > 32 || cap(f.results) > keptResults || cap(f.kwargs) > keptNumbers || cap(f.counts) > keptNumbers ||
		cap(f.floats) > keptNumbers || cap(f.json) > keptBytes {
		return
	}
	clear(f.validations)
	clear(f.results)
	clear(f.kwargs)
	f.validations, f.results, f.kwargs = f.validations[:0], f.results[:0], f.kwargs[:0]
	f.counts, f.floats, f.json = f.counts[:0], f.floats[:0], f.json[:0]
	factsPool.Put(f)
}

// result gives the place of one more result, behind those of the list that began at *start. A list stays in one piece.
func (f *facts) result(start *int) *Expectation {
	if n := len(f.results); n == cap(f.results) {
		list := f.results[*start:]
		f.results = append(make([]Expectation, 0, max(16, 2*len(list))), list...)
		*start = 0
	}
	f.results = f.results[:len(f.results)+1]
	return &f.results[len(f.results)-1]
}

// dropResults forgets the list that began at start.
func (f *facts) dropResults(start int) {
	clear(f.results[start:])
	f.results = f.results[:start]
}

// kwarg keeps a keyword behind those of the expectation that began at *start.
func (f *facts) kwarg(start *int, k Kwarg) {
	if len(f.kwargs) == cap(f.kwargs) {
		own := f.kwargs[*start:]
		f.kwargs = append(make([]Kwarg, 0, max(16, min(keptNumbers, 2*len(f.kwargs)), 2*len(own))), own...)
		*start = 0
	}
	f.kwargs = append(f.kwargs, k)
}

// sortKwargs puts the keywords from start on into the order of their names, of a repeated one the last, as in Python, and
// gives them. A store file sorts its keys, a message does not: one order makes one event of both.
func (f *facts) sortKwargs(start int) []Kwarg {
	k, sorted := f.kwargs[start:], true
	for i := 1; i < len(k) && sorted; i++ {
		sorted = k[i-1].Name < k[i].Name
	}
	if !sorted {
		sortByName(k)
		kept := k[:0]
		for i := range k {
			if i+1 == len(k) || k[i+1].Name != k[i].Name {
				kept = append(kept, k[i])
			}
		}
		clear(k[len(kept):])
		k, f.kwargs = kept, f.kwargs[:start+len(kept)]
	}
	if len(k) == 0 {
		return nil
	}
	return k[:len(k):len(k)]
}

// one is a list of one validation, append adds one to a list. The first list of a message needs no allocation.
func (f *facts) one(v Validation) []Validation { return f.append(nil, v) }

func (f *facts) append(list []Validation, v Validation) []Validation {
	if list == nil && len(f.validations) == 0 {
		f.validations = append(f.validations, v)
		return f.validations[:1:1]
	}
	return append(list, v)
}

// sortByName sorts, and keeps the order of equal names. Few are put to their places one by one.
func sortByName(k []Kwarg) {
	if len(k) > fewKwargs {
		slices.SortStableFunc(k, func(a, b Kwarg) int { return strings.Compare(a.Name, b.Name) })
		return
	}
	for i := 1; i < len(k); i++ {
		for j := i; j > 0 && k[j].Name < k[j-1].Name; j-- {
			k[j], k[j-1] = k[j-1], k[j]
		}
	}
}

func (f *facts) boolean(b bool) *bool {
	if f.yes = true; b {
		return &f.yes
	}
	return &f.no
}

func (f *facts) count(n int64) *int64     { return keep(&f.counts, n) }
func (f *facts) float(n float64) *float64 { return keep(&f.floats, n) }

// keep puts v into a chunk and returns its place, which stays: a full chunk is left to its facts, the next is larger.
func keep[T any](chunk *[]T, v T) *T {
	if n := len(*chunk); n == cap(*chunk) {
		*chunk = make([]T, 0, min(max(32, 2*n), keptNumbers))
	}
	*chunk = append(*chunk, v)
	return &(*chunk)[len(*chunk)-1]
}

// keepJSON copies bytes.
func (f *facts) keepJSON(b []byte) json.RawMessage {
	if cap(f.json)-len(f.json) < len(b) {
		f.json = make([]byte, 0, max(len(b), 512, min(2*cap(f.json), keptBytes/2)))
	}
	start := len(f.json)
	f.json = append(f.json, b...)
	return json.RawMessage(f.json[start:len(f.json):len(f.json)])
}

// Texts are cut from chunks, unless they are so long that they would fill one.
const (
	textChunk = 2 << 10
	longText  = 256
)

// text copies a text.
func (f *facts) text(b []byte) string {
	if len(b) == 0 || len(b) > longText {
		return string(b)
	}
	if f.texts.Cap()-f.texts.Len() < len(b) {
		f.texts = strings.Builder{}
		f.texts.Grow(textChunk)
	}
	start := f.texts.Len()
	f.texts.Write(b)
	return f.texts.String()[start:]
}
