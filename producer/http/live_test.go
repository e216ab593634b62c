package http

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// A key that was renewed after a 401 is used by the next attempt, and neither the old nor the new one shows.
func TestARenewedKeyIsUsedByTheNextAttempt(t *testing.T) {
	right := "Bearer new-secret"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != right || r.Header.Get("X-Team") != "new-team" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"message":"not ` + got + ` of ` + r.Header.Get("X-Team") + `"}`))
			return
		}
		w.WriteHeader(http.StatusCreated)
	}))
	defer server.Close()
	key, team := "old-secret", "old-team"
	h, err := New(Config{URL: server.URL, Backend: Generic, APIKey: "first-secret", Headers: map[string]string{"X-Team": "first-team"},
		APIKeyNow: func() string { return key }, HeadersNow: map[string]func() string{"X-Team": func() string { return team }, "X-Other": nil}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	err = h.Deliver(t.Context(), openlineage.Event{Body: []byte("{}")})
	if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "team") {
		t.Fatalf("got %v, want a 401 without the key", err)
	}
	key, team = "", "new-team" // a file that is empty for a moment
	if err := h.Deliver(t.Context(), openlineage.Event{Body: []byte("{}")}); err == nil || !strings.Contains(err.Error(), "Bearer *** of ***") {
		t.Errorf("got %v, want the first key to be sent, and not shown", err)
	}
	key = "new-secret"
	if err := h.Deliver(t.Context(), openlineage.Event{Body: []byte("{}")}); err != nil {
		t.Errorf("the renewed key is not used: %v", err)
	}
}
