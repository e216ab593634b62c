package marquez

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

func datasetKey(d map[string]any) string { return key(str(d["namespace"]), str(d["name"])) }

// instant is a time as Marquez gives it back: UTC, microseconds.
func instant(at string) string {
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return at
	}
	return t.UTC().Round(time.Microsecond).Format(time.RFC3339Nano)
}

func idOf(k string) map[string]any {
	ns, name, _ := strings.Cut(k, "\x00")
	return map[string]any{"namespace": ns, "name": name}
}

func nodeID(kind, k string) string { return kind + ":" + strings.ReplaceAll(k, "\x00", ":") }

// lineage answers GET lineage: both directions at once, depth counts jobs.
func (s *Server) lineage(w http.ResponseWriter, query url.Values) {
	node := query.Get("nodeId")
	if node == "" {
		b, _ := json.Marshal(map[string][]string{"errors": {"query param nodeId must not be null"}})
		write(w, http.StatusBadRequest, "application/json", string(b))
		return
	}
	start := ""
	for k := range s.datasets {
		if nodeID("dataset", k) == node {
			start = k
		}
	}
	if ns, name, _ := strings.Cut(start, "\x00"); start != "" && strings.Contains(ns, ":") && name[0] >= '0' && name[0] <= '9' {
		htmlError(w, http.StatusInternalServerError)
		return
	}
	if start == "" {
		notFound(w, http.StatusNotFound, "Node '"+node+"' not found.")
		return
	}
	if !s.touched(start) {
		notFound(w, http.StatusNotFound, "Could not find node")
		return
	}
	depth, err := strconv.Atoi(query.Get("depth"))
	if err != nil {
		depth = 20
	}
	show(w, map[string]any{"graph": s.graph(start, depth)})
}

// touched says whether a job's current version reads or writes a dataset: others are no nodes.
func (s *Server) touched(dataset string) bool {
	for _, j := range s.model.jobs {
		if slices.Contains(j.in, dataset) || slices.Contains(j.out, dataset) {
			return true
		}
	}
	return false
}

// graph begins at one job of a dataset, a writer before a reader, and goes on to jobs that share any dataset with one that it has.
func (s *Server) graph(start string, depth int) []any {
	datasets, jobs := map[string]bool{}, map[string]bool{}
	var level []string
	for _, writes := range []bool{true, false} {
		for _, k := range slices.Sorted(maps.Keys(s.model.jobs)) {
			j := s.model.jobs[k]
			if len(level) == 0 && (writes && slices.Contains(j.out, start) || slices.Contains(j.in, start)) {
				level = []string{k}
			}
		}
	}
	for i := 0; i <= depth && len(level) > 0; i++ {
		for _, k := range level {
			jobs[k] = true
			for _, d := range slices.Concat(s.model.jobs[k].in, s.model.jobs[k].out) {
				datasets[d] = true
			}
		}
		level = nil
		for k, j := range s.model.jobs {
			if !jobs[k] && slices.ContainsFunc(slices.Concat(j.in, j.out), func(d string) bool { return datasets[d] }) {
				level = append(level, k)
			}
		}
	}
	out := []any{}
	for _, k := range slices.Sorted(maps.Keys(datasets)) {
		in, o := []any{}, []any{}
		for _, jk := range slices.Sorted(maps.Keys(jobs)) {
			if slices.Contains(s.model.jobs[jk].out, k) {
				in = append(in, map[string]any{"origin": nodeID("job", jk), "destination": nodeID("dataset", k)})
			}
			if slices.Contains(s.model.jobs[jk].in, k) {
				o = append(o, map[string]any{"origin": nodeID("dataset", k), "destination": nodeID("job", jk)})
			}
		}
		data := map[string]any{"id": idOf(k), "type": "DB_TABLE", "name": idOf(k)["name"], "namespace": idOf(k)["namespace"]} // no facets
		out = append(out, map[string]any{"id": nodeID("dataset", k), "type": "DATASET", "data": data, "inEdges": in, "outEdges": o})
	}
	for _, k := range slices.Sorted(maps.Keys(jobs)) {
		out = append(out, s.jobNode(k))
	}
	return out
}

// jobNode has no facets and no labels, and its latestRun is the parent's.
func (s *Server) jobNode(k string) map[string]any {
	j := s.model.jobs[k]
	in, out := []any{}, []any{}
	for _, d := range j.in {
		in = append(in, map[string]any{"origin": nodeID("dataset", d), "destination": nodeID("job", k)})
	}
	for _, d := range j.out {
		out = append(out, map[string]any{"origin": nodeID("job", k), "destination": nodeID("dataset", d)})
	}
	data := map[string]any{"id": idOf(k), "type": "BATCH", "name": j.full, "simpleName": j.simple, "parentJobName": orNull(j.parent), "namespace": j.namespace,
		"inputs": ids(j.in), "outputs": ids(j.out), "latestRun": nil}
	return map[string]any{"id": nodeID("job", k), "type": "JOB", "data": data, "inEdges": in, "outEdges": out}
}

func ids(keys []string) []any {
	out := []any{}
	for _, k := range keys {
		out = append(out, idOf(k))
	}
	return out
}

