package telemetry

import (
	"net/http"
	"net/http/pprof"
)

// WithProfiles serves Go's own profiles at /debug/pprof/ beside what h serves. Not by default: whoever can ask for profiles can slow
// the process down, and profiles name what it works on.
func WithProfiles(h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", h)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
