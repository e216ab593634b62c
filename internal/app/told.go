package app

import (
	"bytes"
	"slices"
	"time"

	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/lineage/events"
	"github.com/gx-ol/gx-ol/internal/seen"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// told is what a page is told of each record: its results, and its lineage where nothing else can be asked for it. It is on the way of every record, so it
// does little, and nothing for the many events of other jobs that pass through.
type told struct {
	memory  *seen.Memory
	lineage *seenLineage
}

func (t told) settled(at seen.Place, runs []openlineage.Run, buried bool) {
	t.memory.Settled(at, briefed(runs), buried)
	if !buried {
		t.lineage.settled(runs)
	}
}

// briefed gives the runs that passed through and are results a brief as the mapper gives its own. The runs themselves stay as they are.
func briefed(runs []openlineage.Run) []openlineage.Run {
	copied := false
	for i := range runs {
		if runs[i].Brief != nil || len(runs[i].Events) == 0 {
			continue
		}
		brief, datasets := briefOf(&runs[i].Events[len(runs[i].Events)-1])
		if brief == nil {
			continue
		}
		if !copied {
			runs, copied = slices.Clone(runs), true
		}
		runs[i].Brief, runs[i].Datasets = brief, datasets
	}
	return runs
}

// assertionsFacet is what an event must hold to be a result, so that the others need not be read: the end of dataQualityAssertions, for a text that begins with a
// rare letter is found three times as fast.
var assertionsFacet = []byte(`QualityAssertions"`)

// briefOf reads an event that passed through: nil if it is no result. A result ends a run, and has assertions; or its run failed, and its job says that it checks
// data. The datasets are those that were checked.
func briefOf(e *openlineage.Event) (*openlineage.Brief, []openlineage.Dataset) {
	failed := e.Type == openlineage.Fail || e.Type == openlineage.Abort
	if !e.PassThrough || !e.Type.Terminal() || !failed && !bytes.Contains(e.Body, assertionsFacet) {
		return nil, nil
	}
	ev, err := events.NewParser().Parse(e.Body)
	if err != nil {
		return nil, nil
	}
	b := &openlineage.Brief{Suite: ev.Run.Suite, Ended: ev.Time, Fails: failed, Rows: -1}
	if b.Ended.IsZero() {
		b.Ended = time.Now()
	}
	var checked, all []openlineage.Dataset
	for i := range ev.Inputs {
		in := &ev.Inputs[i]
		name := openlineage.Dataset{Namespace: in.Namespace, Name: in.Name}
		all = append(all, name)
		if in.Results == nil {
			continue
		}
		checked = append(checked, name)
		b.Passed, b.Failed = b.Passed+in.Results.Passed, b.Failed+len(in.Results.Failed)
		b.Fails = b.Fails || slices.ContainsFunc(in.Results.Failed, func(a lineage.Assertion) bool { return a.Severity == lineage.Error })
	}
	switch {
	case checked != nil:
		return b, checked
	case failed && ev.Check:
		return b, all
	}
	return nil, nil
}
