// Package backend is an OpenLineage backend for measurements, in a process of its own: it takes its time, and counts.
package backend

import (
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Up is what a backend says when it is ready.
type Up struct{ URL string }

// Count is what a backend has seen.
type Count struct {
	Events     int     // answered
	Bytes      int64   // of their bodies
	Seconds    float64 // from the first answer to the last
	Repeats    int     // events whose run and type came before
	InFlight   int     // taken and not yet answered
	LastSecond int     // answered within the last second
	MostAtOnce int     // the most in flight there ever was
}

// Serve runs a backend until in ends, which it does when the process that started it ends.
func Serve(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("backend", flag.ContinueOnError)
	b := &server{seen: map[key]bool{}}
	flags.DurationVar(&b.delay, "delay", 0, "how long an answer takes")
	flags.DurationVar(&b.every, "every", 0, "one event at a time, each so long: a backend whose database is the limit")
	flags.BoolVar(&b.judge, "repeats", false, "read the events, and count those that came before")
	flags.BoolVar(&b.marquez, "marquez", false, "be taken for a Marquez")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends with the process
	if err != nil {
		return err
	}
	go func() { _ = (&http.Server{Handler: b, ReadHeaderTimeout: time.Minute}).Serve(l) }() // ends with the process
	if err := json.NewEncoder(out).Encode(Up{"http://" + l.Addr().String()}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

type key struct{ run, kind string }

type server struct {
	delay, every   time.Duration
	judge, marquez bool
	turn           sync.Mutex // held by the one event that every lets pass

	mu          sync.Mutex // guards what follows
	count       Count
	first, last time.Time
	recent      []time.Time // of answers, if repeats are counted
	seen        map[key]bool
}

func (b *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/count":
		_ = json.NewEncoder(w).Encode(b.now())
	case r.Method == http.MethodGet && b.marquez:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"namespaces":[]}`)
	case r.Method == http.MethodGet:
		w.WriteHeader(http.StatusNotFound)
	default:
		b.take(w, r)
	}
}

func (b *server) take(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.count.InFlight++
	b.count.MostAtOnce = max(b.count.MostAtOnce, b.count.InFlight)
	b.mu.Unlock()
	n, repeated := b.read(r.Body)
	if b.every > 0 {
		b.turn.Lock()
		time.Sleep(b.every)
		b.turn.Unlock()
	}
	time.Sleep(b.delay)
	b.answered(n, repeated)
	w.WriteHeader(http.StatusCreated)
}

// read reads an event; whether it came before is told when repeats are counted.
func (b *server) read(body io.Reader) (n int64, repeated bool) {
	if !b.judge {
		n, _ = io.Copy(io.Discard, body)
		return n, false
	}
	all, err := io.ReadAll(body)
	var ev struct {
		EventType string
		Run       struct{ RunID string }
	}
	if err != nil || json.Unmarshal(all, &ev) != nil {
		return int64(len(all)), false // its sender died while sending
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k := key{ev.Run.RunID, ev.EventType}
	repeated = b.seen[k]
	b.seen[k] = true
	return int64(len(all)), repeated
}

func (b *server) answered(n int64, repeated bool) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count.InFlight--
	b.count.Events++
	b.count.Bytes += n
	if repeated {
		b.count.Repeats++
	}
	if b.first.IsZero() {
		b.first = now
	}
	b.last = now
	if b.judge {
		b.recent = append(b.recent, now)
	}
}

func (b *server) now() Count {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.count
	c.Seconds = b.last.Sub(b.first).Seconds()
	horizon := time.Now().Add(-time.Second)
	for i := len(b.recent) - 1; i >= 0 && b.recent[i].After(horizon); i-- {
		c.LastSecond++
	}
	return c
}
