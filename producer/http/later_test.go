package http

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
	"github.com/gx-ol/gx-ol/test/marquez"
)

// resultEvent is the end of a run about a dataset with a namespace that a path must quote.
func resultEvent(kind openlineage.EventType, at, facet string) openlineage.Event {
	return openlineage.Event{Type: kind, Body: fmt.Appendf(nil, `{"eventType": %q, "eventTime": %q, "run": {"runId": "0194dc5e-0000-7000-8000-000000000001"},
		"job": {"namespace": "n", "name": "j"}, "inputs": [{"namespace": "postgres://db:5432", "name": "shop.public.orders", "inputFacets": {%q: {"assertions": []}}}],
		"producer": "https://example.org", "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}`, kind, at, facet)}
}

func TestLaterTellsOfANewerResult(t *testing.T) {
	older, newer := resultEvent(openlineage.Complete, "2026-03-01T10:00:00Z", "dataQualityAssertions"), resultEvent(openlineage.Complete, "2026-03-01T11:00:00.000001Z", "dataQualityAssertions")
	for name, c := range map[string]struct {
		stored, asked openlineage.Event
		backend       string
		want          string
	}{
		"a newer one is there":     {newer, older, Marquez, "the backend knows postgres://db:5432 shop.public.orders as of 2026-03-01T11:00:00Z"},
		"an older one is there":    {older, newer, Marquez, ""},
		"itself is there":          {newer, newer, Marquez, ""},
		"nothing is there":         {openlineage.Event{}, older, Marquez, ""},
		"no assertions there":      {resultEvent(openlineage.Complete, "2026-03-01T11:00:00Z", "other"), older, Marquez, ""},
		"a START says nothing":     {newer, resultEvent(openlineage.Start, "2026-03-01T10:00:00Z", "dataQualityAssertions"), Marquez, ""},
		"another kind of backend":  {newer, older, Generic, ""},
		"an event that is no JSON": {newer, openlineage.Event{Type: openlineage.Complete, Body: []byte("{")}, Marquez, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(marquez.New())
			defer server.Close()
			h, err := New(Config{URL: server.URL, Backend: c.backend})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = h.Close() }()
			if c.stored.Body != nil {
				if err := h.Deliver(t.Context(), c.stored); err != nil {
					t.Fatal(err)
				}
			}
			got, err := h.Later(t.Context(), c.asked)
			if err != nil || !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") {
				t.Errorf("got %q %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestLaterOfABackendThatFailsIsNoEventsFault(t *testing.T) {
	for _, status := range []int{400, 401, 500} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer server.Close()
		h, err := New(Config{URL: server.URL, Backend: Marquez})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = h.Close() }()
		_, err = h.Later(t.Context(), resultEvent(openlineage.Complete, "2026-03-01T10:00:00Z", "dataQualityAssertions"))
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.Backend {
			t.Errorf("%d: %v", status, err)
		}
	}
}
