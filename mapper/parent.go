package mapper

import (
	"strings"

	"github.com/google/uuid"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// parent is the run that started the checkpoint, as a header of the record names it.
type parent struct {
	job   openlineage.Job
	root  openlineage.Job
	runID string // empty: no parent
}

// parseParent reads Airflow's namespace/name/runId. Names may hold slashes, run ids and namespaces of Airflow do not.
// An empty text is no parent; a broken one is left out, and said.
func parseParent(text string) (parent, bool) {
	if text == "" {
		return parent{}, true
	}
	// An empty job name in a parent breaks Marquez's lists for everybody, and one of U+0000 alone would become empty.
	text = strings.ReplaceAll(text, "\x00", "")
	namespace, rest, ok := strings.Cut(text, "/")
	i := strings.LastIndexByte(rest, '/')
	if !ok || i <= 0 || strings.TrimSpace(namespace) == "" || strings.TrimSpace(rest[:i]) == "" {
		return parent{}, false
	}
	id, err := uuid.Parse(rest[i+1:])
	if err != nil {
		return parent{}, false
	}
	var job openlineage.Job
	job.Namespace, _ = safeName(namespace, 512)
	job.Name, _ = safeName(rest[:i], maxJobBytes-len(job.Namespace))
	return parent{job: job, root: job, runID: id.String()}, true
}
