// Package marquez is a test double of Marquez 0.51: it answers OpenLineage events as the real one was measured to do,
// with its oddities (500 for what is the client's fault, lists broken by one bad event), and shows what became of the
// runs. It keeps everything in memory and takes any load.
package marquez

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"sync"
)

// Fault answers request number n (from 0, all requests counted) in place of the double if ok.
type Fault func(n int, r *http.Request) (status int, body string, ok bool)

// Server is the double. The zero value is not usable; see New. It is safe for concurrent use.
type Server struct {
	mu       sync.Mutex // guards all below
	requests int
	fault    Fault
	bodies   [][]byte // of the events taken, in order
	runs     map[string]*Run
	spaces   map[string]map[string]any
	datasets map[string]map[string]any // by namespace and name
	poison   poison
	model    model
}

// poison says which lists are broken for good.
type poison struct{ namespaces, jobs bool }

// Run is what the double knows of a run.
type Run struct {
	ID, State          string
	JobNamespace, Job  string
	StartedAt, EndedAt string
	Facets             map[string]any            // run facets, merged by name
	Inputs             map[string]map[string]any // facets by "namespace name" of the dataset, merged by name
	Deliveries         int

	full string // the job's name with its parent's before it
}

// New makes an empty Marquez.
func New() *Server {
	s := &Server{runs: map[string]*Run{}, spaces: map[string]map[string]any{}, datasets: map[string]map[string]any{}, model: newModel()}
	s.space("default", "")
	return s
}

// SetFault puts f before the double; nil takes it away.
func (s *Server) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Events are the bodies of all events answered with 201, in the order of arrival.
func (s *Server) Events() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([][]byte(nil), s.bodies...)
}

// Runs are copies of all runs, by id.
func (s *Server) Runs() map[string]Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]Run, len(s.runs))
	for id, r := range s.runs {
		out[id] = *r
	}
	return out
}

// ServeHTTP answers as Marquez does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, readErr := readBody(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.requests
	s.requests++
	if s.fault != nil {
		if status, text, ok := s.fault(n, r); ok {
			kind := "text/html;charset=iso-8859-1"
			if strings.HasPrefix(text, "{") {
				kind = "application/json"
			}
			write(w, status, kind, text)
			return
		}
	}
	if r.Method == http.MethodPost && strings.TrimSuffix(r.URL.Path, "/") == "/api/v1/lineage" {
		s.post(w, r, body, readErr)
		return
	}
	s.get(w, r)
}

func readBody(r *http.Request) ([]byte, error) {
	var in io.Reader = r.Body
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = z
	}
	b, err := io.ReadAll(in)
	if err != nil && in != r.Body {
		return append(b, '{'), nil // a cut stream is met as broken JSON
	}
	return b, err
}

