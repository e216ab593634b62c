package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/internal/tlsfiles"
	"github.com/gx-ol/gx-ol/producer/console"
	"github.com/gx-ol/gx-ol/producer/deadletters"
	"github.com/gx-ol/gx-ol/producer/http"
	"github.com/gx-ol/gx-ol/producer/kafka"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// destination is what the pipeline delivers to.
type destination interface {
	pipeline.Deliverer
	MaxEventBytes() int
	Close() error
}

// The powers that the pipeline finds by asking.
var (
	_ pipeline.Checker     = (*http.Destination)(nil)
	_ pipeline.DeadLetters = (*deadletters.Topics)(nil)
)

// together hands many events over before it waits for the first.
type together struct{ *kafka.Destination }

// DeliverAll is Deliver for each.
func (t together) DeliverAll(ctx context.Context, evs []openlineage.Event) []error {
	errs := make([]error, len(evs))
	var told sync.WaitGroup
	told.Add(len(evs))
	for i, ev := range evs {
		t.Send(ctx, ev, func(err error) {
			errs[i] = err
			told.Done()
		})
	}
	told.Wait()
	return errs
}

// destinations is where events go, as the pipeline takes it.
type destinations struct {
	to            []pipeline.Destination
	maxEventBytes int // the smallest limit of all; 0: none
	close         []func()
}

func (d *destinations) closeAll() {
	for _, end := range d.close {
		end()
	}
}

// newDestinations makes the transports that the configuration names. closeAll ends what was opened; after an error nothing is open.
func newDestinations(ctx context.Context, cfg *config.Config, stdout io.Writer, log *zap.Logger) (*destinations, error) {
	all := &destinations{}
	for _, t := range cfg.Destinations() {
		d, end, err := newDestination(ctx, cfg, t, stdout, log)
		if err != nil {
			all.closeAll()
			if t.Name != "" {
				err = fmt.Errorf("destination %s: %w", t.Name, err)
			}
			return nil, err
		}
		all.close = append(all.close, end)
		learnBackend(ctx, d, log)
		if n := d.MaxEventBytes(); n > 0 && (all.maxEventBytes == 0 || n < all.maxEventBytes) {
			all.maxEventBytes = n
		}
		to := pipeline.Destination{Name: destinationName(t), To: d, MaxInFlight: cfg.Input.MaxInFlight, Adaptive: t.Type == "http"}
		if t.Type == "console" || t.Type == "file" {
			to.MaxInFlight = 1
		}
		all.to = append(all.to, to)
	}
	return all, nil
}

// destinationName is how logs and metrics call a destination.
func destinationName(t *config.Transport) string { return cmp.Or(t.Name, t.Type) }

// newDestination makes one transport. end closes what it opened.
func newDestination(ctx context.Context, cfg *config.Config, t *config.Transport, stdout io.Writer, log *zap.Logger) (d destination, end func(), err error) {
	switch t.Type {
	case "http":
		h, err := newHTTP(cfg, t, log)
		if err != nil {
			return nil, nil, err
		}
		return h, func() { _ = h.Close() }, nil
	case "kafka":
		path := "kafka"
		if len(t.Config) > 0 {
			path = cfg.Path(t) + ".config"
		}
		client, err := newProducerClient(cfg.DestinationKafka(t), liveProperties(cfg, path), kafka.EventOpts(cfg.Input.MaxMessageBytes))
		if err != nil {
			return nil, nil, err
		}
		if err := kafkaclient.CheckConnection(ctx, client, []string{t.Topic}); err != nil {
			client.Close()
			return nil, nil, fmt.Errorf("destination: %w", err)
		}
		return together{kafka.Over(kafka.NewWriter(client), t.Topic, t.MessageKey)}, client.Close, nil
	case "file":
		f, err := console.NewFile(console.FileConfig{Path: t.LogFilePath})
		if err != nil {
			return nil, nil, err
		}
		return f, func() { _ = f.Close() }, nil
	case "console":
		c, err := console.New(console.Config{Out: stdout})
		return c, func() {}, err
	}
	return nil, nil, fmt.Errorf("no destination of type %q", t.Type)
}

// newHTTP makes an HTTP destination.
func newHTTP(cfg *config.Config, t *config.Transport, log *zap.Logger) (*http.Destination, error) {
	files, err := tlsOf(t)
	if err != nil {
		return nil, err
	}
	path := cfg.Path(t)
	headers := make(map[string]func() string)
	for name := range t.CustomHeaders {
		headers[name] = cfg.Live(path + ".custom_headers." + name)
	}
	return http.New(http.Config{
		Version:   version(),
		BatchSize: t.Batch.Size, BatchLinger: t.Batch.Linger, BatchEndpoint: t.Batch.Endpoint,
		OnNoBatch: func(status int) {
			log.Warn("the destination has no lineage/batch: events go one by one for ten minutes; check transport.batch.endpoint",
				zap.String("destination", destinationName(t)), zap.Int("status", status))
		},
		TLS: files, APIKeyNow: cfg.Live(path + ".auth.apiKey"), HeadersNow: headers,
		URL: t.URL, Endpoint: t.Endpoint, APIKey: t.Auth.APIKey, Gzip: t.Compression == "gzip", Headers: t.CustomHeaders,
		Timeout: t.Timeout, Backend: t.Backend, GuardOff: t.Guard == "off", OnSkipped: t.OnSkipped, MaxEventBytes: t.MaxEventBytes,
	})
}

// tlsOf is nil where the configuration names no files: then the system's roots are enough.
func tlsOf(t *config.Transport) (func(host string) *tls.Config, error) {
	if t.SSL == (config.SSL{}) {
		return nil, nil
	}
	files, err := tlsfiles.Read(tlsfiles.Files{CA: t.SSL.CA, Cert: t.SSL.Certificate, Key: t.SSL.Key})
	if err != nil {
		return nil, fmt.Errorf("transport.ssl: %w", err)
	}
	return files.For, nil
}

// liveProperties finds the client properties below path that come from files.
func liveProperties(cfg *config.Config, path string) func(name string) func() string {
	return func(name string) func() string { return cfg.Live(path + "." + name) }
}

// learnBackend asks an HTTP backend once what it is, so that the size cap fits it. One that does not answer is asked
// again before the first event; until then the smaller cap holds.
func learnBackend(ctx context.Context, to destination, log *zap.Logger) {
	h, ok := to.(*http.Destination)
	if !ok || h.Backend() != "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := h.Probe(ctx); err != nil {
		log.Warn("the destination does not answer yet; records wait until it does", zap.Error(err))
	}
}
