package dlq

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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
	if err := m.value(true, "", 0); err != nil {
		return fmt.Sprintf("(%d bytes: %v)", len(value), err)
	}
	return m.out.String()
}

// shows are the keys whose scalars show, and whose lists of scalars do.
var shows = words(`success expectation_type type column column_A column_B column_list suite_name expectation_suite_name name run_name run_time id ge_cloud_id
	datasource_name data_connector_name data_asset_name great_expectations_version evaluated_expectations successful_expectations unsuccessful_expectations
	success_percent element_count unexpected_count unexpected_percent unexpected_percent_total unexpected_percent_nonmissing missing_count missing_percent mostly
	severity raised_exception result_format validation_time specversion source datacontenttype eventType eventTime runId namespace producer schemaURL _producer
	_schemaURL checkpoint_name assertion`)

// opens are the keys whose objects are looked into.
var opens = words(`results result statistics meta expectation_config kwargs run_id active_batch_definition batch_definition exception_info validation_results
	run_results validation_result data run job inputs outputs inputFacets outputFacets facets assertions dataQualityAssertions parent`)

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
	known bool // the value is of a shape whose keys mean what shows and opens say
	out   bytes.Buffer
}

// recognised says whether a value is what gx-ol reads, or would be but for an expectation result.
func recognised(value []byte) bool {
	_, err := gx.Decode(value)
	wrong, ok := errors.AsType[*gx.DecodeError](err)
	return err == nil || ok && wrong.Code == "not_a_result"
}

// value prints the next value. open says that an object is looked into; key is the one that the value is of.
func (m *masker) value(open bool, key string, depth int) error {
	tok, err := m.dec.Token()
	if err != nil {
		return err
	}
	switch tok := tok.(type) {
	case json.Delim:
		if !open && !shows[key] || depth == maskDepth {
			return m.skip(tok)
		}
		return m.inside(tok, open, key, depth)
	case nil:
		m.out.WriteString("null")
	case bool:
		m.scalar(key, strconv.FormatBool(tok), "‹true or false›")
	case json.Number:
		m.scalar(key, tok.String(), "‹number›")
	case string:
		quoted, err := json.Marshal(tok)
		if err != nil {
			return err
		}
		m.scalar(key, string(quoted), fmt.Sprintf("‹text, %d characters›", utf8.RuneCountInString(tok)))
	}
	return nil
}

func (m *masker) scalar(key, plain, masked string) {
	if m.known && shows[key] {
		m.out.WriteString(plain)
	} else {
		m.out.WriteString(masked)
	}
}

// inside prints an object or list that is looked into.
func (m *masker) inside(open json.Delim, into bool, key string, depth int) error {
	m.out.WriteRune(rune(open))
	n := 0
	for ; m.dec.More(); n++ {
		if n > 0 {
			m.out.WriteByte(',')
		}
		m.line(depth + 1)
		if open == '[' {
			if err := m.value(into, key, depth+1); err != nil {
				return err
			}
			continue
		}
		tok, err := m.dec.Token()
		if err != nil {
			return err
		}
		name, _ := tok.(string)
		quoted, err := json.Marshal(name)
		if err != nil {
			return err
		}
		m.out.Write(quoted)
		m.out.WriteString(": ")
		if err := m.value(opens[name] || key == "run_results", name, depth+1); err != nil {
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
