package gx

import (
	"bytes"
	"slices"
)

// Bounds of what is kept of one expectation, in bytes.
const (
	maxKwarg         = 16 << 10
	maxObserved      = 64 << 10
	maxExceptionText = 2 << 10
)

// evr is one expectation result with what only its validation needs.
type evr struct {
	*Expectation
	batchID string
	batchAt span // what stands between its quotes
	kwargs  span
	old     bool // has expectation_type: 0.x

	readable bool // success is a boolean or nothing
}

// expectation consumes one expectation result into to; false if the value is none. What it returns beside is in hand until
// the next one is read.
func (s *scanner) expectation(to *Expectation) (*evr, bool) {
	e := &s.mem.evr
	*e = evr{Expectation: to, readable: true}
	e.Result = noResult()
	known := false
	var substituted span
	s.object(func(key []byte) {
		switch string(key) {
		case "expectation_config":
			known = true
			s.configuration(e)
		case "success":
			known = true
			e.Success, e.readable = s.boolean()
		case "result":
			known = true
			s.result(&e.Result)
		case "exception_info":
			s.exception(e.Expectation)
		case "meta":
			s.object(func(k []byte) {
				if string(k) == "substituted_parameters" {
					substituted = s.objectHere()
				} else {
					s.skip()
				}
			})
		default:
			s.beside(e, key)
		}
	})
	if substituted.end != 0 && s.err == nil {
		s.at(substituted).substitute(e.Expectation)
	}
	return e, known || e.Type != ""
}

// beside reads one member that stands beside the configuration: of a described result, where all of them do, or none.
func (s *scanner) beside(e *evr, key []byte) {
	if e.Config != nil {
		switch string(key) {
		case "type", "expectation_type", "id", "ge_cloud_id", "description", "expectation_context", "notes", "severity", "kwargs":
			e.Config = nil // it is not all that is told of the configuration
		}
	}
	s.config(e, key)
}

// config reads one member of expectation_config, or of a described result, where they stand at the top.
func (s *scanner) config(e *evr, key []byte) {
	switch string(key) {
	case "type":
		e.Type = s.name()
	case "expectation_type":
		e.Type, e.old = s.name(), true
	case "id", "ge_cloud_id":
		first(&e.ID, s.text())
	case "description":
		if d := s.text(); d != "" {
			e.Description = d
		}
	case "expectation_context":
		s.object(func(k []byte) {
			if string(k) == "description" {
				first(&e.Description, s.text())
			} else {
				s.skip()
			}
		})
	case "notes":
		if n := s.notes(); n != "" {
			e.Notes = n
		}
	case "severity":
		e.Severity = s.name()
	case "meta":
		s.object(func(k []byte) {
			if string(k) == "notes" {
				first(&e.Notes, s.notes())
			} else {
				s.skip()
			}
		})
	case "kwargs":
		s.keywords(e)
	default:
		s.skip()
	}
}

// keywords consumes kwargs.
func (s *scanner) keywords(e *evr) {
	isObject := s.next() == '{'
	start := s.pos
	kept := len(s.mem.facts.kwargs)
	s.object(func(key []byte) { s.keyword(e, key, &kept) })
	if isObject {
		e.kwargs = span{start, s.pos}
		e.Kwargs = s.mem.facts.sortKwargs(kept)
	}
}

func (s *scanner) keyword(e *evr, key []byte, kept *int) {
	switch string(key) {
	case "batch_id":
		s.batchID(e)
		return
	case "result_format":
		s.skip()
		return
	case "column":
		switch c := s.next(); {
		case c == '"':
			e.HasColumn, e.Column = true, s.name()
		case '0' <= c && c <= '9': // of a file without a header
			e.HasColumn, e.Column = true, s.mem.name(s.number())
		default:
			s.skip()
		}
		return
	}
	if !s.keepKey() {
		return
	}
	if bytes.IndexByte(key, 0) >= 0 { // no name in an event may hold U+0000, nor become another's without it
		key = bytes.ReplaceAll(key, []byte{0}, nil)
	}
	k := Kwarg{Name: s.mem.name(key), Count: -1}
	c := s.next()
	start := s.pos
	if k.Value, k.Count = s.canonicalCount(maxKwarg); c == 'n' {
		k.Value = jsonNull
	}
	if k.Name == "row_condition" {
		e.RowCondition = c != 'n' && string(s.b[start:s.pos]) != `""`
	}
	s.mem.facts.kwarg(kept, k)
}

func (s *scanner) batchID(e *evr) {
	quoted, start := s.next() == '"', s.pos+1
	e.batchID, e.batchAt = s.name(), span{}
	if quoted {
		e.batchAt = span{start, s.pos - 1}
	}
}

var jsonNull = []byte("null")

// substitute replaces the {"$PARAMETER": …} objects that V2 leaves in kwargs by the values it used.
func (s *scanner) substitute(e *Expectation) {
	if e.Config != nil { // others have these kwargs too
		e.Config, e.Kwargs = nil, slices.Clone(e.Kwargs)
	}
	s.object(func(key []byte) {
		if k := e.Kwarg(string(key)); k != nil && bytes.HasPrefix(k.Value, []byte(`{"$PARAMETER"`)) {
			if c := s.next(); c != '{' && c != '[' && c != 'n' {
				k.Value = s.canonical(maxKwarg)
				return
			}
		}
		s.skip()
	})
}

func noResult() Result { return Result{ObservedCount: -1, ValueCounts: -1} }

// result reads the numbers; the raw lists go by unbuilt.
func (s *scanner) result(r *Result) {
	s.object(func(key []byte) {
		switch string(key) {
		case "element_count":
			r.ElementCount = s.count()
		case "unexpected_count":
			r.UnexpectedCount = s.count()
		case "missing_count":
			r.MissingCount = s.count()
		case "unexpected_percent":
			r.UnexpectedPercent = s.float()
		case "observed_value":
			r.Observed, r.ObservedCount = s.canonicalCount(maxObserved)
			if n := len(r.Observed); n > 2 && r.Observed[0] == '"' && isNumber(r.Observed[1:n-1]) {
				r.Observed = r.Observed[1 : n-1 : n-1]
			}
		case "details":
			s.details(r)
		default:
			s.skip()
		}
	})
}

func (s *scanner) details(r *Result) {
	s.object(func(key []byte) {
		switch string(key) {
		case "value_counts":
			r.ValueCounts = s.members()
		case "mismatched":
			s.object(func(k []byte) {
				switch string(k) {
				case "missing":
					r.MismatchMissing = s.strings()
				case "unexpected":
					r.MismatchUnexpected = s.strings()
				default:
					s.skip()
				}
			})
		default:
			s.skip()
		}
	})
}
