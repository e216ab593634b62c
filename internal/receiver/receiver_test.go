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
			New(func(e Event) { got = append(got, e) }).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/v1/lineage", strings.NewReader(c.body)))
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
