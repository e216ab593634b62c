package marquez

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"

	"github.com/gx-ol/gx-ol/internal/lineage"
)

// jobsAPage is how many jobs one answer has: a page costs Marquez up to a second a job.
const jobsAPage = 50

// All lists all jobs, page by page and side by side. Where the list is broken (one bad row is enough), the namespaces are asked one by one, and what cannot be
// listed is told.
func (s *Source) All(ctx context.Context) (*lineage.Graph, error) {
	g, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	return g, s.written(ctx, g, g.Datasets(), lineage.WrittenFailed)
}

// all is All without when datasets were written.
func (s *Source) all(ctx context.Context) (*lineage.Graph, error) {
	g := lineage.NewGraph()
	var mu sync.Mutex // guards g and wide
	var wide []*job   // whose page does not tell of all that they check
	err := s.list(ctx, g, &mu, &wide, "jobs")
	if is(err, http.StatusInternalServerError) {
		err = s.byNamespace(ctx, g, &mu, &wide, err)
	}
	if err != nil {
		return nil, err
	}
	if err := s.wider(ctx, g, &mu, wide); err != nil {
		return nil, err
	}
	g.Judged = true
	return g, nil
}

type jobsAnswer struct {
	Total int    `json:"totalCount"`
	Jobs  *[]job `json:"jobs"`
}

// list reads all pages of a list of jobs.
func (s *Source) list(ctx context.Context, g *lineage.Graph, mu *sync.Mutex, wide *[]*job, segments ...string) error {
	read := func(ctx context.Context, offset int) (total int, err error) {
		var page jobsAnswer
		query := url.Values{"limit": {strconv.Itoa(jobsAPage)}, "offset": {strconv.Itoa(offset)}}
		if err := s.get(ctx, "the jobs", &page, query, segments...); err != nil {
			return 0, err
		}
		if page.Jobs == nil {
			return 0, s.noMarquez("the jobs", "its answer has no list of jobs")
		}
		mu.Lock()
		defer mu.Unlock()
		for i := range *page.Jobs {
			j := &(*page.Jobs)[i]
			s.addJob(g, j, j.Inputs, j.Outputs)
			checks := j.checks()
			s.addPage(g, j, checks)
			if mayCheckMore(j, checks) {
				*wide = append(*wide, j)
			}
		}
		return page.Total, nil
	}
	total, err := read(ctx, 0)
	if err != nil {
		return err
	}
	var offsets []int
	for at := jobsAPage; at < total; at += jobsAPage {
		offsets = append(offsets, at)
	}
	return each(ctx, s, offsets, func(ctx context.Context, offset int) error {
		_, err := read(ctx, offset)
		return err
	})
}

// byNamespace lists the jobs of each namespace.
func (s *Source) byNamespace(ctx context.Context, g *lineage.Graph, mu *sync.Mutex, wide *[]*job, why error) error {
	var list struct {
		Namespaces []struct {
			Name string `json:"name"`
		} `json:"namespaces"`
	}
	if err := s.get(ctx, "the namespaces", &list, url.Values{"limit": {"1000"}}, "namespaces"); err != nil {
		return why
	}
	broken := 0
	for _, n := range list.Namespaces {
		err := s.list(ctx, g, mu, wide, "namespaces", n.Name, "jobs")
		switch {
		case is(err, http.StatusInternalServerError):
			broken++
			mu.Lock()
			g.Note(fmt.Sprintf("Marquez cannot list the jobs of namespace %s (it answers 500): they are left out", n.Name))
			mu.Unlock()
		case err != nil:
			return err
		}
	}
	if broken == len(list.Namespaces) {
		return why
	}
	return nil
}

// wider reads the older runs of jobs that may have checked further datasets.
func (s *Source) wider(ctx context.Context, g *lineage.Graph, mu *sync.Mutex, wide []*job) error {
	return each(ctx, s, wide, func(ctx context.Context, j *job) error {
		checks, whole, err := s.runs(ctx, j, func([]*lineage.Check) bool { return false })
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		s.addPage(g, j, checks)
		if !whole {
			g.Note(notOlder(j))
		}
		return nil
	})
}
