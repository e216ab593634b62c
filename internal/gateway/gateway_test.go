package gateway

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWhatIsTakenAndWhatIsNot(t *testing.T) {
	for name, c := range map[string]struct {
		body, place string
		status      int
		key         string
	}{
		"run event":              {body: runEvent, status: 201, key: "run:etl/load"},
		"with a byte order mark": {body: "\xef\xbb\xbf" + runEvent + "\n", status: 201, key: "run:etl/load"},
		"without schemaURL":      {body: with(`,"schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"`, ""), status: 201, key: "run:etl/load"},
		"run id that is no UUID": {body: with("0190f3a4-7f8f-7b6e-8a52-4a3c5a1f0c11", "scheduled__2026"), status: 201, key: "run:etl/load"},
		"time without a zone":    {body: with("00:00:00Z", "00:00:00.123456"), status: 201, key: "run:etl/load"},
		"parent":                 {body: with(`4a3c5a1f0c11"}`, `4a3c5a1f0c11","facets":{"parent":{"run":{"runId":"x"},"job":{"namespace":"air","name":"dag"}}}}`), status: 201, key: "run:air/dag"},
		"root":                   {body: with(`4a3c5a1f0c11"}`, `4a3c5a1f0c11","facets":{"parent":{"run":{"runId":"x"},"job":{"namespace":"air","name":"dag"},"root":{"job":{"namespace":"r","name":"oot"}}}}}`), status: 201, key: "run:r/oot"},
		"job event":              {body: `{"eventTime":"2026-01-01T00:00:00Z","job":{"namespace":"n","name":"j"},"producer":"p","schemaURL":"https://x/OpenLineage.json#/$defs/JobEvent"}`, status: 201, key: "job:n/j"},
		"dataset event":          {body: `{"eventTime":"2026-01-01T00:00:00Z","dataset":{"namespace":"n","name":"d"},"producer":"p","schemaURL":"https://x/OpenLineage.json#/$defs/DatasetEvent"}`, status: 201, key: "dataset:n/d"},

		"empty":             {body: " ", status: 400, place: "empty"},
		"not JSON":          {body: runEvent[:len(runEvent)-1] + "secret", status: 400, place: "byte"},
		"cut":               {body: runEvent[:40], status: 400, place: "byte 40"},
		"two documents":     {body: runEvent + runEvent, status: 400, place: "more bytes"},
		"NaN":               {body: with(`"outputs":[]`, `"outputs":[],"x":NaN`), status: 400, place: "byte"},
		"not UTF-8":         {body: with("load", "\xff"), status: 400, place: "UTF-8"},
		"deep":              {body: with(`"outputs":[]`, `"x":`+strings.Repeat("[", 300)+strings.Repeat("]", 300)), status: 400, place: "deep"},
		"array":             {body: "[" + runEvent + "]", status: 422, place: "batch"},
		"text":              {body: `"x"`, status: 422, place: "the event"},
		"no eventTime":      {body: with(`"eventTime"`, `"at"`), status: 422, place: "eventTime"},
		"eventTime no time": {body: with("2026-01-01T00:00:00Z", "secret"), status: 422, place: "eventTime"},
		"no producer":       {body: with(`"producer"`, `"made"`), status: 422, place: "producer"},
		"Producer":          {body: with(`"producer"`, `"Producer"`), status: 422, place: "producer"},
		"wrong type":        {body: with("START", "secret"), status: 422, place: "eventType"},
		"no run":            {body: with(`"run"`, `"walk"`), status: 422, place: "run"},
		"no run id":         {body: with(`"runId"`, `"id"`), status: 422, place: "run.runId"},
		"no job":            {body: with(`"job"`, `"work"`), status: 422, place: "job"},
		"blank job":         {body: with(`"load"`, `" "`), status: 422, place: "job.name"},
		"inputs no list":    {body: with(`"outputs":[]`, `"outputs":{}`), status: 422, place: "outputs"},
		"null input":        {body: with(`"outputs":[]`, `"outputs":[null]`), status: 422, place: "outputs[0]"},
		"facets no object":  {body: with(`"shop.public.orders"`, `"shop.public.orders","facets":[]`), status: 422, place: "inputs[0].facets"},
		"unsafe namespace":  {body: with("postgres://db:5432", "se cret"), status: 422, place: "inputs[0].namespace"},
		"U+0000":            {body: with("shop.public", `a\u0000`), status: 422, place: "inputs[0].name"},
	} {
		t.Run(name, func(t *testing.T) {
			g, w := newGateway()
			a := post(g, "/api/v1/lineage", c.body)
			if a.Code != c.status {
				t.Fatalf("%d %s, want %d", a.Code, a.Body, c.status)
			}
			if strings.Contains(a.Body.String(), "secret") || !strings.Contains(a.Body.String(), c.place) {
				t.Errorf("the answer is %s, want %s and no value", a.Body, c.place)
			}
			if c.status != 201 {
				if len(w.recs) != 0 {
					t.Error("it was written all the same")
				}
				return
			}
			if len(w.recs) != 1 || string(w.recs[0].Key) != c.key || w.recs[0].Topic != "events" {
				t.Fatalf("records %v", w.recs)
			}
			if want := strings.TrimSpace(strings.TrimPrefix(c.body, "\xef\xbb\xbf")); string(w.recs[0].Value) != want {
				t.Errorf("the event is not what came: %s", w.recs[0].Value)
			}
		})
	}
}

