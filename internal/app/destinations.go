package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/internal/tlsfiles"
	"github.com/gx-ol/gx-ol/producer"
	"github.com/gx-ol/gx-ol/producer/console"
	"github.com/gx-ol/gx-ol/producer/http"
	"github.com/gx-ol/gx-ol/producer/kafka"
)

// The powers that the pipeline finds by asking.
var (
	_ pipeline.Sender  = (*kafka.Destination)(nil)
	_ pipeline.Checker = (*http.Destination)(nil)
)

// Destinations is where events go, as the pipeline takes it.
type Destinations struct {
	To            []pipeline.Destination
	MaxEventBytes int // the smallest limit of all; 0: none

	open []producer.Destination
}

// Close ends what was opened.
func (all *Destinations) Close() {
	for _, open := range all.open {
		_ = open.Close() // nothing is under way any more
	}
}

// Backends are the HTTP backends among them.
func (all *Destinations) Backends() (out []*http.Destination) {
	for _, open := range all.open {
		if h, ok := open.(*http.Destination); ok {
			out = append(out, h)
		}
	}
	return out
}

// NewDestinations makes the destinations that the configuration names, and asks each what must be known before the first event.
// Close ends them; after an error nothing is open.
func NewDestinations(ctx context.Context, cfg *config.Config, p Process) (*Destinations, error) {
	return newDestinations(cfg, p, func(*config.Transport) bool { return true }, func(d producer.Destination, t *config.Transport) error {
		return learn(ctx, d, t, p.Log)
	})
}

// NewBackends makes the HTTP backends that the configuration names, to ask them something. They are not asked yet.
func NewBackends(cfg *config.Config, p Process) (*Destinations, error) {
	return newDestinations(cfg, p, func(t *config.Transport) bool { return t.Type == "http" }, func(producer.Destination, *config.Transport) error { return nil })
}

func newDestinations(cfg *config.Config, p Process, wanted func(*config.Transport) bool, learn func(producer.Destination, *config.Transport) error) (*Destinations, error) {
	all := &Destinations{}
	for _, t := range cfg.Destinations() {
		if !wanted(t) {
			continue
		}
		kind, d, err := newDestination(cfg, t, p)
		if err == nil {
			all.open = append(all.open, d)
			err = learn(d, t)
		}
		if err != nil {
			all.Close()
			if t.Name != "" {
				err = fmt.Errorf("destination %s: %w", t.Name, err)
			}
			return nil, err
		}
		all.add(cfg, p, t, kind, d)
	}
	return all, nil
}

// add names a destination as the pipeline takes it.
func (all *Destinations) add(cfg *config.Config, p Process, t *config.Transport, kind producer.Kind, d producer.Destination) {
	if n := d.MaxEventBytes(); n > 0 && (all.MaxEventBytes == 0 || n < all.MaxEventBytes) {
		all.MaxEventBytes = n
	}
	to := pipeline.Destination{Name: DestinationName(t), To: d, MaxInFlight: cfg.Input.MaxInFlight, Adaptive: kind.Adaptive, Whole: kind.OneByOne}
	if kind.OneByOne {
		to.MaxInFlight = 1
	}
	if paced, ok := d.(interface {
		Pace(ctx context.Context) error
	}); ok && t.RateLimit > 0 {
		to.Pace = paced.Pace
	}
	if p.Deliverer != nil {
		to.To = p.Deliverer(to.To)
	}
	all.To = append(all.To, to)
}

// DestinationName is how logs, metrics and letters call a destination.
func DestinationName(t *config.Transport) string { return cmp.Or(t.Name, t.Type) }

// newDestination makes the destination that a transport stands for.
func newDestination(cfg *config.Config, t *config.Transport, p Process) (producer.Kind, producer.Destination, error) {
	kinds := producer.Kinds()
	i := slices.IndexFunc(kinds, func(k producer.Kind) bool { return k.Name == t.Type })
	if i < 0 {
		return producer.Kind{}, nil, fmt.Errorf("no destination of type %q", t.Type)
	}
	d, err := kinds[i].New(func(into any) error { return config.Wrong(settings(cfg, t, p, into)) })
	return kinds[i], d, err
}

