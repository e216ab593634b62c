package marquez

import (
	"slices"
	"strings"
)

// model is what Marquez makes of events beside runs: the datasets of jobs, the versions of datasets, and columns.
type model struct {
	jobs     map[string]*modelJob            // by namespace and full name
	versions map[string][]map[string]any     // of a dataset, the newest last
	types    map[string]map[string][]string  // of a dataset's column, as often as it stands there
	made     map[string]map[string][]columns // of a dataset's column, what it is made from
	ios      map[string]*touched             // of a run
}

type columns struct{ dataset, field string }

// touched is the datasets of a run or of a job's current version, by namespace and name.
type touched struct{ in, out []string }

type modelJob struct {
	namespace, full, simple, parent string
	touched
	jobType map[string]any
}

func newModel() model {
	return model{jobs: map[string]*modelJob{}, versions: map[string][]map[string]any{}, types: map[string]map[string][]string{}, made: map[string]map[string][]columns{}, ios: map[string]*touched{}}
}

// fullName is how Marquez calls a job with a parent.
func fullName(e *event) (full, simple, parent string) {
	name := str(obj(e.m["job"])["name"])
	fs := obj(obj(e.m["run"])["facets"])
	for _, k := range []string{"parent", "parentRun"} {
		if p := str(obj(obj(fs[k])["job"])["name"]); p != "" {
			simple = strings.TrimPrefix(name, p+".")
			return p + "." + simple, simple, p
		}
	}
	return name, name, ""
}

// learn takes an event into the model, as it stands after it was stored.
func (s *Server) learn(e *event) {
	at := instant(str(e.m["eventTime"]))
	for _, d := range e.datasets() {
		s.learnColumns(d)
		if k := datasetKey(d); s.model.versions[k] == nil { // the first time makes a version, by nobody
			s.model.versions[k] = append(s.model.versions[k], map[string]any{"createdAt": at, "createdByRun": nil})
		}
	}
	for _, d := range e.inputs() {
		s.learnAssertions(d)
	}
	if e.kind() == "DatasetEvent" {
		if d := obj(e.m["dataset"]); d != nil {
			s.model.versions[datasetKey(d)] = append(s.model.versions[datasetKey(d)], map[string]any{"createdAt": at, "createdByRun": nil})
		}
		return
	}
	full, simple, parent := fullName(e)
	ns := odd.ReplaceAllString(str(obj(e.m["job"])["namespace"]), "_")
	k := key(ns, full)
	j := s.model.jobs[k]
	if j == nil {
		j = &modelJob{namespace: ns, full: full, simple: simple, parent: parent}
		s.model.jobs[k] = j
	}
	if parent != "" && s.model.jobs[key(ns, parent)] == nil { // it is made up, in the child's namespace
		s.model.jobs[key(ns, parent)] = &modelJob{namespace: ns, full: parent, simple: parent}
	}
	if t := obj(obj(obj(e.m["job"])["facets"])["jobType"]); t != nil {
		j.jobType = t
	}
	s.learnIO(e, j, at)
}

// learnAssertions files an input's assertions with its dataset's current version, where they stay.
func (s *Server) learnAssertions(d map[string]any) {
	for _, place := range []string{"facets", "inputFacets"} {
		if f := obj(d[place])["dataQualityAssertions"]; f != nil {
			all := s.model.versions[datasetKey(d)]
			all[len(all)-1]["facets"] = map[string]any{"dataQualityAssertions": f}
		}
	}
}

// learnIO makes what a run that ended read and wrote the job's.
func (s *Server) learnIO(e *event, j *modelJob, at string) {
	kind := strings.ToUpper(str(e.m["eventType"]))
	run := strings.ToLower(str(obj(e.m["run"])["runId"]))
	all := s.model.ios[run]
	if all == nil || run == "" {
		all = &touched{}
		s.model.ios[run] = all
	}
	for _, d := range e.inputs() {
		if k := datasetKey(d); !slices.Contains(all.in, k) {
			all.in = append(all.in, k)
		}
	}
	outs, _ := e.m["outputs"].([]any)
	for _, d := range outs {
		if k := datasetKey(obj(d)); !slices.Contains(all.out, k) {
			all.out = append(all.out, k)
		}
	}
	if terminal(kind) || e.kind() == "JobEvent" || str(j.jobType["processingType"]) == "STREAMING" {
		j.in, j.out = slices.Clone(all.in), slices.Clone(all.out)
	}
	if kind != "COMPLETE" {
		return
	}
	for _, k := range all.out {
		if !slices.ContainsFunc(s.model.versions[k], func(v map[string]any) bool { return obj(v["createdByRun"])["id"] == run }) {
			s.model.versions[k] = append(s.model.versions[k], map[string]any{"createdAt": at, "createdByRun": map[string]any{"id": run}})
		}
	}
}

// learnColumns adds columns: they are keyed by name and type, and no type is never equal to no type.
func (s *Server) learnColumns(d map[string]any) {
	k := datasetKey(d)
	if s.model.types[k] == nil {
		s.model.types[k], s.model.made[k] = map[string][]string{}, map[string][]columns{}
	}
	fields, _ := obj(obj(d["facets"])["schema"])["fields"].([]any)
	for _, f := range fields {
		name, kind := str(obj(f)["name"]), str(obj(f)["type"])
		if have := s.model.types[k][name]; obj(f)["type"] == nil || !slices.Contains(have, kind) {
			s.model.types[k][name] = append(have, kind)
		}
	}
	for name, f := range obj(obj(obj(d["facets"])["columnLineage"])["fields"]) {
		var from []columns
		list, _ := obj(f)["inputFields"].([]any)
		for _, i := range list {
			from = append(from, columns{datasetKey(obj(i)), str(obj(i)["field"])})
		}
		s.model.made[k][name] = from
	}
}
