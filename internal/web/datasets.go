package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/gx-ol/gx-ol/internal/seen"
)

func (s *Server) datasetsPlace() Place {
	p := Place{Name: "datasets", Title: "Datasets", Path: "/datasets", Routes: []Route{
		{Pattern: "GET /datasets", Handle: s.showDatasets},
		{Pattern: "GET /dataset", Handle: s.showDataset},
	}}
	if s.Runs != nil {
		p.Changed = s.Runs.Number
	}
	return p
}

const (
	datasetsPerPage = 50
	mostCharts      = 12 // columns with a chart of their own
)

type datasetsView struct {
	Known       bool
	Filter      filter
	Rows        []datasetRow
	Found       int
	Total       int
	Counts      seen.Counts
	Pages       int
	Before, Far string // URLs of the pages beside this one
	First, Last int    // of the rows
	Outcomes    []string
}

type datasetRow struct {
	Name  seen.Dataset
	Last  seen.Run
	Strip strip
}

func (s *Server) showDatasets(w http.ResponseWriter, r *http.Request) {
	v := datasetsView{Filter: filterOf(r.URL.Query()), Outcomes: outcomeNames}
	if s.Runs != nil {
		v.Known = true
		v.fill(s.Runs)
	}
	s.render(w, r, "datasets", v)
}

func (v *datasetsView) fill(runs Runs) {
	first := (v.Filter.Page - 1) * datasetsPerPage
	states, found, all := runs.Datasets(v.Filter.dataset(), first, datasetsPerPage)
	v.Found, v.Counts, v.Pages = found, all, max((found+datasetsPerPage-1)/datasetsPerPage, 1)
	for _, n := range all {
		v.Total += n
	}
	for i := range states {
		v.Rows = append(v.Rows, datasetRow{states[i].Name, *states[i].Last(), stripOf(states[i].Runs, false)})
	}
	if len(v.Rows) > 0 {
		v.First, v.Last = first+1, first+len(v.Rows)
	}
	if v.Filter.Page > 1 {
		v.Before = v.Filter.page(min(v.Filter.Page-1, v.Pages))
	}
	if v.Filter.Page < v.Pages {
		v.Far = v.Filter.page(v.Filter.Page + 1)
	}
}

// datasetURL is where a dataset is shown.
func datasetURL(d seen.Dataset) string {
	q := make(url.Values)
	q.Set("namespace", d.Namespace)
	q.Set("name", d.Name)
	return "/dataset?" + q.Encode()
}

type datasetView struct {
	Name    seen.Dataset
	Last    seen.Run
	Strip   strip
	Total   uint64
	Rows    *chart
	Nulls   []chart
	Hidden  int        // columns without a chart
	Runs    []seen.Run // the latest first
	Link    string     // the backend's own page
	Jobs    []seen.Run // the last run of each job that checks it
	Lineage bool       // there is a place for it
}

func (s *Server) showDataset(w http.ResponseWriter, r *http.Request) {
	name := seen.Dataset{Namespace: r.FormValue("namespace"), Name: r.FormValue("name")}
	var state seen.State
	known := false
	if s.Runs != nil {
		state, known = s.Runs.Dataset(name)
	}
	if !known {
		s.fail(w, r, http.StatusNotFound, "Nothing was seen of this dataset yet, or it was forgotten: only so many are remembered.")
		return
	}
	name = state.Name // as it is remembered: it may have been too long
	v := datasetView{Name: name, Last: *state.Last(), Strip: stripOf(state.Runs, true), Total: state.Total,
		Lineage: s.has("lineage")}
	if c, ok := chartOf("Rows", state.Runs, func(r *seen.Run) int64 { return r.Rows }); ok {
		v.Rows = &c
	}
	v.columns(state.Runs)
	for i := range state.Runs {
		v.Runs = append(v.Runs, state.Runs[len(state.Runs)-1-i])
	}
	for _, run := range v.Runs {
		if !slices.ContainsFunc(v.Jobs, func(j seen.Run) bool { return j.Job == run.Job && j.JobNamespace == run.JobNamespace }) {
			v.Jobs = append(v.Jobs, run)
		}
	}
	if s.Links != nil {
		v.Link = s.Links.Dataset(name.Namespace, name.Name)
	}
	s.render(w, r, "dataset", v)
}

// columns makes the charts of null counts: first of the columns in which they changed.
func (v *datasetView) columns(runs []seen.Run) {
	var names []string
	changed := make(map[string]bool)
	last := make(map[string]int64)
	for i := range runs {
		for _, n := range runs[i].Nulls() {
			before, known := last[n.Column]
			if !known {
				names = append(names, n.Column)
			}
			changed[n.Column] = changed[n.Column] || known && before != n.Count
			last[n.Column] = n.Count
		}
	}
	slices.SortStableFunc(names, func(a, b string) int { return order(changed[b], last[b] > 0) - order(changed[a], last[a] > 0) })
	for _, name := range names {
		if len(v.Nulls) == mostCharts {
			v.Hidden++
			continue
		}
		c, _ := chartOf(fmt.Sprintf("Nulls in %s", cut(80, name)), runs, func(r *seen.Run) int64 {
			for _, n := range r.Nulls() {
				if n.Column == name {
					return n.Count
				}
			}
			return -1
		})
		v.Nulls = append(v.Nulls, c)
	}
}

func order(changed, some bool) int {
	switch {
	case changed:
		return 2
	case some:
		return 1
	}
	return 0
}
