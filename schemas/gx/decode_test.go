package gx

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

const (
	oneEVR   = `{"success": false, "expectation_config": {"type": "expect_x", "kwargs": {"column": "a"}}, "result": {"element_count": 2.0, "unexpected_list": [{"x": "ROW"}]}}`
	oneSuite = `{"results": [` + oneEVR + `], "success": false, "suite_name": "s", "meta": {"run_id": {"run_name": "n", "run_time": "2026-01-02T03:04:05+02:00"}}}`
	oneEvent = `{"eventTime": "2026-01-01T00:00:00Z", "producer": "p", "eventType": "START", "run": {"runId": "r", "facets": {"parent": {"job": {"namespace": "pn", "name": "pj"}, "root": {"job": {"namespace": "rn", "name": "rj"}}}}}, "job": {"namespace": "n", "name": "j"}, "inputs": [{"namespace": "in", "name": "a"}, {"name": "b", "facets": {}}, 7], "outputs": [{"namespace": "on", "name": "c"}], "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}`
)

func quoted(t string) string {
	b, _ := json.Marshal(t)
	return string(b)
}

func TestEachShapeIsRecognised(t *testing.T) {
	entry := `{"validation_result": ` + oneSuite + `, "actions_results": {}}`
	described := `{"success": true, "expectations": [{"expectation_type": "e", "success": true, "kwargs": {}, "result": {}}], "statistics": {"evaluated_expectations": 1}}`
	for name, c := range map[string]struct {
		value string
		shape Shape
		parts []string
	}{
		"suite":             {oneSuite, ShapeSuite, []string{""}},
		"suite with a BOM":  {"\xef\xbb\xbf" + oneSuite, ShapeSuite, []string{""}},
		"one expectation":   {oneEVR, ShapeExpectation, []string{""}},
		"checkpoint":        {`{"run_results": {"a": ` + entry + `, "b": ` + entry + `}, "checkpoint_config": {"name": "cp"}}`, ShapeCheckpoint, []string{"run_results[0]", "run_results[1]"}},
		"checkpoint of one": {`{"checkpoint_config": {}, "run_results": {"a": ` + entry + `}}`, ShapeCheckpoint, []string{""}},
		"operator":          {`{"run_results": {"a": ` + entry + `}, "validation_operator_config": {}}`, ShapeOperator, []string{""}},
		"run results":       {`{"ValidationResultIdentifier::a": ` + oneSuite + `, "GXCloudIdentifier::b": ` + entry + `}`, ShapeRunResults, []string{"run_results[0]", "run_results[1]"}},
		"describe":          {`{"success": true, "validation_results": [` + described + `,` + described + `]}`, ShapeDescribeCheckpoint, []string{"validation_results[0]", "validation_results[1]"}},
		"described suite":   {described, ShapeDescribeSuite, []string{""}},
		"described one":     {`{"expectation_type": "e", "success": true, "kwargs": {}}`, ShapeDescribeOne, []string{""}},
		"API action":        {`{"test_suite_name": "s", "data_asset_name": "a", "validation_results": [` + oneEVR + `]}`, ShapeAPIAction, []string{""}},
		"array":             {`[` + oneSuite + `,` + oneSuite + `]`, ShapeArray, []string{"[0]", "[1]"}},
		"array of results":  {`[` + oneEVR + `,` + oneEVR + `]`, ShapeArray, []string{""}},
		"string":            {quoted(oneSuite), ShapeSuite, []string{""}},
		"string in string":  {quoted(quoted(oneSuite)), ShapeSuite, []string{""}},
		"cloud":             {`{"data": {"attributes": {"result": ` + oneSuite + `}}}`, ShapeSuite, []string{""}},
		"cloud 1.x":         {`{"data": ` + oneSuite + `}`, ShapeSuite, []string{""}},
		"Kafka Connect":     {`{"schema": null, "payload": ` + quoted(oneSuite) + `}`, ShapeSuite, []string{""}},
		"CloudEvents":       {`{"specversion": "1.0", "data": ` + oneSuite + `}`, ShapeSuite, []string{""}},
		"Confluent framing": {"\x00\x00\x00\x00\x07" + oneSuite, ShapeSuite, []string{""}},
		"event":             {oneEvent, ShapeEvent, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Decode([]byte(c.value))
			if err != nil {
				t.Fatal(err)
			}
			if m.Shape != c.shape || len(m.Validations) != len(c.parts) {
				t.Fatalf("shape %s with %d validations, want %s with %d", m.Shape, len(m.Validations), c.shape, len(c.parts))
			}
			for i, part := range c.parts {
				if m.Validations[i].Part != part {
					t.Errorf("part %q, want %q", m.Validations[i].Part, part)
				}
			}
		})
	}
}

func TestBadInputIsRefusedWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		value  string
		code   string
		offset int64
	}{
		"empty":               {"", "empty_value", -1},
		"blank":               {" \n\t", "empty_value", -1},
		"only a BOM":          {"\xef\xbb\xbf", "empty_value", -1},
		"truncated object":    {`{"a": 1`, "invalid_json", 7},
		"truncated string":    {`{"results": "abc`, "invalid_json", 16},
		"truncated array":     {`[1, 2`, "invalid_json", 5},
		"truncated word":      {`{"a": tru`, "invalid_json", 9},
		"truncated number":    {`{"a": -`, "invalid_json", 7},
		"truncated escape":    {`{"a": "\u00`, "invalid_json", 11},
		"missing comma":       {`{"a": 1 "b": 2}`, "invalid_json", 8},
		"trailing comma":      {`{"a": 1,}`, "invalid_json", 8},
		"trailing bytes":      {oneSuite + ` x`, "invalid_json", int64(len(oneSuite)) + 1},
		"trailing zero byte":  {oneSuite + "\x00", "invalid_json", int64(len(oneSuite))},
		"control character":   {"[\"a\nb\"]", "invalid_json", 3},
		"bad escape":          {`["\x"]`, "invalid_json", 2},
		"leading zero":        {`[01]`, "invalid_json", 1},
		"bare word":           {`nothing`, "invalid_json", 0},
		"single quotes":       {`{'a': 1}`, "invalid_json", 1},
		"not UTF-8":           {"[\"a\xff\"]", "invalid_json", 3},
		"offset after BOM":    {"\xef\xbb\xbf{]", "invalid_json", 4},
		"offset after frame":  {"\x00\x00\x00\x00\x07{]  ", "invalid_json", 6},
		"too deep":            {strings.Repeat("[", 600), "too_deep", 512},
		"another object":      {`{"secret": "ROWVALUE"}`, "unknown_shape", 0},
		"a number":            {`12`, "unknown_shape", 0},
		"null":                {`null`, "unknown_shape", 0},
		"empty array":         {`[]`, "unknown_shape", 0},
		"plain string":        {`"hello"`, "unknown_shape", 0},
		"string thrice":       {quoted(quoted(quoted(oneSuite))), "unknown_shape", 0},
		"an expectation file": {`{"expectation_suite_name": "s", "expectations": [], "meta": {}}`, "unknown_shape", 0},
		"results of others":   {`{"success": true, "results": [{"idx": 1}]}`, "not_a_result", 30},
		"numbers as results":  {`{"success": true, "results": [7]}`, "not_a_result", 30},
		"second of an array":  {`[` + oneSuite + `, {"x": 1}]`, "unknown_shape", int64(len(oneSuite)) + 3},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode([]byte(c.value))
			var de *DecodeError
			if !errors.As(err, &de) {
				t.Fatalf("error %v", err)
			}
			if de.Code != c.code || de.Offset != c.offset {
				t.Errorf("%s at %d, want %s at %d: %v", de.Code, de.Offset, c.code, c.offset, err)
			}
			if strings.Contains(err.Error(), "ROWVALUE") {
				t.Errorf("quotes a value: %v", err)
			}
		})
	}
}

