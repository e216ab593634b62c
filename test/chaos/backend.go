package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	nethttp "net/http"
	"sync"
	"sync/atomic"
	"time"
)

// clientTimeout is the transport.timeout that the processes get: what is not answered within it counts as not answered.
const clientTimeout = 2 * time.Second

// answerTime is how long an answer takes when all is well: there is always something in flight.
const answerTime = 5 * time.Millisecond

// backend takes events into the journal, or does what its phase asks for. It poses as Marquez.
type backend struct {
	url     string
	journal *journal
	kinds   []kind
	server  *nethttp.Server
	done    chan struct{}

	phase  atomic.Pointer[string]
	until  atomic.Int64 // Unix nanoseconds
	stored atomic.Int64 // events taken whose answer did not come
	failed atomic.Int64 // answers with a 500 that says nothing

	mu     sync.Mutex // guards served
	served map[string]int
}

func startBackend(j *journal, kinds []kind) (*backend, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	if err != nil {
		return nil, err
	}
	b := &backend{url: "http://" + l.Addr().String(), journal: j, kinds: kinds, done: make(chan struct{}), served: map[string]int{}}
	b.server = &nethttp.Server{Handler: b, ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(b.done)
		_ = b.server.Serve(l) // ends with stop
	}()
	return b, nil
}

func (b *backend) stop() {
	_ = b.server.Close()
	<-b.done
}

// begin starts a phase; the one before ends with it.
func (b *backend) begin(phase string, last time.Duration) {
	b.until.Store(time.Now().Add(last).UnixNano())
	b.phase.Store(&phase)
}

// now is the phase, empty when the backend is well.
func (b *backend) now() string {
	p := b.phase.Load()
	if p == nil || time.Now().UnixNano() > b.until.Load() {
		return ""
	}
	return *p
}

func (b *backend) count(phase string) {
	b.mu.Lock()
	b.served[phase]++
	b.mu.Unlock()
}

func (b *backend) ServeHTTP(w nethttp.ResponseWriter, r *nethttp.Request) {
	if r.Method == nethttp.MethodGet {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"namespaces":[]}`)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	arrived := time.Now()
	phase := b.now()
	if !b.before(w, phase) {
		b.count(phase)
		return
	}
	i, event, err := parse(body)
	if err != nil {
		b.journal.mu.Lock()
		b.journal.faults.add(unknown, "%v", err)
		b.journal.mu.Unlock()
		w.WriteHeader(nethttp.StatusCreated)
		return
	}
	if i < len(b.kinds) && b.refuse(w, b.kinds[i], event, body) {
		return
	}
	b.journal.add(i, event, body, b.journal.at(arrived))
	time.Sleep(answerTime)
	b.after(w, phase)
	if r.Context().Err() != nil {
		b.stored.Add(1) // on a busy machine the answer came too late, or who asked was killed
	}
}

// before does what a phase does in place of storing, and reports whether the event is to be stored.
func (b *backend) before(w nethttp.ResponseWriter, phase string) bool {
	switch phase {
	case answer503:
		nethttp.Error(w, "away", nethttp.StatusServiceUnavailable)
	case longOutage:
		b.html500(w) // what a record that is poison would get too
	case answer429:
		w.Header().Set("Retry-After", "1")
		nethttp.Error(w, "too many", nethttp.StatusTooManyRequests)
	case answer401:
		nethttp.Error(w, "who are you", nethttp.StatusUnauthorized)
	case noAnswer:
		time.Sleep(clientTimeout + 200*time.Millisecond)
		hangUp()
	case resetBefore:
		if rand.IntN(3) > 0 {
			return true
		}
		hangUp()
	case mixed500:
		if rand.IntN(2) > 0 {
			return true
		}
		b.html500(w)
	default:
		return true
	}
	return false
}

// after answers for an event that was stored, or does not.
func (b *backend) after(w nethttp.ResponseWriter, phase string) {
	switch phase {
	case slowAnswer:
		b.count(phase)
		time.Sleep(200 * time.Millisecond)
	case resetAfter:
		if rand.IntN(3) == 0 {
			b.count(phase)
			b.stored.Add(1)
			hangUp()
			return
		}
	case lateAnswer:
		if rand.IntN(3) == 0 {
			b.count(phase)
			b.stored.Add(1)
			time.Sleep(clientTimeout + 200*time.Millisecond)
			hangUp()
			return
		}
	case skips:
		b.count(phase)
		w.WriteHeader(nethttp.StatusOK)
		return
	}
	w.WriteHeader(nethttp.StatusCreated)
}

// refuse answers for the events that are poison, and reports whether it did.
func (b *backend) refuse(w nethttp.ResponseWriter, k kind, event int, body []byte) bool {
	switch {
	case k == refused, k == refusedEnd && event == terminal && bytes.Contains(body, []byte(`"inputFacets"`)):
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(nethttp.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"errors":["poison"]}`)
	case k == refused500:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(nethttp.StatusInternalServerError)
		_, _ = io.WriteString(w, `{"code":400,"message":"poison"}`)
	case k == unclear:
		b.html500(w)
	default:
		return false
	}
	return true
}

func (b *backend) html500(w nethttp.ResponseWriter) {
	b.failed.Add(1)
	w.Header().Set("Content-Type", "text/html;charset=iso-8859-1")
	w.WriteHeader(nethttp.StatusInternalServerError)
	_, _ = io.WriteString(w, "<html>Server Error</html>")
}

// hangUp closes the connection without an answer.
func hangUp() {
	panic(nethttp.ErrAbortHandler)
}

// parse finds the record and the event of a run event that gx-ol made of one of our results.
func parse(body []byte) (record, event int, err error) {
	var e struct {
		EventTime time.Time `json:"eventTime"`
		EventType string    `json:"eventType"`
	}
	// The first two members suffice, and gx-ol writes them first.
	head := body[:min(len(body), 80)]
	if n := bytes.Index(head, []byte(`,"run"`)); n > 0 {
		head = append(bytes.Clone(head[:n]), '}')
	} else {
		head = body
	}
	if err := json.Unmarshal(head, &e); err != nil {
		return 0, 0, fmt.Errorf("no event: %w: %.100s", err, body)
	}
	event = terminal
	if e.EventType == "START" {
		event = start
	}
	return int(e.EventTime.Sub(firstRun) / time.Second), event, nil
}
