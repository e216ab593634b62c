package mapper

import (
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// told is what an event tells of an expectation by its configuration and the mapper's settings alone. It is made once for all results in which the
// configuration comes again, and never changes.
type told struct {
	by                                        *Mapper
	kind, name, description, column, severity string
	expected                                  string
	naming, describing, params                openlineage.Members // of an assertion in full detail, in this order: success stands behind the first, actual before the last
}

// told gives what is told of e's configuration. What came before is not made again.
func (m *Mapper) told(e *gx.Expectation) *told {
	if e.Config == nil {
		return nil
	}
	if t, ok := e.Config.Kept.Load().(*told); ok && t.by == m {
		return t
	}
	t := m.tell(e)
	e.Config.Kept.Store(t)
	return t
}

func (m *Mapper) tell(e *gx.Expectation) *told {
	t := &told{by: m, kind: e.Type, name: e.ID, description: describe(e), column: column(e), severity: severity(e)}
	if t.kind == "" {
		t.kind = unknownKind
	}
	t.expected = string(cut(appendExpected(nil, e), 0, maxExpected))
	var enc openlineage.Encoder
	enc.Member("assertion", t.kind)
	first := len(enc.Bytes())
	enc.Member("column", t.column)
	enc.Member("severity", t.severity)
	enc.Member("name", t.name)
	enc.Member("description", t.description)
	enc.Member("expected", t.expected)
	second := len(enc.Bytes())
	m.params(&enc, e)
	all := enc.Taken()
	t.naming, t.describing, t.params = all[:first], all[first+1:second], all[second:]
	if t.params != "" {
		t.params = t.params[1:] // the comma, which stands behind what comes between
	}
	return t
}

// full writes an assertion of a remembered configuration in full detail.
func (t *told) full(e *openlineage.Encoder, w *view, a *assertion) {
	e.Open('{')
	e.Members(t.naming)
	e.Field("success")
	e.Bool(a.outcome == passed)
	e.Members(t.describing)
	w.field(e, "actual", a.actual)
	e.Members(t.params)
	e.Close('}')
}
