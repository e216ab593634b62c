package mapper

import (
	"reflect"
	"regexp"
	"strings"
	"time"
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

// sameInstant reads GX's compact form and ISO with an offset.
func sameInstant(l leaf) bool {
	theirs, ours := both(l)
	want, err := time.Parse("20060102T150405.999999Z", theirs)
	if err != nil {
		want, err = time.Parse(time.RFC3339Nano, theirs)
	}
	got, oursErr := time.Parse(time.RFC3339Nano, ours)
	return err == nil && oursErr == nil && got.Equal(want)
}

// trueDataset reports whether our input is what the data really was.
func trueDataset(l leaf) bool {
	in, _ := l.ourEvent["inputs"].([]any)
	if len(in) == 0 {
		return false
	}
	input, _ := in[0].(map[string]any)
	want, ok := patched[l.pair]
	if l.facts != nil {
		d := l.facts.Dataset
		want, ok = [2]string{d.Namespace, d.Name}, d.Name != ""
		if d.File != "" {
			want, ok = [2]string{"sqlite://" + d.File, d.Table}, true
		}
	}
	if !ok { // in memory, or a query of several tables: named by its asset
		name, _ := input["name"].(string)
		return name == "retail_frames.orders_df" || name == "retail.paid_orders"
	}
	// The facts name the file that was meant; the batch, as its path says, was another one, and twelve expectations raised.
	if l.pair == "0.15.34-csv-single" {
		want[1] = "/data/retail/landing/orders_2024-04.csv"
	}
	// The second dataset of a checkpoint that has one entry of facts for both.
	if l.pair == "0.15.34-two-validations" && input["namespace"] == "sqlite:///data/retail/shop.db" {
		want = [2]string{"sqlite:///data/retail/shop.db", "orders"}
	}
	return input["namespace"] == want[0] && input["name"] == want[1]
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
	nulls := l.facts.Truth.Columns[name].Nulls
	switch {
	case nulls == nil:
		return false
	case metric == "nullCount":
		return l.ours == *nulls
	default:
		return metric == "count" && l.ours == rows-*nulls
	}
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
