package marquez

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/lineage/events"
)

// job is a job's page, or the data of its node in the graph.
type job struct {
	ID            lineage.Job       `json:"id"`
	SimpleName    string            `json:"simpleName"`
	ParentJobName string            `json:"parentJobName"`
	Inputs        []lineage.Dataset `json:"inputs"`
	Outputs       []lineage.Dataset `json:"outputs"`
	Labels        []string          `json:"labels"`
	Facets        struct {
		JobType struct {
			Integration string `json:"integration"`
			JobType     string `json:"jobType"`
		} `json:"jobType"`
	} `json:"facets"`
	LatestRun  *run  `json:"latestRun"`
	LatestRuns []run `json:"latestRuns"`
}

// run is a run as its job's page has it.
type run struct {
	ID        string          `json:"id"`
	UpdatedAt string          `json:"updatedAt"`
	StartedAt string          `json:"startedAt"`
	EndedAt   string          `json:"endedAt"`
	Facets    json.RawMessage `json:"facets"`
	Inputs    []struct {
		ID     lineage.Dataset `json:"datasetVersionId"`
		Facets struct {
			Assertions json.RawMessage `json:"dataQualityAssertions"`
		} `json:"facets"`
	} `json:"inputDatasetVersions"`
}

// called is the job's name as its events had it, as far as can be told: Marquez puts a parent's name before a job's, unless it stands there already. Names of Airflow
// and Spark have it by themselves, dbt's and checks' have not; of others, a name that has parts of its own is taken for whole.
func (j *job) called() lineage.Job {
	own := strings.Contains(j.SimpleName, ".")
	switch integration := strings.ToUpper(j.Facets.JobType.Integration); {
	case integration == "AIRFLOW" || integration == "SPARK":
		own = false
	case integration == "DBT" || j.isCheck():
		own = true
	}
	if j.ParentJobName == "" || j.SimpleName == "" || !own {
		return j.ID
	}
	return lineage.Job{Namespace: j.ID.Namespace, Name: j.SimpleName}
}

// isCheck says whether the job tells that it checks data.
func (j *job) isCheck() bool {
	return events.IsCheck(j.Facets.JobType.Integration, j.Facets.JobType.JobType) ||
		slices.ContainsFunc(j.Labels, func(l string) bool { return events.IsCheck(l, "") })
}

// checks are what the job's runs say of datasets: of each dataset the latest.
func (j *job) checks() (out []*lineage.Check) {
	runs := j.LatestRuns
	if j.LatestRun != nil {
		runs = append([]run{*j.LatestRun}, runs...)
	}
	return checksOf(j.called(), runs)
}

func checksOf(by lineage.Job, runs []run) (out []*lineage.Check) {
	for _, r := range runs {
		for _, in := range r.Inputs {
			if len(in.Facets.Assertions) == 0 {
				continue
			}
			results, err := events.Assertions(in.Facets.Assertions)
			if err != nil || results == nil {
				continue // free JSON: whoever wrote it wrote something else
			}
			c := &lineage.Check{Job: by, Dataset: in.ID, Run: r.ID, Passed: results.Passed, Failed: results.Failed}
			for _, at := range []string{r.EndedAt, r.UpdatedAt, r.StartedAt} {
				if c.At.IsZero() {
					c.At = events.Time(at)
				}
			}
			if facets, err := events.RunFacets(r.Facets); err == nil {
				c.Suite, c.Parent, c.Root = facets.Suite, facets.Parent, facets.Root
			}
			out = append(out, c)
		}
	}
	return out
}
