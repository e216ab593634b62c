package gx

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// maxOtherIDs is how many further batch ids of its results a validation keeps.
const maxOtherIDs = 8

// maxIdentifiers bounds the canonical batch identifiers, in bytes.
const maxIdentifiers = 256 << 10

// reading is what an object's members tell of a validation result, while its other members are still to come.
type reading struct {
	val          Validation
	statsSuccess bool
	readable     bool                          // success is a boolean or nothing
	asset        string                        // data_asset_name beside the results
	suites       [2]string                     // suite_name, test_suite_name
	params       [2]map[string]json.RawMessage // suite_parameters, evaluation_parameters
	list         list                          // the results; of several lists the one of the least rank
}

// list is a list of expectation results.
type list struct {
	key     string
	rank    int // 0: none was read
	results []Expectation
	repeats []repeat
	batchID string   // the first that a result names
	others  []string // further ones
	stray   int      // the first element that is no expectation result, -1 if none
	strayAt int      // its place
	unread  int      // the first result whose success is neither true nor false, -1 if none
}

// repeat is a result that may be there once per metric error: GX 0.13.35 – 0.18.9 did so.
type repeat struct {
	index int
	key   [sha256.Size]byte
}

// fact consumes a member of what may be a validation result.
func (v *doc) fact(s *scanner, key []byte) {
	switch string(key) {
	case "success", "result_url", "data_asset_name", "suite_name", "test_suite_name", "suite_parameters", "evaluation_parameters",
		"statistics", "meta", "results", "expectations", "validation_results":
	default:
		s.skip()
		return
	}
	if v.suite == nil {
		if !s.keepValidation() {
			return
		}
		v.suite = s.mem.reading()
		v.suite.readable = true
	}
	r := v.suite
	switch string(key) {
	case "success":
		r.val.Success, r.readable = s.boolean()
	case "result_url":
		r.val.ResultURL = s.text()
	case "data_asset_name":
		r.asset = s.name()
	case "suite_name":
		r.suites[0] = s.name()
	case "test_suite_name":
		r.suites[1] = s.name()
	case "suite_parameters":
		r.params[0] = s.scalars()
	case "evaluation_parameters":
		r.params[1] = s.scalars()
	case "statistics":
		s.statistics(r)
	case "meta":
		s.meta(&r.val)
	case "results":
		r.read(s, "results", 1)
	case "expectations":
		r.read(s, "expectations", 2)
	case "validation_results":
		r.read(s, "validation_results", 3)
	}
}

func (s *scanner) statistics(r *reading) {
	s.object(func(k []byte) {
		switch string(k) {
		case "evaluated_expectations":
			r.val.Evaluated = s.count()
		case "unsuccessful_expectations":
			r.val.Failed = s.count()
		case "success":
			r.statsSuccess = true
			s.skip()
		default:
			s.skip()
		}
	})
}

// read consumes a list of results.
func (r *reading) read(s *scanner, key string, rank int) {
	if s.next() != '[' || r.list.rank != 0 && r.list.rank < rank {
		s.skip()
		return
	}
	l := list{key: key, rank: rank, stray: -1, unread: -1}
	first := len(s.mem.facts.results)
	s.array(func(i int) {
		if s.next() != '{' || l.stray >= 0 { // behind a stray one nothing is kept: the list is no list of results
			l.strayed(i, s.pos)
			s.skip()
			return
		}
		start := s.pos
		if !s.keepResult() {
			return
		}
		if e, ok := s.expectation(s.mem.facts.result(&first)); ok {
			l.take(s, i, e)
		} else {
			l.strayed(i, start)
		}
	})
	if s.err != nil || l.stray >= 0 {
		l.repeats = nil
		s.mem.facts.dropResults(first)
	}
	n := len(s.mem.facts.results)
	l.results = s.mem.facts.results[first:n:n]
	r.list = l
}

// strayed remembers the first element that is no result.
func (l *list) strayed(i, at int) {
	if l.stray < 0 {
		l.stray, l.strayAt = i, at
	}
}

// take notes what only the validation needs of its result i.
func (l *list) take(s *scanner, i int, e *evr) {
	e.Index = i
	if !e.readable && l.unread < 0 {
		l.unread = i
	}
	first(&l.batchID, e.batchID)
	if e.batchID != l.batchID && e.batchID != "" && len(l.others) < maxOtherIDs && !slices.Contains(l.others, e.batchID) {
		l.others = append(l.others, e.batchID)
	}
	if e.Raised && e.old && s.err == nil {
		l.repeats = append(l.repeats, repeat{i, e.repeatKey(s)})
	}
}

