package marquez

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func ask(s *Server, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func runEvent(kind, job string) string {
	return fmt.Sprintf(`{"eventType":%q,"eventTime":"2026-03-01T10:00:00Z","producer":"p","run":{"runId":"A"},"job":{"namespace":"n","name":%q}}`, kind, job)
}

func TestTheLastDeliveredEventSetsTheState(t *testing.T) {
	s := New()
	for _, c := range []struct{ kind, want string }{{"START", "RUNNING"}, {"COMPLETE", "COMPLETED"}, {"START", "RUNNING"}, {"FAIL", "FAILED"}} {
		if w := ask(s, "POST", "/api/v1/lineage", runEvent(c.kind, "j")); w.Code != http.StatusCreated || s.Runs()["a"].State != c.want {
			t.Errorf("%s: %d, %+v", c.kind, w.Code, s.Runs())
		}
	}
	if w := ask(s, "GET", "/api/v1/jobs/runs/a", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"state":"FAILED"`) || len(s.Events()) != 4 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestOneBadEventBreaksListsForGood(t *testing.T) {
	s := New()
	if w := ask(s, "GET", "/api/v1/jobs", ""); w.Code != 200 {
		t.Errorf("before: %d", w.Code)
	}
	ask(s, "POST", "/api/v1/lineage", runEvent("START", ""))
	if w := ask(s, "GET", "/api/v1/jobs", ""); w.Code != 500 {
		t.Errorf("after: %d", w.Code)
	}
	if w := ask(s, "GET", "/api/v1/namespaces", ""); w.Code != 200 {
		t.Errorf("namespaces: %d", w.Code)
	}
}

func TestFaultsComeBeforeTheDouble(t *testing.T) {
	s := New()
	s.SetFault(func(n int, _ *http.Request) (int, string, bool) { return 503, "", n == 0 })
	for _, want := range []int{503, 201} {
		if w := ask(s, "POST", "/api/v1/lineage", runEvent("START", "j")); w.Code != want {
			t.Errorf("%d, want %d", w.Code, want)
		}
	}
}
