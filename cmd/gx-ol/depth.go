package main

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/telemetry"
)

// depthEvery is how often the dead letters are counted.
const depthEvery = 15 * time.Second

// graveyards counts the dead letters of every input topic, for the metrics.
type graveyards struct {
	cfg    *config.Config
	client *kgo.Client
	log    *zap.Logger
	failed string // why the last count failed, as it was logged

	mu  sync.Mutex // guards all
	all []*dlq.Follower
}

// follow counts until stop is called, which waits for it.
func (g *graveyards) follow(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(depthEvery)
		defer tick.Stop()
		for {
			g.count(ctx)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() { cancel(); <-done }
}

func (g *graveyards) count(ctx context.Context) {
	why := ""
	names, err := g.topics(ctx)
	if err != nil {
		why = err.Error()
	}
	for _, name := range names {
		if err := g.follower(name).Poll(ctx); err != nil {
			why = err.Error()
		}
	}
	if ctx.Err() == nil && why != g.failed {
		g.failed = why
		if why != "" {
			g.log.Warn("counting dead letters; /metrics shows the last count", zap.String("error", why))
		}
	}
}

// topics are the dead-letter topics of the input.
func (g *graveyards) topics(ctx context.Context) ([]string, error) {
	if g.cfg.DeadLetters.Topic != "" {
		return []string{g.cfg.DeadLetters.Topic}, nil
	}
	var out []string
	if !g.cfg.Input.Regex() {
		for _, topic := range g.cfg.Input.Topics {
			out = append(out, g.cfg.DeadLetterTopic(topic))
		}
		return out, nil
	}
	takes, err := regexp.Compile(g.cfg.Input.Topics[0])
	if err != nil {
		return nil, err
	}
	details, err := kadm.NewClient(g.client).ListTopics(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range details.Names() {
		if source, ok := strings.CutSuffix(name, ".dlq"); ok && takes.MatchString(source) {
			out = append(out, name)
		}
	}
	return out, nil
}

func (g *graveyards) follower(name string) *dlq.Follower {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.IndexFunc(g.all, func(f *dlq.Follower) bool { return f.Name() == name })
	if i < 0 {
		i = len(g.all)
		g.all = append(g.all, dlq.Follow(g.client, name, g.cfg.Input.MaxMessageBytes))
	}
	return g.all[i]
}

// depths is the last count, as the metrics take it.
func (g *graveyards) depths() (out []telemetry.Depth) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.all {
		depth, oldest, known := f.Depth()
		if !known {
			continue
		}
		d := telemetry.Depth{Topic: f.Name(), Oldest: oldest}
		for _, cause := range depth {
			d.Causes = append(d.Causes, telemetry.Cause{Disposition: cause.Disposition, Code: cause.Code, Letters: cause.Letters})
		}
		out = append(out, d)
	}
	return out
}