// repeatKey is equal for the results of one expectation.
func (e *evr) repeatKey(s *scanner) [sha256.Size]byte {
	f := newFactHash()
	f.texts(e.Type, e.ID)
	if e.kwargs.end != 0 {
		sub := s.at(e.kwargs)
		text, _, ok := sub.appendCanonical(s.mem.scratch[:0], maxObserved)
		s.mem.scratch = text[:0]
		if !ok {
			text = s.b[e.kwargs.start:e.kwargs.end]
		}
		f.bytes(text)
	}
	return f.sum()
}

// suite finishes one validation result: shapes A, G and I, whose lists of results differ by name only.
func (d *decoder) suite(v doc, part string) (Validation, *DecodeError) {
	r := v.suite
	val := r.val
	val.Part = part
	val.raw, val.list = d.s.b[v.at.start:v.at.end], r.list.key
	first(&val.Suite, r.suites[0])
	first(&val.Suite, r.suites[1])
	first(&val.Batch.Asset, r.asset)
	if val.Params = r.params[0]; val.Params == nil {
		val.Params = r.params[1]
	}
	if l := r.list; l.stray >= 0 {
		return val, d.notAResult(l.strayAt, fmt.Sprintf("%s[%d]", joinPath(part, l.key), l.stray))
	}
	if l := r.list; l.rank > 0 && l.unread >= 0 {
		return val, d.unreadable(v.at.start, fmt.Sprintf("%s[%d].success", joinPath(part, l.key), l.unread))
	}
	if !r.readable {
		return val, d.unreadable(v.at.start, joinPath(part, "success"))
	}
	r.list.fill(&val)
	val.Partial = r.statsSuccess || val.Evaluated != nil && int64(val.ResultCount) < *val.Evaluated
	return val, nil
}

// loose makes one validation of expectation results that stand alone.
func (d *decoder) loose(whole span, items []member) (Validation, *DecodeError) {
	var val Validation
	if !d.s.keepValidation() {
		return val, d.s.err
	}
	l, facts := list{unread: -1}, d.s.mem.facts
	begin := len(facts.results)
	for i, m := range items {
		if !d.s.keepResult() {
			return val, d.s.err
		}
		sub := d.s.at(m.at)
		e, ok := sub.expectation(facts.result(&begin))
		if ok {
			l.take(sub, i, e)
		} else {
			path := ""
			if len(items) > 1 {
				path = fmt.Sprintf("[%d]", i)
			}
			return val, d.notAResult(m.at.start, path)
		}
	}
	l.results = facts.results[begin:len(facts.results):len(facts.results)]
	if l.unread >= 0 {
		return val, d.unreadable(whole.start, "success")
	}
	l.fill(&val)
	val.raw = d.s.b[whole.start:whole.end]
	if len(items) == 1 {
		val.Success = l.results[0].Success
	}
	return val, nil
}

// unreadable refuses a result of which nobody can say whether it passed: it would look as if it had never been evaluated.
func (d *decoder) unreadable(at int, path string) *DecodeError {
	return &DecodeError{Code: "unreadable_value", Offset: d.s.base + int64(at), Path: path, Reason: "neither true nor false"}
}

func (d *decoder) notAResult(at int, path string) *DecodeError {
	return &DecodeError{Code: "not_a_result", Offset: d.s.base + int64(at), Path: path, Reason: "no expectation result"}
}

// fill puts the results into val, each that was repeated once.
func (l *list) fill(val *Validation) {
	val.ResultCount = len(l.results)
	first(&val.Batch.BatchID, l.batchID)
	val.Batch.OtherIDs = l.others
	val.Results = l.results
	if len(l.repeats) < 2 || strings.HasPrefix(val.GXVersion, "1.") {
		return
	}
	seen := make(map[[sha256.Size]byte]bool)
	val.Results = l.results[:0]
	for i := range l.results {
		if len(l.repeats) > 0 && l.repeats[0].index == i {
			key := l.repeats[0].key
			l.repeats = l.repeats[1:]
			if seen[key] {
				continue
			}
			seen[key] = true
		}
		val.Results = append(val.Results, l.results[i])
	}
}

// scalars reads an object's members that are no objects or arrays.
func (s *scanner) scalars() map[string]json.RawMessage {
	var out map[string]json.RawMessage
	s.object(func(key []byte) {
		k := string(key)
		if c := s.next(); c == '{' || c == '[' {
			s.skip()
			return
		}
		if v := s.canonical(maxKwarg); v != nil && s.keepKey() {
			if out == nil {
				out = map[string]json.RawMessage{}
			}
			out[k] = v
		}
	})
	return out
}
