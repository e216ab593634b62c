// Package http delivers events to an OpenLineage backend over HTTP, one POST each or several through lineage/batch, and says
// whose fault an answer is.
package http

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/plainhttp"
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
	okWindow        = 60 * time.Second // how long a 2xx proves that a 400 is the event's own fault
)

// Config describes an HTTP destination. URL is required; the zero value of all else is the default.
type Config struct {
	URL           string            // base url, with or without a path; may end in the endpoint already
	Endpoint      string            // path below URL; default api/v1/lineage
	APIKey        string            // sent as Authorization: Bearer; never in an error
	Gzip          bool              // compress request bodies
	Headers       map[string]string // further request headers
	Version       string            // of gx-ol, for the User-Agent
	Timeout       time.Duration     // for one whole attempt; default 60 s
	Backend       string            // auto (default), marquez, datahub or generic
	GuardOff      bool              // send events that would break Marquez for everybody
	OnSkipped     string            // count (default) or bury
	Skipped       func()            // is told of each event that is skipped; nil: nobody
	MaxEventBytes int               // 0: 100 kB for marquez, 1 MiB for others

	TLS func(host string) *tls.Config // the settings of connections to the url's host, a name or an address; nil: the system's roots

	// APIKeyNow and HeadersNow are asked at each attempt for what may change; nil, and names that are not there: what stands above.
	APIKeyNow  func() string
	HeadersNow map[string]func() string

	Token func(ctx context.Context, refused string) (string, error) // the bearer token of this moment, and another one than the backend refused; nil: APIKey
	Basic func() (user, password string)                            // basic authentication, asked at each attempt; nil: none
	Proxy func() (*url.URL, error)                                  // the proxy of this moment, nil for none; nil: as HTTP_PROXY, HTTPS_PROXY and NO_PROXY say
	Rate  float64                                                   // events a second, over all that are under way; 0: as many as the backend bears
	Burst int                                                       // events that may go at once after a pause; 0: those of a second

	BatchSize     int              // events a POST to lineage/batch; 0 or 1: one by one
	BatchLinger   time.Duration    // how long an event waits for company; default 5 ms
	BatchEndpoint string           // path below URL; default api/v1/lineage/batch
	OnNoBatch     func(status int) // the backend has no such endpoint, and events go one by one; nil: nobody is told
}

// Destination delivers events with one POST each. It is safe for concurrent use.
type Destination struct {
	cfg    Config
	target *url.URL // where events go
	base   *url.URL // other endpoints lie below it
	probe  *url.URL // what Probe asks

	transport *http.Transport
	plain     *plainhttp.Transport // nil: transport sends all
	agent     string               // User-Agent
	names     []string             // of the further headers
	renews    bool                 // the key or a header may change
	headers   atomic.Pointer[headers]

	now     func() time.Time
	backend atomic.Pointer[string] // nil until known
	probed  atomic.Int64           // Unix nanoseconds of the last probe that taught nothing; 0 for none
	lastOK  atomic.Int64           // Unix nanoseconds of the last 2xx; 0 for none
	skipped atomic.Int64
	batches *batcher // nil: one by one
	secrets used
	asked   asked                  // see Later
	bearer  atomic.Pointer[string] // the token that was sent last
	pace    *rate.Limiter          // nil: no limit
}

// Validate checks what can be checked without the backend.
func (c Config) Validate() error {
	if _, _, err := join(c.URL, c.Endpoint); err != nil {
		return err
	}
	switch c.Backend {
	case "", Auto, Marquez, DataHub, Generic:
	default:
		return fmt.Errorf("backend %q: not one of auto, marquez, datahub, generic", c.Backend)
	}
	switch c.OnSkipped {
	case "", CountSkipped, BurySkipped:
	default:
		return fmt.Errorf("on_skipped %q: not one of count, bury", c.OnSkipped)
	}
	return nil
}

