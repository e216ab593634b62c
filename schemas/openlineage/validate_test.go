package openlineage

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
)

// golden is START and the terminal event of one real result.
func golden(t *testing.T) (start, end []byte) {
	t.Helper()
	raw, err := os.ReadFile("../../mapper/testdata/golden/0.18.22-checkpoint.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(raw, []byte("\n"))
	return lines[0], lines[1]
}

// remove as a new value takes the member away.
type remove struct{}

// mutate sets what stands at a pointer, making nothing but the last member.
func mutate(t *testing.T, event []byte, pointer string, value any) []byte {
	t.Helper()
	var doc any
	if err := json.Unmarshal(event, &doc); err != nil {
		t.Fatal(err)
	}
	steps := strings.Split(pointer, "/")[1:]
	at := doc
	for i, step := range steps {
		last := i == len(steps)-1
		switch v := at.(type) {
		case map[string]any:
			if _, takeAway := value.(remove); last && takeAway {
				delete(v, step)
			} else if last {
				v[step] = value
			}
			at = v[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n >= len(v) {
				t.Fatalf("%s: no member %s", pointer, step)
			}
			if last {
				v[n] = value
			}
			at = v[n]
		default:
			t.Fatalf("%s: nothing at %s", pointer, step)
		}
	}
	out, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEachKindOfBreakIsRefusedAtItsPlace(t *testing.T) {
	start, end := golden(t)
	const asserted = "/inputs/0/inputFacets/dataQualityAssertions/assertions/0"
	const column = "/inputs/0/inputFacets/dataQualityMetrics/columnMetrics/qty"
	for name, c := range map[string]struct {
		start   bool
		pointer string
		value   any
		at      string // where the error must point; empty: pointer
		rule    string
	}{
		"unknown key":               {pointer: "/sevret", value: 1, at: "the event", rule: "additionalProperties: sevret"},
		"no event time":             {pointer: "/eventTime", value: remove{}, at: "the event", rule: "required: eventTime"},
		"time without microseconds": {pointer: "/eventTime", value: "2026-11-23T06:21:46Z", rule: "pattern"},
		"time with an offset":       {pointer: "/eventTime", value: "2026-11-23T06:21:46.000000+01:00", rule: "pattern"},
		"no such day":               {pointer: "/eventTime", value: "2026-02-30T06:21:46.000000Z", rule: "format: date-time"},
		"never RUNNING":             {pointer: "/eventType", value: "RUNNING", rule: "enum: [COMPLETE FAIL]"},
		"never OTHER":               {pointer: "/eventType", value: "OTHER", rule: "enum"},
		"random run id":             {pointer: "/run/runId", value: "1b4e28ba-2fa1-4ad2-883f-0016d3cca427", rule: "pattern"},
		"upper-case run id":         {pointer: "/run/runId", value: "01A20711-5681-78F6-9A96-9D2479BB766E", rule: "pattern"},
		"foreign producer":          {pointer: "/producer", value: "https://example.com/SECRETPW", rule: "pattern"},
		"older schema":              {pointer: "/schemaURL", value: "https://openlineage.io/spec/1-0-5/OpenLineage.json", rule: "const"},
		"an output":                 {pointer: "/outputs", value: []any{map[string]any{"namespace": "a", "name": "b"}}, rule: "maxItems: 0"},
		"results on START":          {start: true, pointer: "/run/facets/test", value: map[string]any{}, at: "/run/facets", rule: "additionalProperties: test"},
		"dataset facets on START":   {start: true, pointer: "/inputs/0/inputFacets", value: map[string]any{}, at: "/inputs/0", rule: "additionalProperties: inputFacets"},
		"START without engine":      {start: true, pointer: "/run/facets/processing_engine", value: remove{}, at: "/run/facets", rule: "required"},
		"facet without producer":    {pointer: "/run/facets/processing_engine/_producer", value: remove{}, at: "/run/facets/processing_engine", rule: "required: _producer"},
		"facet without schema":      {pointer: "/run/facets/processing_engine/_schemaURL", value: remove{}, at: "/run/facets/processing_engine", rule: "required: _schemaURL"},
		"facet of another version":  {pointer: "/run/facets/processing_engine/_schemaURL", value: "https://openlineage.io/spec/facets/0-0-1/TestRunFacet.json", rule: "const"},
		"foreign facet":             {pointer: "/run/facets/unheardOf", value: map[string]any{}, at: "/run/facets", rule: "additionalProperties"},
		"status unknown":            {pointer: "/run/facets/test", value: map[string]any{"tests": []any{map[string]any{"status": "SECRETPW"}}}, at: "/run/facets/test/tests/0/status", rule: "enum: [pass fail skip]"},
		"severity of GX":            {pointer: asserted + "/severity", value: "critical", rule: "enum"},
		"success as text":           {pointer: asserted + "/success", value: "true", rule: "type: boolean"},
		"content without its type":  {pointer: asserted + "/content", value: "SELECT ?", at: asserted, rule: "dependentRequired: contentType"},
		"assertion without type":    {pointer: asserted + "/assertion", value: remove{}, at: asserted, rule: "required"},
		"long actual":               {pointer: asserted + "/actual", value: strings.Repeat("x", 600), rule: "maxLength: 501"},
		"count of a half":           {pointer: column + "/nullCount", value: 1.5, rule: "type: integer"},
		"negative count":            {pointer: column + "/nullCount", value: -1, rule: "minimum"},
		"date as maximum":           {pointer: column + "/max", value: "2026-01-01", rule: "type: number"},
		"unknown metric":            {pointer: column + "/mean", value: 1, at: column, rule: "additionalProperties: mean"},
		"quantile named by a word":  {pointer: column + "/quantiles", value: map[string]any{"median": 1}, rule: "additionalProperties: median"},
		"long column name":          {pointer: column[:len(column)-3] + strings.Repeat("x", 256), value: map[string]any{"count": 1}, at: column[:len(column)-4], rule: "additionalProperties: xxx"},
		"blank job":                 {pointer: "/job/name", value: " \t", rule: "pattern"},
		"empty job":                 {pointer: "/job/name", value: "", rule: "minLength"},
		"job type of another tool":  {pointer: "/job/facets/jobType/integration", value: "DBT", rule: "const"},
		"long job":                  {pointer: "/job/name", value: strings.Repeat("ü", 600), at: "/job", rule: "namespace and name: at most 1200 bytes"},
		"long dataset":              {pointer: "/inputs/0/name", value: strings.Repeat("x", 2499), at: "/inputs/0", rule: "at most 2500 bytes"},
		"NUL in a name":             {pointer: "/job/name", value: "a\x00b", rule: "no U+0000"},
		"NUL in a parameter":        {pointer: asserted + "/params", value: map[string]any{"a": []any{"\x00"}}, at: asserted + "/params/a/0", rule: "no U+0000"},
		"NUL in a parameter's name": {pointer: asserted + "/params", value: map[string]any{"a\x00": 1}, rule: "no U+0000 in a name"},
		"blank dataset":             {pointer: "/inputs/0/name", value: " ", rule: "pattern"},
		"namespace with a space":    {pointer: "/inputs/0/namespace", value: "postgres://db example", rule: "pattern"},
		"namespace with a query":    {pointer: "/inputs/0/namespace", value: "postgres://db?password=SECRETPW", rule: "pattern"},
		"source that is no URI":     {pointer: "/inputs/0/facets/dataSource/uri", value: "SECRETPW", rule: "format: uri"},
		"dataset without namespace": {pointer: "/inputs/0/namespace", value: remove{}, at: "/inputs/0", rule: "required: namespace"},
		"row count unknown":         {pointer: "/inputs/0/inputFacets/inputStatistics/rowCount", value: nil, rule: "type: integer"},
		"query without text":        {pointer: "/job/facets/sql", value: map[string]any{"dialect": "postgres"}, rule: "required: _producer, _schemaURL, query"},
		"not an object":             {pointer: "/job", value: []any{"SECRETPW"}, rule: "type: object"},
	} {
		t.Run(name, func(t *testing.T) {
			event := end
			if c.start {
				event = start
			}
			if c.at == "" {
				c.at = c.pointer
			}
			err := Validate(mutate(t, event, c.pointer, c.value))
			var invalid *InvalidEvent
			if !errors.As(err, &invalid) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), c.at+": ") || !strings.Contains(err.Error(), c.rule) {
				t.Errorf("got %v, want %s: %s", err, c.at, c.rule)
			}
			if strings.Contains(err.Error(), "SECRETPW") {
				t.Errorf("the error shows the value: %v", err)
			}
		})
	}
}

func TestOneDatasetMayNotStandTwiceAmongTheInputs(t *testing.T) {
	start, _ := golden(t)
	input := map[string]any{"namespace": "postgres://db:5432", "name": "a"}
	err := Validate(mutate(t, start, "/inputs", []any{input, input}))
	if err == nil || err.Error() != "/inputs/1: no dataset twice" {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsNoJSONIsNotQuoted(t *testing.T) {
	if err := Validate([]byte(`{"a": SECRETPW}`)); err == nil || err.Error() != "the event: is no JSON" {
		t.Errorf("got %v", err)
	}
}

func TestAnErrorStaysShortHoweverManyRulesAreBroken(t *testing.T) {
	_, end := golden(t)
	err := Validate(mutate(t, end, "/inputs/0/inputFacets/dataQualityAssertions/assertions", make([]any, 500)))
	if err == nil || !strings.HasSuffix(err.Error(), "; and 480 more") {
		t.Errorf("got %v", err)
	}
}

func TestPassedThroughEventsAreCheckedForWhatEveryEventHas(t *testing.T) {
	const good = `{"eventTime":"2026-01-01T00:00:00Z","eventType":"RUNNING","producer":"https://example.com/x","schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
		"run":{"runId":"1b4e28ba-2fa1-4ad2-883f-0016d3cca427","facets":{"any":{"_producer":"https://example.com/x","_schemaURL":"https://example.com/s","free":1}}},
		"job":{"namespace":"n","name":"j"},"inputs":[{"namespace":"odd namespace","name":"t"}],"mine":1}`
	for name, c := range map[string]struct {
		pointer string
		value   any
		want    string // empty: valid
	}{
		"as it is":              {"/more", 1, ""},
		"run without job":       {"/job", remove{}, "required"},
		"no run: a job event":   {"/run", remove{}, ""},
		"run id is no uuid":     {"/run/runId", "r", "/run/runId: format: uuid"},
		"facet without schema":  {"/run/facets/any/_schemaURL", remove{}, "/run/facets/any: required: _schemaURL"},
		"time without zone":     {"/eventTime", "2026-01-01T00:00:00", "/eventTime: format: date-time"},
		"unknown event type":    {"/eventType", "DONE", "/eventType: enum"},
		"blank dataset":         {"/inputs/0/name", " ", "/inputs/0/name: pattern"},
		"NUL in a foreign word": {"/mine", "\x00", "/mine: no U+0000"},
	} {
		t.Run(name, func(t *testing.T) {
			err := ValidatePassedThrough(mutate(t, []byte(good), c.pointer, c.value))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