func TestResultsOfEveryShapeAreTaken(t *testing.T) {
	action := `{"test_suite_name":"s","data_asset_name":"orders","validation_results":[{"success":true,"expectation_config":{"expectation_type":"expect_column_to_exist","kwargs":{"column":"id"}},"result":{}}]}`
	suite := `{"success":true,"results":[],"suite_name":"s","meta":{"active_batch_definition":{"datasource_name":"shop","data_asset_name":"orders"},"great_expectations_version":"1.9.3"},"statistics":{}}`
	for name, c := range map[string]struct {
		body, key string
		status    int
	}{
		"APINotificationAction": {action, "orders", 201},
		"suite":                 {suite, "shop.orders", 201},
		"array":                 {"[" + suite + "]", "shop.orders", 201},
		"string":                {fmt.Sprintf("%q", suite), "shop.orders", 201},
		"an event":              {runEvent, "run:etl/load", 201},
		"an event that is none": {with(`"producer"`, `"made"`), "", 422},
		"something else":        {`{"secret":1}`, "", 422},
		"not JSON":              {`{"secret`, "", 400},
		"empty":                 {``, "", 400},
	} {
		t.Run(name, func(t *testing.T) {
			g, w := newGateway()
			a := post(g, "/v1/results", c.body, "openlineage-job-name", "nightly", "traceparent", "00-x-y-01", "Cookie", "secret")
			if a.Code != c.status || strings.Contains(a.Body.String(), "secret") {
				t.Fatalf("%d %s, want %d", a.Code, a.Body, c.status)
			}
			if c.status != 201 {
				return
			}
			rec := w.recs[0]
			if string(rec.Key) != c.key || rec.Topic != "results" || string(rec.Value) != c.body {
				t.Errorf("record %s %s", rec.Key, rec.Value)
			}
			if len(rec.Headers) != 2 || rec.Headers[0].Key != "openlineage-job-name" || string(rec.Headers[0].Value) != "nightly" {
				t.Errorf("headers %v", rec.Headers)
			}
		})
	}
}

func TestABatchHasAnOutcomeForEachEvent(t *testing.T) {
	g, w := newGateway()
	if a := post(g, "/api/v1/lineage/batch", "["+runEvent+","+with("load", "two")+"]"); a.Code != 204 || len(w.recs) != 2 || string(w.recs[1].Key) != "run:etl/two" {
		t.Fatalf("%d %s, %d records", a.Code, a.Body, len(w.recs))
	}
	if a := post(g, "/api/v1/lineage/batch", `{"events":[`+runEvent+`]}`); a.Code != 204 {
		t.Errorf("wrapped: %d %s", a.Code, a.Body)
	}
	w.say = func(rec *kgo.Record) error {
		if string(rec.Key) == "run:etl/later" {
			return fault.BackendError("timeout", "no")
		}
		return nil
	}
	a := post(g, "/api/v1/lineage/batch", "["+runEvent+","+with(`"producer"`, `"x"`)+","+with("load", "later")+",7]")
	var o outcome
	if err := json.Unmarshal(a.Body.Bytes(), &o); err != nil || a.Code != 200 {
		t.Fatalf("%d %s", a.Code, a.Body)
	}
	if o.Status != "partial_success" || o.Summary != (summary{4, 1, 3, 1, 2}) || len(o.Failed) != 3 || o.Failed[0].Index != 1 || o.Failed[0].Retriable || o.Failed[1].Index != 2 || !o.Failed[1].Retriable ||
		!strings.Contains(o.Failed[0].Reason, "producer") {
		t.Errorf("outcome %+v", o)
	}
	if a := post(g, "/api/v1/lineage/batch", "["+with("load", "later")+"]"); a.Code != 503 || a.Header().Get("Retry-After") == "" {
		t.Errorf("all later: %d", a.Code)
	}
	for body, status := range map[string]int{runEvent: 422, "[": 400, "": 400, "[" + strings.Repeat("1,", 10) + "1]": 413, "7": 422, "[]": 204} {
		if a := post(g, "/api/v1/lineage/batch", body); a.Code != status {
			t.Errorf("%.20s: %d %s, want %d", body, a.Code, a.Body, status)
		}
	}
}