func (s *Server) post(w http.ResponseWriter, r *http.Request, body []byte, readErr error) {
	if ct := r.Header.Get("Content-Type"); ct != "" && !strings.Contains(ct, "/") {
		htmlError(w, http.StatusBadRequest)
		return
	}
	if a := r.Header.Get("Accept"); a != "" && !strings.Contains(a, "json") && !strings.Contains(a, "*/*") {
		coded(w, http.StatusNotAcceptable)
		return
	}
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/json" && kind != "*/*" {
		if r.Header.Get("Content-Type") != "" || len(body) > 0 {
			coded(w, http.StatusUnsupportedMediaType)
			return
		}
	}
	if readErr != nil {
		write(w, 500, "application/json", `{"code":500,"message":"There was an error processing your request. It has been logged (ID 0123456789abcdef)."}`)
		return
	}
	text := decodeText(body, params["charset"])
	if t := bytes.TrimSpace(text); len(t) == 0 || string(t) == "null" {
		invalid(w, []string{"The request body must not be null"})
		return
	}
	ev, err := parse(text)
	if err != nil {
		notFitting(w, err.Error())
		return
	}
	if missing := ev.missing(); len(missing) > 0 {
		invalid(w, missing)
		return
	}
	if status := s.store(ev); status != http.StatusCreated {
		htmlError(w, status)
		return
	}
	s.learn(ev)
	s.bodies = append(s.bodies, body)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusCreated)
}

func write(w http.ResponseWriter, status int, kind, body string) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // a client that went away is the test's affair
}

func invalid(w http.ResponseWriter, errs []string) { // shape B
	b, _ := json.Marshal(map[string][]string{"errors": errs})
	write(w, http.StatusUnprocessableEntity, "application/json", string(b))
}

func notFitting(w http.ResponseWriter, why string) { // shape C: the status says 500, the code 400
	b, _ := json.Marshal(map[string]any{"code": 400, "message": why})
	write(w, http.StatusInternalServerError, "application/json", string(b))
}

func coded(w http.ResponseWriter, status int) { // shape G
	notFound(w, status, fmt.Sprintf("HTTP %d %s", status, http.StatusText(status)))
}

func notFound(w http.ResponseWriter, status int, why string) {
	b, _ := json.Marshal(map[string]any{"code": status, "message": why})
	write(w, status, "application/json", string(b))
}

func htmlError(w http.ResponseWriter, status int) { // shapes D and E: no detail at all
	name := http.StatusText(status)
	write(w, status, "text/html;charset=iso-8859-1", fmt.Sprintf("<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html;charset=ISO-8859-1\"/>\n<title>Error %d %s</title>\n</head>\n<body><h2>HTTP ERROR %d %s</h2>\n<table>\n<tr><th>URI:</th><td>/api/v1/lineage</td></tr>\n<tr><th>STATUS:</th><td>%d</td></tr>\n<tr><th>MESSAGE:</th><td>%s</td></tr>\n<tr><th>SERVLET:</th><td>jersey</td></tr>\n</table>\n\n</body>\n</html>\n", status, name, status, name, status, name))
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/api/v1/")
	if path == r.URL.EscapedPath() {
		coded(w, http.StatusNotFound)
		return
	}
	p, query := strings.Split(path, "/"), r.URL.Query()
	for i := range p {
		p[i] = unescape(p[i])
	}
	switch {
	case r.Method != http.MethodGet && path == "lineage":
		w.Header().Set("Allow", "POST,GET,OPTIONS")
		coded(w, http.StatusMethodNotAllowed)
	case r.Method != http.MethodGet:
		coded(w, http.StatusNotFound)
	case path == "namespaces":
		s.list(w, s.poison.namespaces, "namespaces", s.spaces, "", false)
	case path == "jobs":
		s.jobList(w, query, "")
	case path == "lineage":
		s.lineage(w, query)
	case path == "column-lineage":
		s.columnLineage(w, query)
	case path == "search":
		s.search(w, query)
	case path == "events/lineage":
		s.events(w)
	case len(p) == 3 && p[0] == "jobs" && p[1] == "runs":
		s.answer(w, s.run(p[2]), "Run", p[2])
	case len(p) == 2 && p[0] == "namespaces":
		s.answer(w, s.spaces[p[1]], "Namespace", p[1])
	case len(p) == 3 && p[0] == "namespaces" && p[2] == "jobs":
		s.jobList(w, query, p[1])
	case len(p) == 3 && p[0] == "namespaces" && p[2] == "datasets":
		s.list(w, false, "datasets", s.datasets, p[1], true)
	case len(p) >= 4 && p[0] == "namespaces" && s.spaces[p[1]] == nil:
		notFound(w, 404, "Namespace '"+p[1]+"' not found.")
	case len(p) == 4 && p[2] == "jobs":
		s.answer(w, s.jobPage(p[1], p[3]), "Job", p[3])
	case len(p) == 5 && p[2] == "jobs" && p[4] == "runs":
		s.runsOf(w, query, p[1], p[3])
	case len(p) == 5 && p[2] == "datasets" && p[4] == "versions":
		s.versionsOf(w, query, p[1], p[3])
	case len(p) == 4 && p[2] == "datasets":
		s.answer(w, s.datasets[key(p[1], p[3])], "Dataset", p[3])
	default:
		coded(w, http.StatusNotFound)
	}
}

func (s *Server) answer(w http.ResponseWriter, v map[string]any, what, name string) {
	if v == nil {
		notFound(w, 404, what+" '"+name+"' not found.")
		return
	}
	show(w, v)
}

func show(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		htmlError(w, 500)
		return
	}
	write(w, 200, "application/json", string(b))
}

func (s *Server) list(w http.ResponseWriter, broken bool, name string, of map[string]map[string]any, namespace string, counted bool) {
	if broken {
		notFound(w, 500, "There was an error processing your request. It has been logged (ID 0123456789abcdef).")
		return
	}
	keys := make([]string, 0, len(of))
	for k := range of {
		if namespace == "" || strings.HasPrefix(k, namespace+"\x00") {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	all := make([]any, 0, len(keys))
	for _, k := range keys {
		all = append(all, of[k])
	}
	out := map[string]any{name: all}
	if counted {
		out["totalCount"] = len(all)
	}
	show(w, out)
}

func (s *Server) events(w http.ResponseWriter) {
	all := make([]json.RawMessage, 0, len(s.bodies))
	for i := len(s.bodies) - 1; i >= 0 && len(all) < 100; i-- {
		if json.Valid(s.bodies[i]) {
			all = append(all, s.bodies[i])
		}
	}
	show(w, map[string]any{"totalCount": len(s.bodies), "events": all})
}

func (s *Server) run(id string) map[string]any {
	r := s.runs[strings.ToLower(id)]
	if r == nil {
		return nil
	}
	inputs := []any{}
	for k, fs := range r.Inputs {
		ns, name, _ := strings.Cut(k, " ")
		inputs = append(inputs, map[string]any{"datasetVersionId": map[string]any{"namespace": ns, "name": name}, "facets": fs})
	}
	return map[string]any{
		"id": r.ID, "state": r.State, "startedAt": orNull(r.StartedAt), "endedAt": orNull(r.EndedAt), "facets": r.Facets,
		"inputDatasetVersions": inputs, "outputDatasetVersions": []any{},
		"jobVersion": map[string]any{"namespace": r.JobNamespace, "name": r.Job},
	}
}

// runsOf lists by startedAt, the newest first, those without a start last.
func (s *Server) runsOf(w http.ResponseWriter, query url.Values, namespace, job string) {
	if s.model.jobs[key(namespace, job)] == nil {
		notFound(w, 404, "Job '"+job+"' not found.")
		return
	}
	runs := []*Run{}
	for _, r := range s.runs {
		if r.JobNamespace == namespace && r.full == job {
			runs = append(runs, r)
		}
	}
	sort.Slice(runs, func(i, j int) bool { // of equal ones Marquez promises no order; here it is one, so that pages fit together
		return cmp.Or(cmp.Compare(runs[j].StartedAt, runs[i].StartedAt), cmp.Compare(runs[i].ID, runs[j].ID)) < 0
	})
	all := []any{}
	for _, r := range runs {
		all = append(all, s.run(r.ID))
	}
	show(w, map[string]any{"runs": page(all, query), "totalCount": len(all)})
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
