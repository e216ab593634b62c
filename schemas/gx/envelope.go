package gx

import (
	"fmt"
	"strings"
)

// maxEnvelopes and maxStrings bound how far Decode opens envelopes and strings that hold JSON.
const (
	maxEnvelopes = 4
	maxStrings   = 2
)

// decoder recognises a checked document and reads it.
type decoder struct {
	s       *scanner
	strings int // JSON strings opened so far
}

// kindOf gives the first byte of a value that was checked before.
func (d *decoder) kindOf(p span) byte {
	if p.end == 0 {
		return 0
	}
	return d.s.b[p.start]
}

// is tells whether the member is there and starts with the byte.
func (d *decoder) is(v doc, key string, kind byte) bool {
	p, ok := v.keys[key]
	return ok && d.kindOf(p) == kind
}

// open recognises v, opening strings and envelopes.
func (d *decoder) open(v doc, depth int) (*Message, *DecodeError) {
	switch v.kind {
	case '"':
		return d.openString(v)
	case '[':
		return d.array(v)
	case '{':
		if shape := d.shape(v); shape != "" {
			return d.message(shape, v)
		}
		if inner, ok := d.envelope(v); ok && depth < maxEnvelopes {
			return d.open(d.s.look(inner), depth+1)
		}
	}
	return nil, d.unknown(v, "")
}

// openString decodes a JSON string as JSON: shape K.
func (d *decoder) openString(v doc) (*Message, *DecodeError) {
	if d.strings >= maxStrings {
		return nil, d.unknown(v, "")
	}
	text := d.s.at(v.at).text()
	if t := strings.TrimSpace(text); t == "" || !strings.ContainsRune("{[\"", rune(t[0])) {
		return nil, d.unknown(v, "")
	}
	inner := &scanner{b: []byte(text)}
	top := inner.document(inner.next())
	if inner.err == nil && (inner.next() != 0 || !inner.atEnd()) {
		inner.invalid("not valid JSON: more bytes after the document")
	}
	if inner.err != nil {
		inner.err.Path = "the JSON inside the string"
		return nil, inner.err
	}
	m, err := (&decoder{s: inner, strings: d.strings + 1}).open(top, 0)
	if err != nil && err.Path == "" {
		err.Path = "the JSON inside the string"
	}
	return m, err
}

// shape names what an object is, "" for none of Great Expectations' or OpenLineage's.
func (d *decoder) shape(v doc) Shape {
	switch {
	case v.has("eventTime") && v.has("producer") && v.has("run", "job", "dataset"):
		return ShapeEvent
	case d.is(v, "run_results", '{') && v.has("validation_operator_config"):
		return ShapeOperator
	case d.is(v, "run_results", '{'):
		return ShapeCheckpoint
	case d.is(v, "results", '[') && v.has("success", "statistics", "meta", "suite_name", "evaluation_parameters", "suite_parameters"):
		return ShapeSuite
	case d.is(v, "validation_results", '[') && v.has("test_suite_name", "data_asset_name"):
		return ShapeAPIAction
	case d.is(v, "validation_results", '['):
		return ShapeDescribeCheckpoint
	case d.is(v, "expectations", '[') && v.has("success", "statistics"):
		return ShapeDescribeSuite
	case v.has("expectation_config") && v.has("success", "result"):
		return ShapeExpectation
	case v.has("expectation_type") && v.has("kwargs") && v.has("success"):
		return ShapeDescribeOne
	case isRunResults(v):
		return ShapeRunResults
	}
	return ""
}

// isRunResults tells whether every key names a validation result.
func isRunResults(v doc) bool {
	for k := range v.keys {
		class, _, found := strings.Cut(k, "::")
		if !found || class != "ValidationResultIdentifier" && class != "GXCloudIdentifier" && class != "GeCloudIdentifier" {
			return false
		}
	}
	return len(v.keys) > 0
}

// envelope finds the document inside GX Cloud's, Kafka Connect's and CloudEvents' envelopes.
func (d *decoder) envelope(v doc) (span, bool) {
	if p, ok := v.keys["data"]; ok {
		if d.kindOf(p) != '{' {
			return p, true
		}
		data := d.s.look(p)
		if a, ok := data.keys["attributes"]; ok {
			if r, ok := d.s.look(a).keys["result"]; ok {
				return r, true
			}
		}
		return p, true
	}
	if p, ok := v.keys["payload"]; ok && v.has("schema") {
		return p, true
	}
	return span{}, false
}

