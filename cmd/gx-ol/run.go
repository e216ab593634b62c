package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/consumer"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/internal/telemetry"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/producer/deadletters"
	"github.com/gx-ol/gx-ol/producer/kafka"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

func newRunCommand(a *app) *cobra.Command {
	var flags configFlags
	cmd := &cobra.Command{
		Use: "run", Short: "run the pipeline: topics in, OpenLineage out", Args: cobra.NoArgs,
		Long: `Reads validation results as a member of a consumer group, maps and delivers them, and commits only what is settled.
SIGINT and SIGTERM stop it cleanly; a second one at once.`,
		Example: `  gx-ol run --brokers localhost:9092 --topic gx.validation-results --group gx-ol --to http://localhost:5000
  gx-ol run --config gx-ol.yaml --to kafka:openlineage.events`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.Load(flags.path, a.env, flags.set(cmd))
			if err != nil {
				return err
			}
			return ignoreStop(cmd.Context(), runPipeline(cmd.Context(), cfg, a))
		},
	}
	flags.add(cmd, "brokers", "topic", "group", "to", "listen", "log-level", "log-format", "job-namespace", "job-name",
		"great-expectations")
	return cmd
}

// runPipeline wires the pipeline and runs it until ctx ends. It is long because it is straight: each thing is made,
// and its end deferred, in the order of the journey reversed.
func runPipeline(ctx context.Context, cfg *config.Config, a *app) error {
	log, err := newLogger(cfg.Log, a.stderr)
	if err != nil {
		return err
	}
	defer zap.RedirectStdLog(log)() // net/http speaks of what a server does on an idle connection there
	if cfg.Disabled {
		log.Info("OPENLINEAGE_DISABLED is set: nothing is read and nothing delivered")
		return nil
	}
	datasources, err := datasourceTable(cfg, a.env, func(warning string) { log.Warn(warning) })
	if err != nil {
		return err
	}
	letters, err := newProducerClient(cfg.Kafka, liveProperties(cfg, "kafka"), kafka.LetterOpts(cfg.Input.MaxMessageBytes))
	if err != nil {
		return err
	}
	defer letters.Close()
	if err := checkInput(ctx, letters, cfg); err != nil {
		return err
	}
	graves := deadletters.New(kafka.NewWriter(letters), deadletters.Config{TopicOf: cfg.DeadLetterTopic, ConnectHeaders: cfg.DeadLetters.ConnectHeaders})
	once := cfg.Delivery == "exactly_once"
	to := &destinations{to: []pipeline.Destination{{Name: destinationName(&cfg.Transport)}}}
	var transacted *transactions
	if once {
		transacted, err = newTransactions(ctx, cfg, letters, graves)
	} else {
		to, err = newDestinations(ctx, cfg, a.stdout, log)
	}
	if err != nil {
		return err
	}
	defer to.closeAll()
	m, err := mapper.New(mapperSettings(cfg, datasources, to.maxEventBytes))
	if err != nil {
		return err
	}
	decoder, err := gx.NewDecoder(cfg.Input.JSONPointer)
	if err != nil {
		return err
	}
	metrics := telemetry.New()
	inFlight := cfg.Input.MaxInFlight
	if cfg.Transport.Type == "console" || cfg.Transport.Type == "file" {
		inFlight = 1 // a run's events stay together
	}
	var member atomic.Pointer[consumer.Consumer] // the pipeline looks ahead in what the consumer, made for it, has in store
	p := pipeline.New(pipeline.Config{
		Next: func(after *kgo.Record, fits func(*kgo.Record) bool) *kgo.Record {
			if c := member.Load(); c != nil {
				return c.Next(after, fits)
			}
			return nil
		},
		Decode: decoder.Decode, Mapper: m, To: to.to, DeadLetters: graves, Observer: metrics,
		Group: cfg.Input.Group, MaxInFlight: inFlight, MaxMessageBytes: cfg.Input.MaxMessageBytes,
		Backoff:         pipeline.BackoffConfig{Initial: cfg.Retry.Initial, Max: cfg.Retry.Max},
		ExhaustAttempts: cfg.Retry.ExhaustAttempts, ExhaustAfter: cfg.Retry.ExhaustAfter, Log: log,
	})
	metrics.Limits(p.Limits)
	stopTelemetry, err := serveTelemetry(ctx, cfg.Telemetry.Listen, metrics.Handler(func() error { return heldError(p.Held()) }))
	if err != nil {
		return err
	}
	defer stopTelemetry()
	if cfg.Telemetry.DeadLetters && cfg.Telemetry.Listen != "" && cfg.Telemetry.Listen != "off" {
		counted := &graveyards{cfg: cfg, client: letters, log: log}
		metrics.DeadLetters(counted.depths)
		defer counted.follow(ctx)()
	}
	opts, err := kafkaclient.OptsLive(cfg.Kafka, liveProperties(cfg, "kafka"))
	if err != nil {
		return err
	}
	members := consumer.Config{Client: opts, Topics: cfg.Input.Topics, Exclude: []string{`\.dlq$`, `\.dlq\.`, `^__`}, Group: cfg.Input.Group, Log: log,
		OnLost: func(l consumer.Lost) { metrics.Lost(l.Topic, l.To-l.From) }}
	log.Info("gx-ol runs", zap.String("version", version()), zap.Strings("topics", cfg.Input.Topics),
		zap.String("group", cfg.Input.Group), zap.String("to", cfg.Transport.Type), zap.String("delivery", cfg.Delivery))
	if once {
		transacted.p = p
		err = transacted.run(ctx, members)
	} else {
		err = consume(ctx, members, p, &member)
	}
	log.Info("gx-ol stopped")
	return err
}

// consume settles and commits until ctx ends.
func consume(ctx context.Context, members consumer.Config, p *pipeline.Pipeline, member *atomic.Pointer[consumer.Consumer]) error {
	c, err := consumer.New(members, p)
	if err != nil {
		return err
	}
	member.Store(c)
	return c.Run(ctx)
}

// checkInput tells within seconds what would keep the pipeline from reading, and makes the dead-letter topics.
func checkInput(ctx context.Context, client *kgo.Client, cfg *config.Config) error {
	if cfg.Input.Regex() {
		if err := kafkaclient.CheckConnection(ctx, client, nil); err != nil {
			return err
		}
		if cfg.DeadLetters.Topic == "" {
			return nil // each is made with the first letter to it
		}
		return deadletters.EnsureTopic(ctx, client, "", cfg.DeadLetters.Topic)
	}
	if err := kafkaclient.CheckConnection(ctx, client, cfg.Input.Topics); err != nil {
		return err
	}
	for _, topic := range cfg.Input.Topics {
		if err := deadletters.EnsureTopic(ctx, client, topic, cfg.DeadLetterTopic(topic)); err != nil {
			return err
		}
	}
	return nil
}

// serveTelemetry serves h at addr until stop is called. An empty address or off means none.
func serveTelemetry(ctx context.Context, addr string, h http.Handler) (stop func(), err error) {
	if addr == "" || addr == "off" {
		return func() {}, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("telemetry.listen: %w (choose another address with --listen, or --listen off)", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return
		}
	}()
	return func() {
		_ = server.Close()
		<-done
	}, nil
}
