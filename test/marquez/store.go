package marquez

import (
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// store takes the event as the database would, and gives the status of the answer. As there, what was stored before
// a refusal stays.
func (s *Server) store(e *event) int {
	at, kind := str(e.m["eventTime"]), strings.ToUpper(str(e.m["eventType"]))
	if e.kind() == "DatasetEvent" {
		d := obj(e.m["dataset"])
		if d == nil {
			return http.StatusInternalServerError
		}
		return s.dataset(d, at)
	}
	j := obj(e.m["job"])
	rawNS, name := str(j["namespace"]), str(j["name"])
	ns := odd.ReplaceAllString(rawNS, "_")
	for _, d := range e.inputs() {
		if d == nil {
			return http.StatusInternalServerError
		}
		if n := str(d["namespace"]); !validNamespace(n) {
			s.space(ns, at)
			return http.StatusBadRequest
		}
	}
	s.space(ns, at)
	if rawNS == "" || len(rawNS) > 1024 {
		s.poison.namespaces, s.poison.jobs = true, true
	}
	if blank(name) {
		s.poison.jobs = true
	}
	if !fitsIndex(ns+name, 1300) {
		return http.StatusInternalServerError
	}
	if e.kind() == "RunEvent" {
		if status := s.runEvent(e, ns, name, kind, at); status != http.StatusCreated {
			return status
		}
	}
	return s.lists(e, kind, at, rawNS, name)
}

func (e *event) inputs() []map[string]any {
	l, _ := e.m["inputs"].([]any)
	out := make([]map[string]any, len(l))
	for i, d := range l {
		out[i] = obj(d)
	}
	return out
}

func (s *Server) runEvent(e *event, ns, name, kind, at string) int {
	r := obj(e.m["run"])
	id := strings.ToLower(str(r["runId"]))
	run := s.runs[id]
	if run == nil {
		run = &Run{ID: id, State: "NEW", JobNamespace: ns, Job: name, Facets: map[string]any{}, Inputs: map[string]map[string]any{}}
		s.runs[id] = run
	}
	run.full, _, _ = fullName(e)
	run.Deliveries++
	fs := obj(r["facets"])
	if len(fs) > 0 && (e.m["eventType"] == nil || len(kind) > 64) {
		return http.StatusInternalServerError
	}
	switch kind {
	case "COMPLETE":
		run.State, run.EndedAt = "COMPLETED", at
	case "FAIL":
		run.State, run.EndedAt = "FAILED", at
	case "ABORT":
		run.State, run.EndedAt = "ABORTED", at
	default:
		if e.m["eventType"] != nil {
			run.State, run.StartedAt = "RUNNING", at
		}
	}
	for n, f := range fs {
		if f != nil {
			run.Facets[n] = f
		}
	}
	for _, k := range []string{"parent", "parentRun"} {
		if p := obj(fs[k]); p != nil && blank(str(obj(p["job"])["name"])) {
			s.poison.jobs = true
		}
	}
	for _, d := range e.inputs() {
		k := str(d["namespace"]) + " " + str(d["name"])
		if run.Inputs[k] == nil {
			run.Inputs[k] = map[string]any{}
		}
		for _, place := range []string{"facets", "inputFacets"} {
			for n, f := range obj(d[place]) {
				if f != nil {
					run.Inputs[k][n] = f
				}
			}
		}
	}
	if refused(e.m) {
		return http.StatusInternalServerError
	}
	return http.StatusCreated
}

// lists stores the datasets; only terminal events look at the names of job and outputs.
func (s *Server) lists(e *event, kind, at, ns, name string) int {
	status := http.StatusCreated
	for _, d := range e.inputs() {
		if st := s.dataset(d, at); st != http.StatusCreated {
			return st
		}
	}
	outs, _ := e.m["outputs"].([]any)
	for _, o := range outs {
		d := obj(o)
		if d == nil {
			return http.StatusInternalServerError
		}
		if !validNamespace(str(d["namespace"])) {
			s.poison.namespaces, s.poison.jobs = true, true
			if terminal(kind) {
				status = http.StatusBadRequest
			}
			continue
		}
		if st := s.dataset(d, at); st != http.StatusCreated {
			s.poison.jobs = s.poison.jobs || blank(str(d["name"]))
			return st
		}
	}
	if terminal(kind) && (blank(name) || ns == "" || len(ns) > 1024) {
		return http.StatusBadRequest
	}
	return status
}

func (s *Server) dataset(d map[string]any, at string) int {
	ns, name := str(d["namespace"]), str(d["name"])
	s.space(ns, at)
	if blank(name) {
		return http.StatusBadRequest
	}
	if !fitsIndex(ns+name, 2680) {
		return http.StatusInternalServerError
	}
	k := key(ns, name)
	if s.datasets[k] == nil {
		s.datasets[k] = map[string]any{"id": map[string]any{"namespace": ns, "name": name}, "name": name, "namespace": ns, "facets": map[string]any{}}
	}
	s.datasets[k]["updatedAt"] = at // of the event that was delivered last, whatever its time
	shown := obj(s.datasets[k]["facets"])
	for _, place := range []string{"facets", "inputFacets"} {
		for n, f := range obj(d[place]) {
			if f != nil {
				shown[n] = f
			}
		}
	}
	fs := obj(d["facets"])
	ids, _ := obj(fs["symlinks"])["identifiers"].([]any)
	for _, i := range ids {
		if !validNamespace(str(obj(i)["namespace"])) {
			s.poison.namespaces = true
		}
	}
	if src := obj(fs["dataSource"]); src != nil {
		u, err := url.Parse(str(src["uri"]))
		if src["name"] == nil || err != nil || strings.Contains(u.String(), "%20") {
			return http.StatusInternalServerError
		}
	}
	fields, _ := obj(fs["schema"])["fields"].([]any)
	for _, f := range fields {
		switch n := str(obj(f)["name"]); {
		case n == "":
			return http.StatusBadRequest
		case utf8.RuneCountInString(n) > 255:
			return http.StatusInternalServerError
		}
	}
	return http.StatusCreated
}

// refused reports what the database refuses anywhere: U+0000, and facets with a name over 255 characters.
func refused(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case []any:
		for _, e := range v {
			if refused(e) {
				return true
			}
		}
	case map[string]any:
		for k, e := range v {
			if strings.ContainsRune(k, 0) || refused(e) || strings.HasSuffix(strings.ToLower(k), "facets") && longName(e) {
				return true
			}
		}
	}
	return false
}

func longName(v any) bool {
	for k := range obj(v) {
		if utf8.RuneCountInString(k) > 255 {
			return true
		}
	}
	return false
}

// fitsIndex reports whether the text fits an index row. The database compresses it first: repetitive text fits.
func fitsIndex(s string, limit int) bool {
	if len(s) <= limit {
		return true
	}
	seen := map[byte]bool{}
	for i := range len(s) {
		seen[s[i]] = true
	}
	return len(seen) < 16
}

func (s *Server) space(name, at string) {
	if s.spaces[name] == nil {
		if at == "" {
			at = time.Unix(0, 0).UTC().Format(time.RFC3339)
		}
		s.spaces[name] = map[string]any{"name": name, "createdAt": at, "updatedAt": at, "ownerName": "anonymous", "description": nil, "isHidden": false}
	}
}
