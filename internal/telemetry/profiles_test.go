package telemetry_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gx-ol/gx-ol/internal/telemetry"
)

func TestProfilesAreServedOnlyWhereAskedFor(t *testing.T) {
	plain := telemetry.New().Handler(func() error { return nil })
	for path, h := range map[string]struct {
		handler http.Handler
		want    int
	}{
		"/debug/pprof/heap":    {plain, http.StatusNotFound},
		"/debug/pprof/allocs":  {telemetry.WithProfiles(plain), http.StatusOK},
		"/healthz":             {telemetry.WithProfiles(plain), http.StatusOK},
		"/debug/pprof/cmdline": {telemetry.WithProfiles(plain), http.StatusNotFound}, // arguments may hold what others shall not read
	} {
		w := httptest.NewRecorder()
		h.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		if w.Code != h.want {
			t.Errorf("%s: %d, not %d", path, w.Code, h.want)
		}
	}
}
