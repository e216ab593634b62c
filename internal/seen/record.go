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
	weight                  int      // what it takes, roughly, in bytes
	columns                 []string // shared by the runs of a dataset that have the same ones
	nulls                   []int64
}

// null gives a run its null counts, in the memory that those of the run had which was in its place. The columns' names are that one's too, where they are the same.
func (r *record) null(of []openlineage.Nulls) {
	same := len(r.columns) == len(of)
	for i := range of {
		r.nulls = append(r.nulls, of[i].Count)
		same = same && r.columns[i] == of[i].Column
	}
	r.weight += nullBytes * len(of)
	if same {
		return
	}
	r.columns = make([]string, len(of)) // others may have the old ones
	for i := range of {
		r.columns[i] = bounded(of[i].Column)
	}
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
		Rows: r.rows, At: r.at()}
	if r.started != 0 {
		out.Started = time.UnixMicro(r.started).UTC()
	}
	return out
}

// nullCounts are null counts of columns.
type nullCounts struct {
	columns []string
	counts  []int64
}

// Nulls are the null counts of its columns, as far as they are known: of a run that Dataset gave.
func (r Run) Nulls() []openlineage.Nulls {
	out := make([]openlineage.Nulls, len(r.nulls.counts))
	for i, n := range r.nulls.counts {
		out[i] = openlineage.Nulls{Column: r.nulls.columns[i], Count: n}
	}
	return out
}
