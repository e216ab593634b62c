package dlq

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// Masked is a letter's value for people, indented, with everything in it masked that is not known to be no row value: names, types, times and counts
// of a validation result, a CloudEvents envelope or an OpenLineage event show, and their keys; the rest is told by its kind and size. Of JSON of another
// shape, whose names may be anybody's, only keys show. Of a value that is no JSON it gives the surroundings of the mistake, letters as x and digits as 0.
func Masked(value []byte) string {
	switch {
	case value == nil:
		return "(no value: a tombstone)"
	case len(bytes.TrimSpace(value)) == 0:
		return fmt.Sprintf("(%d bytes, blank)", len(value))
	}
	// The tokens' own errors count from somewhere inside.
	if err := json.Unmarshal(value, new(json.RawMessage)); err != nil {
		return shape(value, err)
	}
	m := masker{dec: json.NewDecoder(bytes.NewReader(value)), known: recognised(value)}
	m.dec.UseNumber()
	if err := m.value(true, at{}, 0); err != nil {
		return fmt.Sprintf("(%d bytes: %v)", len(value), err)
	}
	return m.out.String()
}

// maskPlace is what an object is in a value of known shape: what its keys mean depends on it. The rest of a message may use the same words for anything.
type maskPlace struct {
	texts  map[string]bool // keys whose texts show: names, types and times
	counts map[string]bool // keys whose numbers and truth values show
	lists  map[string]bool // keys whose lists of texts show
}

var maskPlaces = map[string]maskPlace{
	"": {texts: words(`suite_name expectation_suite_name checkpoint_name name id type source specversion datacontenttype time eventType eventTime producer schemaURL
		run_name run_time ge_cloud_id great_expectations_version validation_time`), counts: words(`success`)},
	"results":            {texts: words(`severity`), counts: words(`success`)},
	"expectation_config": {texts: words(`type expectation_type id ge_cloud_id severity`)},
	"kwargs":             {texts: words(`column column_A column_B result_format`), counts: words(`mostly column`), lists: words(`column_list`)},
	"result": {counts: words(`element_count unexpected_count unexpected_percent unexpected_percent_total unexpected_percent_nonmissing missing_count
		missing_percent`)},
	"statistics": {counts: words(`evaluated_expectations successful_expectations unsuccessful_expectations success_percent`)},
	"meta": {texts: words(`great_expectations_version suite_name expectation_suite_name checkpoint_name run_name run_time validation_time checkpoint_id validation_id`),
		counts: words(`success`)},
	"run_id":                  {texts: words(`run_name run_time`)},
	"active_batch_definition": {texts: words(`datasource_name data_connector_name data_asset_name`)},
	"batch_definition":        {texts: words(`datasource_name data_connector_name data_asset_name`)},
	"exception_info":          {counts: words(`raised_exception`)},
	"run":                     {texts: words(`runId`)},
	"job":                     {texts: words(`namespace name`)},
	"inputs":                  {texts: words(`namespace name`)},
	"outputs":                 {texts: words(`namespace name`)},
	"assertions":              {texts: words(`assertion column severity`), counts: words(`success`)},
}

// opens are the keys whose objects are looked into; likeTop those that hold whole results, where the words mean what they mean at the top.
var (
	opens = words(`results result statistics meta expectation_config kwargs run_id active_batch_definition batch_definition exception_info validation_results
		run_results validation_result data run job inputs outputs inputFacets outputFacets facets assertions dataQualityAssertions parent`)
	likeTop = words(`validation_results run_results validation_result data`)
	closed  = words(`kwargs result statistics exception_info`) // what lies deeper is the message's own
)

// plainKey is what keys look like that name something. Great Expectations also has keys made of values: ids of metrics with their arguments.
var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)

func words(s string) map[string]bool {
	out := make(map[string]bool)
	for w := range strings.FieldsSeq(s) {
		out[w] = true
	}
	return out
}

// maskDepth is how deep a value is looked into: no result is deeper.
const maskDepth = 24

type masker struct {
	dec   *json.Decoder
	known bool // the value is of a shape whose keys mean what maskPlaces and opens say
	out   bytes.Buffer
}

// recognised says whether a value is what gx-ol reads, or would be but for an expectation result.
func recognised(value []byte) bool {
	_, err := gx.Decode(value)
	wrong, ok := errors.AsType[*gx.DecodeError](err)
	return err == nil || ok && wrong.Code == "not_a_result"
}

// at is where a value stands: the object around it, and its key there.
type at struct {
	place, key string
	list       bool // in a list below that key
}

