package mapper

import (
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
	own, ok := parseParent(in.Parent, m.settings.Parent)
	root, rootOK := parseParent(in.Root, m.settings.Root)
	if !ok || !rootOK {
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

// parseParent reads the first of the two that is given. Where the first is broken the second does not stand in.
func parseParent(from, other ParentRun) (parentRun, bool) {
	if from == (ParentRun{}) {
		from = other
	}
	if from == (ParentRun{}) {
		return parentRun{}, true
	}
	if from.ID != "" {
		// Names may hold slashes, run ids and namespaces of Airflow do not.
		namespace, rest, _ := strings.Cut(from.ID, "/")
		i := max(0, strings.LastIndexByte(rest, '/'))
		from = ParentRun{Namespace: namespace, Name: rest[:i], RunID: strings.TrimPrefix(rest[i:], "/")}
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
