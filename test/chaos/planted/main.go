// Command planted is a gx-ol with a bug, so that test/chaos can show that its checks find it. It is wired like `gx-ol run` to an HTTP
// backend; GX_OL_PLANT names the bug:
//
//	commit_before_settle  a batch counts as settled before it is
//	late_mark             after a revoke, what was in hand is marked all the same
//	bury_on_outage        a backend that is away is taken for the message's fault
//	swap                  two records of one key exchange their places
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/consumer"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/producer/deadletters"
	"github.com/gx-ol/gx-ol/producer/http"
	"github.com/gx-ol/gx-ol/producer/kafka"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv("GX_OL_PLANT")); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "planted:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, plant string) error {
	if len(os.Args) != 4 || os.Args[1] != "run" || os.Args[2] != "--config" {
		return errors.New("usage: planted run --config FILE")
	}
	cfg, err := config.Load(os.Args[3], os.LookupEnv, nil)
	if err != nil {
		return err
	}
	opts, err := kafkaclient.Opts(cfg.Kafka)
	if err != nil {
		return err
	}
	letters, err := kgo.NewClient(append(kafka.LetterOpts(cfg.Input.MaxMessageBytes), opts...)...)
	if err != nil {
		return err
	}
	defer letters.Close()
	to, err := http.New(http.Config{URL: cfg.Transport.URL, Backend: cfg.Transport.Backend, Timeout: cfg.Transport.Timeout})
	if err != nil {
		return err
	}
	m, err := mapper.New(mapper.Settings{Version: "planted", MaxEventBytes: to.MaxEventBytes()})
	if err != nil {
		return err
	}
	destination := pipeline.Destination{Name: "http", To: to, Adaptive: true}
	if plant == "bury_on_outage" {
		destination.To = hasty{to}
	}
	p := pipeline.New(pipeline.Config{Mapper: m, To: []pipeline.Destination{destination}, DeadLetters: deadletters.New(kafka.NewWriter(letters), deadletters.Config{TopicOf: cfg.DeadLetterTopic}),
		Group: cfg.Input.Group, MaxInFlight: cfg.Input.MaxInFlight, Backoff: pipeline.BackoffConfig{Initial: cfg.Retry.Initial, Max: cfg.Retry.Max},
		ExhaustAttempts: cfg.Retry.ExhaustAttempts, ExhaustAfter: cfg.Retry.ExhaustAfter})
	h := &planted{Pipeline: p, plant: plant}
	member := consumer.Config{Client: opts, Topics: cfg.Input.Topics, Group: cfg.Input.Group}
	if plant == "late_mark" {
		member.Grace = 100 * time.Millisecond // so that a revoke finds work in hand
	}
	c, err := consumer.New(member, h)
	if err != nil {
		return err
	}
	err = c.Run(ctx)
	h.behind.Wait()
	return err
}

// planted is a Handler with a bug in how it settles.
type planted struct {
	*pipeline.Pipeline
	plant  string
	behind sync.WaitGroup
}

func (h *planted) Handle(ctx context.Context, recs []*kgo.Record) (int, error) {
	switch h.plant {
	case "commit_before_settle":
		h.behind.Go(func() { _, _ = h.Pipeline.Handle(ctx, recs) }) // the bug: nobody waits, and nobody asks
		return len(recs), nil
	case "late_mark":
		n, err := h.Pipeline.Handle(ctx, recs)
		if n < len(recs) {
			return len(recs), nil // the bug: the partition is going, and yet everything in hand is marked
		}
		return n, err
	case "swap":
		return h.Pipeline.Handle(ctx, swapped(recs))
	}
	return h.Pipeline.Handle(ctx, recs)
}

// swapped lets the first two records of one key exchange their places.
func swapped(recs []*kgo.Record) []*kgo.Record {
	out := append([]*kgo.Record(nil), recs...)
	first := make(map[string]int)
	for i, r := range out {
		if j, ok := first[string(r.Key)]; ok {
			out[i], out[j] = out[j], out[i]
			return out
		}
		first[string(r.Key)] = i
	}
	return out
}

// hasty blames the message for everything.
type hasty struct{ *http.Destination }

func (h hasty) Deliver(ctx context.Context, ev openlineage.Event) error {
	err := h.Destination.Deliver(ctx, ev)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.Backend {
		c := *f
		c.Kind, c.Disposition = fault.Message, fault.Rejected
		return &c
	}
	return err
}
