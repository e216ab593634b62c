package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/producer/http"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

// through makes what a replay needs of the configured destinations: with --to backend the pipeline itself, and where the destination is a backend that can
// tell, the question whether it has later results. end frees it.
func (g *graveyard) through(ctx context.Context, a *app, o replayOptions, plan *dlq.Plan) (end func(), err error) {
	configured := len(g.cfg.Destinations()) > 0 && g.cfg.Transport.Type != ""
	switch {
	case o.to == "backend" && !configured:
		return nil, usageError{errors.New("--to backend needs the configuration that gx-ol run has: name it with --config, or set transport in it")}
	case o.to == "backend" && g.cfg.Disabled:
		return nil, usageError{errors.New("OPENLINEAGE_DISABLED is set: nothing is delivered to a backend")}
	case o.stale == "skip" && !configured:
		return nil, usageError{errors.New("--stale skip needs a backend to ask: name the configuration that gx-ol run has with --config")}
	case !configured, o.to == "source" && o.stale == "ignore":
		return func() {}, nil
	}
	log, err := newLogger(g.cfg.Log, a.stderr)
	if err != nil {
		return nil, err
	}
	judge, err := newLetterMapping(g.cfg, a, log)
	if err != nil {
		return nil, err
	}
	if o.to != "backend" {
		return judge.askBackends(g.cfg, o.stale == "skip", plan)
	}
	to, err := newDestinations(ctx, g.cfg, a.stdout, log)
	if err != nil {
		return nil, err
	}
	m, err := mapper.New(mapperSettings(g.cfg, judge.datasources, to.maxEventBytes))
	if err != nil {
		to.closeAll()
		return nil, err
	}
	judge.mapper = m
	var known []*http.Destination
	for _, d := range to.to {
		if h, ok := d.To.(*http.Destination); ok {
			known = append(known, h)
		}
	}
	if len(known) > 0 && o.stale != "ignore" {
		plan.Newer = judge.newer(known, o.stale == "skip")
	}
	again := &secondBurial{letters: make(map[*kgo.Record]deadletter.Letter)}
	p := pipeline.New(pipeline.Config{
		Decode: judge.decoder.Decode, Mapper: m, To: to.to, DeadLetters: again, Group: g.cfg.Input.Group,
		MaxInFlight: g.cfg.Input.MaxInFlight, MaxMessageBytes: g.cfg.Input.MaxMessageBytes,
		Backoff:         pipeline.BackoffConfig{Initial: g.cfg.Retry.Initial, Max: g.cfg.Retry.Max},
		ExhaustAttempts: g.cfg.Retry.ExhaustAttempts, ExhaustAfter: g.cfg.Retry.ExhaustAfter, Log: log,
	})
	plan.Backend, plan.ConnectHeaders = destinationName(&g.cfg.Transport), g.cfg.DeadLetters.ConnectHeaders
	plan.Deliver = func(ctx context.Context, recs []*kgo.Record) []dlq.Delivered {
		n, _ := p.Handle(ctx, recs) // its error is ctx's, which the replay sees
		return again.take(recs, n)
	}
	return to.closeAll, nil
}

// secondBurial keeps what the pipeline refuses again: its new letter is written in the transaction that settles the old one.
type secondBurial struct {
	mu      sync.Mutex // guards letters
	letters map[*kgo.Record]deadletter.Letter
}

// Bury keeps the letter.
func (b *secondBurial) Bury(_ context.Context, rec *kgo.Record, l deadletter.Letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.letters[rec] = l
	return nil
}

// take is what became of recs, of which the first n are settled.
func (b *secondBurial) take(recs []*kgo.Record, n int) []dlq.Delivered {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]dlq.Delivered, len(recs))
	for i, rec := range recs {
		out[i].Settled = i < n
		if l, ok := b.letters[rec]; ok {
			out[i].Refused = &l
			delete(b.letters, rec)
		}
	}
	return out
}

// letterMapping is how a letter's record becomes events.
type letterMapping struct {
	decoder     gx.Decoder
	datasources map[string]mapper.Datasource
	mapper      *mapper.Mapper
	log         *zap.Logger
}

func newLetterMapping(cfg *config.Config, a *app, log *zap.Logger) (*letterMapping, error) {
	datasources, err := datasourceTable(cfg, a.env, func(warning string) { log.Warn(warning) })
	if err != nil {
		return nil, err
	}
	decoder, err := gx.NewDecoder(cfg.Input.JSONPointer)
	if err != nil {
		return nil, err
	}
	m, err := mapper.New(mapperSettings(cfg, datasources, cfg.Transport.MaxEventBytes))
	if err != nil {
		return nil, err
	}
	return &letterMapping{decoder: decoder, datasources: datasources, mapper: m, log: log}, nil
}

// askBackends lets a replay to the source topics ask the HTTP destinations that the pipeline will deliver to.
func (m *letterMapping) askBackends(cfg *config.Config, must bool, plan *dlq.Plan) (end func(), err error) {
	var backends []*http.Destination
	end = func() {
		for _, h := range backends {
			_ = h.Close() // nothing is under way
		}
	}
	for _, t := range cfg.Destinations() {
		if t.Type != "http" {
			continue
		}
		h, err := newHTTP(cfg, t, m.log)
		if err != nil {
			end()
			return nil, err
		}
		backends = append(backends, h)
	}
	if len(backends) == 0 && must {
		return nil, usageError{errors.New("--stale skip needs a backend to ask, and the configuration names none: only Marquez can tell")}
	}
	if len(backends) > 0 {
		plan.Newer = m.newer(backends, must)
	}
	return end, nil
}

// newer asks the backends about each event of a record. must makes a backend that does not answer an error; else it is told once, and not asked again.
func (m *letterMapping) newer(backends []*http.Destination, must bool) func(context.Context, *kgo.Record) (string, error) {
	silent := false
	return func(ctx context.Context, rec *kgo.Record) (string, error) {
		if silent {
			return "", nil
		}
		msg, err := m.decoder.Decode(rec.Value)
		if err != nil {
			return "", nil //nolint:nilerr // the pipeline says what is wrong with it
		}
		runs, err := m.mapper.Map(msg, pipeline.InputOf(rec))
		if err != nil {
			return "", nil //nolint:nilerr // as above
		}
		for _, run := range runs {
			for _, ev := range run.Events {
				for _, h := range backends {
					warning, err := h.Later(ctx, ev)
					if ctx.Err() != nil {
						return "", ctx.Err() // a stop says nothing of the backend
					}
					if err != nil && must {
						return "", fmt.Errorf("asking the backend for later results: %w", err)
					}
					if err != nil {
						silent = true
						m.log.Warn("the backend does not say whether it has later results; it is not asked again", zap.Error(err))
						return "", nil
					}
					if warning != "" {
						return warning, nil
					}
				}
			}
		}
		return "", nil
	}
}