// New checks cfg and makes the destination. It sends nothing.
func New(cfg Config) (*Destination, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	target, base, err := join(cfg.URL, cfg.Endpoint)
	if err != nil {
		return nil, err
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 60 * time.Second
	}
	var settings *tls.Config
	if cfg.TLS != nil {
		settings = cfg.TLS(base.Hostname())
	}
	h := &Destination{cfg: cfg, target: target, base: base, now: time.Now, transport: newTransport(settings), agent: "gx-ol"}
	h.plain = newPlain(base, h.transport.DialContext)
	if cfg.Version != "" {
		h.agent += "/" + cfg.Version
	}
	h.probe = base.JoinPath("api/v1/namespaces")
	h.probe.RawQuery = "limit=1"
	h.names = slices.Sorted(maps.Keys(cfg.Headers))
	h.renews = cfg.APIKeyNow != nil || cfg.Basic != nil
	for _, now := range cfg.HeadersNow {
		h.renews = h.renews || now != nil
	}
	if base.User != nil {
		password, _ := base.User.Password()
		h.secrets.add(password)
	}
	for _, values := range target.Query() { // keys of some gateways stand there, and who answers may quote the address
		for _, value := range values {
			h.secrets.add(value)
		}
	}
	h.useProxy()
	h.pace = limiter(cfg.Rate, cfg.Burst)
	if cfg.BatchSize > 1 {
		endpoint := cmp.Or(strings.TrimLeft(cfg.BatchEndpoint, "/"), defaultEndpoint+"/batch")
		h.batches = &batcher{h: h, target: base.JoinPath(endpoint), size: cfg.BatchSize, linger: cmp.Or(cfg.BatchLinger, 5*time.Millisecond)}
	}
	switch {
	case strings.Contains(base.Path+"/", dataHubBase+"/") && (cfg.Backend == "" || cfg.Backend == Auto):
		h.setBackend(DataHub)
	case cfg.Backend != "" && cfg.Backend != Auto:
		h.setBackend(cfg.Backend)
	}
	return h, nil
}

// join gives the url that events go to and the base beside which other endpoints lie.
func join(raw, endpoint string) (target, base *url.URL, err error) {
	if endpoint == "" {
		endpoint = defaultEndpoint
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, nil, errors.New("url: not a valid url") // its text could quote a password
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, nil, errors.New("url: need http://host:port or https://host:port")
	}
	base = &url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host, Path: strings.TrimRight(u.Path, "/")}
	for _, known := range []string{endpoint, defaultEndpoint} {
		if p, ok := strings.CutSuffix(base.Path, path.Clean("/"+known)); ok {
			base.Path = p
			break
		}
	}
	if base.Path == "" {
		base.Path = "/" // else what is joined to it would have none at its begin, and a request is made of the path as it is
	}
	full := base.JoinPath(strings.TrimLeft(endpoint, "/"))
	full.RawQuery = u.RawQuery
	return full, base, nil
}

// Deliver sends ev once, if the guard lets it pass. Who keeps to Config.Rate calls Pace before.
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
	a, err := h.do(ctx, http.MethodPost, h.target, ev.Body, statusAlone)
	if err != nil {
		return err
	}
	if f := h.faultOf(a, ev.Body); f != nil {
		return f
	}
	h.lastOK.Store(h.now().UnixNano())
	if a.status == http.StatusOK && h.Backend() == Marquez {
		h.skipped.Add(1)
		if h.cfg.Skipped != nil {
			h.cfg.Skipped()
		}
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

// Check is the Message fault that Deliver would return without sending ev, or nil: for passed-through events, the guard's, and that of one
// over the cap, which nobody trims. A caller that sends nothing of a message unless all of it may be sent asks this first. The guard
// refuses only for marquez, and so an auto backend is asked what it is; no answer to that is a Backend fault. While the
// answers teach nothing the guard stands, and the question is asked again from time to time.
func (h *Destination) Check(ctx context.Context, ev openlineage.Event) error {
	if h.Backend() == "" && h.now().UnixNano()-h.probed.Load() > int64(askKindAgain) {
		if err := h.Probe(ctx); err != nil {
			return err
		}
	}
	b := h.Backend()
	if most := h.MaxEventBytes(); ev.PassThrough && len(ev.Body) > most && (b != "" || h.cfg.MaxEventBytes > 0) {
		f := fault.MessageError(fault.Oversize, "event_too_large", "the event has %d bytes, and max_event_bytes allows %d", len(ev.Body), most)
		f.Hint = "passed-through events are not trimmed: raise transport.max_event_bytes, or make it smaller where it comes from"
		return f
	}
	if !ev.PassThrough || h.cfg.GuardOff || b != Marquez && b != "" {
		return nil // what Map makes is safe: a fuzz test of who has both holds that
	}
	if why := unsafe(ev.Body); why != "" {
		f := fault.MessageError(fault.Rejected, "unsafe_event", "%s", why)
		f.Hint = "Marquez would refuse this event for good, or break its lists for everybody; `guard: off` sends it all the same"
		return f
	}
	return nil
}

// Sure reports whether Check has nothing against ev, and need ask nobody for that: what Map makes is safe as it is made, once the backend is known.
func (h *Destination) Sure(ev openlineage.Event) bool { return !ev.PassThrough && h.Backend() != "" }

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
	h.transport.CloseIdleConnections()
	if h.plain != nil {
		h.plain.CloseIdleConnections()
	}
	return nil
}