// value prints the next value. open says that an object is looked into.
func (m *masker) value(open bool, where at, depth int) error {
	tok, err := m.dec.Token()
	if err != nil {
		return err
	}
	switch tok := tok.(type) {
	case json.Delim:
		names := tok == '[' && m.known && maskPlaces[where.place].lists[where.key] && !where.list
		if !open && !names || depth == maskDepth {
			return m.skip(tok)
		}
		return m.inside(tok, open, where, depth)
	case nil:
		m.out.WriteString("null")
	case bool:
		m.count(where, strconv.FormatBool(tok), "‹true or false›")
	case json.Number:
		m.count(where, tok.String(), "‹number›")
	case string:
		p := maskPlaces[where.place]
		if m.known && (p.texts[where.key] && !where.list || p.lists[where.key] && where.list) {
			m.quoted(withoutSecrets(tok))
		} else {
			fmt.Fprintf(&m.out, "‹text, %d characters›", utf8.RuneCountInString(tok))
		}
	}
	return nil
}

func (m *masker) count(where at, plain, masked string) {
	if m.known && !where.list && maskPlaces[where.place].counts[where.key] {
		m.out.WriteString(plain)
	} else {
		m.out.WriteString(masked)
	}
}

func (m *masker) quoted(text string) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a string always encodes
	m.out.Write(bytes.TrimSpace(b.Bytes()))
}

// inside prints an object or list that is looked into.
func (m *masker) inside(open json.Delim, into bool, where at, depth int) error {
	m.out.WriteRune(rune(open))
	own := where.key // as a place
	if likeTop[own] || where.place == "run_results" {
		own = ""
	}
	n := 0
	for ; m.dec.More(); n++ {
		if n > 0 {
			m.out.WriteByte(',')
		}
		m.line(depth + 1)
		if open == '[' {
			if err := m.value(into, at{where.place, where.key, true}, depth+1); err != nil {
				return err
			}
			continue
		}
		tok, err := m.dec.Token()
		if err != nil {
			return err
		}
		name, _ := tok.(string)
		if plainKey.MatchString(name) {
			m.quoted(name)
		} else {
			fmt.Fprintf(&m.out, "‹key, %d characters›", utf8.RuneCountInString(name))
		}
		m.out.WriteString(": ")
		looked := opens[name] && !closed[own]
		child := at{place: own, key: name}
		if where.key == "run_results" { // its keys are ids
			looked, child = true, at{place: "run_results"}
		}
		if err := m.value(looked, child, depth+1); err != nil {
			return err
		}
	}
	end, err := m.dec.Token()
	if err != nil {
		return err
	}
	if n > 0 {
		m.line(depth)
	}
	m.out.WriteRune(rune(end.(json.Delim)))
	return nil
}

func (m *masker) line(depth int) {
	m.out.WriteByte('\n')
	m.out.WriteString(strings.Repeat("  ", depth))
}

// skip passes over an object or list and tells its size.
func (m *masker) skip(open json.Delim) error {
	what, n := "key", 0
	if open == '[' {
		what = "item"
	}
	for ; m.dec.More(); n++ {
		if open == '{' {
			if _, err := m.dec.Token(); err != nil {
				return err
			}
		}
		if err := m.pass(); err != nil {
			return err
		}
	}
	if _, err := m.dec.Token(); err != nil {
		return err
	}
	if n != 1 {
		what += "s"
	}
	fmt.Fprintf(&m.out, "‹%d %s›", n, what)
	return nil
}

// pass reads the next value and prints nothing.
func (m *masker) pass() error {
	for depth := 0; ; {
		tok, err := m.dec.Token()
		if err != nil {
			return err
		}
		switch tok {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// around is how many bytes of a broken value show on each side of the mistake.
const around = 60

// shape is the form of a value that is no JSON, without its text.
func shape(value []byte, err error) string {
	at := len(value)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok && syntax.Offset > 0 && syntax.Error() != "unexpected end of JSON input" {
		at = min(int(syntax.Offset)-1, len(value))
	}
	from, to := max(0, at-around), min(len(value), at+around)
	var out, mark strings.Builder
	for i, c := range string(value[from:to]) {
		if i < at-from {
			mark.WriteByte(' ')
		}
		out.WriteRune(silhouette(c))
	}
	return fmt.Sprintf("(%d bytes, no JSON; letters show as x, digits as 0)\n… %s …\n  %s^ byte %d", len(value), out.String(), mark.String(), at)
}

func silhouette(c rune) rune {
	switch {
	case c == utf8.RuneError, unicode.IsControl(c), unicode.IsSpace(c):
		return ' '
	case unicode.IsDigit(c):
		return '0'
	case slices.Contains([]rune(`{}[]":,.+-`), c):
		return c
	}
	return 'x'
}