// columnLineage answers what a column is made from: 404 for a column that no schema named, 500 for one that stands twice.
func (s *Server) columnLineage(w http.ResponseWriter, query url.Values) {
	node := query.Get("nodeId")
	for k, cols := range s.model.types {
		for name, kinds := range cols {
			if nodeID("datasetField", k)+":"+name != node {
				continue
			}
			if len(kinds) > 1 {
				notFound(w, 500, "Multiple values for optional: ")
				return
			}
			graph := []any{}
			seen := map[columns]bool{}
			s.columnGraph(columns{k, name}, seen, &graph)
			show(w, map[string]any{"graph": graph})
			return
		}
	}
	notFound(w, http.StatusNotFound, "Could not find node")
}

func (s *Server) columnGraph(c columns, seen map[columns]bool, graph *[]any) {
	if seen[c] {
		return
	}
	seen[c] = true
	field := func(c columns) map[string]any {
		id := idOf(c.dataset)
		return map[string]any{"namespace": id["namespace"], "dataset": id["name"], "field": c.field}
	}
	id := func(c columns) string { return nodeID("datasetField", c.dataset) + ":" + c.field }
	from := s.model.made[c.dataset][c.field]
	inputs, edges := []any{}, []any{}
	for _, f := range from {
		inputs = append(inputs, field(f))
		edges = append(edges, map[string]any{"origin": id(c), "destination": id(f)}) // so, and not the other way
	}
	node := map[string]any{"id": id(c), "type": "DATASET_FIELD", "data": nil, "inEdges": edges, "outEdges": []any{}}
	if len(from) > 0 {
		data := field(c)
		data["inputFields"] = inputs
		node["data"] = data
	}
	*graph = append(*graph, node)
	for _, f := range from {
		s.columnGraph(f, seen, graph)
	}
}

// versions answers the versions of a dataset, the newest first.
func (s *Server) versionsOf(w http.ResponseWriter, query url.Values, namespace, name string) {
	all := s.model.versions[key(namespace, name)]
	if s.datasets[key(namespace, name)] == nil {
		notFound(w, 404, "Dataset '"+name+"' not found.")
		return
	}
	out := make([]any, 0, len(all))
	for i := len(all) - 1; i >= 0; i-- {
		out = append(out, all[i])
	}
	sort.SliceStable(out, func(i, j int) bool { return str(obj(out[i])["createdAt"]) > str(obj(out[j])["createdAt"]) })
	show(w, map[string]any{"versions": page(out, query), "totalCount": len(all)})
}

// search answers names that hold a text, letter case aside.
func (s *Server) search(w http.ResponseWriter, query url.Values) {
	out := []any{}
	for _, k := range slices.Sorted(maps.Keys(s.datasets)) {
		id := idOf(k)
		if strings.Contains(strings.ToLower(str(id["name"])), strings.ToLower(query.Get("q"))) {
			out = append(out, map[string]any{"type": "DATASET", "name": id["name"], "namespace": id["namespace"], "nodeId": nodeID("dataset", k)})
		}
	}
	limited := url.Values{"limit": {query.Get("limit")}}
	if query.Get("limit") == "" {
		limited.Set("limit", "10")
	}
	out = page(out, limited)
	show(w, map[string]any{"totalCount": len(out), "results": out})
}

// page is a part of a list by limit and offset.
func page(all []any, query url.Values) []any {
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil {
		limit = 100
	}
	offset, _ := strconv.Atoi(query.Get("offset"))
	offset = min(max(offset, 0), len(all))
	return all[offset:min(offset+limit, len(all))]
}

// jobPage is a job by its full name, with its latest runs in full, the one that was heard of last first.
func (s *Server) jobPage(namespace, full string) map[string]any {
	j := s.model.jobs[key(namespace, full)]
	if j == nil {
		return nil
	}
	runs := []*Run{}
	for _, r := range s.runs {
		if r.JobNamespace == namespace && r.full == full {
			runs = append(runs, r)
		}
	}
	last := func(r *Run) string { return max(r.StartedAt, r.EndedAt) }
	sort.Slice(runs, func(i, k int) bool { return last(runs[i]) > last(runs[k]) })
	latest := []any{}
	for _, r := range runs[:min(10, len(runs))] {
		latest = append(latest, s.run(r.ID))
	}
	out := map[string]any{"id": idOf(key(namespace, full)), "type": "BATCH", "name": full, "simpleName": j.simple, "parentJobName": orNull(j.parent), "namespace": namespace,
		"inputs": ids(j.in), "outputs": ids(j.out), "latestRun": nil, "latestRuns": latest, "facets": map[string]any{}, "labels": []any{}}
	if len(latest) > 0 {
		out["latestRun"] = latest[0]
	}
	if j.jobType != nil {
		out["facets"] = map[string]any{"jobType": j.jobType}
		out["labels"] = []any{j.jobType["jobType"], j.jobType["integration"]}
	}
	return out
}

// jobList is a page of jobs, of one namespace or of all.
func (s *Server) jobList(w http.ResponseWriter, query url.Values, namespace string) {
	if s.poison.jobs {
		notFound(w, 500, "There was an error processing your request. It has been logged (ID 0123456789abcdef).")
		return
	}
	var keys []any
	for _, k := range slices.Sorted(maps.Keys(s.model.jobs)) {
		if namespace == "" || s.model.jobs[k].namespace == namespace {
			keys = append(keys, k)
		}
	}
	all := []any{}
	for _, k := range page(keys, query) {
		j := s.model.jobs[k.(string)]
		all = append(all, s.jobPage(j.namespace, j.full))
	}
	show(w, map[string]any{"jobs": all, "totalCount": len(keys)})
}