func TestOnlyTheBrokersAcknowledgementIs201(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"acknowledged": {nil, 201},
		"away":         {fault.BackendError("timeout", "secret"), 503},
		"too large":    {fault.MessageError(fault.Oversize, "kafka_message_too_large", "x"), 413},
		"refused":      {fault.MessageError(fault.Rejected, "kafka_invalid_record", "x"), 422},
		"a bug":        {io.ErrUnexpectedEOF, 503},
	} {
		g, w := newGateway()
		w.say = func(*kgo.Record) error { return c.err }
		a := post(g, "/api/v1/lineage", runEvent)
		if a.Code != c.status || strings.Contains(a.Body.String(), "secret") || (a.Code == 503) != (a.Header().Get("Retry-After") != "") {
			t.Errorf("%s: %d %s", name, a.Code, a.Body)
		}
	}
	g, w := newGateway(func(c *Config) { c.AckTimeout = time.Millisecond })
	w.hold = true
	if a := post(g, "/api/v1/lineage", runEvent); a.Code != 503 {
		t.Errorf("no answer in time: %d", a.Code)
	}
	if g.inFlight.Load() == 0 {
		t.Error("the room of a record that may still be written is given away")
	}
	w.answerAll(nil)
	if err := g.Wait(t.Context()); err != nil || g.inFlight.Load() != 0 {
		t.Errorf("%v, %d bytes in flight", err, g.inFlight.Load())
	}
}

func TestWhoFindsNoRoomIsToldToComeAgain(t *testing.T) {
	g, w := newGateway(func(c *Config) { c.MaxBytesInFlight = int64(len(runEvent)) * 2 })
	w.hold = true
	first := make(chan int)
	go func() { first <- post(g, "/api/v1/lineage", runEvent).Code }()
	for g.inFlight.Load() == 0 {
		time.Sleep(time.Millisecond) // until it holds its room
	}
	if a := post(g, "/api/v1/lineage", runEvent); a.Code != 429 || a.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	for held := 0; held == 0; {
		w.mu.Lock()
		held = len(w.held)
		w.mu.Unlock()
	}
	w.answerAll(nil)
	if code := <-first; code != 201 {
		t.Errorf("the first: %d", code)
	}
	if a := post(g, "/api/v1/lineage", runEvent); a.Code != 201 {
		t.Errorf("when there is room again: %d", a.Code)
	}
}

