package backend

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The backend judges what comes twice; what it does not see, no row shows.
func TestAnEventRepeatsByItsRunAndType(t *testing.T) {
	b := &server{judge: true, seen: map[key]bool{}}
	post := func(body string) {
		b.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/api/v1/lineage", strings.NewReader(body)))
	}
	for _, body := range []string{
		`{"eventType":"START","run":{"runId":"a"}}`, `{"eventType":"COMPLETE","run":{"runId":"a"}}`,
		`{"eventType":"START","run":{"runId":"b"}}`, `{"eventType":"COMPLETE","run":{"runId":"a"}}`,
		`{"eventType":"COMP`, // of a process that died
	} {
		post(body)
	}
	if c := b.now(); c.Events != 5 || c.Repeats != 1 || c.InFlight != 0 || c.LastSecond != 5 {
		t.Errorf("%+v", c)
	}
}
