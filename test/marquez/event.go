package marquez

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"regexp"
	"strings"
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
