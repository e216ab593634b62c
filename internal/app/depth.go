package app

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
	"github.com/gx-ol/gx-ol/internal/topicnames"
)

// depthEvery is how often the dead letters are counted.
const depthEvery = 15 * time.Second

// depthCounter counts the dead letters of every input topic, for the metrics.
type depthCounter struct {
	cfg    *config.Config
	client *kgo.Client
	log    *zap.Logger
	failed string // why the last count failed, as it was logged

	mu  sync.Mutex // guards all
	all []*dlq.Follower
}

// follow counts until stop is called, which waits for it.
func (c *depthCounter) follow(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(depthEvery)
		defer tick.Stop()
		for {
			c.count(ctx)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() { cancel(); <-done }
}

func (c *depthCounter) count(ctx context.Context) {
	names, failed := c.topics(ctx)
	for _, name := range names {
		if err := c.follower(name).Poll(ctx); err != nil {
			failed = err
		}
	}
	why := ""
	if failed != nil {
		why = failed.Error()
	}
	if ctx.Err() == nil && why != c.failed {
		c.failed = why
		if failed != nil {
			c.log.Warn("counting dead letters; /metrics shows the last count", zap.Error(failed)) // as an error, whose text the log knows how to cut
		}
	}
}

// topics are the dead-letter topics of the input.
func (c *depthCounter) topics(ctx context.Context) ([]string, error) {
	if c.cfg.DeadLetters.Topic != "" {
		return []string{c.cfg.DeadLetters.Topic}, nil
	}
	var out []string
	if !c.cfg.Input.Regex() {
		for _, topic := range c.cfg.Input.Topics {
			out = append(out, c.cfg.DeadLetterTopic(topic))
		}
		return out, nil
	}
	takes, err := regexp.Compile(c.cfg.Input.Topics[0])
	if err != nil {
		return nil, err
	}
	details, err := kadm.NewClient(c.client).ListTopics(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range details.Names() {
		if source, ok := strings.CutSuffix(name, topicnames.DeadLettersSuffix); ok && takes.MatchString(source) {
			out = append(out, name)
		}
	}
	return out, nil
}

func (c *depthCounter) follower(name string) *dlq.Follower {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.all, func(f *dlq.Follower) bool { return f.Name() == name })
	if i < 0 {
		i = len(c.all)
		c.all = append(c.all, dlq.Follow(c.client, name, dlq.Config{MaxMessageBytes: c.cfg.Input.MaxMessageBytes}))
	}
	return c.all[i]
}

// depths is the last count, as the metrics take it.
func (c *depthCounter) depths() (out []telemetry.Depth) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.all {
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
