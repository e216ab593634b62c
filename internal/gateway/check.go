package gateway

import (
	"strconv"
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// kindOf is the kind of an event, as Marquez and the pipeline tell it.
func kindOf(ev map[string]any) string {
	url, _ := ev["schemaURL"].(string)
	switch kind := url[strings.LastIndexByte(url, '/')+1:]; kind {
	case "RunEvent", "JobEvent", "DatasetEvent":
		return kind
	}
	switch {
	case ev["run"] != nil:
		return "RunEvent"
	case ev["dataset"] != nil:
		return "DatasetEvent"
	case ev["eventType"] != nil:
		return "RunEvent" // its run is missing
	}
	return "JobEvent"
}

// check is what every backend needs of an event; facets are not ours to judge. It quotes no value. It is what Marquez asks for, rather than
// the schema: a client whose events a backend takes must not be refused here.
func check(ev map[string]any, kind string) (place, rule string) {
	switch when, ok := ev["eventTime"].(string); {
	case !ok:
		return "eventTime", "must be a text"
	case !isTime(when):
		return "eventTime", "must be a time such as 2026-01-01T00:00:00Z"
	}
	if s, _ := ev["producer"].(string); strings.TrimSpace(s) == "" {
		return "producer", "must be a text that is not empty"
	}
	if v := ev["schemaURL"]; v != nil {
		if _, ok := v.(string); !ok {
			return "schemaURL", "must be a text"
		}
	}
	if v := ev["eventType"]; v != nil {
		s, ok := v.(string)
		if !ok || !eventType(s) {
			return "eventType", "must be START, RUNNING, COMPLETE, ABORT, FAIL or OTHER"
		}
	}
	if kind == "DatasetEvent" {
		return named("dataset", ev["dataset"])
	}
	if kind == "RunEvent" {
		run, ok := ev["run"].(map[string]any)
		if !ok {
			return "run", "must be an object"
		}
		if id, _ := run["runId"].(string); strings.TrimSpace(id) == "" {
			return "run.runId", "must be a text that is not empty"
		}
		if place, rule := facets("run.facets", run["facets"]); rule != "" {
			return place, rule
		}
	}
	if place, rule := named("job", ev["job"]); rule != "" {
		return place, rule
	}
	for _, side := range []string{"inputs", "outputs"} {
		if ev[side] == nil {
			continue
		}
		all, ok := ev[side].([]any)
		if !ok {
			return side, "must be an array"
		}
		for i, v := range all {
			if place, rule := named(side+"["+strconv.Itoa(i)+"]", v); rule != "" {
				return place, rule
			}
		}
	}
	return "", ""
}

// named checks what has a namespace and a name: jobs and datasets.
func named(at string, v any) (place, rule string) {
	o, ok := v.(map[string]any)
	if !ok {
		return at, "must be an object"
	}
	for _, key := range []string{"namespace", "name"} {
		if s, _ := o[key].(string); strings.TrimSpace(s) == "" {
			return at + "." + key, "must be a text that is not empty"
		}
	}
	for _, key := range []string{"facets", "inputFacets", "outputFacets"} {
		if o[key] == nil {
			continue
		}
		if place, rule := facets(at+"."+key, o[key]); rule != "" {
			return place, rule
		}
	}
	return "", ""
}

func facets(at string, v any) (place, rule string) {
	if v == nil {
		return "", ""
	}
	if _, ok := v.(map[string]any); !ok {
		return at, "must be an object"
	}
	return "", ""
}

func eventType(s string) bool {
	switch strings.ToUpper(s) {
	case "START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER":
		return true
	}
	return false
}

// isTime takes a time with a zone, and one without, as older clients send and Marquez takes.
func isTime(s string) bool {
	if _, err := time.Parse(time.RFC3339, s); err == nil {
		return true
	}
	_, err := time.Parse("2006-01-02T15:04:05", s)
	return err == nil
}

// keyOf is the Kafka key by OpenLineage's rule.
func keyOf(ev map[string]any, kind string) string {
	switch kind {
	case "DatasetEvent":
		set := jobOf(ev["dataset"])
		return openlineage.DatasetKey(set.Namespace, set.Name)
	case "JobEvent":
		return openlineage.JobKey(jobOf(ev["job"]))
	}
	run, _ := ev["run"].(map[string]any)
	facets, _ := run["facets"].(map[string]any)
	parent, _ := facets["parent"].(map[string]any)
	root, _ := parent["root"].(map[string]any)
	return openlineage.RunKey(jobOf(root["job"]), jobOf(parent["job"]), jobOf(ev["job"]))
}

func jobOf(v any) openlineage.Job {
	o, _ := v.(map[string]any)
	namespace, _ := o["namespace"].(string)
	name, _ := o["name"].(string)
	return openlineage.Job{Namespace: namespace, Name: name}
}
