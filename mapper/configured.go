package mapper

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// maxParameters bounds how many parameters of a suite a run tells.
const maxParameters = 100

// configuredJobFacets are those that the operator asked for: GX knows neither owners nor code.
func (m *Mapper) configuredJobFacets(e *openlineage.Encoder) {
	s := &m.settings
	if len(s.JobTags) > 0 {
		e.Facet("tags", m.producer, facetURL("1-0-0", "TagsJobFacet"))
		e.Key("tags")
		e.Open('[')
		configuredTags(e, s.JobTags)
		e.Close(']')
		e.Close('}')
	}
	if len(s.JobOwners) > 0 {
		e.Facet("ownership", m.producer, facetURL("1-0-1", "OwnershipJobFacet"))
		e.Key("owners")
		e.Open('[')
		for _, name := range slices.Sorted(maps.Keys(s.JobOwners)) {
			e.Open('{')
			e.Member("name", name)
			e.Member("type", s.JobOwners[name])
			e.Close('}')
		}
		e.Close(']')
		e.Close('}')
	}
	if c := s.SourceCode; c.URL != "" && isURI(c.URL) {
		e.Facet("sourceCodeLocation", m.producer, facetURL("1-1-0", "SourceCodeLocationJobFacet"))
		e.Member("type", firstOf(c.Type, "git"))
		e.Member("url", c.URL)
		e.Member("repoUrl", c.RepoURL)
		e.Member("path", c.Path)
		e.Member("version", c.Version)
		e.Member("branch", c.Branch)
		e.Close('}')
	}
}

// isURI reports whether text is an absolute URI: with anything else Marquez leaves the run half written.
func isURI(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.IsAbs()
}

func configuredTags(e *openlineage.Encoder, tags map[string]string) {
	if len(tags) == 0 {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		tag(e, key, tags[key], "USER")
	}
}

// executionParameters tells the suite's parameters: numbers, booleans and times; texts, which may be row values, only when
// opted in.
func (m *Mapper) executionParameters(e *openlineage.Encoder, w *view) {
	if len(w.v.Params) == 0 {
		return
	}
	type parameter struct{ key, value string }
	var all []parameter
	for _, key := range slices.Sorted(maps.Keys(w.v.Params)) {
		raw := w.v.Params[key]
		text := boundText(raw)
		if text == "" && m.settings.RowValues.Params && json.Unmarshal(raw, &text) != nil {
			text = ""
		}
		if name := strings.ReplaceAll(key, "\x00", ""); text != "" && strings.TrimSpace(name) != "" && len(all) < maxParameters {
			all = append(all, parameter{bound(name, maxNameBytes), bound(text, 500)})
		}
	}
	if len(all) == 0 {
		return
	}
	e.Facet("executionParameters", m.producer, facetURL("1-0-0", "ExecutionParametersRunFacet"))
	e.Key("parameters")
	e.Open('[')
	for _, p := range all {
		e.Open('{')
		e.Member("key", p.key)
		e.Member("value", p.value)
		e.Close('}')
	}
	e.Close(']')
	e.Close('}')
}
