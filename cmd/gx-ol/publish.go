package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync/atomic"
	"text/tabwriter"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

// publishOptions are the flags of publish.
type publishOptions struct {
	brokers, topic, key string
	raw, dryRun         bool
	headers             []string // NAME=VALUE
	decoder             gx.Decoder
}

func newPublishCommand(a *process) *cobra.Command {
	var flags configFlags
	var o publishOptions
	cmd := &cobra.Command{
		Use: "publish FILE|DIR|-…", Short: "put validation results on a topic", Args: cobra.MinimumNArgs(1),
		Long: `Publishes each file as one message (a folder: every *.json, *.ndjson and *.jsonl below it; a file of several JSON documents, such as one a line: each of
them), acknowledged by all replicas. The key is <datasource>.<asset>, so that one dataset's results keep their order; an OpenLineage event has the key of
OpenLineage's rule, so that the events of a run stay on one partition.`,
		Example: `  gx-ol publish --brokers localhost:9092 --topic gx.validation-results great_expectations/uncommitted/validations/
  cat result.json | gx-ol publish -
  gx-ol publish -H openlineage-job-namespace=finance -H openlineage-job-name=nightly result.json
  kcat -C -e -b prod:9092 -t gx.validation-results | gx-ol publish --brokers localhost:9092 - --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, h := range o.headers {
				if name, _, ok := strings.Cut(h, "="); !ok || name == "" {
					return usageError{errors.New("-H must be NAME=VALUE, such as -H openlineage-job-namespace=finance")}
				}
			}
			load := config.LoadForTopics
			if o.dryRun {
				load = config.LoadForMap // nobody is asked to sign in
			}
			cfg, err := load(flags.path, a.env, flags.set(cmd), a.variables...)
			if err != nil {
				return err
			}
			a.told(cfg)
			props := maps.Clone(cfg.Kafka)
			if props == nil {
				props = make(map[string]string)
			}
			if o.brokers != "" {
				props["bootstrap.servers"] = o.brokers
			}
			if props["bootstrap.servers"] == "" {
				props["bootstrap.servers"] = "localhost:9092"
			}
			if o.topic == "" && len(cfg.Input.Topics) == 1 && !cfg.Input.Regex() {
				o.topic = cfg.Input.Topics[0]
			}
			if o.topic == "" {
				o.topic = "gx.validation-results"
			}
			if o.decoder, err = gx.NewDecoder(cfg.Input.JSONPointer); err != nil {
				return err
			}
			return publish(cmd.Context(), props, o, args, cfg.Input.MaxMessageBytes, a)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&o.brokers, "brokers", "", "Kafka bootstrap servers (default: the configuration's, else localhost:9092)")
	cmd.Flags().StringVar(&o.topic, "topic", "", "topic (default: the configuration's, else gx.validation-results)")
	cmd.Flags().StringVar(&o.key, "key", "", "key of every message (default: <datasource>.<asset> of each)")
	cmd.Flags().StringArrayVarP(&o.headers, "header", "H", nil, "header of every message, NAME=VALUE; may be given again")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be published, with its key, and ask no broker")
	cmd.Flags().BoolVar(&o.raw, "raw", false, "publish what is no validation result too")
	return cmd
}

// publish sends every document and waits for all acknowledgements. What is no result is refused by name; the others go.
func publish(ctx context.Context, props map[string]string, o publishOptions, args []string, maxBytes int, a *process) error {
	files, err := expand(args)
	if err != nil {
		return err
	}
	if o.dryRun {
		return wouldPublish(ctx, o, files, a)
	}
	client, err := app.NewWriterClient(&config.Config{Kafka: props, Input: config.Input{MaxMessageBytes: maxBytes}})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := kafkaclient.CheckWritable(ctx, client, []string{o.topic}); err != nil {
		return stopped(ctx, err)
	}
	progress := progressbar.DefaultSilent(int64(len(files)))
	if isTerminal(a.stderr) {
		progress = progressbar.NewOptions(len(files), progressbar.OptionSetWriter(a.stderr), progressbar.OptionShowCount(),
			progressbar.OptionSetDescription("publishing"), progressbar.OptionClearOnFinish())
	}
	var sent atomic.Int64
	var failed atomic.Pointer[error]
	all, bad := eachRecord(ctx, o, files, a, func(_ string, rec *kgo.Record) {
		client.Produce(ctx, rec, func(_ *kgo.Record, err error) {
			if err != nil {
				failed.CompareAndSwap(nil, &err)
				return
			}
			sent.Add(1)
		})
	}, func() { _ = progress.Add(1) }) // a bar that cannot be drawn stops nothing
	flushed := client.Flush(ctx)
	_ = progress.Finish()
	if n := int(sent.Load()); n == all {
		say(a.stderr, "published %s to %s\n", plural(n, "result"), o.topic)
	} else {
		say(a.stderr, "published %d of %s to %s\n", n, plural(all, "result"), o.topic)
	}
	if ctx.Err() != nil {
		return errStopped
	}
	if flushed != nil {
		return flushed
	}
	if err := failed.Load(); err != nil {
		return fmt.Errorf("publishing to %s: %w", o.topic, *err)
	}
	if bad > 0 {
		return errReported
	}
	return nil
}

// eachRecord makes a record of each document of the files until ctx ends, and tells of those that are none. read is called after each file.
func eachRecord(ctx context.Context, o publishOptions, files []string, a *process, each func(name string, rec *kgo.Record), read func()) (all, bad int) {
	tell := func(name string, err error) {
		all, bad = all+1, bad+1
		say(a.stderr, "gx-ol: %s: %v\n", name, err)
	}
	for _, name := range files {
		docs, err := documents(ctx, name, a.stdin)
		if err != nil && !errors.Is(err, errStopped) {
			tell(name, err)
		}
		for _, d := range docs {
			if ctx.Err() != nil {
				return all, bad
			}
			rec, err := resultRecord(d.value, o)
			if err != nil {
				tell(d.name, err)
				continue
			}
			all++
			each(d.name, rec)
		}
		if ctx.Err() != nil {
			return all, bad
		}
		read()
	}
	return all, bad
}

// wouldPublish says what publish would do.
func wouldPublish(ctx context.Context, o publishOptions, files []string, a *process) error {
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	say(table, "FILE\tKEY\tBYTES\n")
	all, bad := eachRecord(ctx, o, files, a, func(name string, rec *kgo.Record) {
		say(table, "%s\t%s\t%d\n", name, cmp.Or(string(rec.Key), "-"), len(rec.Value))
	}, func() {})
	if err := table.Flush(); err != nil {
		return err
	}
	say(a.stderr, "%d of %s would go to %s\n", all-bad, plural(all, "result"), o.topic)
	switch {
	case ctx.Err() != nil:
		return errStopped
	case bad > 0:
		return errReported
	}
	return nil
}

// resultRecord is a document as a message with its key and headers.
func resultRecord(value []byte, o publishOptions) (*kgo.Record, error) {
	rec := &kgo.Record{Topic: o.topic, Value: value}
	for _, h := range o.headers {
		name, text, _ := strings.Cut(h, "=")
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: name, Value: []byte(text)})
	}
	if o.key != "" {
		rec.Key = []byte(o.key)
	}
	msg, err := o.decoder.Decode(value)
	switch {
	case err != nil && !o.raw:
		return nil, fmt.Errorf("%w (--raw publishes it all the same)", err)
	case err == nil && o.key == "" && mapper.KeyOf(msg) != "":
		rec.Key = []byte(mapper.KeyOf(msg))
	}
	return rec, nil
}