func decodeOne(t *testing.T, value string) *Validation {
	t.Helper()
	m, err := Decode([]byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return &m.Validations[0]
}

func TestExpectationFactsAreRead(t *testing.T) {
	v := decodeOne(t, `{"success": false, "expectation_config": {"expectation_type": "e", "ge_cloud_id": "i", "meta": {"notes": {"format": "md", "content": ["a", "b"]}},
		"kwargs": {"column": "c", "batch_id": "b1", "result_format": "BASIC", "min_value": {"$PARAMETER": "p"}, "max_value": Infinity, "row_condition": {"type": "and"}, "value_set": [1, 2, 3]}},
		"meta": {"substituted_parameters": {"min_value": 5}},
		"result": {"observed_value": {"b": -Infinity, "a": "\ud800\u00e9"}, "unexpected_count": null, "element_count": 3.0, "unexpected_percent": NaN, "details": {"value_counts": [1, 2]}},
		"exception_info": {"('m', 'k')": {"raised_exception": true, "exception_message": "boom ROWVALUE", "exception_traceback": "Traceback (most recent call last):\n  File x\n    y\nsqlalchemy.exc.DataError: ROWVALUE\nmore\n"}}}`)
	e := v.Results[0]
	if e.Type != "e" || e.ID != "i" || e.Notes != "a\nb" || e.Column != "c" || !e.HasColumn || !e.RowCondition || v.Batch.BatchID != "b1" {
		t.Errorf("config: %+v", e)
	}
	var kwargs []string
	for _, k := range e.Kwargs {
		kwargs = append(kwargs, k.Name+"="+string(k.Value))
	}
	if got := strings.Join(kwargs, " "); got != `max_value="Infinity" min_value=5 row_condition={"type":"and"} value_set=[1,2,3]` || e.Kwargs[3].Count != 3 {
		t.Errorf("kwargs %s", got)
	}
	r := e.Result
	if string(r.Observed) != "{\"a\":\"\ufffdé\",\"b\":\"-Infinity\"}" || r.UnexpectedCount != nil || *r.ElementCount != 3 || r.UnexpectedPercent != nil || r.ValueCounts != 2 {
		t.Errorf("result %s %+v", r.Observed, r)
	}
	if !e.Raised || e.ExceptionClass != "sqlalchemy.exc.DataError" || e.ExceptionText != "boom ROWVALUE" {
		t.Errorf("exception %v %q %q", e.Raised, e.ExceptionClass, e.ExceptionText)
	}
}

func TestClassIsNeverTextOfTheException(t *testing.T) {
	for in, want := range map[string]string{
		"KeyError: 'x'":                      "KeyError",
		"a.b.C_Error":                        "a.b.C_Error",
		"could not convert ROWVALUE Error: ": "",
		"ROWVALUE: no":                       "",
		"(psycopg2.Error) x":                 "",
		"":                                   "",
	} {
		if got := className(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func TestRepeatedExpectationIsMergedOnlyIn0x(t *testing.T) {
	evr := `{"success": false, "expectation_config": {"%": "e", "kwargs": {"column": "c"}}, "result": {}, "exception_info": {"raised_exception": true}}`
	for key, want := range map[string]int{"expectation_type": 1, "type": 2} {
		one := strings.Replace(evr, "%", key, 1)
		v := decodeOne(t, `{"success": false, "results": [`+one+`,`+one+`], "statistics": {"evaluated_expectations": 2}}`)
		if len(v.Results) != want || v.ResultCount != 2 || v.Partial {
			t.Errorf("%s: %d results of %d, partial %v", key, len(v.Results), v.ResultCount, v.Partial)
		}
	}
}

func TestTimesOfEveryRelease(t *testing.T) {
	for in, want := range map[string]string{
		"20240814T172846.050804Z":          "2024-08-14T17:28:46.050804Z",
		"2022-07-27T11:43:27.625252+00:00": "2022-07-27T11:43:27.625252Z",
		"2025-05-13T20:11:51.913729+02:00": "2025-05-13T18:11:51.913729Z",
		"2019-09-26T13:42:41+00:00":        "2019-09-26T13:42:41Z",
		"2019-09-25T060538.829112Z":        "2019-09-25T06:05:38.829112Z",
		"2024-01-01 10:00:00.5":            "2024-01-01T10:00:00.5Z",
		"20240814T172846":                  "2024-08-14T17:28:46Z",
		"2024-01-01T10:00:00+0200":         "2024-01-01T08:00:00Z",
		"profiling of the whole":           "0001-01-01T00:00:00Z",
		"":                                 "0001-01-01T00:00:00Z",
	} {
		if got := parseTime([]byte(in)).Format(time.RFC3339Nano); got != want {
			t.Errorf("%q is %s, want %s", in, got, want)
		}
	}
}

func TestBatchComesFromEveryGeneration(t *testing.T) {
	suite := func(meta string) *Validation { return decodeOne(t, `{"results": [], "meta": `+meta+`}`) }
	v := suite(`{"active_batch_definition": {"datasource_name": "d", "data_asset_name": "a", "batch_identifiers": {"b": {"y": 2.0, "x": "é"}, "a": 1}}, "batch_spec": {"type": "table", "table_name": "t", "schema_name": null, "query": "SQLQuery", "partitioner_kwargs": {"column_name": "day"}}}`)
	if string(v.Batch.Identifiers) != `{"a":1,"b":{"x":"é","y":2.0}}` {
		t.Errorf("identifiers %s", v.Batch.Identifiers)
	}
	if s := v.Batch.Spec; !s.Present || s.Table != "t" || !s.SchemaNull || !s.HasQuery || s.Query != "" || s.SplitterColumn != "day" {
		t.Errorf("spec %+v", s)
	}
	v = suite(`{"batch_kwargs": {"s3": "s3a://b/k", "datasource": "d", "path": "/tmp"}, "run_id": "20200430T191246.763896Z", "great_expectations.__version__": "v0.7.8"}`)
	if v.Batch.Datasource != "d" || v.Batch.Spec.Path != "s3a://b/k" || v.Batch.Identifiers == nil || v.RunTime.Year() != 2020 || v.GXVersion != "0.7.8" {
		t.Errorf("V2 %+v", v)
	}
	v = suite(`{"batch_spec": {"reader_method": "read_sql_table", "reader_options": {"con": "postgresql://u:p@h/d", "table_name": "t", "schema": "s"}}}`)
	if s := v.Batch.Spec; s.Connection == "" || s.ReaderTable != "t" || s.ReaderSchema != "s" {
		t.Errorf("reader %+v", s)
	}
}

func TestEventPassesUnchanged(t *testing.T) {
	m, err := Decode([]byte("\xef\xbb\xbf" + oneEvent))
	if err != nil {
		t.Fatal(err)
	}
	want := EventFacts{Kind: "RunEvent", Type: "START", RunID: "r", JobNamespace: "n", JobName: "j", ParentNamespace: "pn", ParentName: "pj", RootNamespace: "rn", RootName: "rj",
		Datasets: []Dataset{{"in", "a"}, {"", "b"}, {"on", "c"}}}
	if len(m.Events) != 1 || string(m.Events[0].Event) != oneEvent || !reflect.DeepEqual(m.Events[0].Facts, want) {
		t.Errorf("%+v", m.Events)
	}
}

func TestHashIgnoresKeyOrderAndEscapes(t *testing.T) {
	a := decodeOne(t, `{"success": true, "results": [{"success": true, "expectation_config": {"type": "e", "kwargs": {"a": "\u00e9", "b": {"x": 1, "y": 2}}}, "result": {}}]}`)
	b := decodeOne(t, `{"results": [{"result": {}, "expectation_config": {"kwargs": {"b": {"y": 2, "x": 1}, "a": "é"}, "type": "e"}, "success": true}], "success": true}`)
	c := decodeOne(t, `{"results": [{"result": {}, "expectation_config": {"kwargs": {"b": {"y": 2, "x": 1}, "a": "e"}, "type": "e"}, "success": true}], "success": true}`)
	if a.FactsHash() != b.FactsHash() || a.FactsHash() == c.FactsHash() {
		t.Error("the hash does not follow the facts")
	}
}

func testdata(t testing.TB) map[string][]byte {
	names, _ := filepath.Glob("testdata/*.json")
	all := map[string][]byte{}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(n)] = b
	}
	return all
}

func TestRealReleases(t *testing.T) {
	for name, want := range map[string]struct {
		shape       Shape
		validations int
		partial     bool
	}{
		"0.13.49-checkpoint.json":       {ShapeCheckpoint, 1, false},
		"0.13.49-operator.json":         {ShapeOperator, 1, false},
		"0.17.23-api-notification.json": {ShapeAPIAction, 1, false},
		"0.18.22-checkpoint.json":       {ShapeCheckpoint, 1, false},
		"1.0.4-array.json":              {ShapeArray, 3, false},
		"1.9.3-failed-only.json":        {ShapeSuite, 1, true},
		"1.9.3-string.json":             {ShapeSuite, 1, false},
		"1.24.1-suite.store.json":       {ShapeSuite, 1, false},
	} {
		m, err := Decode(testdata(t)[name])
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.Shape != want.shape || len(m.Validations) != want.validations || m.Validations[0].Partial != want.partial {
			t.Errorf("%s: %s, %d validations, partial %v", name, m.Shape, len(m.Validations), m.Validations[0].Partial)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, b := range testdata(f) {
		f.Add(b)
	}
	for _, t := range []string{oneSuite, oneEVR, oneEvent, quoted(oneSuite), `[` + oneSuite + `]`, `{"data": "[]"}`, "\x00\x00\x00\x00\x01{}", `[NaN, -Infinity, 1e9, "\ud800"]`, `{"a":`} {
		f.Add([]byte(t))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		m, err := Decode(value)
		var de *DecodeError
		if err != nil && (!errors.As(err, &de) || de.Code == "" || de.Offset > int64(len(value))) {
			t.Fatalf("error %#v", err)
		}
		if (m == nil) != (err != nil) {
			t.Fatal("neither a message nor an error")
		}
		if json.Valid(value) && utf8.Valid(value) && de != nil && de.Code == "invalid_json" && de.Path == "" {
			t.Fatalf("valid JSON refused: %v", err)
		}
	})
}

// What one Decode reuses of another must never show in what the first one gave.
func TestAMessageStaysAsItWasWhileOthersAreDecoded(t *testing.T) {
	all := testdata(t)
	text := func(m *Message) string {
		b, err := json.Marshal(m)
		if err != nil {
			t.Error(err)
		}
		return string(b)
	}
	var wait sync.WaitGroup
	for name, value := range all {
		wait.Go(func() {
			first, err := Decode(value)
			if err != nil {
				return // a README
			}
			was := text(first)
			for _, other := range all {
				if m, err := Decode(other); err == nil {
					m.Release()
				}
				_, _ = Decode(other[:len(other)/2])
			}
			again, err := Decode(value)
			if err != nil || text(first) != was || text(again) != was {
				t.Errorf("%s: decoded otherwise the second time: %v", name, err)
			}
		})
	}
	wait.Wait()
}

// A panic is recovered by whoever decodes, and what was in hand then must not show in the next message.
func TestAStoreIsGivenBackEmpty(t *testing.T) {
	m := &store{facts: new(facts), evr: evr{batchID: "ROWVALUE"}, segs: []segment{{key: []byte("ROWVALUE")}}, read: 1,
		members: []member{{key: []byte("ROWVALUE")}}, readings: []*reading{{asset: "ROWVALUE"}}}
	segs, members := m.segs, m.members
	m.release()
	if m.facts != nil || m.evr.batchID != "" || m.batch != "" || len(m.segs) != 0 || segs[0].key != nil || len(m.members) != 0 || members[0].key != nil ||
		m.read != 0 || m.readings[0].asset != "" {
		t.Errorf("%+v %+v %+v", m, segs, members)
	}
}

// Whoever releases a message finds nothing in it any more, and the next one that is decoded into its memory nothing of it.
func TestAReleasedMessageLeavesNothing(t *testing.T) {
	f := &facts{validations: make([]Validation, 1), results: []Expectation{{Type: "ROWVALUE"}}, kwargs: []Kwarg{{Name: "ROWVALUE"}}}
	results, kwargs := f.results, f.kwargs
	m := &Message{Validations: f.validations, facts: f}
	m.Release()
	m.Release() // harmless: the memory may serve another message by now
	if m.Validations != nil || m.facts != nil || results[0].Type != "" || kwargs[0].Name != "" || len(f.results) != 0 {
		t.Errorf("%+v %+v", m, f)
	}
}
