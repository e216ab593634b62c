// Package marquez lets a Marquez answer the questions of package lineage, through its REST interface. What it asks for grows with the question, not with the
// Marquez: a page of jobs costs it up to a second a job.
package marquez

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/lineage"
)

// Client asks the backend. Segments are those of the path below api/v1; each is encoded by itself. Any status is an answer; the body of one that refuses is its
// own words. An error says that there was none.
type Client interface {
	Get(ctx context.Context, segments []string, query url.Values, most int64) (status int, body []byte, err error)
}

// Config describes a Marquez.
type Config struct {
	Client     Client
	Name       string        // its url, without credentials
	SideBySide int           // how many requests are under way at once; 0: 4
	PerSecond  float64       // how many requests begin in a second at most; 0: no limit
	OnRequest  func(Request) // is told of each request that was answered, side by side; nil: nobody
}

// Request is what was asked.
type Request struct {
	Path   string // below api/v1, with its query
	Status int
	Bytes  int
	Took   time.Duration
}

// Source is a Marquez. It is safe for concurrent use, as long as each goroutine has its own graph.
type Source struct {
	cfg   Config
	limit *rate.Limiter
	slots chan struct{}
	asked atomic.Int64
	bytes atomic.Int64

	mu    sync.Mutex             // guards names
	names map[lineage.Job][]name // how Marquez calls the jobs
}

// name is a job's name in Marquez, which puts a parent's before it.
type name struct{ namespace, name string }

var _ lineage.Source = (*Source)(nil)

// New makes the source. It asks nothing.
func New(cfg Config) *Source {
	if cfg.SideBySide <= 0 {
		cfg.SideBySide = 4
	}
	s := &Source{cfg: cfg, slots: make(chan struct{}, cfg.SideBySide), names: make(map[lineage.Job][]name), limit: rate.NewLimiter(rate.Inf, 1)}
	if cfg.PerSecond > 0 {
		s.limit.SetLimit(rate.Limit(cfg.PerSecond))
	}
	return s
}

// String names the Marquez.
func (s *Source) String() string { return "Marquez " + s.cfg.Name }

// Asked is how many requests were answered, and with how many bytes.
func (s *Source) Asked() (requests, bytes int64) { return s.asked.Load(), s.bytes.Load() }

// longestAnswer is the most bytes of one answer: a page of jobs repeats the facets of their latest runs.
const longestAnswer = 256 << 20

// refused is an answer that is no 2xx.
type refused struct {
	what   string
	status int
	said   string
	name   string
}

func (r *refused) Error() string {
	text := fmt.Sprintf("%s: Marquez %s answers %d", r.what, r.name, r.status)
	if r.said != "" {
		text += ": " + r.said
	}
	return text
}

// is says whether an error is an answer with a status.
func is(err error, status int) bool {
	r, ok := errors.AsType[*refused](err)
	return ok && r.status == status
}

// get asks for one thing and reads its JSON. what says what for.
func (s *Source) get(ctx context.Context, what string, into any, query url.Values, segments ...string) error {
	if err := s.limit.Wait(ctx); err != nil {
		return err
	}
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	begin := time.Now()
	status, body, err := s.cfg.Client.Get(ctx, segments, query, longestAnswer)
	<-s.slots
	if err != nil {
		return fmt.Errorf("%s: asking Marquez %s: %w", what, s.cfg.Name, err)
	}
	s.asked.Add(1)
	s.bytes.Add(int64(len(body)))
	if s.cfg.OnRequest != nil {
		path := strings.Join(segments, "/")
		if len(query) > 0 {
			text, err := url.QueryUnescape(query.Encode())
			if err == nil {
				path += "?" + text
			}
		}
		s.cfg.OnRequest(Request{Path: path, Status: status, Bytes: len(body), Took: time.Since(begin)})
	}
	if status/100 != 2 {
		return s.explain(&refused{what: what, status: status, said: string(body), name: s.cfg.Name}, len(segments) == 1 && slices.Contains(lists, segments[0]))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return s.noMarquez(what, "its answer is not JSON of Marquez's kind")
	}
	return nil
}

// lists are what every Marquez has, whatever is in it.
var lists = []string{"jobs", "namespaces", "search"}

// explain adds what can be done about an answer. everywhere: every Marquez has what was asked for.
func (s *Source) explain(r *refused, everywhere bool) error {
	f := &fault.Error{Kind: fault.Backend, Code: fmt.Sprintf("http_%d", r.status), Err: r}
	switch {
	case r.status == http.StatusUnauthorized || r.status == http.StatusForbidden:
		f.Hint = "set transport.auth (or OPENLINEAGE_API_KEY) to a key that may read"
	case r.status/100 == 3:
		f.Hint = "it sends elsewhere: set the url to where it sends, with its scheme"
	case r.status == http.StatusNotFound && (everywhere || r.said == "" || strings.HasPrefix(r.said, "HTTP 404") || strings.HasPrefix(r.said, "404")):
		return s.noMarquez(r.what, "it answers 404 for a path that every Marquez has")
	case r.status == http.StatusTooManyRequests:
		f.Hint = "ask more slowly: --rate 2, or --parallel 1"
	case r.status >= 500:
		f.Hint = "see Marquez's own log; a gateway or its database may be away, or one of its rows be broken"
	}
	return f
}

// noMarquez is that the backend is something else.
func (s *Source) noMarquez(what, why string) error {
	return &fault.Error{Kind: fault.Backend, Code: "not_marquez", Err: fmt.Errorf("%s: %s is no Marquez: %s", what, s.cfg.Name, why),
		Hint: "only a Marquez can be asked; ask an OpenLineage topic (--from kafka:TOPIC) or files of events (--from FILE) instead. Is a part of the url missing?"}
}

// each runs work for every item side by side, as many as there are slots, and ends at the first error.
func each[T any](ctx context.Context, s *Source, items []T, work func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.cfg.SideBySide)
	for _, item := range items {
		group.Go(func() error { return work(ctx, item) })
	}
	return group.Wait()
}
