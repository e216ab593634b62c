package mapper

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Origin says where one field of an event came from.
type Origin struct {
	Part  string `json:"part,omitempty"` // which validation result of the message
	Event string `json:"event"`          // START, COMPLETE, FAIL
	Field string `json:"field"`          // as inputs[0].name
	Value string `json:"value"`          // its JSON, at most 120 bytes
	From  string `json:"from"`           // message, header, configuration, derived, constant
	Where string `json:"where"`          // JSON Pointer in the validation result, header, key of the configuration, or the rule in words
}

// Explain maps the message and says of each field of its events where it came from. A passed-through event has none: it
// travels as it is, and a checkpoint's own run is left out. The error is Map's.
func (m *Mapper) Explain(msg *gx.Message, in Input) ([]Origin, error) {
	var all []Origin
	sql, cp := &sqlReader{left: maxSQL}, m.checkpointOf(msg, in)
	for i := range msg.Validations {
		v := &msg.Validations[i]
		w := m.view()
		_, fault := m.decide(w, v, in, sql, cp)
		var run openlineage.Run
		if fault == nil {
			run, fault = m.events(w)
		}
		if fault != nil {
			fault.Part = v.Part
			return nil, fault
		}
		x := explainer{m: m, w: w, in: in, message: v.Locate()}
		for j := range w.facts {
			e := &v.Results[j]
			if m.settings.TestFacet != "never" && (m.everyTest(w) || w.facts[j].outcome == skipped) {
				x.tests = append(x.tests, e)
			}
			if w.facts[j].outcome != skipped {
				x.assertions = append(x.assertions, e)
			}
		}
		x.trim()
		for _, ev := range run.Events {
			origins, err := x.event(ev)
			if err != nil {
				return nil, err
			}
			all = append(all, origins...)
		}
	}
	return all, nil
}

// explainer knows one validation result and what was decided of it.
type explainer struct {
	m                 *Mapper
	w                 *view
	in                Input
	message           *gx.Locator
	tests, assertions []*gx.Expectation // by their index in the facets
	kind              string            // of the event in hand: START, COMPLETE, FAIL
}

// trim leaves out what the event's level of detail left out.
func (x *explainer) trim() {
	kept := func(all []*gx.Expectation) (out []*gx.Expectation) {
		n := 0
		for _, e := range all {
			a := assertion{outcome: outcomeOf(e)}
			if keep(&a, x.w.detail, &n) {
				out = append(out, e)
			}
		}
		return out
	}
	x.tests, x.assertions = kept(x.tests), kept(x.assertions)
}

func (x *explainer) event(ev openlineage.Event) ([]Origin, error) {
	x.kind = string(ev.Type)
	var all []Origin
	dec := json.NewDecoder(bytes.NewReader(ev.Body))
	dec.UseNumber()
	err := leaves(dec, "", func(field, value string) {
		from, where := x.origin(field)
		all = append(all, Origin{x.w.v.Part, x.kind, field, bound(value, 117), from, where})
	})
	return all, err
}

// leaves visits each value that holds no others, in the event's order; an empty object or array is one.
func leaves(dec *json.Decoder, path string, visit func(field, value string)) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	open, nested := t.(json.Delim)
	if !nested {
		b, err := json.Marshal(t)
		visit(path, string(b))
		return err
	}
	n := 0
	for ; dec.More(); n++ {
		inner := fmt.Sprintf("%s[%d]", path, n)
		if open == '{' {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			inner = strings.TrimPrefix(fmt.Sprintf("%s.%v", path, key), ".")
		}
		if err := leaves(dec, inner, visit); err != nil {
			return err
		}
	}
	if n == 0 {
		visit(path, map[json.Delim]string{'{': "{}", '[': "[]"}[open])
	}
	_, err = dec.Token()
	return err
}

// patterns are the rules' fields as regular expressions.
var patterns = sync.OnceValue(func() (all []*regexp.Regexp) {
	for _, r := range originRules {
		p := regexp.QuoteMeta(r.field)
		p = strings.NewReplacer(`\[\]`, `\[\d+\]`, `\.\*`, `(?:[.\[].*)?`, `\*\.`, `.*\.`, `\*`, `(?:.*\.)?`).Replace(p)
		all = append(all, regexp.MustCompile(`(?s)^`+p+`$`))
	}
	return all
})

func (x *explainer) origin(field string) (from, where string) {
	for i, p := range patterns() {
		if !p.MatchString(field) {
			continue
		}
		r := originRules[i]
		switch r.from {
		case "by":
			return x.by(r.where, field)
		case "message":
			return x.place(field, r.where)
		}
		return r.from, r.where
	}
	return "unknown", ""
}

// place gives the first of the places that is there.
func (x *explainer) place(field, places string) (from, where string) {
	e := x.expectation(field)
	for place := range strings.FieldsSeq(places) {
		if rest, outside := strings.CutPrefix(place, "../"); outside {
			// What only a checkpoint result says stands around the validation result.
			return "message", "beside run_results: /" + rest
		}
		tokens := strings.Split(strings.TrimPrefix(place, "/"), "/")
		if tokens[0] == "result" && !strings.HasPrefix(place, "/") {
			if e == nil {
				if len(x.w.v.Results) == 0 {
					continue
				}
				e = &x.w.v.Results[0]
			}
			tokens = append(x.message.Result(e), tokens[1:]...)
		}
		if x.message.Has(tokens...) {
			return "message", "/" + strings.Join(tokens, "/")
		}
	}
	return "derived", "in none of its usual places"
}

var inList = regexp.MustCompile(`\.(assertions|tests)\[(\d+)\]`)

// expectation is the result that a field of an assertion or a test is about; nil for other fields.
func (x *explainer) expectation(field string) *gx.Expectation {
	at := inList.FindStringSubmatch(field)
	if at == nil {
		return nil
	}
	list, n := x.assertions, 0
	if at[1] == "tests" {
		list = x.tests
	}
	if _, err := fmt.Sscan(at[2], &n); err != nil || n >= len(list) {
		return nil
	}
	return list[n]
}
