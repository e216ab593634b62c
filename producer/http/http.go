// Package producer holds the destinations of OpenLineage events: HTTP, Kafka, the console and a file, and the
// dead-letter topics. A Deliver is one attempt; whoever calls it decides about the next one by the *fault.Error that
// it returns. An error of an ended context comes back as the context's own, unclassified: a stop is nobody's fault.
package http

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// The kinds of backend for Config.Backend.
const (
	Auto    = "auto"    // ask before the first event
	Marquez = "marquez" // guard, its 500 with code 400, 100 kB events
	DataHub = "datahub"
	Generic = "generic"
)

// What becomes of an event that Marquez skips (Config.OnSkipped).
const (
	CountSkipped = "count" // counted as delivered; see Skipped
	BurySkipped  = "bury"  // a Message fault
)

const (
	defaultEndpoint = "api/v1/lineage"
	dataHubBase     = "/openapi/openlineage"
	questionLimit   = 8 << 20          // bytes read of the answer to a GET
	answerLimit     = 64 << 10         // bytes read of an answer; the rest is drained up to drainLimit
	drainLimit      = 1 << 20          // above this the connection is closed rather than reused
	idleTimeout     = 25 * time.Second // Marquez closes idle connections after 30 s without notice
	okWindow        = 60 * time.Second // how long a 2xx proves that a 400 is the event's own fault
)

// Config describes an HTTP destination. URL is required; the zero value of all else is the default.
type Config struct {
	URL           string            // base url, with or without a path; may end in the endpoint already
	Endpoint      string            // path below URL; default api/v1/lineage
	APIKey        string            // sent as Authorization: Bearer; never in an error
	Gzip          bool              // compress request bodies
	Headers       map[string]string // further request headers
	Timeout       time.Duration     // for one whole attempt; default 60 s
	Backend       string            // auto (default), marquez, datahub or generic
	GuardOff      bool              // send events that would break Marquez for everybody
	OnSkipped     string            // count (default) or bury
	MaxEventBytes int               // 0: 100 kB for marquez, 1 MiB for others

	TLS func(host string) *tls.Config // the settings of connections to the url's host, a name or an address; nil: the system's roots

	// APIKeyNow and HeadersNow are asked at each attempt for what may change; nil, and names that are not there: what stands above.
	APIKeyNow  func() string
	HeadersNow map[string]func() string

	BatchSize     int              // events a POST to lineage/batch; 0 or 1: one by one
	BatchLinger   time.Duration    // how long an event waits for company; default 5 ms
	BatchEndpoint string           // path below URL; default api/v1/lineage/batch
	OnNoBatch     func(status int) // the backend has no such endpoint, and events go one by one; nil: nobody is told
}

// Destination delivers events with one POST each. It is safe for concurrent use.
type Destination struct {
	cfg     Config
	target  string // where events go
	base    string // without a slash at its end; other endpoints lie below it
	probe   string // what Probe asks
	client  *http.Client
	close   func()
	now     func() time.Time
	backend atomic.Pointer[string] // nil until known
	lastOK  atomic.Int64           // Unix nanoseconds of the last 2xx; 0 for none
	skipped atomic.Int64
	batches *batcher // nil: one by one
	secrets used
	asked   asked // see Later
}

// New checks cfg and makes the destination. It sends nothing.
func New(cfg Config) (*Destination, error) {
	target, base, err := join(cfg.URL, cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	switch cfg.Backend {
	case "", Auto, Marquez, DataHub, Generic:
	default:
		return nil, fmt.Errorf("backend %q: not one of auto, marquez, datahub, generic", cfg.Backend)
	}
	switch cfg.OnSkipped {
	case "", CountSkipped, BurySkipped:
	default:
		return nil, fmt.Errorf("on_skipped %q: not one of count, bury", cfg.OnSkipped)
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 60 * time.Second
	}
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     idleTimeout,
		MaxIdleConnsPerHost: 256, // above any number in flight: a connection is not made anew for each event
		ForceAttemptHTTP2:   true,
	}
	if cfg.TLS != nil {
		transport.TLSClientConfig = cfg.TLS(base.Hostname())
	}
	h := &Destination{cfg: cfg, target: target, now: time.Now, close: transport.CloseIdleConnections}
	h.base = strings.TrimRight(base.String(), "/")
	h.probe = base.JoinPath("api/v1/namespaces").String() + "?limit=1"
	if u, err := url.Parse(cfg.URL); err == nil && u.User != nil {
		password, _ := u.User.Password()
		h.secrets.add(password)
	}
	if cfg.BatchSize > 1 {
		endpoint := cmp.Or(strings.TrimLeft(cfg.BatchEndpoint, "/"), defaultEndpoint+"/batch")
		h.batches = &batcher{h: h, target: base.JoinPath(endpoint).String(), size: cfg.BatchSize, linger: cmp.Or(cfg.BatchLinger, 5*time.Millisecond)}
	}
	// A redirect would turn the POST into a GET, or send the key elsewhere; 3xx is an answer like any other.
	h.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	switch {
	case strings.Contains(base.Path+"/", dataHubBase+"/") && (cfg.Backend == "" || cfg.Backend == Auto):
		h.setBackend(DataHub)
	case cfg.Backend != "" && cfg.Backend != Auto:
		h.setBackend(cfg.Backend)
	}
	return h, nil
}