// unknown says what the document is instead, by kind and size, never by its content.
func (d *decoder) unknown(v doc, path string) *DecodeError {
	var what string
	switch c := v.kind; c {
	case '{':
		what = fmt.Sprintf("an object with %d keys", len(v.keys))
	case '[':
		what = fmt.Sprintf("an array of %d elements", len(v.items))
	case '"':
		what = "a string"
	case 't', 'f':
		what = "a boolean"
	case 'n':
		what = "null"
	default:
		what = "a number"
	}
	return &DecodeError{
		Code: "unknown_shape", Offset: d.s.base + int64(v.at.start), Path: path,
		Reason: "the JSON is " + what + ", neither a validation result nor an OpenLineage event",
	}
}

// array reads shape J: validation results, or expectation results that make up one validation.
func (d *decoder) array(v doc) (*Message, *DecodeError) {
	if len(v.items) == 0 {
		return nil, d.unknown(v, "")
	}
	first := d.shape(d.s.look(v.items[0]))
	if first == ShapeExpectation || first == ShapeDescribeOne {
		val, err := d.loose(v)
		if err != nil {
			return nil, err
		}
		return &Message{Shape: ShapeArray, Validations: []Validation{val}}, nil
	}
	m := &Message{Shape: ShapeArray}
	for i, p := range v.items {
		path := fmt.Sprintf("[%d]", i)
		item := d.s.look(p)
		shape := d.shape(item)
		if shape == "" || shape == ShapeEvent || shape == ShapeExpectation || shape == ShapeDescribeOne {
			return nil, d.unknown(item, path)
		}
		one, err := d.message(shape, item)
		if err != nil {
			err.Path = joinPath(path, err.Path)
			return nil, err
		}
		for j := range one.Validations {
			one.Validations[j].Part = joinPath(path, one.Validations[j].Part)
		}
		m.Validations = append(m.Validations, one.Validations...)
	}
	return m, nil
}

func joinPath(outer, inner string) string {
	if inner == "" || outer == "" || inner[0] == '[' {
		return outer + inner
	}
	return outer + "." + inner
}

// message reads a recognised object.
func (d *decoder) message(shape Shape, v doc) (*Message, *DecodeError) {
	m := &Message{Shape: shape}
	var err *DecodeError
	switch shape {
	case ShapeEvent:
		m.Event, m.EventFacts = d.s.b[v.at.start:v.at.end], d.eventFacts(v)
	case ShapeCheckpoint, ShapeOperator:
		m.Validations, err = d.runResults(d.s.look(v.keys["run_results"]), v)
	case ShapeRunResults:
		m.Validations, err = d.runResults(v, doc{})
	case ShapeDescribeCheckpoint:
		for i, p := range d.s.look(v.keys["validation_results"]).items {
			path := fmt.Sprintf("validation_results[%d]", i)
			item := d.s.look(p)
			if sh := d.shape(item); sh != ShapeDescribeSuite && sh != ShapeSuite {
				return nil, d.unknown(item, path)
			}
			val, err := d.suite(item, path)
			if err != nil {
				return nil, err
			}
			m.Validations = append(m.Validations, val)
		}
	case ShapeExpectation, ShapeDescribeOne:
		var val Validation
		val, err = d.loose(doc{items: []span{v.at}})
		m.Validations = []Validation{val}
	default:
		var val Validation
		val, err = d.suite(v, "")
		m.Validations = []Validation{val}
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// runResults reads the validation results of a checkpoint or operator; outer holds what stands beside them.
func (d *decoder) runResults(v, outer doc) ([]Validation, *DecodeError) {
	var all []Validation
	for i, p := range v.items {
		path := fmt.Sprintf("run_results[%d]", i)
		entry := d.s.look(p)
		if inner, ok := entry.keys["validation_result"]; ok {
			entry = d.s.look(inner)
		}
		if sh := d.shape(entry); sh != ShapeSuite && sh != ShapeDescribeSuite {
			return nil, d.unknown(entry, path)
		}
		val, err := d.suite(entry, path)
		if err != nil {
			return nil, err
		}
		d.outer(outer, &val)
		all = append(all, val)
	}
	return all, nil
}

// outer adds what only the checkpoint result around a validation result says.
func (d *decoder) outer(v doc, val *Validation) {
	if p, ok := v.keys["checkpoint_config"]; ok && val.Checkpoint == "" {
		if name, ok := d.s.look(p).keys["name"]; ok {
			val.Checkpoint = d.s.at(name).text()
		}
	}
	if p, ok := v.keys["validation_result_url"]; ok && val.ResultURL == "" {
		val.ResultURL = d.s.at(p).text()
	}
	if p, ok := v.keys["run_id"]; ok && val.RunName == "" && val.RunTime.IsZero() {
		runID(d.s.at(p), val)
	}
}
