package http

import (
	"fmt"
	"strings"
	"testing"
)

func runEvent(job, inputs, outputs, runFacets string) string {
	return fmt.Sprintf(`{"eventType":"COMPLETE","eventTime":"2026-03-01T10:00:00Z","producer":"p",`+
		`"schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",`+
		`"run":{"runId":"r","facets":{%s}},"job":%s,"inputs":[%s],"outputs":[%s]}`, runFacets, job, inputs, outputs)
}

func TestGuardRefusesWhatBreaksMarquezForEverybody(t *testing.T) {
	const good = `{"namespace":"ns","name":"job"}`
	long := strings.Repeat("x", 1025)
	for name, c := range map[string]struct{ body, path string }{
		"good":                    {runEvent(good, `{"namespace":"postgres://db:5432","name":"a b?"}`, ``, `"parent":{"job":{"name":"p"}}`), ""},
		"odd job namespace":       {runEvent(`{"namespace":"a b~%","name":"j"}`, ``, ``, ``), ""},
		"escaped backslash":       {runEvent(`{"namespace":"n","name":"a\\u0000"}`, ``, ``, ``), ""},
		"not JSON":                {`{"job":`, ""},
		"job missing":             {`{"eventType":"START"}`, ""},
		"other case of a key":     {runEvent(`{"namespace":"n","name":"","Name":"x"}`, ``, ``, ``), "job.name"},
		"job name empty":          {runEvent(`{"namespace":"n","name":""}`, ``, ``, ``), "job.name"},
		"job name blank":          {runEvent(`{"namespace":"n","name":" \t"}`, ``, ``, ``), "job.name"},
		"job namespace empty":     {runEvent(`{"namespace":"","name":"j"}`, ``, ``, ``), "job.namespace"},
		"job namespace long":      {runEvent(`{"namespace":"`+long+`","name":"j"}`, ``, ``, ``), "job.namespace"},
		"job name long":           {runEvent(`{"namespace":"n","name":"`+long+long+`"}`, ``, ``, ``), "job.name"},
		"output namespace":        {runEvent(good, ``, `{"namespace":"a b","name":"d"}`, ``), "outputs[0].namespace"},
		"output namespace empty":  {runEvent(good, ``, `{"namespace":"","name":"d"}`, ``), "outputs[0].namespace"},
		"output namespace long":   {runEvent(good, ``, `{"namespace":"`+long+`","name":"d"}`, ``), "outputs[0].namespace"},
		"newline at its end":      {runEvent(good, ``, `{"namespace":"a\n","name":"d"}`, ``), "outputs[0].namespace"},
		"input namespace":         {runEvent(good, `{"namespace":"a~","name":"d"}`, ``, ``), "inputs[0].namespace"},
		"output name blank":       {runEvent(good, ``, `{"namespace":"n","name":" "}`, ``), "outputs[0].name"},
		"input name empty":        {runEvent(good, `{"namespace":"n","name":"d"},{"namespace":"n","name":""}`, ``, ``), "inputs[1].name"},
		"dataset name long":       {runEvent(good, `{"namespace":"n","name":"`+long+long+long+`"}`, ``, ``), "inputs[0].name"},
		"null in a list":          {runEvent(good, `null`, ``, ``), "inputs[0]"},
		"symlink":                 {runEvent(good, `{"namespace":"n","name":"d","facets":{"symlinks":{"identifiers":[{"namespace":"a b","name":"x"}]}}}`, ``, ``), "inputs[0].facets.symlinks.identifiers[0].namespace"},
		"parent without name":     {runEvent(good, ``, ``, `"parent":{"job":{"namespace":"n","name":""}}`), "run.facets.parent.job.name"},
		"parentRun without name":  {runEvent(good, ``, ``, `"parentRun":{"job":{"namespace":"n","name":""}}`), "run.facets.parentRun.job.name"},
		"NUL in a value":          {runEvent(good, ``, ``, `"x":{"a":["b","\u0000"]}`), "run.facets.x.a[1]"},
		"NUL in a key":            {runEvent(good, ``, ``, `"x":{"\u0000":1}`), "run.facets.x.(a key)"},
		"facet name":              {runEvent(good, ``, ``, `"`+long+`":{}`), "run.facets"},
		"data source":             {runEvent(good, `{"namespace":"n","name":"d","facets":{"dataSource":{"uri":"x"}}}`, ``, ``), "inputs[0].facets.dataSource.name"},
		"schema field":            {runEvent(good, `{"namespace":"n","name":"d","facets":{"schema":{"fields":[{"name":""}]}}}`, ``, ``), "inputs[0].facets.schema.fields[0].name"},
		"facets without type":     {`{"run":{"runId":"r","facets":{"a":{}}},"job":` + good + `}`, "eventType"},
		"DatasetEvent":            {`{"schemaURL":"x/DatasetEvent","dataset":{"namespace":"a b","name":"d"}}`, "dataset.namespace"},
		"DatasetEvent without it": {`{"schemaURL":"x/DatasetEvent"}`, "dataset"},
		"JobEvent":                {`{"schemaURL":"x/JobEvent","job":{"namespace":"n","name":""}}`, "job.name"},
	} {
		t.Run(name, func(t *testing.T) {
			why := unsafe([]byte(c.body))
			path, _, _ := strings.Cut(why, ": ")
			if path != c.path {
				t.Errorf("refused at %q, want %q (%s)", path, c.path, why)
			}
		})
	}
}

func FuzzGuard(f *testing.F) {
	f.Add([]byte(runEvent(`{"namespace":"n","name":"j"}`, `{}`, `null`, `"a":{"\u0000":1}`)))
	f.Add([]byte(`{"schemaURL":"x/DatasetEvent","dataset":[]}`))
	f.Fuzz(func(_ *testing.T, body []byte) { unsafe(body) })
}
