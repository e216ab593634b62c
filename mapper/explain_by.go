package mapper

import (
	"fmt"
	"strings"
)

// by answers for the fields whose origin depends on what was decided.
func (x *explainer) by(what, field string) (from, where string) {
	s, v := &x.m.settings, x.w.v
	switch what {
	case "times":
		if clockOf(v.GXVersion, x.w.times.load, x.w.times.validation).IsZero() {
			return "derived", "no time in the result: when it was received"
		}
		if x.kind == "START" {
			return "derived", "the earliest of " + x.times()
		}
		return "derived", "the latest of " + x.times() + ", and up to 1 ms by the run id"
	case "job namespace":
		return x.jobOrigin(x.in.JobNamespace, "openlineage-job-namespace", func(r *jobRule) bool { return r.Namespace != "" }, s.JobNamespace, "job.namespace")
	case "job name":
		return x.jobOrigin(x.in.JobName, "openlineage-job-name", func(r *jobRule) bool { return r.name != nil }, s.JobName, "job.name")
	case "job description":
		if text := x.w.description; text != "" && text != v.SuiteNotes {
			return "configuration", "job.description"
		}
		if strings.TrimSpace(v.SuiteNotes) == "" {
			return "derived", "which suite checks which asset"
		}
		return x.place(field, "/meta/notes")
	case "parent":
		return x.parentOrigin(field)
	case "run tags":
		if len(s.RunTags) > 0 && x.tagIndex(field) < len(s.RunTags) {
			return "configuration", "run.tags"
		}
		return "derived", "what gx-ol did, and that the result is partial"
	case "dataset":
		return x.datasetOrigin()
	case "subset":
		if from, where := x.place(field, "/meta/active_batch_definition/batch_identifiers /meta/batch_kwargs"); from == "message" && !strings.Contains(field, "locations") {
			return from, where + " (date parts; others by batch_values: all)"
		}
		return x.place(field, "/meta/batch_spec/path /meta/batch_kwargs/path /meta/batch_kwargs/s3")
	case "metric":
		return x.metricOrigin(field)
	}
	return x.ofExpectation(what, field)
}

// ofExpectation answers for fields of an assertion or a test.
func (x *explainer) ofExpectation(what, field string) (from, where string) {
	e := x.expectation(field)
	if e == nil {
		return "unknown", ""
	}
	switch {
	case what == "outcome" && e.Raised:
		return x.place(field, "result/exception_info")
	case what == "outcome":
		if from, where = x.place(field, "result/success"); from == "message" {
			return from, where
		}
		return "derived", "the expectation was never evaluated"
	case what == "severity" && e.Severity != "":
		return x.place(field, "result/expectation_config/severity result/severity")
	case what == "severity":
		return "constant", "error, where the expectation has none"
	case what == "test name" && e.ID != "":
		return x.place(field, "result/expectation_config/id result/expectation_config/ge_cloud_id result/id")
	}
	return "derived", "the expectation's type and column: it has no id"
}

// times names the result's own times that are there.
func (x *explainer) times() string {
	var found []string
	for _, tokens := range [][]string{{"meta", "run_id", "run_time"}, {"meta", "run_id"}, {"meta", "validation_time"}, {"meta", "batch_markers", "ge_load_time"}} {
		if x.message.Has(tokens...) && (len(tokens) != 2 || tokens[1] != "run_id" || len(found) == 0) {
			found = append(found, "/"+strings.Join(tokens, "/"))
		}
	}
	return strings.Join(found, ", ") + " within an hour of the clock"
}

// jobOrigin follows nameJob: header, first rule that fits, setting, default.
func (x *explainer) jobOrigin(header, headerName string, names func(*jobRule) bool, setting, key string) (from, where string) {
	if strings.TrimSpace(header) != "" {
		return "header", headerName
	}
	f := x.m.jobFields(x.w.v, x.in, x.w.source)
	for i := range x.m.jobRules {
		if r := &x.m.jobRules[i]; r.fits(f, x.w.source) {
			if names(r) {
				return "configuration", fmt.Sprintf("job.rules[%d]", i)
			}
			break
		}
	}
	switch {
	case setting != "":
		return "configuration", key
	case key == "job.namespace":
		return "constant", "default"
	}
	return "derived", "the parts of <suite>.<datasource>.<asset> that are known"
}

