package mapper

import (
	"strconv"

	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// passedThrough are the runs of events that were events already.
func passedThrough(msg *gx.Message) []openlineage.Run {
	runs := make([]openlineage.Run, len(msg.Events))
	for i := range msg.Events {
		runs[i] = passThrough(&msg.Events[i])
		if len(runs) > 1 {
			runs[i].Part = "[" + strconv.Itoa(i) + "]"
		}
	}
	return runs
}

// KeyOf is the Kafka key of a message: of an OpenLineage event the one that the standard gives it, so that START and COMPLETE of a run lie on one
// partition; of results <datasource>.<asset>; "" where nothing is known.
func KeyOf(msg *gx.Message) string {
	if len(msg.Events) > 0 {
		return keyOfEvent(&msg.Events[0].Facts)
	}
	return msg.Key()
}

func keyOfEvent(f *gx.EventFacts) string {
	job := openlineage.Job{Namespace: f.JobNamespace, Name: f.JobName}
	switch f.Kind {
	case "DatasetEvent":
		return openlineage.DatasetKey(f.DatasetNamespace, f.DatasetName)
	case "JobEvent":
		return openlineage.JobKey(job)
	}
	return openlineage.RunKey(openlineage.Job{Namespace: f.RootNamespace, Name: f.RootName},
		openlineage.Job{Namespace: f.ParentNamespace, Name: f.ParentName}, job)
}

// passThrough is an event that was one already: it travels as it is.
func passThrough(event *gx.Passed) openlineage.Run {
	f := &event.Facts
	run := openlineage.Run{Events: []openlineage.Event{{Type: openlineage.EventType(f.Type), RunID: f.RunID, JobNamespace: f.JobNamespace, JobName: f.JobName,
		Key: keyOfEvent(f), Body: event.Event, PassThrough: true}}}
	if f.DatasetName != "" {
		run.Datasets = append(run.Datasets, openlineage.Dataset{Namespace: f.DatasetNamespace, Name: f.DatasetName})
	}
	for _, d := range f.Datasets {
		run.Datasets = append(run.Datasets, openlineage.Dataset(d))
	}
	return run
}
