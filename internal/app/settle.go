package app

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/replay"
)

// The options of a replay that the configuration does not carry.
var (
	errNoBackend = errors.New("--to backend needs the configuration that gx-ol run has: name it with --config, or set transport in it")
	errDisabled  = errors.New("OPENLINEAGE_DISABLED is set: nothing is delivered to a backend")
	errNobody    = errors.New("--stale skip needs a backend to ask: name the configuration that gx-ol run has with --config")
	errNoMarquez = errors.New("--stale skip needs a backend to ask, and the configuration names none: only Marquez can tell")
)

// IsReplayMisuse says whether an error of PrepareReplay is about options that cannot be had together with the configuration.
func IsReplayMisuse(err error) bool {
	return slices.ContainsFunc([]error{errNoBackend, errDisabled, errNobody, errNoMarquez}, func(e error) bool { return errors.Is(err, e) })
}

// PrepareReplay adds to the plan what it needs of the configured destinations: to a backend the pipeline itself, and where a destination is a backend that can
// tell, the question whether it has later results. process is asked for only if something is needed. end frees it.
func PrepareReplay(ctx context.Context, cfg *config.Config, process func() (Process, error), o replay.Options, plan *replay.Plan) (end func(), err error) {
	configured := len(cfg.Destinations()) > 0 && cfg.Transport.Type != ""
	skip := o.Stale == "skip"
	switch {
	case o.To == replay.ToBackend && !configured:
		return nil, errNoBackend
	case o.To == replay.ToBackend && cfg.Disabled:
		return nil, errDisabled
	case skip && !configured:
		return nil, errNobody
	case !configured, o.To == replay.ToSource && o.Stale == "ignore":
		return func() {}, nil
	}
	p, err := process()
	if err != nil {
		return nil, err
	}
	var r *Replaying
	if o.To == replay.ToBackend {
		r, err = NewReplayThrough(ctx, cfg, p)
	} else {
		r, err = NewReplayToSource(cfg, p)
	}
	if err != nil {
		return nil, err
	}
	if len(r.Backends) == 0 && skip && o.To == replay.ToSource {
		r.Close()
		return nil, errNoMarquez
	}
	plan.Through = r.Through
	if len(r.Backends) > 0 && o.Stale != "ignore" {
		plan.Stale = r.Stale(skip)
	}
	return r.Close, nil
}

// LetterInputs are the topics whose letters a dead-letter topic holds, beside the one that its name tells: the configuration's, if it is the configuration's,
// and those that the operator names. What its letters say does not count.
func LetterInputs(cfg *config.Config, topic string, named ...string) func(string) bool {
	var takes *regexp.Regexp
	var names []string
	if dlq.Base(topic) == cfg.DeadLetters.Topic {
		if names = cfg.Input.Topics; cfg.Input.Regex() {
			takes, names = regexp.MustCompile(cfg.Input.Topics[0]), nil // it was compiled as it was loaded
		}
	}
	return func(topic string) bool {
		return slices.Contains(named, topic) || slices.Contains(names, topic) || takes != nil && takes.MatchString(topic)
	}
}
