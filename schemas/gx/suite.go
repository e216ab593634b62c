package gx

import (
	"encoding/json"
	"fmt"
	"strings"
)

// maxIdentifiers bounds the canonical batch identifiers, in bytes.
const maxIdentifiers = 256 << 10

// suite reads one validation result: shapes A, G and I, whose lists of results differ by name only.
func (d *decoder) suite(v doc, part string) (Validation, *DecodeError) {
	val := Validation{Part: part}
	statsSuccess := false
	for key, p := range v.keys { // each key sets fields of its own: the map's order does not matter
		s := d.s.at(p)
		switch key {
		case "success":
			val.Success = s.boolean()
		case "result_url":
			val.ResultURL = s.text()
		case "data_asset_name":
			val.Batch.Asset = s.text()
		case "statistics":
			s.object(func(k []byte) {
				switch string(k) {
				case "evaluated_expectations":
					val.Evaluated = s.count()
				case "success":
					statsSuccess = true
					s.skip()
				default:
					s.skip()
				}
			})
		}
	}
	for _, key := range [...]string{"suite_parameters", "evaluation_parameters"} {
		if p, ok := v.keys[key]; ok && val.Params == nil {
			val.Params = d.s.at(p).scalars()
		}
	}
	if p, ok := v.keys["meta"]; ok {
		d.s.at(p).meta(&val)
	}
	for _, key := range [...]string{"suite_name", "test_suite_name"} {
		if p, ok := v.keys[key]; ok && val.Suite == "" {
			val.Suite = d.s.at(p).text()
		}
	}
	for _, key := range [...]string{"results", "expectations", "validation_results"} {
		if d.is(v, key, '[') {
			if err := d.results(v.keys[key], joinPath(part, key), &val); err != nil {
				return val, err
			}
			break
		}
	}
	val.Partial = statsSuccess || val.Evaluated != nil && int64(val.ResultCount) < *val.Evaluated
	val.FactsHash = factsHash(&val)
	return val, nil
}

// loose makes one validation of expectation results that stand alone.
func (d *decoder) loose(v doc) (Validation, *DecodeError) {
	var val Validation
	all := make([]evr, 0, len(v.items))
	for i, p := range v.items {
		path := ""
		if len(v.items) > 1 {
			path = fmt.Sprintf("[%d]", i)
		}
		e, ok := d.s.at(p).expectation()
		if !ok {
			return val, d.notAResult(p, path)
		}
		all = append(all, e)
	}
	d.keep(all, &val)
	if len(v.items) == 1 {
		val.Success = all[0].Success
	}
	val.FactsHash = factsHash(&val)
	return val, nil
}

func (d *decoder) results(p span, path string, val *Validation) *DecodeError {
	var all []evr
	var failed *DecodeError
	s := d.s.at(p)
	s.array(func(i int) {
		s.next()
		start := s.pos
		e, ok := s.expectation()
		if !ok && failed == nil {
			failed = d.notAResult(span{start, s.pos}, fmt.Sprintf("%s[%d]", path, i))
		}
		all = append(all, e)
	})
	d.keep(all, val)
	return failed
}

func (d *decoder) notAResult(p span, path string) *DecodeError {
	return &DecodeError{Code: "not_a_result", Offset: d.s.base + int64(p.start), Path: path, Reason: "no expectation result"}
}

// keep puts the results into val, one of each that GX 0.13.35 – 0.18.9 repeated once per metric error.
func (d *decoder) keep(all []evr, val *Validation) {
	val.ResultCount = len(all)
	val.Results = make([]Expectation, 0, len(all))
	seen := map[string]bool{}
	for i := range all {
		e := &all[i]
		if val.Batch.BatchID == "" {
			val.Batch.BatchID = e.batchID
		}
		if e.Raised && e.old && !strings.HasPrefix(val.GXVersion, "1.") {
			kwargs := d.s.b[e.kwargs.start:e.kwargs.end]
			if c := d.s.kwargsText(e.kwargs); c != nil {
				kwargs = c
			}
			key := e.Type + "\x00" + e.ID + "\x00" + string(kwargs)
			if seen[key] {
				continue
			}
			seen[key] = true
		}
		val.Results = append(val.Results, e.Expectation)
	}
}

func (s *scanner) kwargsText(p span) []byte {
	if p.end == 0 {
		return nil
	}
	return s.at(p).canonical(1 << 20)
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
