package app

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/internal/replay"
	"github.com/gx-ol/gx-ol/producer/http"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Replaying is what a replay of dead letters needs of the configured destinations.
type Replaying struct {
	Through  *replay.Through     // the pipeline to them; nil where letters go back to their source
	Backends []*http.Destination // those that may be asked for later results

	settings pipeline.Config
	to       *Destinations
	log      *zap.Logger
}

// NewReplayThrough makes the pipeline to the destinations, for a replay that goes through it.
func NewReplayThrough(ctx context.Context, cfg *config.Config, p Process) (*Replaying, error) {
	to, err := NewDestinations(ctx, cfg, p)
	if err != nil {
		return nil, err
	}
	r, err := newReplaying(cfg, p, to, to.MaxEventBytes)
	if err != nil {
		return nil, err
	}
	refusals := replay.NewRefusals()
	r.Through = &replay.Through{Pipeline: pipeline.New(r.settings, to.To, refusals), Refusals: refusals,
		Name: DestinationName(&cfg.Transport), InFlight: cfg.Input.MaxInFlight, ConnectHeaders: cfg.DeadLetters.ConnectHeaders}
	return r, nil
}

// NewReplayToSource makes the backends alone, for a replay to the source topics that asks them.
func NewReplayToSource(cfg *config.Config, p Process) (*Replaying, error) {
	to, err := NewBackends(cfg, p)
	if err != nil {
		return nil, err
	}
	return newReplaying(cfg, p, to, cfg.Transport.MaxEventBytes)
}

// newReplaying takes to, and closes it after an error.
func newReplaying(cfg *config.Config, p Process, to *Destinations, maxEventBytes int) (*Replaying, error) {
	m, err := NewMapping(cfg, p, maxEventBytes, func(warning string) { p.Log.Warn(warning) })
	if err != nil {
		to.Close()
		return nil, err
	}
	return &Replaying{Backends: to.Backends(), settings: PipelineConfig(cfg, m, p), to: to, log: p.Log}, nil
}

// Close ends the destinations.
func (r *Replaying) Close() { r.to.Close() }

// Stale asks the backends whether they have later results; skip leaves such letters where they are.
func (r *Replaying) Stale(skip bool) *replay.Stale {
	s := &replay.Stale{Skip: skip, Events: r.events, Silent: func(err error) {
		r.log.Warn("the backend does not say whether it has later results; it is not asked again", zap.Error(err))
	}}
	for _, b := range r.Backends {
		s.Backends = append(s.Backends, b)
	}
	return s
}

// events are those that the pipeline would deliver; none of a record that it would refuse: it says what is wrong with it.
func (r *Replaying) events(rec *kgo.Record) (out []openlineage.Event) {
	runs, _, bad := pipeline.Preview(r.settings, rec)
	if bad != nil {
		return nil
	}
	for _, run := range runs {
		out = append(out, run.Events...)
	}
	return out
}