func TestWhileKafkaIsAwayNothingIsTaken(t *testing.T) {
	g, _ := newGateway()
	if !g.Away(fmt.Errorf("secret")) || g.Away(fmt.Errorf("secret")) {
		t.Error("a change is told once")
	}
	if a := post(g, "/api/v1/lineage", runEvent); a.Code != 503 || a.Header().Get("Retry-After") == "" {
		t.Errorf("%d", a.Code)
	}
	if code, body := get(g, "/readyz", ""); code != 503 || strings.Contains(body, "secret") {
		t.Errorf("readyz %d %s", code, body)
	}
	if code, _ := get(g, "/healthz", ""); code != 200 {
		t.Errorf("healthz %d", code)
	}
	g.Away(nil)
	if code, _ := get(g, "/readyz", ""); code != 200 {
		t.Errorf("readyz %d", code)
	}
	g.Stopping()
	if code, _ := get(g, "/readyz", ""); code != 503 {
		t.Errorf("readyz while stopping %d", code)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	large := with("load", strings.Repeat("x", 2000))
	for name, c := range map[string]struct {
		body    string
		status  int
		headers []string
	}{
		"gzip":               {packed(runEvent), 201, []string{"Content-Encoding", "gzip"}},
		"cut gzip":           {packed(runEvent)[:60], 400, []string{"Content-Encoding", "gzip"}},
		"no gzip":            {runEvent, 400, []string{"Content-Encoding", "gzip"}},
		"bomb":               {packed(with("load", strings.Repeat("x", 1<<20))), 413, []string{"Content-Encoding", "gzip"}},
		"too large":          {large, 413, nil},
		"another encoding":   {runEvent, 415, []string{"Content-Encoding", "br"}},
		"twice":              {packed(packed(runEvent)), 415, []string{"Content-Encoding", "gzip, gzip"}},
		"a form":             {runEvent, 415, []string{"Content-Type", "text/plain"}},
		"no type":            {runEvent, 415, []string{"Content-Type", ""}},
		"with a charset":     {runEvent, 201, []string{"Content-Type", "application/json; charset=utf-8"}},
		"cloud event's type": {runEvent, 201, []string{"Content-Type", "application/cloudevents+json"}},
		"another site":       {runEvent, 403, []string{"Sec-Fetch-Site", "cross-site"}},
	} {
		t.Run(name, func(t *testing.T) {
			g, _ := newGateway(func(c *Config) { c.MaxRequestBytes = 1000 })
			if a := post(g, "/api/v1/lineage", c.body, c.headers...); a.Code != c.status {
				t.Errorf("%d %s, want %d", a.Code, a.Body, c.status)
			}
			if n := g.inFlight.Load(); n != 0 {
				t.Errorf("%d bytes stay in flight", n)
			}
		})
	}
	for _, c := range []struct{ limit, status int }{{len(runEvent), 201}, {len(runEvent) - 1, 413}} { // to the byte
		for encoding, body := range map[string]string{"gzip": packed(runEvent), "identity": runEvent} {
			g, _ := newGateway(func(cfg *Config) { cfg.MaxRequestBytes = c.limit })
			if a := post(g, "/api/v1/lineage", body, "Content-Encoding", encoding); a.Code != c.status {
				t.Errorf("%s of %d bytes where %d may be: %d, want %d", encoding, len(runEvent), c.limit, a.Code, c.status)
			}
		}
	}
	g, _ := newGateway(func(c *Config) { c.MaxRequestBytes = 1000 })
	r := httptest.NewRequest(http.MethodPost, "/api/v1/lineage", io.MultiReader(strings.NewReader(large))) // no Content-Length
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if g.ServeHTTP(w, r); w.Code != 413 {
		t.Errorf("chunked: %d", w.Code)
	}
}

func TestATokenWritesItsOwnNamespace(t *testing.T) {
	now := "first-token-of-airflow\n"
	tokens := func(c *Config) {
		c.Tokens = []Token{{Name: "airflow", Now: func() string { return now }, Namespace: "etl"}, {Name: "any", Now: func() string { return "token-of-anybody" }}}
	}
	g, w := newGateway(tokens)
	rewriting, rewritten := newGateway(tokens, func(c *Config) { c.Rewrite = true })
	other := with(`"etl"`, `"secret"`)
	suite := `{"success":true,"results":[],"suite_name":"s","meta":{},"statistics":{}}`
	twice := with(`"job":`, `"job":{"namespace":"secret","name":"load"},"job":`)
	auth := func(token string, more ...string) []string {
		return append([]string{"Authorization", "Bearer " + token}, more...)
	}
	for _, c := range []struct {
		name    string
		g       *Gateway
		path    string
		body    string
		headers []string
		status  int
	}{
		{"none", g, "/api/v1/lineage", runEvent, nil, 401},
		{"wrong", g, "/api/v1/lineage", runEvent, auth("second-token-of-airflow"), 401},
		{"another scheme", g, "/api/v1/lineage", runEvent, []string{"Authorization", "Basic first-token-of-airflow"}, 401},
		{"empty", g, "/api/v1/lineage", runEvent, auth(""), 401},
		{"own", g, "/api/v1/lineage", runEvent, auth("first-token-of-airflow"), 201},
		{"other", g, "/api/v1/lineage", other, auth("first-token-of-airflow"), 403},
		{"any", g, "/api/v1/lineage", other, auth("token-of-anybody"), 201},
		{"twice", g, "/api/v1/lineage", twice, auth("first-token-of-airflow"), 422},
		{"other rewritten", rewriting, "/api/v1/lineage", other, auth("first-token-of-airflow"), 201},
		{"result of other", g, "/v1/results", suite, auth("first-token-of-airflow", "openlineage-job-namespace", "secret"), 403},
		{"result", g, "/v1/results", suite, auth("first-token-of-airflow"), 201},
		{"event as result", g, "/v1/results", runEvent, auth("first-token-of-airflow"), 403},
		{"result rewritten", rewriting, "/v1/results", suite, auth("first-token-of-airflow", "openlineage-job-namespace", "secret"), 201},
	} {
		if a := post(c.g, c.path, c.body, c.headers...); a.Code != c.status || strings.Contains(a.Body.String(), "secret") {
			t.Errorf("%s: %d %s, want %d", c.name, a.Code, a.Body, c.status)
		}
	}
	if v := string(rewritten.recs[0].Value); strings.Contains(v, "secret") || !strings.Contains(v, `"namespace":"etl"`) || string(rewritten.recs[0].Key) != "run:etl/load" {
		t.Errorf("rewritten: %s %s", rewritten.recs[0].Key, v)
	}
	for _, rec := range []*kgo.Record{w.recs[2], rewritten.recs[1]} {
		if len(rec.Headers) != 1 || string(rec.Headers[0].Value) != "etl" {
			t.Errorf("headers of a result: %v", rec.Headers)
		}
	}
	now = "second-token-of-airflow\nthird-token-of-airflow\n"
	for token, status := range map[string]int{"first-token-of-airflow": 401, "second-token-of-airflow": 201, "third-token-of-airflow": 201} {
		if a := post(g, "/api/v1/lineage", runEvent, auth(token)...); a.Code != status {
			t.Errorf("after the exchange %s: %d", token, a.Code)
		}
	}
	if code, _ := get(g, "/metrics", ""); code != 401 {
		t.Errorf("metrics without a token: %d", code)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if code, _ := get(g, path, ""); code != 200 {
			t.Errorf("%s: %d", path, code)
		}
	}
}

func TestEveryMetricAndCodeIsDocumented(t *testing.T) {
	g, _ := newGateway()
	post(g, "/api/v1/lineage", runEvent)
	post(g, "/v1/results", "{}")
	_, body := get(g, "/metrics", "")
	for _, line := range []string{`gx_ol_gateway_requests_total{code="taken",endpoint="lineage"} 1`, `gx_ol_gateway_requests_total{code="invalid_result",endpoint="results"} 1`,
		`gx_ol_gateway_requests_total{code="busy",endpoint="batch"} 0`, `gx_ol_gateway_records_total{acknowledged="true",kind="events"} 1`, `gx_ol_gateway_in_flight_bytes 0`,
		`gx_ol_gateway_seconds_count{endpoint="lineage"} 1`} {
		if !strings.Contains(body, line) {
			t.Errorf("no line %s", line)
		}
	}
	doc := read(t, "../../docs/metrics.md")
	for line := range strings.Lines(body) {
		if name, ok := strings.CutPrefix(line, "# TYPE gx_ol_"); ok {
			name, _, _ = strings.Cut(name, " ")
			if !strings.Contains(doc, "`gx_ol_"+name+"`") {
				t.Errorf("docs/metrics.md does not name gx_ol_%s", name)
			}
		}
	}
	page := read(t, "../../docs/gateway.md")
	for _, code := range codes() {
		if !strings.Contains(page, "`"+code+"`") {
			t.Errorf("docs/gateway.md does not name the code %s", code)
		}
	}
}

func TestATopicThatIsOffIsNotServed(t *testing.T) {
	g, _ := newGateway(func(c *Config) { c.ResultsTopic = "" })
	if a := post(g, "/v1/results", "{}"); a.Code != 404 || !strings.Contains(a.Body.String(), "not_served") {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	if code, _ := get(g, "/api/v1/lineage", ""); code != 405 {
		t.Errorf("GET: %d", code)
	}
}
