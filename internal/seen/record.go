package seen

import (
	"time"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// record is a Run as it is kept: small, since there may be hundreds of thousands.
type record struct {
	number                  uint64
	id                      string
	check                   *check
	datasets                []Dataset
	topic                   string
	offset                  int64
	partition               int32
	passed, failed, skipped int32
	outcome                 outcome
	buried                  bool
	started, ended          int64 // microseconds since 1970
	rows                    int64
	columns                 []string // shared by the runs of a dataset that have the same ones
	nulls                   []int64
}

// check is by what a run checks.
type check struct{ namespace, job, suite, part string }

// outcome is an index of Outcomes.
type outcome byte

const (
	outcomeFailed outcome = iota
	outcomeWarned
	outcomePassed
	outcomeNone
)

func (r *record) at() Place { return Place{r.topic, r.partition, r.offset} }

// run is the record for who asks.
func (r *record) run() Run {
	out := Run{Number: r.number, ID: r.id, JobNamespace: r.check.namespace, Job: r.check.job, Suite: r.check.suite, Part: r.check.part, Datasets: r.datasets,
		Outcome: Outcomes[r.outcome], Buried: r.buried, Passed: int(r.passed), Failed: int(r.failed), Skipped: int(r.skipped), Ended: time.UnixMicro(r.ended).UTC(),
		Rows: r.rows, At: r.at(), nulls: r}
	if r.started != 0 {
		out.Started = time.UnixMicro(r.started).UTC()
	}
	return out
}

// Nulls are the null counts of its columns, as far as they are known.
func (r Run) Nulls() []openlineage.Nulls {
	if r.nulls == nil {
		return nil
	}
	out := make([]openlineage.Nulls, len(r.nulls.nulls))
	for i, n := range r.nulls.nulls {
		out[i] = openlineage.Nulls{Column: r.nulls.columns[i], Count: n}
	}
	return out
}
