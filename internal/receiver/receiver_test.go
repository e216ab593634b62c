package receiver

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const good = `{"eventType":"FAIL","eventTime":"2026-01-01T00:00:00Z","producer":"p","run":{"runId":"r"},"job":{"namespace":"n","name":"j"},
"inputs":[{"namespace":"file","name":"/a","inputFacets":{"dataQualityAssertions":{"assertions":[{"assertion":"x","success":false,"column":"c"}]}}}]}`

func TestPostAnswersAsABackendWould(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
		taken      int
	}{
		{"an event", good, 201, 1},
		{"no JSON", "{", 400, 0},
		{"no run", `{"eventTime":"x","producer":"p","job":{}}`, 422, 0},
		{"empty", "", 400, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []Event
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodPost, "http://localhost:5000/api/v1/lineage", strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/json")
			New(func(e Event) { got = append(got, e) }).ServeHTTP(w, r)
			if w.Code != c.status || len(got) != c.taken {
				t.Errorf("%d, %d taken; want %d, %d", w.Code, len(got), c.status, c.taken)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Fuzz(func(_ *testing.T, body []byte) { _, _, _ = Parse(body) })
}

// Any web page can post text to this machine, and any name can be made to point at it.
func TestOnlyThisMachineAndJSON(t *testing.T) {
	for _, c := range []struct {
		host, kind string
		status     int
	}{
		{"localhost:5000", "application/json", 201}, {"LOCALHOST", "application/json; charset=utf-8", 201}, {"127.0.0.1:5000", "application/json", 201}, {"[::1]:5000", "application/json", 201},
		{"127.8.8.8", "application/json", 201},
		{"localhost:5000", "text/plain", 415}, {"localhost:5000", "", 415}, {"localhost:5000", "application/x-www-form-urlencoded", 415}, {"localhost:5000", "text/plain; application/json", 415},
		{"evil.example.com", "application/json", 403}, {"10.0.0.1:5000", "application/json", 403}, {"localhost.example.com:5000", "application/json", 403}, {"127.0.0.1.nip.io:5000", "application/json", 403},
		{"", "application/json", 403},
	} {
		taken := 0
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/api/v1/lineage", strings.NewReader(good))
		r.Host = c.host
		r.Header.Set("Content-Type", c.kind)
		New(func(Event) { taken++ }).ServeHTTP(w, r)
		if w.Code != c.status || (taken == 1) != (c.status == 201) {
			t.Errorf("%s, %s: %d, %d taken; want %d", c.host, c.kind, w.Code, taken, c.status)
		}
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/api/v1/namespaces", nil)
	r.Host = "evil.example.com"
	New(func(Event) {}).ServeHTTP(w, r)
	if w.Code != 403 {
		t.Errorf("reading: %d", w.Code)
	}
}
