package marquez

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"github.com/gx-ol/gx-ol/internal/lineage"
)

// usualDepth is how many jobs away Marquez is asked to look at first.
const usualDepth = 20

type graphAnswer struct {
	Graph *[]struct {
		ID   string `json:"id"`
		Type string `json:"type"`
		Data job    `json:"data"` // of a dataset, its id alone is used
		In   []edge `json:"inEdges"`
		Out  []edge `json:"outEdges"`
	} `json:"graph"`
}

type edge struct {
	Origin      string `json:"origin"`
	Destination string `json:"destination"`
}

// Around asks for the graph of the dataset. Marquez has none for names that begin with a digit: then all jobs are asked for.
func (s *Source) Around(ctx context.Context, d lineage.Dataset, depth int) (*lineage.Graph, error) {
	depth += 2 // Marquez counts from one of the dataset's jobs, and the checks of the farthest datasets are jobs too
	answer, err := s.graph(ctx, d, min(depth, usualDepth))
	if is(err, http.StatusNotFound) {
		return s.alone(ctx, d)
	}
	if is(err, http.StatusInternalServerError) {
		return s.roundabout(ctx, d, err)
	}
	if err != nil {
		return nil, err
	}
	g := s.read(answer)
	if depth > usualDepth && g.Depth(d) > usualDepth-2 {
		if answer, err = s.graph(ctx, d, depth); err != nil {
			return nil, err
		}
		g = s.read(answer)
	}
	return g, nil
}

// alone is the graph of a dataset that no job touches: Marquez's graph has no such node.
func (s *Source) alone(ctx context.Context, d lineage.Dataset) (*lineage.Graph, error) {
	var page struct{}
	err := s.get(ctx, "the dataset "+d.String(), &page, nil, "namespaces", d.Namespace, "datasets", d.Name)
	if is(err, http.StatusNotFound) {
		return nil, &lineage.UnknownError{Dataset: d}
	}
	if err != nil {
		return nil, err
	}
	g := lineage.NewGraph()
	g.AddDataset(d)
	return g, nil
}

func (s *Source) graph(ctx context.Context, d lineage.Dataset, depth int) (*graphAnswer, error) {
	what := "the lineage of " + d.String()
	var out graphAnswer
	query := url.Values{"nodeId": {"dataset:" + d.Namespace + ":" + d.Name}, "depth": {strconv.Itoa(depth)}}
	if err := s.get(ctx, what, &out, query, "lineage"); err != nil {
		return nil, err
	}
	if out.Graph == nil {
		return nil, s.noMarquez(what, "its answer has no graph")
	}
	return &out, nil
}

// read makes a graph of Marquez's. Its edges, and what a job's own data say of its inputs and outputs, are taken together: each may lack some.
func (s *Source) read(answer *graphAnswer) *lineage.Graph {
	g := lineage.NewGraph()
	datasets := make(map[string]lineage.Dataset)
	for _, n := range *answer.Graph {
		if n.Type == "DATASET" {
			d := lineage.Dataset(n.Data.ID)
			datasets[n.ID] = d
			g.AddDataset(d)
		}
	}
	for _, n := range *answer.Graph {
		if n.Type != "JOB" {
			continue
		}
		in, out := slices.Clone(n.Data.Inputs), slices.Clone(n.Data.Outputs)
		for _, e := range n.In {
			if d, ok := datasets[e.Origin]; ok {
				in = append(in, d)
			}
		}
		for _, e := range n.Out {
			if d, ok := datasets[e.Destination]; ok {
				out = append(out, d)
			}
		}
		s.addJob(g, &n.Data, in, out)
	}
	return g
}

// addJob adds a job and remembers how Marquez calls it.
func (s *Source) addJob(g *lineage.Graph, j *job, in, out []lineage.Dataset) {
	called := j.called()
	g.AddJob(called, in, out)
	s.mu.Lock()
	defer s.mu.Unlock()
	if own := (name{j.ID.Namespace, j.ID.Name}); !slices.Contains(s.names[called], own) {
		s.names[called] = append(s.names[called], own)
	}
}

// roundabout finds the graph of a dataset that Marquez has none of through the list of all jobs.
func (s *Source) roundabout(ctx context.Context, d lineage.Dataset, why error) (*lineage.Graph, error) {
	g, err := s.All(ctx)
	if err != nil {
		return nil, err
	}
	if !g.Has(d) {
		return nil, why
	}
	g.Note(fmt.Sprintf("Marquez has no graph of %s (it answers 500, as for every name that begins with a digit): all jobs were asked instead", d))
	return g, nil
}

