package main

import (
	"context"
	"errors"

	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/replay"
)

// through makes what a replay needs of the configured destinations: with --to backend the pipeline itself, and where the destination is a backend that can
// tell, the question whether it has later results. end frees it.
func (d *deadLetters) through(ctx context.Context, a *process, o replayOptions, plan *replay.Plan) (end func(), err error) {
	configured := len(d.cfg.Destinations()) > 0 && d.cfg.Transport.Type != ""
	skip := o.stale == "skip"
	switch {
	case o.to == "backend" && !configured:
		return nil, usageError{errors.New("--to backend needs the configuration that gx-ol run has: name it with --config, or set transport in it")}
	case o.to == "backend" && d.cfg.Disabled:
		return nil, usageError{errors.New("OPENLINEAGE_DISABLED is set: nothing is delivered to a backend")}
	case skip && !configured:
		return nil, usageError{errors.New("--stale skip needs a backend to ask: name the configuration that gx-ol run has with --config")}
	case !configured, o.to == "source" && o.stale == "ignore":
		return func() {}, nil
	}
	p, err := a.with(d.cfg.Log)
	if err != nil {
		return nil, err
	}
	var r *app.Replaying
	if o.to == "backend" {
		r, err = app.NewReplayThrough(ctx, d.cfg, p)
	} else {
		r, err = app.NewReplayToSource(d.cfg, p)
	}
	if err != nil {
		return nil, err
	}
	if len(r.Backends) == 0 && skip && o.to == "source" {
		r.Close()
		return nil, usageError{errors.New("--stale skip needs a backend to ask, and the configuration names none: only Marquez can tell")}
	}
	plan.Through = r.Through
	if len(r.Backends) > 0 && o.stale != "ignore" {
		plan.Stale = r.Stale(skip)
	}
	return r.Close, nil
}
