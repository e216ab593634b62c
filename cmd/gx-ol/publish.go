package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/time/rate"

	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	results "github.com/gx-ol/gx-ol/internal/publish"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

// publishOptions are the flags of publish.
type publishOptions struct {
	topic, key  string
	raw, dryRun bool
	headers     []string // NAME=VALUE
	rate        float64
	store       storeFlags
	form        results.Form
}

func newPublishCommand(a *process) *cobra.Command {
	var flags configFlags
	var o publishOptions
	cmd := &cobra.Command{
		Use: "publish FILE|DIR|-…", Short: "put validation results on a topic", Args: cobra.MinimumNArgs(1),
		Long: `Publishes each file as one message (a folder: every *.json, *.ndjson and *.jsonl below it; a file of several JSON documents, such as one a line: each of
them), acknowledged by all replicas. The key is <datasource>.<asset>, so that one dataset's results keep their order; an OpenLineage event has the key of
OpenLineage's rule, so that the events of a run stay on one partition.

A validations store is published with --backfill, or with --watch, which goes on with what comes: a folder, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or
azblob://CONTAINER/PREFIX. Each result of it goes once, in the order of the runs: what was published stands in a ledger topic that is written in the same
transactions, so whoever was killed goes on where it was. Two at once on one store: the later one goes on, the earlier one ends and says so.`,
		Example: `  gx-ol publish --brokers localhost:9092 --topic gx.validation-results great_expectations/uncommitted/validations/
  cat result.json | gx-ol publish -
  gx-ol publish -H openlineage-job-namespace=finance -H openlineage-job-name=nightly result.json
  kcat -C -e -b prod:9092 -t gx.validation-results | gx-ol publish --brokers localhost:9092 - --dry-run
  gx-ol publish --since 90d --dry-run validations/               what of a store would be published
  gx-ol publish --backfill --rate 50 validations/                a store's history, each result once
  gx-ol publish --watch validations/                             that, and then what comes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := o.load(&flags, cmd, a)
			if err != nil {
				return err
			}
			if o.store.asked(args) {
				return o.publishStore(cmd, cfg, args, a)
			}
			if err := o.store.unused(cmd); err != nil {
				return err
			}
			return publish(cmd.Context(), cfg, o, args, a)
		},
	}
	flags.add(cmd, "brokers")
	cmd.Flag("brokers").Usage = "Kafka bootstrap servers (default: the configuration's, else localhost:9092)"
	cmd.Flags().StringVar(&o.topic, "topic", "", "topic (default: the configuration's, else gx.validation-results)")
	cmd.Flags().StringVar(&o.key, "key", "", "key of every message (default: <datasource>.<asset> of each)")
	cmd.Flags().StringArrayVarP(&o.headers, "header", "H", nil, "header of every message, NAME=VALUE; may be given again")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would be published, and write nothing")
	cmd.Flags().BoolVar(&o.raw, "raw", false, "publish what is no validation result too")
	cmd.Flags().Float64Var(&o.rate, "rate", 0, "results a second at most; 0: as fast as it goes")
	o.store.add(cmd)
	return cmd
}

// load reads the configuration, in which the flags win, and fills in what they and it leave open.
func (o *publishOptions) load(flags *configFlags, cmd *cobra.Command, a *process) (*config.Config, error) {
	for _, h := range o.headers {
		header, err := ownHeader(h)
		if err != nil {
			return nil, usageError{err}
		}
		o.form.Headers = append(o.form.Headers, header)
	}
	if o.rate < 0 {
		return nil, usageError{errors.New("--rate is not negative")}
	}
	load := config.LoadForTopics
	if o.dryRun {
		load = config.LoadForMap // nobody is asked to sign in
	}
	cfg, err := load(flags.path, a.env, flags.set(cmd), a.variables...)
	if err != nil {
		return nil, err
	}
	a.told(cfg)
	if cfg.Kafka == nil {
		cfg.Kafka = make(map[string]string)
	}
	o.store.named = cfg.Kafka["bootstrap.servers"] != ""
	if !o.store.named {
		cfg.Kafka["bootstrap.servers"] = "localhost:9092"
	}
	if o.topic == "" && len(cfg.Input.Topics) == 1 && !cfg.Input.Regex() {
		o.topic = cfg.Input.Topics[0]
	}
	o.topic = cmp.Or(o.topic, "gx.validation-results")
	o.form.Topic, o.form.Key, o.form.Raw = o.topic, o.key, o.raw
	o.form.Decode, err = gx.NewDecoder(cfg.Input.JSONPointer)
	return cfg, err
}

// ownHeader is a header that the operator gives. What gx-ol writes itself (letters, replays) nobody else writes by it; the time at which a result was made an
// operator may know better.
func ownHeader(text string) (kgo.RecordHeader, error) {
	name, value, ok := strings.Cut(text, "=")
	switch {
	case !ok || name == "":
		return kgo.RecordHeader{}, errors.New("-H must be NAME=VALUE, such as -H openlineage-job-namespace=finance")
	case name == pipeline.HeaderReceived:
		if _, err := time.Parse(time.RFC3339, value); err != nil {
			return kgo.RecordHeader{}, fmt.Errorf("-H %s must be a time such as 2026-01-31T00:00:00Z", name)
		}
	case strings.HasPrefix(strings.ToLower(name), "gx-ol."):
		return kgo.RecordHeader{}, fmt.Errorf("-H %s: names that begin with gx-ol. are gx-ol's own; only %s may be given", name, pipeline.HeaderReceived)
	}
	return kgo.RecordHeader{Key: name, Value: []byte(value)}, nil
}

// publish sends every document and waits for all acknowledgements. What is no result is refused by name; the others go.
func publish(ctx context.Context, cfg *config.Config, o publishOptions, args []string, a *process) error {
	files, err := expand(args)
	if err != nil {
		return err
	}
	if o.dryRun {
		return wouldPublish(ctx, o, files, a)
	}
	client, err := app.NewWriterClient(cfg)
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
	pace := rate.NewLimiter(cmp.Or(rate.Limit(o.rate), rate.Inf), 1)
	all, bad := eachRecord(ctx, o, files, a, func(_ string, rec *kgo.Record) {
		if pace.Wait(ctx) != nil {
			return // stopped
		}
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
			rec, err := o.record(d.value)
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

// record is a document as a message with its key and headers.
func (o publishOptions) record(value []byte) (*kgo.Record, error) {
	rec, err := o.form.Record(value)
	if err != nil {
		return nil, fmt.Errorf("%w (--raw publishes it all the same)", err)
	}
	return rec, nil
}
