package app

import (
	"context"
	"os"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/desk"
	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/replay"
)

// newDesk is the dead letters of the configured input, for the page. It reads with the client, and settles with clients of its own.
func newDesk(cfg *config.Config, p Process, client *kgo.Client) *desk.Desk {
	setting := func(topic string) dlq.Config {
		return dlq.Config{MaxMessageBytes: cfg.Input.MaxMessageBytes, Inputs: LetterInputs(cfg, topic)}
	}
	topics := &depthCounter{cfg: cfg, client: client, log: p.Log}
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown host"
	}
	return desk.New(desk.Config{
		Topics: func(ctx context.Context) ([]string, error) {
			names, err := topics.topics(ctx)
			if err != nil {
				return nil, explain(cfg)(err)
			}
			there, err := kadm.NewClient(client).ListTopics(ctx)
			if err != nil {
				return nil, explain(cfg)(err)
			}
			for _, name := range slices.Clone(names) {
				if there.Has(name + dlq.QuarantineSuffix) {
					names = append(names, name+dlq.QuarantineSuffix)
				}
			}
			return names, nil
		},
		Live: func(topic string) *dlq.Live { return dlq.NewLive(client, topic, setting(topic)) },
		Open: func(ctx context.Context, topic string) (*dlq.Topic, error) {
			return dlq.Open(ctx, client, topic, setting(topic))
		},
		Session: func(ctx context.Context, t *dlq.Topic, by string) (*dlq.Session, error) {
			opts, err := WriterOpts(cfg)
			if err != nil {
				return nil, err
			}
			return t.Begin(ctx, opts, TransactionWriter, by, nil)
		},
		Prepare: func(ctx context.Context, o replay.Options, plan *replay.Plan) (end func(), err error) {
			return PrepareReplay(ctx, cfg, func() (Process, error) { return p, nil }, o, plan)
		},
		Backend: len(cfg.Destinations()) > 0 && cfg.Transport.Type != "" && !cfg.Disabled,
		Who:     "the page on " + host,
		Log:     p.Log,
	})
}
