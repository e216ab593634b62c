// Package gateway takes OpenLineage events and validation results over HTTP and writes them to Kafka, for whoever has no Kafka client.
//
// A request is answered 201 only when the brokers have what it brought. What cannot be written is answered so that clients come again:
// 429 while too much waits for Kafka, 503 while Kafka is away. Nothing is stored here: whatever has no 201 is still the client's.
package gateway

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/semaphore"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// Writer puts records on topics. Send waits for nothing but room, and done is called once: with nil when the brokers have the record, else with
// a *fault.Error. Until then the record is the writer's.
type Writer interface {
	Send(ctx context.Context, rec *kgo.Record, done func(error))
}

// Token is who may write.
type Token struct {
	Name      string        // for the log and for answers; never the token
	Now       func() string // the tokens that hold now, one a line: more than one while they are exchanged
	Namespace string        // the job namespace of all that it brings; empty: any
}

// Config is what a Gateway needs.
type Config struct {
	EventsTopic  string // of /api/v1/lineage; empty: not served
	ResultsTopic string // of /v1/results; empty: not served
	MessageKey   string // one key for all events; empty: OpenLineage's rule
	Decode       func(value []byte) (*gx.Message, error)
	Unsafe       func(event map[string]any, body []byte) string // why an event must go to nobody; empty if it may

	Tokens  []Token // none: whoever reaches the address may write
	Rewrite bool    // give events of another job namespace the token's, instead of refusing them

	MaxRequestBytes  int           // of a body, after decompression
	MaxBytesInFlight int64         // of all bodies that are read, or wait for Kafka
	MaxBatchEvents   int           // of one batch
	AckTimeout       time.Duration // how long a request waits for the brokers

	Writer Writer
}

// Gateway is the HTTP handler.
type Gateway struct {
	cfg     Config
	mux     http.Handler
	metrics *metrics
	room    *semaphore.Weighted // bytes of bodies: who finds none is told to come again
	parsing *semaphore.Weighted // bytes of bodies that are parsed, which take many times their size

	inFlight atomic.Int64   // bytes taken of room
	writing  sync.WaitGroup // records at the writer
	away     atomic.Pointer[string]
	stopping atomic.Bool
}

// parseFactor is about how many times its size a JSON text of the worst kind takes while it is read.
const parseFactor = 24

// New makes a Gateway.
func New(cfg Config) *Gateway {
	g := &Gateway{cfg: cfg, room: semaphore.NewWeighted(cfg.MaxBytesInFlight),
		parsing: semaphore.NewWeighted(parseFactor * int64(cfg.MaxRequestBytes))}
	g.metrics = newMetrics(func() float64 { return float64(g.inFlight.Load()) })
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/lineage", g.endpoint(endpointLineage, cfg.EventsTopic, g.lineage))
	mux.HandleFunc("POST /api/v1/lineage/batch", g.endpoint(endpointBatch, cfg.EventsTopic, g.batch))
	mux.HandleFunc("POST /v1/results", g.endpoint(endpointResults, cfg.ResultsTopic, g.results))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", g.ready)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if _, bad := g.authorize(r); bad != nil {
			bad.write(w)
			return
		}
		g.metrics.handler.ServeHTTP(w, r)
	})
	g.mux = http.NewCrossOriginProtection().Handler(mux) // no page of another origin writes with its reader's browser
	return g
}

// ServeHTTP answers a request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.mux.ServeHTTP(w, r) }

// Away tells that Kafka cannot be used, and that it can with a nil error. While it is away requests are refused at once.
func (g *Gateway) Away(err error) (changed bool) {
	if err == nil {
		return g.away.Swap(nil) != nil
	}
	text := err.Error()
	old := g.away.Swap(&text)
	return old == nil || *old != text
}

// Stopping makes /readyz answer 503: no more requests are wanted.
func (g *Gateway) Stopping() { g.stopping.Store(true) }

// Wait waits until the writer has answered for every record, or ctx ends.
func (g *Gateway) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.writing.Wait() // it ends: a client answers for each record when it is closed, at the latest
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.New("records still wait for the brokers")
	}
}

func (g *Gateway) ready(w http.ResponseWriter, _ *http.Request) {
	switch {
	case g.stopping.Load():
		plain(w, http.StatusServiceUnavailable, "not ready: the gateway stops")
	case g.away.Load() != nil:
		plain(w, http.StatusServiceUnavailable, "not ready: Kafka does not take records (the gateway's log says why)")
	default:
		plain(w, http.StatusOK, "ready")
	}
}

// request is one POST whose sender may write.
type request struct {
	http  *http.Request
	token *Token // nil: none is asked for
	body  []byte
	hold  *hold
}

// endpoint is what all that take something have alike: who may, how much, and what is counted.
func (g *Gateway) endpoint(name, topic string, take func(*request) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		a := g.take(w, r, name, topic, take)
		a.write(w)
		g.metrics.answered(name, a.code, time.Since(began))
	}
}

func (g *Gateway) take(w http.ResponseWriter, r *http.Request, name, topic string, take func(*request) answer) answer {
	if topic == "" {
		return refusal(http.StatusNotFound, codeOff, "this gateway does not take these", "set the topic of "+name+" in the gateway's configuration")
	}
	token, bad := g.authorize(r)
	if bad != nil {
		return *bad
	}
	if g.away.Load() != nil {
		return unavailable()
	}
	h := &hold{g: g}
	defer h.release()
	body, bad := g.read(w, r, h)
	if bad != nil {
		return *bad
	}
	return take(&request{http: r, token: token, body: body, hold: h})
}

// hold is the room that a request takes: until its answer, and until the writer has answered for each of its records.
type hold struct {
	g       *Gateway
	bytes   int64
	holders atomic.Int64 // beyond the request itself
}

// more takes room, and reports whether there was any.
func (h *hold) more(n int64) bool {
	if !h.g.room.TryAcquire(n) {
		return false
	}
	h.bytes += n
	h.g.inFlight.Add(n)
	return true
}

func (h *hold) keep() { h.holders.Add(1) }

func (h *hold) release() {
	if h.holders.Add(-1) < 0 {
		h.g.inFlight.Add(-h.bytes)
		h.g.room.Release(h.bytes)
	}
}

// write sends records in their order, and waits for the brokers until AckTimeout. errs has one entry a record.
func (g *Gateway) write(h *hold, kind string, recs []*kgo.Record) (errs []error) {
	type told struct {
		at  int
		err error
	}
	answers := make(chan told, len(recs))
	// The records are not the request's: one whose client went away is written all the same. What the writer has not sent by the end of the time
	// it drops, and is free for others.
	ctx, cancel := context.WithTimeout(context.Background(), g.cfg.AckTimeout)
	defer cancel()
	errs = make([]error, len(recs))
	for i, rec := range recs {
		errs[i] = errNoAnswer
		h.keep()
		g.writing.Add(1)
		sent := func(err error) {
			h.release()
			answers <- told{i, err}
			g.writing.Done()
		}
		g.cfg.Writer.Send(ctx, rec, sent)
	}
	for range recs {
		select {
		case a := <-answers:
			errs[a.at] = a.err
			g.metrics.wrote(kind, a.err)
		case <-ctx.Done():
			return errs
		}
	}
	return errs
}

// errNoAnswer is that the brokers have not answered in time; the record may be written all the same.
var errNoAnswer = errors.New("the brokers did not answer in time")
