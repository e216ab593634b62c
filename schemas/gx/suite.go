package gx

import (
	"encoding/json"
	"fmt"
	"strings"
)

// maxIdentifiers bounds the canonical batch identifiers, in bytes.
const maxIdentifiers = 256 << 10

// reading is what an object's members tell of a validation result, while its other members are still to come.
type reading struct {
	val          Validation
	statsSuccess bool
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
	batchID string // the first that a result names
	stray   int    // the first element that is no expectation result, -1 if none
	strayAt int    // its place
}

// repeat is a result that may be there once per metric error: GX 0.13.35 – 0.18.9 did so.
type repeat struct {
	index int
	key   string
}

// fact consumes a member of what may be a validation result.
func (v *doc) fact(s *scanner, key string) {
	if v.suite == nil {
		v.suite = &reading{}
	}
	r := v.suite
	switch key {
	case "success":
		r.val.Success = s.boolean()
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
		r.read(s, key, 1)
	case "expectations":
		r.read(s, key, 2)
	case "validation_results":
		r.read(s, key, 3)
	default:
		s.skip()
	}
}

func (s *scanner) statistics(r *reading) {
	s.object(func(k []byte) {
		switch string(k) {
		case "evaluated_expectations":
			r.val.Evaluated = s.count()
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
	l := list{key: key, rank: rank, stray: -1}
	s.array(func(i int) {
		s.next()
		start := s.pos
		s.mem.results = append(s.mem.results, evr{})
		if !s.expectation(&s.mem.results[i]) && l.stray < 0 {
			l.stray, l.strayAt = i, start
		}
	})
	if s.err == nil {
		l.keep(s, s.mem.results)
	}
	clear(s.mem.results)
	s.mem.results = s.mem.results[:0]
	r.list = l
}

// keep takes the results out of the store.
func (l *list) keep(s *scanner, found []evr) {
	l.results = make([]Expectation, len(found))
	for i := range found {
		e := &found[i]
		l.results[i] = e.Expectation
		l.results[i].Index = i
		first(&l.batchID, e.batchID)
		if e.Raised && e.old {
			kwargs := []byte(nil)
			if e.kwargs.end != 0 {
				if kwargs = s.at(e.kwargs).canonical(1 << 20); kwargs == nil {
					kwargs = s.b[e.kwargs.start:e.kwargs.end]
				}
			}
			l.repeats = append(l.repeats, repeat{i, e.Type + "\x00" + e.ID + "\x00" + string(kwargs)})
		}
	}
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
	r.list.fill(&val)
	val.Partial = r.statsSuccess || val.Evaluated != nil && int64(val.ResultCount) < *val.Evaluated
	return val, nil
}

// loose makes one validation of expectation results that stand alone.
func (d *decoder) loose(whole span, items []member) (Validation, *DecodeError) {
	var val Validation
	found := make([]evr, len(items))
	for i, m := range items {
		if !d.s.at(m.at).expectation(&found[i]) {
			path := ""
			if len(items) > 1 {
				path = fmt.Sprintf("[%d]", i)
			}
			return val, d.notAResult(m.at.start, path)
		}
	}
	var l list
	l.keep(d.s, found)
	l.fill(&val)
	val.raw = d.s.b[whole.start:whole.end]
	if len(items) == 1 {
		val.Success = found[0].Success
	}
	return val, nil
}

func (d *decoder) notAResult(at int, path string) *DecodeError {
	return &DecodeError{Code: "not_a_result", Offset: d.s.base + int64(at), Path: path, Reason: "no expectation result"}
}

// fill puts the results into val, each that was repeated once.
func (l *list) fill(val *Validation) {
	val.ResultCount = len(l.results)
	first(&val.Batch.BatchID, l.batchID)
	val.Results = l.results
	if len(l.repeats) < 2 || strings.HasPrefix(val.GXVersion, "1.") {
		return
	}
	seen := make(map[string]bool, len(l.repeats))
	drop := make(map[int]bool)
	for _, r := range l.repeats {
		drop[r.index] = seen[r.key]
		seen[r.key] = true
	}
	val.Results = make([]Expectation, 0, len(l.results))
	for i := range l.results {
		if !drop[i] {
			val.Results = append(val.Results, l.results[i])
		}
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
		if v := s.canonical(maxKwarg); v != nil {
			if out == nil {
				out = map[string]json.RawMessage{}
			}
			out[k] = v
		}
	})
	return out
}
