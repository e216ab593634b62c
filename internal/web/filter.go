package web

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gx-ol/gx-ol/internal/seen"
)

// mostFilter bounds a word that is searched for.
const mostFilter = 400

// filter is what of the results is asked for. It is the query of the URL.
type filter struct {
	Dataset, Suite, Outcome, Text string
	Before                        uint64 // a run's number: those that came before it
	Page                          int    // from 1
}

// outcomeNames are what may be filtered for.
var outcomeNames = []string{"failed", "warned", "passed", "none", "buried"}

// filterOf reads a query; what it does not know in it is left out.
func filterOf(q url.Values) filter {
	f := filter{Dataset: word(q, "dataset"), Suite: word(q, "suite"), Outcome: word(q, "outcome"), Text: word(q, "q"), Page: 1}
	if !slices.Contains(outcomeNames, f.Outcome) {
		f.Outcome = ""
	}
	f.Before, _ = strconv.ParseUint(q.Get("before"), 10, 64)
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 0 && n < 1_000_000 {
		f.Page = n
	}
	return f
}

func word(q url.Values, name string) string {
	w := strings.TrimSpace(q.Get(name))
	if len(w) > mostFilter {
		w = strings.ToValidUTF8(w[:mostFilter], "")
	}
	return w
}

// Any reports whether something is left out.
func (f filter) Any() bool { return f.Dataset+f.Suite+f.Outcome+f.Text != "" }

// query is the URL's query without where in the list it is.
func (f filter) query() url.Values {
	q := make(url.Values)
	for name, value := range map[string]string{"dataset": f.Dataset, "suite": f.Suite, "outcome": f.Outcome, "q": f.Text} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// older is the URL of what came before a run.
func (f filter) older(number uint64) string {
	q := f.query()
	q.Set("before", strconv.FormatUint(number, 10))
	return "?" + q.Encode()
}

// page is the URL of a page of the list.
func (f filter) page(n int) string {
	q := f.query()
	if n > 1 {
		q.Set("page", strconv.Itoa(n))
	}
	return "?" + q.Encode()
}

// run accepts a run.
func (f filter) run() func(*seen.Run) bool {
	dataset, suite, text := fold(f.Dataset), fold(f.Suite), fold(f.Text)
	return func(r *seen.Run) bool {
		return f.outcome(r) && (suite == "" || holds(r.Suite, suite)) && (dataset == "" || slices.ContainsFunc(r.Datasets, named(dataset))) &&
			(text == "" || holds(r.Job, text) || holds(r.Suite, text) || holds(r.JobNamespace, text) || holds(r.ID, text) || slices.ContainsFunc(r.Datasets, named(text)))
	}
}

// dataset accepts a dataset by its name and its last run.
func (f filter) dataset() func(seen.Dataset, *seen.Run) bool {
	text := fold(f.Text)
	return func(d seen.Dataset, last *seen.Run) bool { return f.outcome(last) && (text == "" || named(text)(d)) }
}

func (f filter) outcome(r *seen.Run) bool {
	return f.Outcome == "" || f.Outcome == string(r.Outcome) || f.Outcome == "buried" && r.Buried
}

func fold(s string) string { return strings.ToLower(s) }

func holds(s, folded string) bool { return strings.Contains(fold(s), folded) }

// named accepts a dataset whose "namespace name" holds the folded text.
func named(folded string) func(seen.Dataset) bool {
	return func(d seen.Dataset) bool { return holds(d.Namespace+" "+d.Name, folded) }
}

// First is the URL of the list's beginning.
func (f filter) First() string { return "?" + f.query().Encode() }
