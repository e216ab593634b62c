package mapper

import (
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/mapper/naming"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// checkpointPart is the place of a checkpoint's own run among those of its message.
const checkpointPart = "checkpoint"

// checkpoint is the run of the checkpoint that a whole message is of: the parent of its validations' runs. Its own events stand around
// theirs, for a backend makes up a parent that it does not know and leaves it RUNNING.
type checkpoint struct {
	run    parentRun
	facts  gx.Validation // what its events tell: no results
	counts counts        // of all validations
	times  times
	end    time.Time
	fails  bool
}

// checkpointOf is the checkpoint of a message that holds it whole; nil where it does not, where the runs have another parent, or where its
// validations name several.
func (m *Mapper) checkpointOf(msg *gx.Message, in Input) *checkpoint {
	if !m.settings.CheckpointRun || len(msg.Validations) == 0 {
		return nil
	}
	switch msg.Shape {
	case gx.ShapeCheckpoint, gx.ShapeOperator, gx.ShapeRunResults:
	default:
		return nil
	}
	if own, _, _ := m.givenParents(in); own.runID != "" {
		return nil
	}
	var run parentRun
	for i := range msg.Validations {
		v := &msg.Validations[i]
		job, _ := m.nameJob(v, in, m.entries.Resolve(&v.Batch))
		its := checkpointRun(v, job.Namespace)
		if its.runID == "" || i > 0 && its != run {
			return nil
		}
		run = its
	}
	first := &msg.Validations[0]
	return &checkpoint{run: run, facts: gx.Validation{Part: checkpointPart, GXVersion: first.GXVersion, Checkpoint: first.Checkpoint,
		CheckpointID: first.CheckpointID, RunName: first.RunName, RunTime: first.RunTime}}
}

// checkpointRun derives the run of the checkpoint that a validation belongs to: all its validations derive the same one.
// A checkpoint without a name, or a run without a time, has none.
func checkpointRun(v *gx.Validation, namespace string) parentRun {
	if strings.TrimSpace(v.Checkpoint) == "" || v.RunTime.IsZero() {
		return parentRun{}
	}
	job := openlineage.Job{Namespace: namespace}
	job.Name, _ = safeName(v.Checkpoint, maxJobBytes-len(namespace))
	id := make(idText, 0, 256).part("checkpoint").part(v.Checkpoint).part(v.RunName).micros(v.RunTime).id(v.RunTime.UTC().Truncate(time.Microsecond))
	return parentRun{job, id.String()}
}

// include makes the run of a validation one of the checkpoint's.
func (c *checkpoint) include(w *view) {
	if c == nil {
		return
	}
	if c.times.start.IsZero() || w.times.start.Before(c.times.start) {
		c.times.start = w.times.start
	}
	if w.end.After(c.end) {
		c.end = w.end
	}
	c.times.run = w.times.run
	c.counts.total += w.counts.total
	c.counts.failed += w.counts.failed
	c.counts.raised += w.counts.raised
	c.counts.failsRun = c.counts.failsRun || w.counts.failsRun
	c.fails = c.fails || w.terminal == openlineage.Fail
}

// around puts the checkpoint's own START before its validations' runs, and its end behind them.
func (m *Mapper) around(c *checkpoint, runs []openlineage.Run) ([]openlineage.Run, *Error) {
	w := m.view()
	defer m.release(w)
	w.v, w.source, w.id, w.job = &c.facts, &naming.Source{}, c.run.runID, namedJob{Job: c.run.job, key: openlineage.RunKey(openlineage.Job{}, openlineage.Job{}, c.run.job)}
	w.times, w.end, w.counts, w.checkpoint = c.times, c.end.Add(time.Millisecond), c.counts, true
	w.description = "Runs the Great Expectations checkpoint " + bound(c.facts.Checkpoint, maxMetaBytes) + "."
	w.terminal = openlineage.Complete
	if c.fails {
		w.terminal = openlineage.Fail
	}
	run, fault := m.events(w)
	if fault != nil {
		fault.Part = checkpointPart
		return nil, fault
	}
	end := openlineage.Run{Part: checkpointPart, Events: run.Events[len(run.Events)-1:], Minimal: run.Minimal}
	all := make([]openlineage.Run, 0, len(runs)+2)
	if len(run.Events) > 1 {
		all = append(all, openlineage.Run{Part: checkpointPart, Events: run.Events[:1]})
	}
	all = append(all, runs...)
	return append(all, end), nil
}
