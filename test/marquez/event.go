package marquez

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

type event struct{ m map[string]any }

var (
	// times are what Jackson's ZonedDateTime takes: a zone is optional, as are seconds.
	times   = regexp.MustCompile(`(?i)^[+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?$`)
	allowed = regexp.MustCompile(`^[A-Za-z0-9:;=/_\-.@+]+$`)
	odd     = regexp.MustCompile(`[^A-Za-z0-9:;=/_\-.@+]`)
)

func decodeText(b []byte, charset string) []byte {
	if strings.EqualFold(charset, "utf-16") && len(b) >= 2 {
		var order binary.ByteOrder = binary.BigEndian
		if b[0] == 0xff {
			order = binary.LittleEndian
		}
		var us []uint16
		for i := 0; i+1 < len(b); i += 2 {
			us = append(us, order.Uint16(b[i:]))
		}
		return []byte(strings.TrimPrefix(string(utf16.Decode(us)), "\uFEFF"))
	}
	return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
}

// parse reads one event; the error is what Marquez answers with code 400.
func parse(body []byte) (*event, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("invalid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("trailing token")
	}
	if !bounded(m, 1) {
		return nil, errors.New("document exceeds a read constraint")
	}
	ev := &event{m}
	return ev, ev.types()
}

func bounded(v any, depth int) bool {
	if depth > 1001 {
		return false
	}
	switch v := v.(type) {
	case json.Number:
		return len(v) <= 1000
	case string:
		return len(v) <= 20_000_000
	case []any:
		for _, e := range v {
			if !bounded(e, depth+1) {
				return false
			}
		}
	case map[string]any:
		for _, e := range v {
			if !bounded(e, depth+1) {
				return false
			}
		}
	}
	return true
}

func (e *event) types() error {
	if t, ok := e.m["eventTime"].(string); ok && t != "" {
		if !times.MatchString(t) || strings.Contains(t, ":60") {
			return errors.New("Cannot deserialize value of type `java.time.ZonedDateTime`") //nolint:staticcheck // Jackson's own words
		}
	}
	if u, ok := e.m["schemaURL"].(string); ok {
		if _, err := url.Parse(u); err != nil || strings.Contains(u, " ") {
			return errors.New("Cannot deserialize value of type `java.net.URI`") //nolint:staticcheck // Jackson's own words
		}
	}
	for _, k := range []string{"inputs", "outputs"} {
		if _, ok := e.m[k].([]any); e.m[k] != nil && !ok {
			return errors.New("Cannot deserialize value of type `java.util.ArrayList`") //nolint:staticcheck // Jackson's own words
		}
	}
	for _, k := range []string{"run", "job"} {
		if _, ok := e.m[k].(map[string]any); e.m[k] != nil && !ok {
			return errors.New("Cannot construct instance") //nolint:staticcheck // Jackson's own words
		}
	}
	for _, v := range []any{obj(e.m["job"])["name"], obj(e.m["job"])["namespace"], obj(e.m["run"])["runId"]} {
		switch v.(type) {
		case map[string]any, []any:
			return errors.New("Cannot deserialize value of type `java.lang.String`") //nolint:staticcheck // Jackson's own words
		}
	}
	for _, ds := range e.datasets() {
		if fields, ok := obj(obj(ds["facets"])["schema"])["fields"]; ok && fields != nil {
			if _, ok := fields.([]any); !ok {
				return errors.New("Cannot deserialize value of type `java.util.ArrayList`") //nolint:staticcheck // Jackson's own words
			}
		}
	}
	return nil
}

func obj(v any) map[string]any { m, _ := v.(map[string]any); return m }

func str(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}

func (e *event) datasets() []map[string]any {
	var all []map[string]any
	for _, k := range []string{"inputs", "outputs"} {
		l, _ := e.m[k].([]any)
		for _, d := range l {
			if m := obj(d); m != nil {
				all = append(all, m)
			}
		}
	}
	if d := obj(e.m["dataset"]); d != nil {
		all = append(all, d)
	}
	return all
}

func (e *event) kind() string {
	u, _ := e.m["schemaURL"].(string)
	for _, k := range []string{"DatasetEvent", "JobEvent"} {
		if strings.HasSuffix(u, "/"+k) {
			return k
		}
	}
	return "RunEvent"
}

// missing are the errors of shape B.
func (e *event) missing() []string {
	var errs []string
	need := func(m map[string]any, at string, keys ...string) {
		for _, k := range keys {
			if m[k] == nil || k == "eventTime" && m[k] == "" {
				errs = append(errs, at+k+" must not be null")
			}
		}
	}
	need(e.m, "", "eventTime", "producer")
	if e.kind() == "RunEvent" {
		need(e.m, "", "run")
		if r := obj(e.m["run"]); r != nil {
			need(r, "run.", "runId")
		}
	}
	if e.kind() != "DatasetEvent" {
		need(e.m, "", "job")
		if j := obj(e.m["job"]); j != nil {
			need(j, "job.", "namespace", "name")
		}
	}
	for _, d := range e.datasets() {
		need(d, "dataset.", "namespace", "name")
		modelled(&errs, obj(d["facets"]), "documentation", "schema", "dataSource", "lifecycleStateChange", "columnLineage", "symlinks")
	}
	fs := obj(obj(e.m["run"])["facets"])
	modelled(&errs, fs, "nominalTime", "parent", "parentRun")
	for _, k := range []string{"parent", "parentRun"} {
		if p := obj(fs[k]); p != nil {
			need(p, k+".", "job", "run")
		}
	}
	jf := obj(obj(e.m["job"])["facets"])
	modelled(&errs, jf, "documentation", "sourceCodeLocation", "sql", "jobType")
	if jt := obj(jf["jobType"]); jt != nil {
		need(jt, "jobType.", "jobType", "integration", "processingType")
	}
	return errs
}

func modelled(errs *[]string, fs map[string]any, names ...string) {
	for _, n := range names {
		f := obj(fs[n])
		if f == nil {
			continue
		}
		for _, k := range []string{"_producer", "_schemaURL"} {
			if f[k] == nil {
				*errs = append(*errs, "facets."+n+"."+k+" must not be null")
			}
		}
	}
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

func validNamespace(s string) bool { return len(s) <= 1024 && allowed.MatchString(s) }

func key(namespace, name string) string { return namespace + "\x00" + name }

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

func terminal(kind string) bool { return kind == "COMPLETE" || kind == "FAIL" || kind == "ABORT" }

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
	s.jobs[key(ns, name)] = map[string]any{"id": map[string]any{"namespace": ns, "name": name}, "name": name, "simpleName": name, "namespace": ns, "updatedAt": at}
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
