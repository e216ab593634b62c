package marquez

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/gx-ol/gx-ol/internal/lineage"
)

// What is read of a job's older runs, where its page, which has ten, does not tell of all datasets that it checks: one job may check many tables.
const (
	runsOfPage = 10
	runsAPage  = 100
	mostRuns   = 1000
)

// mayCheckMore says whether a job may have checked datasets that its page does not tell of: Marquez ties a job to the datasets of its latest run, and its page has
// ten runs. One that is named after the only dataset of these checks that one; every other may have gone from table to table.
func mayCheckMore(page *job, checks []*lineage.Check) bool {
	if len(page.LatestRuns) < runsOfPage || len(checks) == 0 {
		return false
	}
	for _, c := range checks {
		if c.Dataset != checks[0].Dataset {
			return true
		}
	}
	own := strings.ToLower(checks[0].Dataset.Name)
	name := strings.ToLower(page.called().Name)
	return !strings.Contains(name, own[strings.LastIndexAny(own, "/.")+1:]) && !strings.Contains(name, own[strings.LastIndex(own, "/")+1:])
}

// older asks for runs beyond those of the page until each wanted dataset that the job may have checked was met. whole: nothing was left unread because of a bound.
func (s *Source) older(ctx context.Context, page *job, checks []*lineage.Check, wanted map[lineage.Dataset]bool) (out []*lineage.Check, whole bool, err error) {
	if len(page.LatestRuns) < runsOfPage || !page.isCheck() && len(checks) == 0 {
		return nil, true, nil
	}
	missing := make(map[lineage.Dataset]bool)
	for _, d := range page.Inputs {
		missing[d] = wanted[d]
	}
	if mayCheckMore(page, checks) {
		for d := range wanted {
			missing[d] = true
		}
	}
	return s.runs(ctx, page, func(read []*lineage.Check) bool {
		for _, c := range append(checks, read...) {
			delete(missing, c.Dataset)
		}
		checks = nil
		for _, still := range missing {
			if still {
				return false
			}
		}
		return true
	})
}

// runs reads a job's runs, the newest first, until enough says so of what the last answer brought. whole: they were not too many.
func (s *Source) runs(ctx context.Context, page *job, enough func([]*lineage.Check) bool) (out []*lineage.Check, whole bool, err error) {
	var read []*lineage.Check
	for offset := 0; !enough(read); offset += runsAPage {
		if offset >= mostRuns {
			return out, false, nil
		}
		var list struct {
			Total int   `json:"totalCount"`
			Runs  []run `json:"runs"`
		}
		query := url.Values{"limit": {strconv.Itoa(runsAPage)}, "offset": {strconv.Itoa(offset)}}
		if err := s.get(ctx, "the runs of "+page.ID.String(), &list, query, "namespaces", page.ID.Namespace, "jobs", page.ID.Name, "runs"); err != nil {
			return nil, true, err
		}
		read = checksOf(page.called(), list.Runs)
		out = append(out, read...)
		if len(list.Runs) < runsAPage || offset+runsAPage >= list.Total {
			break
		}
	}
	return out, true, nil
}

// notOlder says what is missing of a job.
func notOlder(page *job) string {
	return fmt.Sprintf("%s may have checked further datasets: of its runs the newest %d were read, and what it found before them is not known", page.called(), mostRuns)
}
