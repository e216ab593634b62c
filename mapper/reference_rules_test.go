package mapper

import (
	"net/url"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// rule says why ours has something else, or nothing, where the reference event has a value.
type rule struct {
	name  string   // what it is about, in the list of the pairs
	kind  string   // one of the kinds below
	paths []string // * stands for anything
	why   string
	holds func(leaf) bool // proves what why claims
}

const (
	differs   = "ours is right"
	forbidden = "never leaves"
	unknown   = "neither message nor project has it"
)

func (r *rule) matches(path string) bool {
	for _, p := range r.paths {
		if regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(p), `\*`, ".*") + "$").MatchString(path) {
			return true
		}
	}
	return false
}

func absent(l leaf) bool { return l.ours == nil }

func both(l leaf) (theirs, ours string) {
	theirs, _ = l.theirs.(string)
	ours, _ = l.ours.(string)
	return theirs, ours
}

func oursBegins(prefix string) func(leaf) bool {
	return func(l leaf) bool { _, ours := both(l); return strings.HasPrefix(ours, prefix) }
}

// sameInstant reads GX's compact form and ISO with an offset. Before 0.16 GX labelled local time as UTC: zones are whole quarters of an hour off.
func sameInstant(l leaf) bool {
	theirs, ours := both(l)
	want, err := time.Parse("20060102T150405.999999Z", theirs)
	if err != nil {
		want, err = time.Parse(time.RFC3339Nano, theirs)
	}
	got, oursErr := time.Parse(time.RFC3339Nano, ours)
	if err != nil || oursErr != nil {
		return false
	}
	minor, old := minorOf0(l.result.GXVersion)
	off := want.Sub(got)
	return off == 0 || old && minor < 16 && off%(15*time.Minute) == 0 && off.Abs() <= 14*time.Hour
}

// trueDataset reports whether our input is what the data really was: what the facts say, else what the result says of its batch.
func trueDataset(l leaf) bool {
	in, _ := l.ourEvent["inputs"].([]any)
	if len(in) == 0 {
		return false
	}
	input, _ := in[0].(map[string]any)
	namespace, _ := input["namespace"].(string)
	name, _ := input["name"].(string)
	if l.facts != nil {
		d := l.facts.Dataset
		if d.File != "" {
			d.Namespace, d.Name = "sqlite://"+d.File, d.Table
		}
		if d.Name != "" && namespace == d.Namespace && name == d.Name {
			return true
		}
	}
	b := &l.result.Batch
	table := func(t string) bool {
		return t != "" && (name == t || strings.HasSuffix(name, "."+t)) && strings.Contains(namespace, "://")
	}
	switch s := b.Spec; {
	case s.Path != "": // the file itself, wherever the facts thought that it was
		return path.IsAbs(name) && path.Base(name) == path.Base(s.Path) || strings.Contains(namespace, "://") && strings.HasSuffix(s.Path, name)
	case s.HasQuery:
		return table(b.Asset) || table(s.QueryName)
	case s.Table != "":
		return table(s.Table[strings.LastIndexByte(s.Table, '.')+1:])
	}
	return namespace == "inmemory://" && name == b.Datasource+"."+b.Asset
}

// address reports whether ours is the address of our input's data, or nothing where that has none.
func address(l leaf) bool {
	in, _ := l.ourEvent["inputs"].([]any)
	if len(in) == 0 {
		return false
	}
	input, _ := in[0].(map[string]any)
	namespace, _ := input["namespace"].(string)
	_, ours := both(l)
	if ours == "" {
		return !isURI(namespace)
	}
	u, err := url.Parse(ours)
	if err == nil && u.Scheme != "" {
		return u.User == nil && !strings.Contains(u.Scheme, "+") && u.RawQuery == "" && (namespace == ours || strings.HasPrefix(namespace, u.Scheme+":"))
	}
	return ours == l.result.Batch.Datasource
}

// filtered reports whether an expectation of the result looked at some rows only, or raised.
func filtered(l leaf) bool {
	return slices.ContainsFunc(l.result.Results, func(e gx.Expectation) bool { return e.RowCondition || e.Raised })
}

// trueMetric reports whether ours agrees with the data, or says nothing, where theirs does not count the whole table.
func trueMetric(l leaf) bool {
	if l.ours == nil {
		return true
	}
	if l.facts == nil || l.facts.Truth.RowCount == nil {
		return false
	}
	rows := *l.facts.Truth.RowCount
	if strings.HasSuffix(l.path, ".rowCount") {
		return l.ours == rows
	}
	_, rest, _ := strings.Cut(l.path, ".columnMetrics.")
	name, metric, _ := strings.Cut(rest, ".")
	column := l.facts.Truth.Columns[name]
	same := func(p *float64) bool { return p != nil && l.ours == *p }
	switch metric {
	case "nullCount":
		return same(column.Nulls)
	case "distinctCount":
		return same(column.Distinct)
	case "count":
		return column.Nulls != nil && l.ours == rows-*column.Nulls
	case "min":
		return reflect.DeepEqual(l.ours, column.Min)
	case "max":
		return reflect.DeepEqual(l.ours, column.Max)
	}
	return metric == "sum" && reflect.DeepEqual(l.ours, column.Sum)
}

// merged reports whether ours is theirs without what is said twice.
func merged(l leaf) bool {
	list := func(event map[string]any) (out []any) {
		inputs, _ := event["inputs"].([]any)
		input, _ := inputs[0].(map[string]any)
		facets, _ := input["inputFacets"].(map[string]any)
		facet, _ := facets["greatExpectations_assertions"].(map[string]any)
		out, _ = facet["assertions"].([]any)
		return out
	}
	var want []any
	for _, a := range list(l.theirEvent) {
		if n := len(want); n == 0 || !reflect.DeepEqual(want[n-1], a) {
			want = append(want, a)
		}
	}
	return len(want) < len(list(l.theirEvent)) && reflect.DeepEqual(want, list(l.ourEvent))
}
