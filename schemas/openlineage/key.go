package openlineage

// Job names a job.
type Job struct{ Namespace, Name string }

// RunKey is the Kafka key of a run event by OpenLineage's rule: of the root parent's job, else the parent's, else its own.
func RunKey(root, parent, own Job) string {
	job := own
	switch {
	case root.Name != "":
		job = root
	case parent.Name != "":
		job = parent
	}
	return "run:" + job.Namespace + "/" + job.Name
}

// JobKey is the Kafka key of a job event.
func JobKey(job Job) string { return "job:" + job.Namespace + "/" + job.Name }

// DatasetKey is the Kafka key of a dataset event.
func DatasetKey(namespace, name string) string { return "dataset:" + namespace + "/" + name }
