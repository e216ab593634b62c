package gx

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
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
	pointer Decoder
}

// open recognises v, opening strings and envelopes.
func (d *decoder) open(v doc, depth int) (*Message, *DecodeError) {
	switch v.kind {
	case '"':
		return d.openString(v)
	case '[':
		return d.array(v)
	case '{':
		if shape := v.shape(); shape != "" {
			return d.message(shape, v)
		}
		if inner, ok := d.envelope(v); ok && depth < maxEnvelopes {
			return d.open(d.look(inner), depth+1)
		}
		if v.is("data_base64", '"') && v.has("specversion") {
			return d.openBase64(v)
		}
	}
	return nil, d.unknown(v, "")
}

// openBase64 decodes the data of a CloudEvent whose producer took JSON for binary data.
func (d *decoder) openBase64(v doc) (*Message, *DecodeError) {
	const path = "data_base64"
	m, _ := v.get(path)
	encoded := d.s.at(m.at).textBytes()
	text := make([]byte, base64.StdEncoding.DecodedLen(len(encoded)))
	n, err := base64.StdEncoding.Decode(text, encoded)
	if err != nil {
		return nil, &DecodeError{Code: "invalid_base64", Offset: d.s.base + int64(m.at.start), Path: path, Reason: "not valid base64"}
	}
	return d.inner(text[:n], v, path)
}

// openString decodes a JSON string as JSON: shape K.
func (d *decoder) openString(v doc) (*Message, *DecodeError) {
	text := d.s.at(v.at).textBytes()
	if t := bytes.TrimSpace(text); len(t) == 0 || !strings.ContainsRune("{[\"", rune(t[0])) {
		return nil, d.unknown(v, "")
	}
	return d.inner(text, v, "the JSON inside the string")
}

// inner decodes a JSON text that v holds. Offsets in an error count within the text; its path says so.
func (d *decoder) inner(text []byte, v doc, path string) (*Message, *DecodeError) {
	if d.strings >= maxStrings {
		return nil, d.unknown(v, "")
	}
	if !utf8.Valid(text) {
		return nil, &DecodeError{Code: "invalid_json", Offset: int64(firstInvalid(text)), Path: path, Reason: "not valid JSON: a byte that is not UTF-8"}
	}
	m, err := (&decoder{s: &scanner{b: text, mem: d.s.mem}, strings: d.strings + 1, pointer: d.pointer}).text()
	if err != nil && err.Path == "" {
		err.Path = path
	}
	return m, err
}

// envelope finds the document inside GX Cloud's, Kafka Connect's and CloudEvents' envelopes.
func (d *decoder) envelope(v doc) (member, bool) {
	if m, ok := v.get("data"); ok {
		if m.kind != '{' {
			return m, true
		}
		data := d.look(m)
		if a, ok := data.get("attributes"); ok {
			attributes := d.look(a)
			if r, ok := attributes.get("result"); ok {
				return r, true
			}
		}
		m.doc = &data
		return m, true
	}
	if m, ok := v.get("payload"); ok && v.has("schema") {
		return m, true
	}
	return member{}, false
}

// unknown says what the document is instead, by kind and size, never by its content.
func (d *decoder) unknown(v doc, path string) *DecodeError {
	var what string
	switch c := v.kind; c {
	case '{':
		what = fmt.Sprintf("an object with %d keys", len(v.members))
	case '[':
		what = fmt.Sprintf("an array of %d elements", len(v.members))
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

// passed is an OpenLineage event.
func (d *decoder) passed(v doc) Passed {
	return Passed{d.s.b[v.at.start:v.at.end], d.eventFacts(v)}
}

// events reads an array of OpenLineage events, as clients that gather them send.
func (d *decoder) events(v doc) (*Message, *DecodeError) {
	m := &Message{Shape: ShapeEvent}
	for i := range v.members {
		item := d.look(v.members[i])
		if item.shape() != ShapeEvent {
			return nil, d.unknown(item, place("", i))
		}
		if !d.s.keepResult() {
			return nil, d.s.err
		}
		m.Events = append(m.Events, d.passed(item))
	}
	return m, nil
}

// array reads shape J: validation results, or expectation results that make up one validation; or OpenLineage events.
func (d *decoder) array(v doc) (*Message, *DecodeError) {
	if len(v.members) == 0 {
		return nil, d.unknown(v, "")
	}
	item := d.look(v.members[0])
	if shape := item.shape(); shape == ShapeEvent {
		return d.events(v)
	} else if shape == ShapeExpectation || shape == ShapeDescribeOne {
		val, err := d.loose(v.at, v.members)
		if err != nil {
			return nil, err
		}
		return &Message{Shape: ShapeArray, Validations: d.s.mem.facts.one(val)}, nil
	}
	m := &Message{Shape: ShapeArray}
	for i := range v.members {
		path := place("", i)
		item = d.look(v.members[i])
		shape := item.shape()
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

// place names an element of a list.
func place(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

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
		m.Events = []Passed{d.passed(v)}
	case ShapeCheckpoint, ShapeOperator:
		inner, _ := v.get("run_results")
		m.Validations, err = d.runResults(d.look(inner), v)
	case ShapeRunResults:
		m.Validations, err = d.runResults(v, doc{})
	case ShapeDescribeCheckpoint:
		inner, _ := v.get("validation_results")
		for i, p := range d.look(inner).members {
			path := place("validation_results", i)
			item := d.look(p)
			if sh := item.shape(); sh != ShapeDescribeSuite && sh != ShapeSuite {
				return nil, d.unknown(item, path)
			}
			val, err := d.suite(item, path)
			if err != nil {
				return nil, err
			}
			m.Validations = d.s.mem.facts.append(m.Validations, val)
		}
	case ShapeExpectation, ShapeDescribeOne:
		var val Validation
		val, err = d.loose(v.at, []member{{at: v.at}})
		val.Single = true
		m.Validations = d.s.mem.facts.one(val)
	default:
		var val Validation
		val, err = d.suite(v, "")
		m.Validations = d.s.mem.facts.one(val)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// runResults reads the validation results of a checkpoint or operator; outer holds what stands beside them.
func (d *decoder) runResults(v, outer doc) ([]Validation, *DecodeError) {
	var all []Validation
	for i, m := range v.members {
		path := place("run_results", i)
		entry := d.look(m)
		if inner, ok := entry.get("validation_result"); ok {
			entry = d.look(inner)
		}
		if sh := entry.shape(); sh != ShapeSuite && sh != ShapeDescribeSuite {
			return nil, d.unknown(entry, path)
		}
		val, err := d.suite(entry, path)
		if err != nil {
			return nil, err
		}
		d.outer(outer, &val)
		all = d.s.mem.facts.append(all, val)
	}
	return all, nil
}

// outer adds what only the checkpoint result around a validation result says.
func (d *decoder) outer(v doc, val *Validation) {
	if m, ok := v.get("checkpoint_config"); ok && val.Checkpoint == "" {
		config := d.look(m)
		val.Checkpoint = d.field(config, "name")
	}
	if val.ResultURL == "" {
		val.ResultURL = d.field(v, "validation_result_url")
	}
	if m, ok := v.get("run_id"); ok && val.RunName == "" && val.RunTime.IsZero() {
		runID(d.s.at(m.at), val)
	}
}
