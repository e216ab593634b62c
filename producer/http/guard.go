package http

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What Marquez 0.51 was measured to bear.
const (
	maxNamespace    = 1024 // characters
	maxJobID        = 1300 // bytes of job namespace and name together: an index row
	maxDatasetID    = 2680 // bytes of dataset namespace and name together: an index row
	maxFacetName    = 255  // characters; schema field names too
	maxEventTypeLen = 64   // characters
)

var datasetNamespace = regexp.MustCompile(`^[A-Za-z0-9:;=/_\-.@+]+$`)

// unsafe says where and why an event would break Marquez for everybody, or be refused by an answer that looks like an
// outage; empty if it would not. It quotes names of keys only up to a bound, and no values. What Marquez itself
// refuses clearly (not JSON, wrong types, missing keys) is left to Marquez.
//
// It reads a generic tree rather than a struct because encoding/json takes keys of any case, and Marquez does not.
func unsafe(body []byte) string {
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))))
	dec.UseNumber()
	var tree any
	if dec.Decode(&tree) != nil {
		return ""
	}
	ev, ok := tree.(map[string]any)
	if !ok {
		return ""
	}
	return Unsafe(ev, body)
}

// Unsafe is what the guard has against an event: where and why it would break Marquez for everybody; empty if nothing. ev is the event as
// encoding/json reads it into an any with UseNumber, body its bytes. It is for whoever takes events in and has read them already.
func Unsafe(ev map[string]any, body []byte) string {
	if bytes.Contains(body, []byte(`\u0000`)) {
		if at := nulAt(ev, ""); at != "" {
			return at + ": holds the character U+0000"
		}
	}
	schemaURL, _ := text(ev["schemaURL"])
	switch { // Marquez looks at the last segment alone, and only behind a slash
	case strings.HasSuffix(schemaURL, "/DatasetEvent"):
		ds, ok := ev["dataset"].(map[string]any)
		if !ok {
			return "dataset: missing in a DatasetEvent"
		}
		return dataset("dataset", ds)
	case strings.HasSuffix(schemaURL, "/JobEvent"):
		return first(job(ev), lists(ev))
	}
	return first(run(ev), job(ev), lists(ev))
}

// first runs no further than the first reason.
func first(reasons ...string) string {
	for _, r := range reasons {
		if r != "" {
			return r
		}
	}
	return ""
}

func run(ev map[string]any) string {
	r, _ := ev["run"].(map[string]any)
	fs, _ := r["facets"].(map[string]any)
	if len(fs) > 0 {
		kind, ok := text(ev["eventType"])
		switch {
		case !ok:
			return "eventType: missing in an event with run facets"
		case utf8.RuneCountInString(kind) > maxEventTypeLen:
			return fmt.Sprintf("eventType: over %d characters", maxEventTypeLen)
		}
	}
	for _, name := range []string{"parent", "parentRun"} {
		p, _ := fs[name].(map[string]any)
		j, _ := p["job"].(map[string]any)
		if n, ok := text(j["name"]); ok && blank(n) {
			return "run.facets." + name + ".job.name: empty"
		}
	}
	return facets("run.facets", fs)
}

func job(ev map[string]any) string {
	j, _ := ev["job"].(map[string]any)
	name, hasName := text(j["name"])
	ns, hasNamespace := text(j["namespace"])
	switch {
	case hasName && blank(name):
		return "job.name: empty"
	case hasNamespace && blank(ns):
		return "job.namespace: empty"
	case utf8.RuneCountInString(ns) > maxNamespace:
		return fmt.Sprintf("job.namespace: over %d characters", maxNamespace)
	case len(ns)+len(name) > maxJobID:
		return fmt.Sprintf("job.name: with its namespace over %d bytes", maxJobID)
	}
	fs, _ := j["facets"].(map[string]any)
	return facets("job.facets", fs)
}

// lists looks at inputs and outputs.
func lists(ev map[string]any) string {
	for _, list := range []string{"inputs", "outputs"} {
		all, _ := ev[list].([]any)
		for i, e := range all {
			at := list + "[" + strconv.Itoa(i) + "]"
			ds, ok := e.(map[string]any)
			if !ok {
				if e == nil {
					return at + ": null"
				}
				continue // a type error that Marquez names clearly
			}
			if why := dataset(at, ds); why != "" {
				return why
			}
		}
	}
	return ""
}

func dataset(at string, ds map[string]any) string {
	name, hasName := text(ds["name"])
	ns, hasNamespace := text(ds["namespace"])
	switch {
	case hasNamespace && !validNamespace(ns):
		return at + `.namespace: not 1 to 1024 of the characters A-Z a-z 0-9 : ; = / _ - . @ +`
	case hasName && blank(name):
		return at + ".name: empty"
	case len(ns)+len(name) > maxDatasetID:
		return fmt.Sprintf("%s.name: with its namespace over %d bytes", at, maxDatasetID)
	}
	for _, place := range []string{"facets", "inputFacets", "outputFacets"} {
		fs, _ := ds[place].(map[string]any)
		if why := first(facets(at+"."+place, fs), datasetFacets(at+"."+place, fs)); why != "" {
			return why
		}
	}
	return ""
}

func datasetFacets(at string, fs map[string]any) string {
	symlinks, _ := fs["symlinks"].(map[string]any)
	ids, _ := symlinks["identifiers"].([]any)
	for i, e := range ids {
		id, _ := e.(map[string]any)
		if ns, ok := text(id["namespace"]); ok && !validNamespace(ns) {
			return at + ".symlinks.identifiers[" + strconv.Itoa(i) + "].namespace: a character that is not allowed, empty, or over 1024 characters"
		}
	}
	if source, ok := fs["dataSource"].(map[string]any); ok {
		if n, ok := text(source["name"]); !ok || n == "" {
			return at + ".dataSource.name: missing"
		}
	}
	schema, _ := fs["schema"].(map[string]any)
	fields, _ := schema["fields"].([]any)
	for i, e := range fields {
		f, _ := e.(map[string]any)
		if n, ok := text(f["name"]); ok && (n == "" || utf8.RuneCountInString(n) > maxFacetName) {
			return at + ".schema.fields[" + strconv.Itoa(i) + "].name: not 1 to 255 characters"
		}
	}
	return ""
}

func facets(at string, fs map[string]any) string {
	for name := range fs {
		if utf8.RuneCountInString(name) > maxFacetName {
			return fmt.Sprintf("%s: a facet's name is over %d characters", at, maxFacetName)
		}
	}
	return ""
}

// text is v as Marquez reads it where it wants text: a string, or a number or truth value as its text.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func validNamespace(s string) bool { return len(s) <= maxNamespace && datasetNamespace.MatchString(s) }

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// nulAt is the path of the first string or key with U+0000; empty if there is none. Keys in the path are bounded.
func nulAt(v any, at string) string {
	switch v := v.(type) {
	case string:
		if strings.ContainsRune(v, 0) {
			return at
		}
	case []any:
		for i, e := range v {
			if found := nulAt(e, at+"["+strconv.Itoa(i)+"]"); found != "" {
				return found
			}
		}
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys) // so that the same event is refused with the same words
		for _, k := range keys {
			if strings.ContainsRune(k, 0) {
				return strings.TrimPrefix(at+".(a key)", ".")
			}
			if found := nulAt(v[k], strings.TrimPrefix(at+"."+cut(k, 64), ".")); found != "" {
				return found
			}
		}
	}
	return ""
}
