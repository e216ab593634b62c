package http

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// posts is a backend that answers batches by the test's rule, and single events with 201, or 422 for "bad".
type posts struct {
	answer func(n int, bodies []string) (status int, body string) // n counts batches from 1
	mu     sync.Mutex
	batch  int
	single []string
	sizes  []int
}

func (p *posts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if !strings.HasSuffix(r.URL.Path, "/batch") {
		p.single = append(p.single, string(raw))
		if strings.Contains(string(raw), "bad") {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		w.WriteHeader(http.StatusCreated)
		return
	}
	var all []json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var bodies []string
	for _, b := range all {
		bodies = append(bodies, string(b))
	}
	p.batch++
	p.sizes = append(p.sizes, len(all))
	status, body := p.answer(p.batch, bodies)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func TestEachEventOfABatchSettlesByItsOwnOutcome(t *testing.T) {
	at := func(bodies []string, want string) int {
		return slices.IndexFunc(bodies, func(b string) bool { return strings.Contains(b, want) })
	}
	for name, c := range map[string]struct {
		answer func(int, []string) (int, string)
		want   map[string]string // event → code of its fault; others are taken
		kind   fault.Kind        // of those
		single int               // posts of one event
	}{
		"204": {answer: func(int, []string) (int, string) { return 204, "" }},
		"200 success": {answer: func(int, []string) (int, string) {
			return 200, `{"status":"success","summary":{"received":4,"successful":4,"failed":0},"failed_events":[]}`
		}},
		"one refused": {answer: func(_ int, b []string) (int, string) {
			return 200, fmt.Sprintf(`{"status":"partial_success","summary":{"received":4,"successful":3,"failed":1},"failed_events":[{"index":%d,"reason":"no\nsuch  type","retriable":false}]}`, at(b, "bad"))
		}, want: map[string]string{"bad": "batch_rejected"}, kind: fault.Message},
		"one to be tried again": {answer: func(_ int, b []string) (int, string) {
			return 200, fmt.Sprintf(`{"status":"partial_success","summary":{"failed":1},"failed_events":[{"index":%d,"reason":"Timeout","retriable":true}]}`, at(b, "bad"))
		}, want: map[string]string{"bad": "batch_retriable"}, kind: fault.Backend},
		"an answer that does not say which": {answer: func(int, []string) (int, string) { return 200, `{"status":"partial_success","summary":{"failed":1}}` },
			want: map[string]string{"a": "batch_answer", "b": "batch_answer", "c": "batch_answer", "bad": "batch_answer"}, kind: fault.Backend},
		"an answer that names another": {answer: func(int, []string) (int, string) {
			return 200, `{"status":"partial_success","failed_events":[{"index":4,"retriable":false}]}`
		},
			want: map[string]string{"a": "batch_answer", "b": "batch_answer", "c": "batch_answer", "bad": "batch_answer"}, kind: fault.Backend},
		"an answer that counts more": {answer: func(int, []string) (int, string) {
			return 200, `{"status":"partial_success","summary":{"failed":2},"failed_events":[{"index":0}]}`
		},
			want: map[string]string{"a": "batch_answer", "b": "batch_answer", "c": "batch_answer", "bad": "batch_answer"}, kind: fault.Backend},
		"404: one by one":             {answer: func(int, []string) (int, string) { return 404, `{"code":404}` }, want: map[string]string{"bad": "http_422"}, kind: fault.Message, single: 4},
		"422: one by one, to find it": {answer: func(int, []string) (int, string) { return 422, "{}" }, want: map[string]string{"bad": "http_422"}, kind: fault.Message, single: 4},
		"503: all wait": {answer: func(int, []string) (int, string) { return 503, "" },
			want: map[string]string{"a": "http_503", "b": "http_503", "c": "http_503", "bad": "http_503"}, kind: fault.Backend},
		"413: halved until one is to blame": {answer: func(_ int, b []string) (int, string) {
			if at(b, "bad") >= 0 {
				return 413, ""
			}
			return 204, ""
		}, want: map[string]string{"bad": "http_413"}, kind: fault.Message},
	} {
		t.Run(name, func(t *testing.T) {
			p := &posts{answer: c.answer}
			server := httptest.NewServer(p)
			defer server.Close()
			h, err := New(Config{URL: server.URL, Backend: Generic, BatchSize: 4, BatchLinger: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = h.Close() }()
			var wg sync.WaitGroup
			for _, name := range []string{"a", "b", "c", "bad"} {
				wg.Go(func() {
					err := h.Deliver(t.Context(), openlineage.Event{Body: fmt.Appendf(nil, `{"name":%q}`, name)})
					code := ""
					if f, ok := errors.AsType[*fault.Error](err); ok {
						code = f.Code
						if f.Kind != c.kind || strings.Contains(f.Error(), "\n") {
							t.Errorf("%s: %s %q", name, f.Kind, f)
						}
					}
					if code != c.want[name] {
						t.Errorf("%s: %q (%v), want %q", name, code, err, c.want[name])
					}
				})
			}
			wg.Wait()
			if len(p.single) != c.single || p.sizes[0] != 4 {
				t.Errorf("%d single posts, want %d; batches of %v", len(p.single), c.single, p.sizes)
			}
		})
	}
}

func TestABatchGoesWhenItIsFullOrHasWaited(t *testing.T) {
	p := &posts{answer: func(int, []string) (int, string) { return 204, "" }}
	server := httptest.NewServer(p)
	defer server.Close()
	h, err := New(Config{URL: server.URL, Backend: Generic, BatchSize: 1000, BatchLinger: time.Millisecond, Gzip: false})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // one after another: each waits its millisecond, and for nobody
		if err := h.Deliver(t.Context(), openlineage.Event{Body: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(p.sizes, []int{1, 1, 1}) {
		t.Errorf("batches of %v", p.sizes)
	}
	_ = h.Close()
}

// The end of one caller must not fail the others of its batch.
func TestOneCallersEndDoesNotFailTheBatch(t *testing.T) {
	p := &posts{answer: func(int, []string) (int, string) { return 204, "" }}
	server := httptest.NewServer(p)
	defer server.Close()
	h, err := New(Config{URL: server.URL, Backend: Generic, BatchSize: 2, BatchLinger: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() { gone <- h.Deliver(ctx, openlineage.Event{Body: []byte("1")}) }()
	for {
		h.batches.mu.Lock()
		open := h.batches.open != nil
		h.batches.mu.Unlock()
		if open {
			break
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := h.Deliver(t.Context(), openlineage.Event{Body: []byte("2")}); err != nil {
		t.Errorf("the other one: %v", err)
	}
	_ = h.Close()
}

func TestABackendWithoutBatchesIsNotAskedEachTime(t *testing.T) {
	p := &posts{answer: func(int, []string) (int, string) { return 405, "" }}
	server := httptest.NewServer(p)
	defer server.Close()
	told := 0
	h, err := New(Config{URL: server.URL, Backend: Generic, BatchSize: 2, BatchLinger: time.Microsecond, OnNoBatch: func(int) { told++ }})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	h.now = func() time.Time { return now }
	send := func() {
		if err := h.Deliver(t.Context(), openlineage.Event{Body: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	send()
	send()
	if p.batch != 1 || len(p.single) != 2 || told != 1 {
		t.Errorf("%d batches, %d single posts, told %d times", p.batch, len(p.single), told)
	}
	now = now.Add(askAgain + time.Second)
	send()
	if p.batch != 2 {
		t.Errorf("after ten minutes it is not asked again")
	}
	_ = h.Close()
}

// A backend that quotes the key in its reasons must not bring it into a dead letter.
func TestAReasonOfABatchShowsNoKey(t *testing.T) {
	p := &posts{answer: func(int, []string) (int, string) {
		return 200, `{"status":"partial_success","summary":{"failed":1},"failed_events":[{"index":0,"reason":"not for secret-key","retriable":false}]}`
	}}
	server := httptest.NewServer(p)
	defer server.Close()
	h, err := New(Config{URL: server.URL, Backend: Generic, BatchSize: 2, BatchLinger: time.Microsecond, APIKey: "secret-key"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	if err := h.Deliver(t.Context(), openlineage.Event{Body: []byte("{}")}); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "not for ***") {
		t.Errorf("got %v", err)
	}
}

func FuzzBatchAnswer(f *testing.F) {
	f.Add([]byte(`{"status":"partial_success","summary":{"failed":1},"failed_events":[{"index":1,"reason":"x","retriable":true}]}`), 3)
	f.Add([]byte(`{"failed_events":[{"index":-1}]}`), 1)
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		if n < 1 || n > 1000 {
			t.Skip("no size of a batch")
		}
		errs := judgeBatch(answer{status: 200, header: http.Header{"Content-Type": {"application/json"}}, body: body}, n, func(s string) string { return s })
		if len(errs) != n {
			t.Fatalf("%d outcomes of %d events", len(errs), n)
		}
		for _, err := range errs {
			if f, ok := errors.AsType[*fault.Error](err); err != nil && (!ok || len(f.Error()) > 400) {
				t.Fatalf("%v", err)
			}
		}
	})
}
