package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/producer"
)

// destination is what the pipeline delivers to.
type destination interface {
	pipeline.Deliverer
	MaxEventBytes() int
	Close() error
}

// The powers that the pipeline finds by asking.
var (
	_ pipeline.BatchDeliverer = (*producer.Kafka)(nil)
	_ pipeline.Checker        = (*producer.HTTP)(nil)
	_ pipeline.DeadLetters    = (*producer.DeadLetters)(nil)
)

// newDestination makes the transport that the configuration names. close ends what it opened.
func newDestination(ctx context.Context, cfg *config.Config, stdout io.Writer) (d destination, closeAll func(), err error) {
	t := cfg.Transport
	switch t.Type {
	case "http":
		h, err := producer.NewHTTP(producer.HTTPConfig{
			URL: t.URL, Endpoint: t.Endpoint, APIKey: t.Auth.APIKey, Gzip: t.Compression == "gzip", Headers: t.CustomHeaders,
			Timeout: t.Timeout, Backend: t.Backend, GuardOff: t.Guard == "off", OnSkipped: t.OnSkipped, MaxEventBytes: t.MaxEventBytes,
		})
		if err != nil {
			return nil, nil, err
		}
		return h, func() { _ = h.Close() }, nil
	case "kafka":
		client, err := newProducerClient(cfg.DestinationKafka(), cfg.Input.MaxMessageBytes)
		if err != nil {
			return nil, nil, err
		}
		if err := kafkaclient.CheckConnection(ctx, client, []string{t.Topic}); err != nil {
			client.Close()
			return nil, nil, fmt.Errorf("destination: %w", err)
		}
		return producer.NewKafka(client, t.Topic, t.MessageKey), client.Close, nil
	case "file":
		f, err := producer.NewFile(t.LogFilePath)
		if err != nil {
			return nil, nil, err
		}
		return f, func() { _ = f.Close() }, nil
	case "console":
		return producer.NewConsole(stdout), func() {}, nil
	}
	return nil, nil, fmt.Errorf("no destination of type %q", t.Type)
}

// newProducerClient is a client that writes events or dead letters.
func newProducerClient(props map[string]string, maxMessageBytes int) (*kgo.Client, error) {
	opts, err := kafkaclient.Opts(props)
	if err != nil {
		return nil, err
	}
	return kgo.NewClient(append(opts, producer.ClientOpts(maxMessageBytes)...)...)
}

// mapperSettings are the configuration's choices about the mapping.
func mapperSettings(cfg *config.Config, datasources map[string]mapper.Datasource, maxEventBytes int) mapper.Settings {
	s := mapper.Settings{
		JobNamespace: cfg.Job.Namespace, JobName: cfg.Job.Name, JobDescription: cfg.Job.Description,
		Datasources: datasources,
		FailedRun:   cfg.FailedRun, Lifecycle: cfg.Lifecycle, AssertionsIn: cfg.AssertionsIn, Unmapped: cfg.Unmapped,
		FileDatasets: cfg.FileDatasets, QueryAssertions: cfg.QueryAssertions, BatchValues: cfg.BatchValues, Compat: cfg.Compat, RowValues: mapper.RowValues(cfg.RowValues),
		MaxEventBytes: maxEventBytes, Version: version(),
		JobTags: cfg.Job.Tags, JobOwners: cfg.Job.Owners, SourceCode: mapper.SourceCode(cfg.Job.SourceCode), RunTags: cfg.RunTags,
		Parent: mapper.ParentRun{ID: cfg.Parent.ID}, Root: mapper.ParentRun{ID: cfg.Parent.RootID}, CheckpointRun: cfg.Parent.Checkpoint,
	}
	for _, r := range cfg.Job.Rules {
		s.JobRules = append(s.JobRules, mapper.JobRule(r))
	}
	return s
}

// newLogger logs to w: console text on a terminal, else JSON.
func newLogger(cfg config.Log, w io.Writer) (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(cfg.Level)
	if err != nil {
		return nil, err
	}
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.ISO8601TimeEncoder
	enc.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(enc)
	if cfg.Format == "console" || cfg.Format != "json" && isTerminal(w) {
		encoder = zapcore.NewConsoleEncoder(enc)
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), level)), nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// heldError says which partitions wait and why; nil when none does.
func heldError(held []pipeline.Hold) error {
	if len(held) == 0 {
		return nil
	}
	var lines []string
	for _, h := range held {
		lines = append(lines, fmt.Sprintf("held: %s[%d] since %s: %s", h.Topic, h.Partition, h.Since.UTC().Format("2006-01-02T15:04:05Z"), h.Reason))
	}
	return errors.New(strings.Join(lines, "\n"))
}