// Judge asks for the page of each job that reads one of the datasets and writes nothing.
func (s *Source) Judge(ctx context.Context, g *lineage.Graph, datasets []lineage.Dataset, need lineage.Need) error {
	if !g.Judged {
		var jobs []lineage.Job
		wanted := make(map[lineage.Dataset]bool)
		for _, d := range datasets {
			wanted[d] = true
			for _, j := range g.Readers(d) {
				if len(g.Outputs(j)) == 0 && !slices.Contains(jobs, j) {
					jobs = append(jobs, j)
				}
			}
		}
		if err := s.pages(ctx, g, jobs, wanted); err != nil {
			return err
		}
		if err := s.tie(ctx, g, datasets); err != nil {
			return err
		}
	}
	return s.written(ctx, g, datasets, need)
}

// Tell asks for the page of each job that was not asked for yet.
func (s *Source) Tell(ctx context.Context, g *lineage.Graph, jobs []lineage.Job) error {
	if g.Judged {
		return nil
	}
	return s.pages(ctx, g, jobs, nil)
}

// pages asks for the pages of jobs, but for those that are known to be checks already, and adds what they say.
func (s *Source) pages(ctx context.Context, g *lineage.Graph, jobs []lineage.Job, wanted map[lineage.Dataset]bool) error {
	var all []name
	s.mu.Lock()
	for _, j := range jobs {
		if !g.IsCheck(j) {
			all = append(all, s.names[j]...)
		}
	}
	s.mu.Unlock()
	var mu sync.Mutex // guards g
	return each(ctx, s, all, func(ctx context.Context, n name) error {
		var page job
		err := s.get(ctx, "the job "+n.namespace+" "+n.name, &page, nil, "namespaces", n.namespace, "jobs", n.name)
		if is(err, http.StatusNotFound) {
			return nil // it was deleted in between
		}
		if err != nil {
			return err
		}
		checks := page.checks()
		older, all, err := s.older(ctx, &page, checks, wanted)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		s.addPage(g, &page, append(checks, older...))
		if !all {
			g.Note(notOlder(&page))
		}
		return nil
	})
}

// addPage adds what a job's page says of its checks.
func (s *Source) addPage(g *lineage.Graph, page *job, checks []*lineage.Check) {
	called := page.called()
	if was := page.ID; called != was && g.HasJob(was) { // the graph's node did not tell that it is a check
		g.Rename(was, called)
	}
	for _, c := range checks {
		g.AddCheck(c)
	}
	if page.isCheck() || len(checks) > 0 && len(g.Outputs(called)) == 0 {
		g.SetCheck(called)
	}
}

// mostColumns is how many columns are asked for.
const mostColumns = 500

// Columns asks once for each column.
func (s *Source) Columns(ctx context.Context, g *lineage.Graph, columns []lineage.Column) error {
	if len(columns) > mostColumns {
		g.Note(fmt.Sprintf("Marquez was asked for the lineage of %d of %d columns", mostColumns, len(columns)))
		columns = columns[:mostColumns]
	}
	var mu sync.Mutex // guards g
	return each(ctx, s, columns, func(ctx context.Context, c lineage.Column) error {
		var answer struct {
			Graph []struct {
				Data *struct {
					field
					InputFields []field `json:"inputFields"`
				} `json:"data"`
			} `json:"graph"`
		}
		query := url.Values{"nodeId": {"datasetField:" + c.Dataset.Namespace + ":" + c.Dataset.Name + ":" + c.Column}, "depth": {strconv.Itoa(usualDepth)}}
		err := s.get(ctx, "the column "+c.Column+" of "+c.Dataset.String(), &answer, query, "column-lineage")
		mu.Lock()
		defer mu.Unlock()
		switch {
		case is(err, http.StatusNotFound):
			return nil // it is made from nothing that is known
		case is(err, http.StatusInternalServerError):
			g.SetColumnUnknown(c) // the column stands twice in Marquez, with a type and without
			return nil
		case err != nil:
			return err
		}
		for _, n := range answer.Graph {
			if n.Data == nil {
				continue // an input of which no more is known
			}
			var from []lineage.Column
			for _, f := range n.Data.InputFields {
				from = append(from, f.column())
			}
			g.AddColumn(n.Data.column(), from)
		}
		return nil
	})
}

// field is a column as Marquez tells it.
type field struct {
	Namespace string `json:"namespace"`
	Dataset   string `json:"dataset"`
	Field     string `json:"field"`
}

func (f field) column() lineage.Column {
	return lineage.Column{Dataset: lineage.Dataset{Namespace: f.Namespace, Name: f.Dataset}, Column: f.Field}
}
