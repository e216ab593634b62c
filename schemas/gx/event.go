package gx

import "strings"

// eventFacts reads the few fields of an OpenLineage event that delivery needs; the event itself stays as it is.
func (d *decoder) eventFacts(v doc) EventFacts {
	f := EventFacts{Kind: eventKind(d.field(v, "schemaURL"), v), Type: d.field(v, "eventType")}
	job := d.member(v, "job")
	f.JobNamespace, f.JobName = d.field(job, "namespace"), d.field(job, "name")
	set := d.member(v, "dataset")
	f.DatasetNamespace, f.DatasetName = d.field(set, "namespace"), d.field(set, "name")
	for _, side := range []string{"inputs", "outputs"} {
		for _, m := range d.member(v, side).members {
			set := d.look(m)
			if name := d.field(set, "name"); name != "" {
				f.Datasets = append(f.Datasets, Dataset{d.field(set, "namespace"), name})
			}
		}
	}
	run := d.member(v, "run")
	f.RunID = d.field(run, "runId")
	parent := d.member(d.member(run, "facets"), "parent")
	job = d.member(parent, "job")
	f.ParentNamespace, f.ParentName = d.field(job, "namespace"), d.field(job, "name")
	job = d.member(d.member(parent, "root"), "job")
	f.RootNamespace, f.RootName = d.field(job, "namespace"), d.field(job, "name")
	return f
}

func eventKind(schemaURL string, v doc) string {
	switch kind := schemaURL[strings.LastIndexByte(schemaURL, '/')+1:]; kind {
	case "RunEvent", "JobEvent", "DatasetEvent":
		return kind
	}
	switch {
	case v.has("run"):
		return "RunEvent"
	case v.has("dataset"):
		return "DatasetEvent"
	}
	return "JobEvent"
}

// member gives an object's member, an empty doc if it is not there.
func (d *decoder) member(v doc, key string) doc {
	if m, ok := v.get(key); ok {
		return d.look(m)
	}
	return doc{}
}

// field gives an object's text member, "" if it is not there.
func (d *decoder) field(v doc, key string) string {
	if m, ok := v.get(key); ok {
		return d.s.at(m.at).text()
	}
	return ""
}
