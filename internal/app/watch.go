package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/consumer"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/outage"
	"github.com/gx-ol/gx-ol/internal/telemetry"
)

// watched lets the process be seen: /metrics, /readyz, a line at the start and one a minute, until stop is called.
func (e *engine) watched(ctx context.Context, s settler) (stop func(), err error) {
	e.metrics.Limits(s.limits)
	e.metrics.Holds(func() []telemetry.Hold { return heldPlaces(s.holds()) })
	e.metrics.Lags(func() []telemetry.Lag { return lags(e.watch.Lags()) })
	if !e.cfg.Input.Regex() {
		e.metrics.Topics(e.cfg.Input.Topics...)
	}
	for _, t := range e.cfg.Destinations() {
		e.metrics.Destinations(DestinationName(t))
	}
	e.page.sees(e, s)
	ready := func() error { return errors.Join(e.watch.Ready(), heldError(s.holds())) }
	address, stopServing, err := serveTelemetry(ctx, e.cfg.Telemetry, e.metrics.Handler(ready), e.page.maker())
	if err != nil {
		return nil, err
	}
	stopCounting := func() {}
	if e.cfg.Telemetry.DeadLetters && address != "" {
		counted := &depthCounter{cfg: e.cfg, client: e.client, log: e.p.Log}
		e.metrics.DeadLetters(counted.depths)
		stopCounting = counted.follow(ctx)
	}
	e.seen.holds, e.seen.lag = s.holds, func() (int64, bool) { return sum(e.watch.Lags()) }
	stopTelling := e.seen.follow(ctx)
	e.p.Log.Info("gx-ol runs", zap.String("version", e.p.Version), zap.Strings("topics", e.cfg.Input.Topics), zap.String("group", e.cfg.Input.Group),
		zap.String("brokers", e.cfg.Kafka["bootstrap.servers"]), zap.Strings("to", addresses(e.cfg)), zap.String("delivery", e.cfg.Delivery),
		zap.String("telemetry", telemetryAt(address)))
	stopReading := e.page.follow(ctx)
	return func() { stopReading(); stopTelling(); stopCounting(); stopServing() }, nil
}

func telemetryAt(address string) string {
	if address == "" {
		return "off"
	}
	return "http://" + address
}

// addresses says of each destination what it is and where, without what may be a secret.
func addresses(cfg *config.Config) (out []string) {
	for _, t := range cfg.Destinations() {
		where := t.Type
		switch t.Type {
		case "http":
			where = addressOf(t.URL)
		case "kafka":
			where = fmt.Sprintf("kafka topic %s at %s", t.Topic, cfg.DestinationKafka(t)["bootstrap.servers"])
		case "file":
			where = "file " + t.LogFilePath
		}
		if t.Name != "" {
			where = t.Name + ": " + where
		}
		out = append(out, where)
	}
	return out
}

// addressOf is a url without user, password and query.
func addressOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "http"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// lags are a consumer's, as the metrics take them.
func lags(all []consumer.Lag) []telemetry.Lag {
	out := make([]telemetry.Lag, len(all))
	for i, l := range all {
		out[i] = telemetry.Lag(l)
	}
	return out
}

func sum(all []consumer.Lag) (records int64, known bool) {
	for _, l := range all {
		records += l.Records
	}
	return records, len(all) > 0
}

// explain makes of a broker's error one sentence for an operator.
func explain(cfg *config.Config) func(error) error {
	return func(err error) error {
		if errors.Is(err, kerr.TransactionalIDAuthorizationFailed) {
			return fmt.Errorf("the user may not write in transactions: grant it WRITE on the transactional ids that begin with %q (%w)", cfg.Input.Group+".", kerr.TransactionalIDAuthorizationFailed)
		}
		return kafkaclient.Diagnose(err, cfg.Kafka["bootstrap.servers"])
	}
}

// heldPlaces is what waits, as the metrics take it.
func heldPlaces(holds []outage.Hold) []telemetry.Hold {
	out := make([]telemetry.Hold, len(holds))
	for i, h := range holds {
		out[i] = telemetry.Hold{Topic: h.Topic, Partition: h.Partition, Destination: h.Destination, Code: h.Code, Since: h.Since}
	}
	return out
}

// heldError says which partitions wait and why; nil when none does.
func heldError(held []outage.Hold) error {
	if len(held) == 0 {
		return nil
	}
	var lines []string
	for _, h := range held {
		lines = append(lines, fmt.Sprintf("held: %s[%d] by %s since %s: %s", h.Topic, h.Partition, h.Destination, h.Since.UTC().Format("2006-01-02T15:04:05Z"), h.Reason))
	}
	return errors.New(strings.Join(lines, "\n"))
}
