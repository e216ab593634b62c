package mapper

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// assertion is one expectation as the facets tell it.
type assertion struct {
	e                         *gx.Expectation
	name, description, column string
	kind                      string // the expectation type
	severity                  string // error or warn
	outcome                   outcome
	expected, actual          place  // in the view's texts; expected only where told is nil
	content                   string // SQL
	told                      *told  // of a configuration that came before
}

// place is a part of the view's texts.
type place struct{ start, end int }

// outcome is what became of an expectation. The zero value is one that was never evaluated.
type outcome byte

const (
	skipped outcome = iota
	passed
	failed
)

// outcomeOf an expectation: one that raised has failed, whatever it says.
func outcomeOf(e *gx.Expectation) outcome {
	switch {
	case e.Raised, e.Success != nil && !*e.Success:
		return failed
	case e.Success != nil:
		return passed
	}
	return skipped
}

// counts are the outcomes of a validation result, counted from the results.
type counts struct {
	total, failed, raised, skipped int
	failsRun                       bool  // an expectation of severity error failed, or one raised; or nothing explains that the result failed
	saidFailed, saidTotal          int64 // by its statistics, which only speak where the results do not
}

func count(v *gx.Validation) (c counts) {
	c.total = len(v.Results)
	for i := range v.Results {
		e := &v.Results[i]
		if e.Raised {
			c.raised++
		}
		switch outcomeOf(e) {
		case failed:
			c.failed++
			if e.Raised || severity(e) == "error" {
				c.failsRun = true
			}
		case skipped:
			c.skipped++
		}
	}
	if v.Success != nil && !*v.Success && c.failed == 0 {
		c.failsRun = true
		if v.Failed != nil {
			c.saidFailed = max(*v.Failed, 0)
		}
		if v.Evaluated != nil {
			c.saidTotal = max(*v.Evaluated, 0)
		}
	}
	return c
}

// severity is OpenLineage's word for GX's.
func severity(e *gx.Expectation) string {
	if e.Severity == "" || strings.EqualFold(e.Severity, "critical") {
		return "error"
	}
	if strings.EqualFold(e.Severity, "warning") || strings.EqualFold(e.Severity, "info") {
		return "warn"
	}
	return "error"
}

// Bounds of texts about an expectation, in bytes.
const (
	maxDescription = 500
	maxExpected    = 200
	maxActual      = 500
)

const unknownKind = "unknown_expectation"

// assert fills the view's facts: what is written of an expectation stands there ready, for it may be written in several
// places and at several levels of detail.
func (m *Mapper) assert(w *view) {
	for i := range w.v.Results {
		e := &w.v.Results[i]
		a := assertion{e: e, outcome: outcomeOf(e), told: m.told(e)}
		if t := a.told; t != nil {
			a.kind, a.name, a.description, a.column, a.severity = t.kind, t.name, t.description, t.column, t.severity
		} else {
			a.kind, a.name, a.description, a.column, a.severity = e.Type, e.ID, describe(e), column(e), severity(e)
			if a.kind == "" {
				a.kind = unknownKind
			}
			a.expected = w.text(maxExpected, func(dst []byte) []byte { return appendExpected(dst, e) })
		}
		a.actual = w.text(maxActual, func(dst []byte) []byte { return appendActual(dst, e, m.settings.RowValues) })
		w.facts = append(w.facts, a)
	}
}

func describe(e *gx.Expectation) string {
	return bound(firstOf(e.Description, e.Notes), maxDescription)
}

func column(e *gx.Expectation) string {
	if !e.HasColumn {
		return ""
	}
	name, _ := safeName(e.Column, maxNameBytes)
	return name
}

// text keeps what write appends, at most limit bytes of it and an ellipsis.
func (w *view) text(limit int, write func([]byte) []byte) place {
	start := len(w.texts)
	w.texts = cut(write(w.texts), start, limit)
	return place{start, len(w.texts)}
}

// cut leaves limit bytes of what stands behind start, and an ellipsis for the rest.
func cut(text []byte, start, limit int) []byte {
	if len(text)-start <= limit {
		return text
	}
	end := start + limit
	for end > start && !utf8.RuneStart(text[end]) {
		end--
	}
	return append(text[:end], "…"...)
}

// isColumnKwarg tells which keywords name columns that were checked; they are no row values. The column sets that a table
// is compared with are sets like others.
func isColumnKwarg(name string) bool {
	switch name {
	case "column_A", "column_B", "column_list", "column_set":
		return true
	}
	return false
}

// isParam keeps numbers, booleans and column names; sets, regexes and queries only when opted in.
func isParam(e *gx.Expectation, k *gx.Kwarg, optIn RowValues) bool {
	switch {
	case len(k.Value) == 0 || k.Name == "" || string(k.Value) == "null":
		return false
	case optIn.Params || isNumber(k.Value) || isBoolean(k.Value):
		return true
	}
	return isColumnKwarg(k.Name) && !strings.HasPrefix(e.Type, "expect_table_columns_")
}

func isBoolean(raw json.RawMessage) bool { return string(raw) == "true" || string(raw) == "false" }

func kwarg(e *gx.Expectation, name string) *gx.Kwarg { return e.Kwarg(name) }

// appendErrorText is the one-line summary of a failed run: "2 of 14 expectations failed, 1 raised".
func (c counts) appendErrorText(b []byte) []byte {
	if c.failed == 0 { // its failing results were stripped
		if c.saidFailed == 0 {
			return append(b, "the validation failed; its failing results are not in the message"...)
		}
		b = strconv.AppendInt(b, c.saidFailed, 10)
		if c.saidTotal > 0 {
			b = strconv.AppendInt(append(b, " of "...), c.saidTotal, 10)
		}
		return append(b, " expectations failed; their results are not in the message"...)
	}
	b = strconv.AppendInt(b, int64(c.failed), 10)
	b = append(b, " of "...)
	b = strconv.AppendInt(b, int64(c.total), 10)
	b = append(b, " expectations failed"...)
	if c.raised > 0 {
		b = append(b, ", "...)
		b = strconv.AppendInt(b, int64(c.raised), 10)
		b = append(b, " raised"...)
	}
	return b
}

// bound cuts text at a rune's end.
func bound(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