// settings fills the configuration of a kind of destination. A new kind needs one more case.
func settings(cfg *config.Config, t *config.Transport, p Process, into any) error {
	switch into := into.(type) {
	case *http.Config:
		return httpSettings(cfg, t, p, into)
	case *kafka.Config:
		path := "kafka"
		if len(t.Config) > 0 {
			path = cfg.Path(t) + ".config"
		}
		opts, err := kafkaclient.OptsLive(cfg.DestinationKafka(t), liveProperties(cfg, path))
		*into = kafka.Config{Topic: t.Topic, MessageKey: t.MessageKey, MaxMessageBytes: cfg.Input.MaxMessageBytes, Client: opts}
		return err
	case *console.Config:
		into.Out = p.Stdout
	case *console.FileConfig:
		into.Path = t.LogFilePath
	default:
		return fmt.Errorf("a destination of type %q has no settings", t.Type)
	}
	return nil
}

func httpSettings(cfg *config.Config, t *config.Transport, p Process, into *http.Config) error {
	path := cfg.Path(t)
	headers := make(map[string]func() string)
	for name := range t.CustomHeaders {
		headers[name] = cfg.Live(path + ".custom_headers." + name)
	}
	*into = http.Config{
		BatchSize: t.Batch.Size, BatchLinger: t.Batch.Linger, BatchEndpoint: t.Batch.Endpoint,
		OnNoBatch: func(status int) {
			p.Log.Warn("the destination has no lineage/batch: events go one by one for ten minutes; check transport.batch.endpoint",
				zap.String("destination", DestinationName(t)), zap.Int("status", status))
		},
		HeadersNow: headers, Rate: t.RateLimit, Burst: t.RateBurst,
		Version: p.Version, URL: t.URL, Endpoint: t.Endpoint, Gzip: t.Compression == "gzip", Headers: t.CustomHeaders,
		Timeout: t.Timeout, Backend: t.Backend, GuardOff: t.Guard == "off", OnSkipped: t.OnSkipped, MaxEventBytes: t.MaxEventBytes,
	}
	if p.Skipped != nil {
		into.Skipped = func() { p.Skipped(DestinationName(t)) }
	}
	if err := signIn(cfg, t, into); err != nil {
		return err
	}
	if t.SSL == (config.SSL{}) && t.Verify {
		return nil // the system's roots are enough
	}
	files, err := tlsfiles.Read(tlsfiles.Files{CA: t.SSL.CA, Cert: t.SSL.Certificate, Key: t.SSL.Key, KeyPassword: liveOr(cfg, path+".ssl.key.password", t.SSL.KeyPassword), AnyCert: !t.Verify})
	if err != nil {
		return fmt.Errorf("transport.ssl: %w", err)
	}
	into.TLS = files.For
	return nil
}

// learn asks a destination what must be known at the start.
func learn(ctx context.Context, d producer.Destination, t *config.Transport, log *zap.Logger) error {
	switch d := d.(type) {
	case *kafka.Destination:
		if err := kafkaclient.CheckWritable(ctx, d.Client(), []string{t.Topic}); err != nil {
			return fmt.Errorf("destination: %w", err)
		}
	case *http.Destination:
		learnBackend(ctx, d, log)
	}
	return nil
}

// learnBackend asks an HTTP backend once what it is, so that the size cap fits it. One that does not answer is asked
// again before the first event; until then the smaller cap holds.
func learnBackend(ctx context.Context, h *http.Destination, log *zap.Logger) {
	if h.Backend() != "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := h.Probe(ctx); err != nil {
		log.Debug("the backend does not say yet what it is; it is asked again before the first event", zap.Error(err))
	}
}
