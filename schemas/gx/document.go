package gx

import (
	"bytes"
	"slices"
)

// doc is one checked value with its members' places. What it is shows only at its end, since keys come in any order; so
// that nothing is scanned twice, an object is read on the way as if it were a validation result.
type doc struct {
	kind    byte // its first byte
	at      span
	members []member // of an object or an array, in the document's order
	suites  bool     // of an array: the first element is a validation result
	suite   *reading // what an object's members tell of a validation result; nil if nothing
}

// member is one member of an object, or one element of an array, whose key is empty.
type member struct {
	key  []byte // in the message's memory
	kind byte
	at   span
	doc  *doc // where it was read as a document already
}

// document consumes and checks one value.
func (s *scanner) document() doc {
	v := doc{kind: s.next()}
	v.at.start = s.pos
	switch v.kind {
	case '{':
		s.object(func(key []byte) { v.read(s, key) })
	case '[':
		s.array(func(i int) { v.element(s, i) })
	default:
		s.skip()
	}
	v.at.end = s.pos
	return v
}

// read consumes a member of an object.
func (v *doc) read(s *scanner, key []byte) {
	m := member{key: key, kind: s.next()}
	m.at.start = s.pos
	if m.kind == '{' && (string(key) == "run_results" || string(key) == "validation_result" || namesResult(key)) {
		inner := s.document()
		m.doc = &inner
	} else {
		v.fact(s, key)
	}
	m.at.end = s.pos
	v.keep(s, m)
}

// keep takes a member. The first ones have room at once: a result has ten of them.
func (v *doc) keep(s *scanner, m member) {
	if !s.keepKey() {
		return
	}
	if v.members == nil && v.kind == '{' {
		v.members = s.mem.room()
	}
	if n := len(v.members); n == cap(v.members) && n > 0 {
		v.members = slices.Grow(v.members, n) // twice as many: append would allocate five times as much in all
	}
	v.members = append(v.members, m)
}

// element consumes an element of an array. The first one shows whether the others are worth reading.
func (v *doc) element(s *scanner, i int) {
	m := member{kind: s.next()}
	m.at.start = s.pos
	if m.kind == '{' && (i == 0 || v.suites) {
		inner := s.document()
		m.doc = &inner
		v.suites = i == 0 && inner.shape() == ShapeSuite || i > 0
	} else {
		s.skip()
	}
	m.at.end = s.pos
	v.keep(s, m)
}

// namesResult tells whether a key of run_results names a validation result.
func namesResult(key []byte) bool {
	class, _, found := bytes.Cut(key, []byte("::"))
	return found && (string(class) == "ValidationResultIdentifier" || string(class) == "GXCloudIdentifier" || string(class) == "GeCloudIdentifier")
}

// look is the document that a member is.
func (d *decoder) look(m member) doc {
	if m.doc != nil {
		return *m.doc
	}
	return d.s.at(m.at).document()
}

// get finds a member; of a repeated key the last one counts, as in Python.
func (v *doc) get(key string) (member, bool) {
	for i := len(v.members) - 1; i >= 0; i-- {
		if string(v.members[i].key) == key {
			return v.members[i], true
		}
	}
	return member{}, false
}

func (v *doc) has(keys ...string) bool {
	for _, k := range keys {
		if _, ok := v.get(k); ok {
			return true
		}
	}
	return false
}

// is tells whether the member is there and starts with the byte.
func (v *doc) is(key string, kind byte) bool {
	m, ok := v.get(key)
	return ok && m.kind == kind
}

// shape names what an object is, "" for none of Great Expectations' or OpenLineage's.
func (v *doc) shape() Shape {
	switch {
	case v.has("eventTime") && v.has("producer") && v.has("run", "job", "dataset"):
		return ShapeEvent
	case v.is("run_results", '{') && v.has("validation_operator_config"):
		return ShapeOperator
	case v.is("run_results", '{'):
		return ShapeCheckpoint
	case v.is("results", '[') && v.has("success", "statistics", "meta", "suite_name", "evaluation_parameters", "suite_parameters"):
		return ShapeSuite
	case v.is("validation_results", '[') && v.has("test_suite_name", "data_asset_name"):
		return ShapeAPIAction
	case v.is("validation_results", '['):
		return ShapeDescribeCheckpoint
	case v.is("expectations", '[') && v.has("success", "statistics"):
		return ShapeDescribeSuite
	case v.has("expectation_config") && v.has("success", "result"):
		return ShapeExpectation
	case v.has("expectation_type") && v.has("kwargs") && v.has("success"):
		return ShapeDescribeOne
	case v.isRunResults():
		return ShapeRunResults
	}
	return ""
}

// isRunResults tells whether every key names a validation result.
func (v *doc) isRunResults() bool {
	for _, m := range v.members {
		if !namesResult(m.key) {
			return false
		}
	}
	return v.kind == '{' && len(v.members) > 0
}
