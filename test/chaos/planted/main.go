// Command planted is a gx-ol with a bug, so that test/chaos can show that its checks find it. It runs as `gx-ol run` does, with something put
// between the consumer, the pipeline and the backend; GX_OL_PLANT names the bug:
//
//	commit_before_settle  a record counts as settled before it is
//	late_mark             after a revoke, what was in flight is marked all the same
//	bury_on_outage        a backend that is away is taken for the message's fault
//	swap                  a record lets those behind it in its lanes begin before it is on its way
//	unaware               who stood still for longer than its session goes on as if nothing had happened
//	settle_at_hand_over   toward Kafka an event counts as acknowledged when the client has it
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/gx-ol/gx-ol/consumer"
	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/pipeline"
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
	log, err := app.NewLogger(cfg.Log, os.Stderr, false)
	if err != nil {
		return err
	}
	h := &planted{plant: plant}
	p := app.Process{Version: "planted", Getenv: os.LookupEnv, Stdout: os.Stdout, Log: log,
		Handler: func(to consumer.Handler) consumer.Handler { h.Handler = to; return h }}
	switch plant {
	case "bury_on_outage":
		p.Deliverer = func(to pipeline.Deliverer) pipeline.Deliverer { return hasty{to} }
	case "settle_at_hand_over":
		p.Handler = nil // it would hide that records can be started
		p.Deliverer = func(to pipeline.Deliverer) pipeline.Deliverer { return eager{to.(destination)} }
	}
	if plant == "late_mark" {
		p.Members = func(cfg *consumer.Config) { cfg.Grace = 100 * time.Millisecond } // so that a revoke finds work in flight
	}
	err = app.Run(ctx, cfg, p)
	h.behind.Wait()
	return err
}

// planted is a Handler with a bug in how it settles.
type planted struct {
	consumer.Handler
	plant  string
	behind sync.WaitGroup
}

// Settle has the bug that is named.
func (h *planted) Settle(ctx context.Context, p consumer.Prepared, turn consumer.Turn) error {
	switch h.plant {
	case "commit_before_settle":
		// The bug: nobody waits, and nobody asks. What outlives the partition is not made up for.
		h.behind.Go(func() { _ = h.Handler.Settle(ctx, p, turn) })
		return nil
	case "late_mark":
		_ = h.Handler.Settle(ctx, p, turn)
		return nil // the bug: the partition is going, and yet what was in flight is marked
	case "unaware":
		turn = unaware{turn}
	case "swap":
		turn.Pass() // the bug: nobody keeps its order
		if rand.N(5) == 0 {
			time.Sleep(20 * time.Millisecond)
		}
	}
	return h.Handler.Settle(ctx, p, turn)
}

// unaware takes what it once had for its own.
type unaware struct{ consumer.Turn }

func (unaware) Owned(time.Time) (time.Time, <-chan struct{}) { return time.Time{}, nil }

// hasty blames the message for everything.
type hasty struct{ pipeline.Deliverer }

func (h hasty) Deliver(ctx context.Context, ev openlineage.Event) error {
	err := h.Deliverer.Deliver(ctx, ev)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.Backend {
		c := *f
		c.Kind, c.Disposition = fault.Message, fault.Rejected
		return &c
	}
	return err
}

// destination is what Kafka's is.
type destination interface {
	pipeline.Deliverer
	pipeline.TrySender
}

// eager takes what was handed over for acknowledged.
type eager struct{ destination }

func (e eager) Send(ctx context.Context, ev openlineage.Event, done func(error)) {
	e.destination.Send(ctx, ev, func(error) {})
	done(nil)
}

func (e eager) TrySend(ctx context.Context, ev openlineage.Event, done func(error)) bool {
	ok := e.destination.TrySend(ctx, ev, func(error) {})
	if ok {
		done(nil)
	}
	return ok
}
