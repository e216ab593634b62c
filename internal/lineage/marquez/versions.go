package marquez

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/lineage/events"
)

// version is a version of a dataset. It keeps the assertions of the last run that read it, whatever became of the job of that run.
type version struct {
	CreatedAt    string `json:"createdAt"`
	CreatedByRun any    `json:"createdByRun"`
	Facets       struct {
		Assertions json.RawMessage `json:"dataQualityAssertions"`
	} `json:"facets"`
}

// versions are the newest versions of a dataset, the newest first; none of one that is not known.
func (s *Source) versions(ctx context.Context, d lineage.Dataset, most int) ([]version, error) {
	var list struct {
		Versions []version `json:"versions"`
	}
	err := s.get(ctx, "the versions of "+d.String(), &list, url.Values{"limit": {strconv.Itoa(most)}}, "namespaces", d.Namespace, "datasets", d.Name, "versions")
	if is(err, http.StatusNotFound) {
		return nil, nil
	}
	return list.Versions, err
}

// written asks when datasets were last written.
func (s *Source) written(ctx context.Context, g *lineage.Graph, datasets []lineage.Dataset, need lineage.Need) error {
	datasets = slices.DeleteFunc(slices.Clone(datasets), func(d lineage.Dataset) bool {
		checks := g.Checks(d)
		failed := slices.ContainsFunc(checks, func(c *lineage.Check) bool { return len(c.Failed) > 0 })
		return len(checks) == 0 || need == lineage.WrittenFailed && !failed || !g.Written(d).IsZero()
	})
	var mu sync.Mutex // guards g
	return each(ctx, s, datasets, func(ctx context.Context, d lineage.Dataset) error {
		list, err := s.versions(ctx, d, 1)
		if err != nil || len(list) == 0 || list[0].CreatedByRun == nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		g.SetWritten(d, events.Time(list[0].CreatedAt))
		return nil
	})
}

// mostVersions is how many versions of a dataset are looked at for assertions of a check that is not known.
const mostVersions = 100

// untiedCheck is the name of a check of which Marquez has kept what it found, and not which it was.
const untiedCheck = "(a check that Marquez does not name)"

// tie finds the checks that Marquez's graph does not tie to a dataset any more: of one job that goes from table to table it ties the latest one's alone. That there
// was one shows in the dataset's versions; which it was, in the list of all jobs, which is asked for only then. What is found nowhere counts all the same.
func (s *Source) tie(ctx context.Context, g *lineage.Graph, datasets []lineage.Dataset) error {
	lost, err := s.lost(ctx, g, datasets)
	if err != nil || len(lost) == 0 {
		return err
	}
	all, err := s.all(ctx)
	if err != nil {
		return err
	}
	for _, note := range all.Notes {
		g.Note(note)
	}
	for _, c := range lost {
		for _, known := range all.Checks(c.Dataset) {
			g.AddCheck(known)
		}
		if len(g.Checks(c.Dataset)) == 0 {
			g.AddCheck(c)
			g.Note(fmt.Sprintf("%s was checked by a job whose run is not among those that were read: what it found is told, by the dataset's version, and its time is not known", c.Dataset))
		}
	}
	return nil
}

// lost are what versions of datasets tell of checks, for those datasets of which no check is known.
func (s *Source) lost(ctx context.Context, g *lineage.Graph, datasets []lineage.Dataset) (out []*lineage.Check, err error) {
	datasets = slices.DeleteFunc(slices.Clone(datasets), func(d lineage.Dataset) bool { return len(g.Checks(d)) > 0 })
	var mu sync.Mutex // guards out
	err = each(ctx, s, datasets, func(ctx context.Context, d lineage.Dataset) error {
		list, err := s.versions(ctx, d, mostVersions)
		if err != nil {
			return err
		}
		for _, v := range list {
			results, err := events.Assertions(v.Facets.Assertions)
			if len(v.Facets.Assertions) == 0 || err != nil || results == nil {
				continue // free JSON: whoever wrote it wrote something else
			}
			mu.Lock()
			defer mu.Unlock()
			out = append(out, &lineage.Check{Job: lineage.Job{Namespace: d.Namespace, Name: untiedCheck}, Dataset: d, Passed: results.Passed, Failed: results.Failed, At: events.Time(v.CreatedAt)})
			return nil
		}
		return nil
	})
	return out, err
}
