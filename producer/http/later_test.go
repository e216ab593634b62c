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

// resultEvent is the end of a run; its job has a namespace that a path must quote, or a parent.
func resultEvent(kind openlineage.EventType, at, runID, job, parent string) openlineage.Event {
	facets := ""
	if parent != "" {
		facets = fmt.Sprintf(`, "facets": {"parent": {"_producer": "https://example.org", "_schemaURL": "https://example.org", "run": {"runId": "0194dc5e-0000-7000-8000-0000000000ff"}, "job": {"namespace": "x", "name": %q}}}`, parent)
	}
	return openlineage.Event{Type: kind, Body: fmt.Appendf(nil, `{"eventType": %q, "eventTime": %q, "run": {"runId": "0194dc5e-0000-7000-8000-00000000000%s"%s},
		"job": {"namespace": "a/b", "name": %q}, "inputs": [{"namespace": "postgres://db:5432", "name": "shop.public.orders"}],
		"producer": "https://example.org", "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}`, kind, at, runID, facets, job)}
}

func TestLaterTellsOfANewerResult(t *testing.T) {
	const ten, eleven = "2026-03-01T10:00:00Z", "2026-03-01T11:00:00.000001Z"
	older, newer := resultEvent(openlineage.Complete, ten, "1", "j", ""), resultEvent(openlineage.Complete, eleven, "2", "j", "")
	for name, c := range map[string]struct {
		stored  []openlineage.Event
		asked   openlineage.Event
		backend string
		want    string
	}{
		"a newer one is there":          {[]openlineage.Event{newer}, older, Marquez, "the backend knows a run of a/b j that ended at 2026-03-01T11:00:00Z, later than this result of 2026-03-01T10:00:00Z"},
		"and an older one came after":   {[]openlineage.Event{newer, resultEvent(openlineage.Complete, "2026-03-01T09:00:00Z", "3", "j", "")}, older, Marquez, "the backend knows"},
		"an older one is there":         {[]openlineage.Event{older}, newer, Marquez, ""},
		"itself is there":               {[]openlineage.Event{newer}, newer, Marquez, ""},
		"nothing is there":              {nil, older, Marquez, ""},
		"of another job":                {[]openlineage.Event{resultEvent(openlineage.Complete, eleven, "2", "other", "")}, older, Marquez, ""},
		"under its parent":              {[]openlineage.Event{resultEvent(openlineage.Complete, eleven, "2", "dag.j", "")}, resultEvent(openlineage.Fail, ten, "1", "j", "dag"), Marquez, "the backend knows a run of a/b dag.j"},
		"with its parent's name before": {[]openlineage.Event{resultEvent(openlineage.Complete, eleven, "2", "dag.j", "")}, resultEvent(openlineage.Fail, ten, "1", "dag.j", "dag"), Marquez, "the backend knows a run of a/b dag.j"},
		"a run that goes on":            {[]openlineage.Event{resultEvent(openlineage.Start, eleven, "2", "j", "")}, older, Marquez, ""},
		"a START says nothing":          {[]openlineage.Event{newer}, resultEvent(openlineage.Start, ten, "1", "j", ""), Marquez, ""},
		"another kind of backend":       {[]openlineage.Event{newer}, older, Generic, ""},
		"an event that is no JSON":      {[]openlineage.Event{newer}, openlineage.Event{Type: openlineage.Complete, Body: []byte("{")}, Marquez, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(marquez.New())
			defer server.Close()
			h, err := New(Config{URL: server.URL, Backend: c.backend})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = h.Close() }()
			for _, ev := range c.stored {
				if err := h.Deliver(t.Context(), ev); err != nil {
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
		_, err = h.Later(t.Context(), resultEvent(openlineage.Complete, "2026-03-01T10:00:00Z", "1", "j", ""))
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.Backend {
			t.Errorf("%d: %v", status, err)
		}
	}
}
