package gateway

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	backend "github.com/gx-ol/gx-ol/producer/http"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

const runEvent = `{"eventType":"START","eventTime":"2026-01-01T00:00:00Z","run":{"runId":"0190f3a4-7f8f-7b6e-8a52-4a3c5a1f0c11"},"job":{"namespace":"etl","name":"load"},"inputs":[{"namespace":"postgres://db:5432","name":"shop.public.orders"}],"outputs":[],"producer":"https://example.com","schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}`

// topics keeps records, and answers for each as say tells.
type topics struct {
	mu   sync.Mutex // guards below
	recs []*kgo.Record
	say  func(*kgo.Record) error
	held []func(error) // with hold: answers that are still owed
	hold bool
}

func (w *topics) Send(_ context.Context, rec *kgo.Record, done func(error)) {
	w.mu.Lock()
	if w.hold {
		w.held = append(w.held, done)
		w.mu.Unlock()
		return
	}
	var err error
	if w.say != nil {
		err = w.say(rec)
	}
	if err == nil {
		w.recs = append(w.recs, rec)
	}
	w.mu.Unlock()
	done(err)
}

func (w *topics) answerAll(err error) {
	w.mu.Lock()
	held := w.held
	w.held, w.hold = nil, false
	w.mu.Unlock()
	for _, done := range held {
		done(err)
	}
}

func newGateway(change ...func(*Config)) (*Gateway, *topics) {
	w := &topics{}
	cfg := Config{EventsTopic: "events", ResultsTopic: "results", Decode: gx.Decode, Unsafe: backend.Unsafe, MaxRequestBytes: 1 << 20, MaxBytesInFlight: 4 << 20,
		MaxBatchEvents: 10, AckTimeout: time.Minute, Writer: w}
	for _, c := range change {
		c(&cfg)
	}
	return New(cfg), w
}

func post(g *Gateway, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func with(from, to string) string {
	if !strings.Contains(runEvent, from) {
		panic("the event has no " + from)
	}
	return strings.Replace(runEvent, from, to, 1)
}

func get(g *Gateway, path, token string) (int, string) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