func (x *explainer) parentOrigin(field string) (from, where string) {
	in, set, name := x.in.Parent, x.m.settings.Parent, "parent"
	if strings.Contains(field, ".root.") && x.w.parent.root != x.w.parent.own {
		in, set, name = x.in.Root, x.m.settings.Root, "root-parent"
	}
	if own, _, ok := parseContext(x.in.Context); ok && own == x.w.parent.own {
		return "header", "openlineage-context"
	}
	switch {
	case in != (ParentRun{}):
		return "header", "openlineage-" + name + "-…"
	case set != (ParentRun{}):
		return "configuration", map[string]string{"parent": "parent.id", "root-parent": "parent.root_id"}[name]
	}
	return "derived", "the checkpoint's own run (parent.checkpoint)"
}

func (x *explainer) tagIndex(field string) int {
	n := 0
	_, _ = fmt.Sscanf(field, "run.facets.tags.tags[%d]", &n) // the rule that leads here knows the field
	return n
}

// datasetOrigin names the entry of the datasources and the places in the message that the name was made of.
func (x *explainer) datasetOrigin() (from, where string) {
	v := x.w.v
	var parts []string
	if entry := x.w.source.Entry; entry != "" {
		parts = append(parts, fmt.Sprintf("datasources: %q", entry))
	}
	for _, block := range []string{"batch_spec", "batch_kwargs"} {
		for _, key := range []string{"query", "query_name", "table_name", "table", "schema_name", "schema", "database_name", "path", "s3", "reader_options", "batch_data", "dataset"} {
			if x.message.Has("meta", block, key) {
				parts = append(parts, "/meta/"+block+"/"+key)
			}
		}
	}
	if len(parts) == 0 || v.Batch.Spec.HasQuery {
		_, asset := x.place("", "/meta/active_batch_definition/data_asset_name /meta/batch_kwargs/data_asset_name /meta/data_asset_name /data_asset_name result/expectation_config/kwargs/batch_id")
		parts = append(parts, asset)
	}
	return "derived", strings.Join(parts, ", ")
}

// metricOrigin finds the result that alone gives the same metric.
func (x *explainer) metricOrigin(field string) (from, where string) {
	want := x.w.metrics.field(field)
	for i := len(x.w.v.Results) - 1; i >= 0; i-- {
		e := &x.w.v.Results[i]
		var alone metrics
		alone.measure([]assertion{{e: e, column: column(e)}})
		if got := alone.field(field); got != "" && got == want {
			return "message", "/" + strings.Join(append(x.message.Result(e), "result"), "/") + " of " + e.Type
		}
	}
	return "derived", "from the results together"
}

// field is a metric as text by the end of its field's name, "" if it is not there.
func (m *metrics) field(name string) string {
	name = name[strings.LastIndex(name, ".inputFacets.")+len(".inputFacets."):]
	_, name, _ = strings.Cut(name, ".")
	switch name {
	case "rowCount":
		return number64(m.rows)
	case "bytes":
		return number64(m.bytes)
	case "columnMetrics":
		return "{}"
	}
	for i := range m.columns {
		c := &m.columns[i]
		rest, ok := strings.CutPrefix(name, "columnMetrics."+c.name+".")
		if !ok {
			continue
		}
		for key, value := range map[string]string{"nullCount": number64(c.nulls), "distinctCount": number64(c.distinct), "count": number64(c.count),
			"sum": string(c.sum), "min": string(c.min), "max": string(c.max)} {
			if rest == key {
				return value
			}
		}
		for _, q := range c.quantiles {
			if rest == "quantiles."+string(q.name) {
				return string(q.value)
			}
		}
	}
	return ""
}

func number64(n whole) string {
	if !n.known {
		return ""
	}
	return fmt.Sprint(n.n)
}
