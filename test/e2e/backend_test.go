package e2e

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/gx-ol/gx-ol/test/marquez"
)

// backend is the test double of Marquez, with a record of what it took and a gate in front of it.
type backend struct {
	url string

	mu      sync.Mutex // guards the fields below
	journal *journal
	refuse  bool         // answer 503
	refused int          // how often it did
	taken   func(n int)  // called after the n-th event was taken, before it is answered; nil: nothing
	inner   http.Handler // answers what is not refused
}

func startBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{journal: newJournal(), inner: marquez.New()}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.turnedAway() {
		http.Error(w, "the database is away", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer := httptest.NewRecorder()
	b.inner.ServeHTTP(answer, r)
	if r.Method == http.MethodPost && answer.Code < 300 {
		b.note(body)
	}
	for k, vs := range answer.Header() {
		w.Header()[k] = vs
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (b *backend) turnedAway() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.refuse {
		b.refused++
	}
	return b.refuse
}

func (b *backend) note(body []byte) {
	e, err := parse(body)
	b.mu.Lock()
	if err != nil {
		b.journal.fault("%v", err)
	} else {
		b.journal.add(e)
	}
	n, taken := b.journal.events, b.taken
	b.mu.Unlock()
	if taken != nil {
		taken(n)
	}
}

// look calls f while nothing else touches the backend.
func (b *backend) look(f func(*backend)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(b)
}

func (b *backend) events() (n int) {
	b.look(func(b *backend) { n = b.journal.events })
	return n
}
