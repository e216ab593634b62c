package http

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/lease"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// By whatever way an event goes, nothing of it leaves when its lease is over; and as long as it is not, the event arrives.
func TestNothingLeavesWhenItsLeaseIsOver(t *testing.T) {
	large := strings.Repeat(" ", 200<<10)
	for name, c := range map[string]struct {
		cfg  Config
		body string
	}{
		"one by one":                {Config{}, "{}"},
		"one that is large":         {Config{MaxEventBytes: 1 << 20}, "{" + large + "}"},
		"in a batch":                {Config{BatchSize: 10, BatchLinger: time.Millisecond}, "{}"},
		"in a batch that is packed": {Config{BatchSize: 10, BatchLinger: time.Millisecond, Gzip: true}, "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			var arrived atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				arrived.Add(1)
				w.WriteHeader(http.StatusNoContent)
			}))
			defer server.Close()
			c.cfg.URL, c.cfg.Backend = server.URL, Generic
			h, err := New(c.cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = h.Close() }()
			ev := openlineage.Event{Body: []byte(c.body)}
			if err := h.Deliver(lease.Until(t.Context(), time.Now().Add(time.Hour)), ev); err != nil || arrived.Load() != 1 {
				t.Fatalf("%v, and %d requests arrived", err, arrived.Load())
			}
			err = h.Deliver(lease.Until(t.Context(), time.Now()), ev)
			if f := fault.Of(err); !errors.Is(err, lease.ErrOver) || f.Kind != fault.Backend {
				t.Errorf("%v, want a Backend fault that says why", err)
			}
			if arrived.Load() != 1 {
				t.Error("it arrived all the same")
			}
		})
	}
}

// A batch has the lease of who has the shortest; who needs none, since it ends a run, shares its fate and comes again.
func TestABatchHasTheShortestLease(t *testing.T) {
	var arrived atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	h, err := New(Config{URL: server.URL, Backend: Generic, BatchSize: 3, BatchLinger: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	var all sync.WaitGroup
	for _, ctx := range []context.Context{t.Context(), lease.Until(t.Context(), time.Now()), lease.Until(t.Context(), time.Now().Add(time.Hour))} {
		all.Go(func() {
			if err := h.Deliver(ctx, openlineage.Event{Body: []byte("{}")}); !errors.Is(err, lease.ErrOver) {
				t.Errorf("%v", err)
			}
		})
	}
	all.Wait()
	if arrived.Load() != 0 {
		t.Error("it arrived all the same")
	}
}
