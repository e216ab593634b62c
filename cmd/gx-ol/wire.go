package main

import (
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

// newProducerClient is a client that writes events or dead letters; live gives those of its properties that change.
func newProducerClient(props map[string]string, live func(name string) func() string, maxMessageBytes int) (*kgo.Client, error) {
	opts, err := kafkaclient.OptsLive(props, live)
	if err != nil {
		return nil, err
	}
	return kgo.NewClient(append(opts, producer.ClientOpts(maxMessageBytes)...)...)
}

// mapperSettings are the configuration's choices about the mapping.
func mapperSettings(cfg *config.Config, datasources map[string]mapper.Datasource, maxEventBytes int) mapper.Settings {
	s := mapper.Settings{
		JobNamespace: cfg.Job.Namespace, JobName: cfg.Job.Name, JobDescription: cfg.Job.Description,
		Datasources: datasources, ProjectFolder: projectFolder(cfg), EscapeHash: mayBeMarquez(&cfg.Transport),
		FailedRun: cfg.FailedRun, Lifecycle: cfg.Lifecycle, AssertionsIn: cfg.AssertionsIn, Unmapped: cfg.Unmapped,
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
		lines = append(lines, fmt.Sprintf("held: %s[%d] by %s since %s: %s", h.Topic, h.Partition, h.Destination, h.Since.UTC().Format("2006-01-02T15:04:05Z"), h.Reason))
	}
	return errors.New(strings.Join(lines, "\n"))
}
