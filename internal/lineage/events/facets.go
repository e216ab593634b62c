package events

import (
	"strings"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/gx-ol/gx-ol/internal/lineage"
)

func (p *parser) input(d *jx.Decoder) error {
	var in Input
	var results [2]*Results // of facets, of inputFacets, which win
	err := p.object(d, func(d *jx.Decoder, key string) error {
		switch key {
		case "facets", "inputFacets":
			at := 0
			if key == "inputFacets" {
				at = 1
			}
			return p.object(d, func(d *jx.Decoder, key string) (err error) {
				if key != "dataQualityAssertions" {
					return d.Skip()
				}
				results[at], err = p.assertions(d)
				return err
			})
		}
		return p.datasetName(d, key, &in.Dataset)
	})
	for _, r := range results {
		if r != nil {
			in.Results = r
		}
	}
	if in.Name != "" {
		p.ev.Inputs = append(p.ev.Inputs, in)
	}
	return err
}

// Assertions reads the facet dataQualityAssertions; nil if it has no list of them.
func Assertions(facet []byte) (*Results, error) {
	return (&parser{}).assertions(jx.DecodeBytes(facet))
}

func (p *parser) assertions(d *jx.Decoder) (out *Results, err error) {
	err = p.object(d, func(d *jx.Decoder, key string) error {
		if key != "assertions" || d.Next() != jx.Array {
			return d.Skip()
		}
		out = &Results{Failed: []lineage.Assertion{}}
		return p.list(d, func(d *jx.Decoder) error { return p.assertion(d, out) })
	})
	return out, err
}

// mostFailed is how many failed assertions of one check are kept, and longestText how many bytes of their texts.
const (
	mostFailed  = 1000
	longestText = 500
)

func (p *parser) assertion(d *jx.Decoder, into *Results) error {
	a := lineage.Assertion{Severity: lineage.Error}
	var said, success bool
	var expected, actual, name, severity string
	own := &parser{} // texts that do not repeat
	err := p.object(d, func(d *jx.Decoder, key string) (err error) {
		switch key {
		case "success":
			if d.Next() != jx.Bool {
				return d.Skip()
			}
			said = true
			success, err = d.Bool()
			return err
		case "assertion":
			return p.word(d, &a.Type)
		case "column":
			return p.word(d, &a.Column)
		case "severity":
			return p.word(d, &severity)
		case "name":
			return own.word(d, &name)
		case "expected":
			return own.scalar(d, &expected)
		case "actual":
			return own.scalar(d, &actual)
		}
		return d.Skip()
	})
	switch {
	case err != nil || !said:
	case success:
		into.Passed++
	case len(into.Failed) < mostFailed:
		if strings.EqualFold(severity, "warn") || strings.EqualFold(severity, "warning") {
			a.Severity = lineage.Warn
		}
		a.Expected, a.Actual, a.Name = short(expected), short(actual), short(name)
		into.Failed = append(into.Failed, a)
	}
	return err
}

// scalar reads a string, or a number or boolean as its text.
func (p *parser) scalar(d *jx.Decoder, into *string) error {
	switch d.Next() {
	case jx.Number, jx.Bool:
		raw, err := d.Raw()
		*into = string(raw)
		return err
	}
	return p.word(d, into)
}

// short cuts a text at a rune.
func short(s string) string {
	if len(s) <= longestText {
		return s
	}
	at := longestText
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return strings.Clone(s[:at]) + "…"
}

func (p *parser) output(d *jx.Decoder) error {
	var out Output
	err := p.object(d, func(d *jx.Decoder, key string) error {
		if key != "facets" {
			return p.datasetName(d, key, &out.Dataset)
		}
		return p.object(d, func(d *jx.Decoder, key string) error {
			if key != "columnLineage" {
				return d.Skip()
			}
			out.Columns = make(map[string][]lineage.Column)
			return p.columns(d, out.Columns)
		})
	})
	if out.Name != "" {
		p.ev.Outputs = append(p.ev.Outputs, out)
	}
	return err
}

func (p *parser) columns(d *jx.Decoder, into map[string][]lineage.Column) error {
	return p.object(d, func(d *jx.Decoder, key string) error {
		if key != "fields" {
			return d.Skip()
		}
		if d.Next() != jx.Object {
			return d.Skip()
		}
		return d.ObjBytes(func(d *jx.Decoder, key []byte) error {
			column := p.text(key)
			return p.object(d, func(d *jx.Decoder, key string) error {
				if key != "inputFields" {
					return d.Skip()
				}
				return p.list(d, func(d *jx.Decoder) error {
					var from lineage.Column
					err := p.object(d, func(d *jx.Decoder, key string) error {
						if key == "field" {
							return p.word(d, &from.Column)
						}
						return p.datasetName(d, key, &from.Dataset)
					})
					if from.Column != "" && from.Dataset.Name != "" {
						into[column] = append(into[column], from)
					}
					return err
				})
			})
		})
	})
}

// RunFacets reads what the facets of a run say of its parent and its suite.
func RunFacets(facets []byte) (Facets, error) {
	p := &parser{ev: &Event{}}
	err := p.object(jx.DecodeBytes(facets), p.runFacet)
	return p.ev.Run, err
}
