package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Of a request only headers that the pipeline reads become those of its record, each once, however they are written. gx-ol's own say what a record is (a replay, a
// letter, when it was made): a client over HTTP writes none of them.
func TestAClientWritesNoHeaderOfOurs(t *testing.T) {
	suite := `{"success":true,"results":[],"suite_name":"s","meta":{},"statistics":{}}`
	for _, path := range []string{"/v1/results", "/api/v1/lineage", "/api/v1/lineage/batch"} {
		g, w := newGateway()
		body := map[string]string{"/v1/results": suite, "/api/v1/lineage": runEvent, "/api/v1/lineage/batch": "[" + runEvent + "]"}[path]
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		for name, value := range map[string]string{"Content-Type": "application/json", "gx-ol.received": "2020-01-01T00:00:00Z", "gx-ol.replay.topic": "results", "gx-ol.replay.partition": "0",
			"gx-ol.replay.offset": "1", "gx-ol.replay.timestamp": "2020-01-01T00:00:00Z", "gx-ol.replay.count": "9", "gx-ol.dlq.topic": "results", "openlineage_job_name": "x", "X-Forwarded-For": "y"} {
			r.Header[name] = []string{value} // as an HTTP/2 client may write it: net/http makes it canonical, a test must not
			r.Header.Set(name, value)
		}
		r.Header["Openlineage-Job-Name"] = []string{"first", "second"}
		answer := httptest.NewRecorder()
		g.ServeHTTP(answer, r)
		if len(w.recs) != 1 {
			t.Fatalf("%s: %d %s", path, answer.Code, answer.Body)
		}
		headers := w.recs[0].Headers
		if path != "/v1/results" && len(headers) != 0 || path == "/v1/results" && (len(headers) != 1 || headers[0].Key != "openlineage-job-name" || string(headers[0].Value) != "first") {
			t.Errorf("%s: headers %s", path, headers)
		}
	}
	for name, value := range map[string]string{"too long": strings.Repeat("x", maxHeader+1), "no UTF-8": "\xff"} {
		g, w := newGateway()
		if a := post(g, "/v1/results", suite, "openlineage-job-name", value); a.Code != 422 || len(w.recs) != 0 || !strings.Contains(a.Body.String(), "openlineage-job-name") {
			t.Errorf("%s: %d %s", name, a.Code, a.Body)
		}
	}
}