// join gives the url that events go to and the base beside which other endpoints lie.
func join(raw, endpoint string) (target string, base *url.URL, err error) {
	if endpoint == "" {
		endpoint = defaultEndpoint
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "", nil, errors.New("url: not a valid url") // its text could quote a password
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", nil, errors.New("url: need http://host:port or https://host:port")
	}
	base = &url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host, Path: strings.TrimRight(u.Path, "/")}
	for _, known := range []string{endpoint, defaultEndpoint} {
		if p, ok := strings.CutSuffix(base.Path, path.Clean("/"+known)); ok {
			base.Path = p
			break
		}
	}
	full := base.JoinPath(strings.TrimLeft(endpoint, "/"))
	full.RawQuery = u.RawQuery
	return full.String(), base, nil
}

// Deliver sends ev once, if the guard lets it pass.
func (h *Destination) Deliver(ctx context.Context, ev openlineage.Event) error {
	if err := h.Check(ctx, ev); err != nil {
		return err
	}
	if h.batches != nil && !h.batches.off() {
		return h.batches.deliver(ctx, ev)
	}
	return h.single(ctx, ev)
}

// single sends ev in a POST of its own.
func (h *Destination) single(ctx context.Context, ev openlineage.Event) error {
	status, header, body, err := h.do(ctx, http.MethodPost, h.target, ev.Body)
	if err != nil {
		return err
	}
	if f := classify(status, header, body, h.Backend(), h.okLately()); f != nil {
		return h.redacted(f)
	}
	h.lastOK.Store(h.now().UnixNano())
	if status == http.StatusOK && h.Backend() == Marquez {
		h.skipped.Add(1)
		if h.cfg.OnSkipped == BurySkipped {
			return fault.MessageError(fault.Rejected, "skipped", "the backend answered 200 where 201 means stored: it skips this kind of event")
		}
	}
	return nil
}

// okLately reports whether a 2xx within the last minute proves that a 400 is the event's own fault.
func (h *Destination) okLately() bool {
	last := h.lastOK.Load()
	return last != 0 && h.now().Sub(time.Unix(0, last)) <= okWindow
}

// Check is the guard alone: the Message fault that Deliver would return without sending ev, or nil. A caller that
// sends nothing of a message unless all of it may be sent asks this first. It refuses only for marquez, and so asks an
// auto backend what it is, the first time; no answer to that is a Backend fault.
func (h *Destination) Check(ctx context.Context, ev openlineage.Event) error {
	if h.Backend() == "" {
		if err := h.Probe(ctx); err != nil {
			return err
		}
	}
	if h.cfg.GuardOff || h.Backend() != Marquez {
		return nil
	}
	if why := unsafe(ev.Body); why != "" {
		f := fault.MessageError(fault.Rejected, "unsafe_event", "%s", why)
		f.Hint = "Marquez would refuse this event for good, or break its lists for everybody; `guard: off` sends it all the same"
		return f
	}
	return nil
}

// Skipped counts the events that Marquez answered with 200 instead of 201: taken, not stored.
func (h *Destination) Skipped() int64 { return h.skipped.Load() }

// MaxEventBytes is the largest event that the destination should get. While an auto backend is not known yet it is
// Marquez's, the smaller one; ask after Probe.
func (h *Destination) MaxEventBytes() int {
	switch b := h.Backend(); {
	case h.cfg.MaxEventBytes > 0:
		return h.cfg.MaxEventBytes
	case b == Marquez || b == "":
		return 100_000
	default:
		return 1 << 20
	}
}

// Close waits for batches under way and drops idle connections. Single deliveries under way go on.
func (h *Destination) Close() error {
	if h.batches != nil {
		h.batches.close()
	}
	h.close()
	return nil
}
