package mapper

import (
	"encoding/json"
	"strings"

	"github.com/google/uuid"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// parentRun is a run by its job and id; the zero value is none.
type parentRun struct {
	job   openlineage.Job
	runID string
}

// parent is the run that started the checkpoint, and the one that started everything.
type parent struct{ own, root parentRun }

// nameParent says which run started the validation: the message's headers say, else the settings, else the checkpoint's
// run, where the message holds it whole. What names no run is left out, and said.
func (m *Mapper) nameParent(in Input, cp *checkpoint) (p parent, warn []string) {
	own, root, ok := m.givenParents(in)
	if !ok {
		warn = append(warn, "bad_parent_header")
	}
	if own.runID == "" && cp != nil {
		own = cp.run
	}
	if root.runID == "" || own.runID == "" {
		root = own
	}
	return parent{own, root}, warn
}

// givenParents are those that headers or settings name; ok is false where one is broken.
func (m *Mapper) givenParents(in Input) (own, root parentRun, ok bool) {
	bad := false
	if in.Context != "" {
		if own, root, ok = parseContext(in.Context); ok {
			return own, root, true
		}
		bad = true
	}
	own, ok = parseParent(in.Parent, m.settings.Parent)
	root, rootOK := parseParent(in.Root, m.settings.Root)
	return own, root, ok && rootOK && !bad
}

// parseContext reads what OpenLineage's integrations hand on as OPENLINEAGE_CONTEXT. Whatever else it holds, now or later, is passed over.
func parseContext(text string) (own, root parentRun, ok bool) {
	type run struct {
		Run struct{ RunID string }
		Job struct{ Namespace, Name string }
	}
	var context struct {
		Parent struct {
			run
			Root *run
		}
	}
	if json.Unmarshal([]byte(text), &context) != nil {
		return own, root, false
	}
	named := func(r run) ParentRun {
		return ParentRun{Namespace: r.Job.Namespace, Name: r.Job.Name, RunID: r.Run.RunID}
	}
	if own, ok = parseParent(named(context.Parent.run), ParentRun{}); own.runID == "" {
		return own, root, false
	}
	if context.Parent.Root != nil {
		root, ok = parseParent(named(*context.Parent.Root), ParentRun{})
	}
	return own, root, ok
}

// parseParent reads the first of the two that is given. Where the first is broken the second does not stand in.
func parseParent(from, other ParentRun) (parentRun, bool) {
	if from == (ParentRun{}) {
		from = other
	}
	if from == (ParentRun{}) {
		return parentRun{}, true
	}
	if from.ID != "" {
		// A namespace may hold slashes (Airflow's is often an address); names of dags and tasks, and run ids, do not.
		namespace, runID := cutLast(from.ID)
		namespace, name := cutLast(namespace)
		from = ParentRun{Namespace: namespace, Name: name, RunID: runID}
	}
	// An empty job name in a parent breaks Marquez's lists for everybody, and one of U+0000 alone would become empty.
	namespace, name := strings.ReplaceAll(from.Namespace, "\x00", ""), strings.ReplaceAll(from.Name, "\x00", "")
	id, err := uuid.Parse(strings.TrimSpace(from.RunID))
	if err != nil || strings.TrimSpace(namespace) == "" || strings.TrimSpace(name) == "" {
		return parentRun{}, false
	}
	var job openlineage.Job
	job.Namespace, _ = safeName(namespace, 512)
	job.Name, _ = safeName(name, maxJobBytes-len(job.Namespace))
	return parentRun{job, id.String()}, true
}

// cutLast cuts at the last slash.
func cutLast(s string) (before, after string) {
	i := max(0, strings.LastIndexByte(s, '/'))
	return s[:i], strings.TrimPrefix(s[i:], "/")
}
