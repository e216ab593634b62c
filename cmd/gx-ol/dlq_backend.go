package main

import (
	"context"
	"errors"
	"hash/maphash"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/internal/replay"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/producer"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// through makes what a replay needs of the configured destinations: with --to backend the pipeline itself, and where the destination is a backend that can
// tell, the question whether it has later results. end frees it.
func (d *deadLetters) through(ctx context.Context, a *app, o replayOptions, plan *replay.Plan) (end func(), err error) {
	configured := len(d.cfg.Destinations()) > 0 && d.cfg.Transport.Type != ""
	switch {
	case o.to == "backend" && !configured:
		return nil, usageError{errors.New("--to backend needs the configuration that gx-ol run has: name it with --config, or set transport in it")}
	case o.to == "backend" && d.cfg.Disabled:
		return nil, usageError{errors.New("OPENLINEAGE_DISABLED is set: nothing is delivered to a backend")}
	case o.stale == "skip" && !configured:
		return nil, usageError{errors.New("--stale skip needs a backend to ask: name the configuration that gx-ol run has with --config")}
	case !configured, o.to == "source" && o.stale == "ignore":
		return func() {}, nil
	}
	log, err := newLogger(d.cfg.Log, a.stderr)
	if err != nil {
		return nil, err
	}
	m, err := newLetterMapping(d.cfg, a, log)
	if err != nil {
		return nil, err
	}
	if o.to != "backend" {
		return m.askBackends(d.cfg, o.stale == "skip", plan)
	}
	to, err := newDestinations(ctx, d.cfg, a.stdout, log)
	if err != nil {
		return nil, err
	}
	if m.mapper, err = mapper.New(mapperSettings(d.cfg, m.datasources, to.maxEventBytes)); err != nil {
		to.closeAll()
		return nil, err
	}
	var known []replay.Backend
	for _, dest := range to.to {
		if h, ok := dest.To.(*producer.HTTP); ok {
			known = append(known, h)
		}
	}
	if len(known) > 0 && o.stale != "ignore" {
		plan.Stale = m.stale(known, o.stale == "skip")
	}
	refusals := replay.NewRefusals()
	p := pipeline.New(pipeline.Config{
		Decode: m.decoder.Decode, Mapper: m.mapper, To: to.to, DeadLetters: refusals, Group: d.cfg.Input.Group,
		MaxInFlight: d.cfg.Input.MaxInFlight, MaxMessageBytes: d.cfg.Input.MaxMessageBytes,
		Backoff:         pipeline.BackoffConfig{Initial: d.cfg.Retry.Initial, Max: d.cfg.Retry.Max},
		ExhaustAttempts: d.cfg.Retry.ExhaustAttempts, ExhaustAfter: d.cfg.Retry.ExhaustAfter, Log: log,
	})
	plan.Through = &replay.Through{Pipeline: settler{p}, Refusals: refusals, Name: destinationName(&d.cfg.Transport), InFlight: d.cfg.Input.MaxInFlight,
		ConnectHeaders: d.cfg.DeadLetters.ConnectHeaders}
	return to.closeAll, nil
}

// settler is the pipeline as a replay calls it, one record at a time. It goes when the pipeline has these verbs itself.
type settler struct{ p *pipeline.Pipeline }

type unprepared struct{ rec *kgo.Record }

var laneSeed = maphash.MakeSeed()

// Lanes is the record's key, or else its partition.
func (u unprepared) Lanes() []uint64 {
	if u.rec.Key == nil {
		return []uint64{uint64(uint32(u.rec.Partition))}
	}
	return []uint64{maphash.Bytes(laneSeed, u.rec.Key)}
}

func (unprepared) Bytes() int { return 0 }

func (settler) Prepare(rec *kgo.Record) replay.Prepared { return unprepared{rec} }

func (s settler) Settle(ctx context.Context, p replay.Prepared, _ replay.Turn) error {
	_, err := s.p.Handle(ctx, []*kgo.Record{p.(unprepared).rec})
	return err
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
func (m *letterMapping) askBackends(cfg *config.Config, skip bool, plan *replay.Plan) (end func(), err error) {
	var known []replay.Backend
	var open []*producer.HTTP
	end = func() {
		for _, h := range open {
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
		known, open = append(known, h), append(open, h)
	}
	if len(known) == 0 && skip {
		return nil, usageError{errors.New("--stale skip needs a backend to ask, and the configuration names none: only Marquez can tell")}
	}
	if len(known) > 0 {
		plan.Stale = m.stale(known, skip)
	}
	return end, nil
}

func (m *letterMapping) stale(known []replay.Backend, skip bool) *replay.Stale {
	return &replay.Stale{Backends: known, Skip: skip, Events: m.events, Silent: func(err error) {
		m.log.Warn("the backend does not say whether it has later results; it is not asked again", zap.Error(err))
	}}
}

// events are those that the pipeline would deliver; none of a record that it would refuse: it says what is wrong with it.
func (m *letterMapping) events(rec *kgo.Record) []openlineage.Event {
	msg, err := m.decoder.Decode(rec.Value)
	if err != nil {
		return nil
	}
	runs, err := m.mapper.Map(msg, pipeline.InputOf(rec))
	if err != nil {
		return nil
	}
	var out []openlineage.Event
	for _, run := range runs {
		out = append(out, run.Events...)
	}
	return out
}
