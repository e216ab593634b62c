package http

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A question carries the credentials of a delivery, stores nothing, follows nobody, and tells no secret; the destination stays as it was.
func TestAskingStoresNothingAndTellsNoSecret(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
		switch r.URL.Path {
		case "/base/api/v1/namespaces":
			_, _ = w.Write([]byte(`{"namespaces": []}`))
		case "/base/api/v1/lineage/batch":
			http.Redirect(w, r, "/login?token=secret-of-theirs", http.StatusFound)
		default:
			w.Header().Set("Allow", "POST")
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusMethodNotAllowed)
			_, _ = w.Write([]byte(`{"message": "no GET for key-of-ours"}`))
		}
	}))
	defer s.Close()
	h, err := New(Config{URL: s.URL + "/base?token=secret-of-query", APIKey: "key-of-ours", BatchSize: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	for place, want := range map[Place]Said{
		Namespaces:   {URL: s.URL + "/base/api/v1/namespaces", Status: 200, Kind: Marquez},
		Lineage:      {URL: s.URL + "/base/api/v1/lineage", Status: 405, Allow: "POST"},
		LineageBatch: {URL: s.URL + "/base/api/v1/lineage/batch", Status: 302, Location: s.URL + "/login"},
	} {
		got, err := h.Ask(t.Context(), http.MethodGet, place)
		if err != nil || got.URL != want.URL || got.Status != want.Status || got.Kind != want.Kind || got.Allow != want.Allow || got.Location != want.Location {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
		if strings.Contains(got.Words+got.URL+got.Location, "secret") || strings.Contains(got.Words, "key-of-ours") {
			t.Errorf("a secret is told: %+v", got)
		}
		if got.Date.IsZero() || got.Got.Before(got.Sent) {
			t.Errorf("no time: %+v", got)
		}
	}
	if h.Backend() != "" {
		t.Errorf("asking made it %q", h.Backend())
	}
	for _, a := range asked {
		if !strings.HasPrefix(a, "GET ") || !strings.HasSuffix(a, "Bearer key-of-ours") {
			t.Errorf("asked %q", a)
		}
	}
	if len(asked) != 3 {
		t.Errorf("%d questions", len(asked))
	}
}
