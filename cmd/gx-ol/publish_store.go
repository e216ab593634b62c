package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	results "github.com/gx-ol/gx-ol/internal/publish"
	"github.com/gx-ol/gx-ol/internal/store"
	"github.com/gx-ol/gx-ol/internal/topicnames"
)

// storeFlags are the flags of publish for a validations store.
type storeFlags struct {
	watch, backfill  bool
	since, until     string
	ledger, name     string
	scan, patience   time.Duration
	named            bool // somebody named brokers: they may be asked
	sinceAt, untilAt time.Time
}

func (f *storeFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.backfill, "backfill", false, "a store: publish what the ledger does not have, in the order of the runs, and end")
	flags.BoolVar(&f.watch, "watch", false, "a store: publish what the ledger does not have, and then what comes, until it is stopped")
	flags.StringVar(&f.since, "since", "", "a store: runs since a time (RFC 3339), a day, now, or how long ago (90m, 24h, 7d)")
	flags.StringVar(&f.until, "until", "", "a store: runs before such a time")
	flags.StringVar(&f.ledger, "ledger", "", "a store: topic of the ledger (default: <topic>"+topicnames.PublishedSuffix+")")
	flags.StringVar(&f.name, "store", "", "a store: the name under which the ledger keeps it (default: its full address)")
	flags.DurationVar(&f.scan, "scan-interval", 30*time.Second, "with --watch: how often the whole store is looked through; a folder's changes are seen at once where the system tells them")
	flags.DurationVar(&f.patience, "patience", 30*time.Second, "with --watch: how long a file that is not whole JSON is waited for after its last change")
}

// asked says whether the arguments mean a store, and no single files.
func (f *storeFlags) asked(args []string) bool {
	for _, arg := range args {
		if store.Remote(arg) {
			return true
		}
	}
	return f.watch || f.backfill || f.since != "" || f.until != ""
}

// unused refuses flags that would have no effect.
func (f *storeFlags) unused(cmd *cobra.Command) error {
	for _, name := range []string{"ledger", "store"} {
		if cmd.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s is for a store: add --backfill or --watch", name)}
		}
	}
	return f.onlyWatch(cmd)
}

func (f *storeFlags) onlyWatch(cmd *cobra.Command) error {
	for _, name := range []string{"scan-interval", "patience"} {
		if cmd.Flags().Changed(name) && !f.watch {
			return usageError{fmt.Errorf("--%s is for --watch", name)}
		}
	}
	return nil
}

// check refuses what goes not together, and reads the times.
func (o *publishOptions) check(cmd *cobra.Command, args []string) error {
	f := &o.store
	switch {
	case len(args) > 1:
		return usageError{errors.New("one store at a time: each has a name in the ledger and an order of its own")}
	case args[0] == "-":
		return usageError{errors.New("a store is a folder or a bucket: stdin is published without --watch, --backfill, --since and --until")}
	case f.watch && f.backfill:
		return usageError{errors.New("--watch publishes the history too: leave --backfill out")}
	case f.watch && o.dryRun:
		return usageError{errors.New("--dry-run goes with --backfill, not with --watch")}
	case f.watch && f.until != "":
		return usageError{errors.New("--until goes with --backfill, not with --watch")}
	case o.raw:
		return usageError{errors.New("--raw is for single files: of a store only results are published")}
	case f.scan <= 0 || f.patience < 0:
		return usageError{errors.New("--scan-interval is positive, and --patience is not negative")}
	}
	if err := f.onlyWatch(cmd); err != nil {
		return err
	}
	now := time.Now()
	for _, t := range []struct {
		flag, text string
		at         *time.Time
	}{{"--since", f.since, &f.sinceAt}, {"--until", f.until, &f.untilAt}} {
		if t.text == "now" {
			*t.at = now
			continue
		}
		at, err := dlq.ParseWhen(t.flag, t.text, now)
		if err != nil {
			return usageError{err}
		}
		*t.at = at
	}
	if !f.untilAt.IsZero() && !f.sinceAt.Before(f.untilAt) {
		return usageError{fmt.Errorf("--since %s is not before --until %s", f.since, f.until)}
	}
	return nil
}

// publishStore publishes a store, or says what of it would be published.
func (o *publishOptions) publishStore(cmd *cobra.Command, cfg *config.Config, args []string, a *process) error {
	ctx := cmd.Context()
	if err := o.check(cmd, args); err != nil {
		return err
	}
	from, err := store.Open(ctx, args[0], a.env)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // it was only read
	opts, err := app.WriterOpts(cfg)
	if err != nil {
		return err
	}
	talk := newStoreTalk(a, o.store.watch)
	defer talk.end()
	p := &results.Publisher{Store: from, Form: o.form, MaxBytes: int64(cfg.Input.MaxMessageBytes), Since: o.store.sinceAt, Until: o.store.untilAt, Rate: o.rate,
		Scan: o.store.scan, Patience: o.store.patience, Bad: talk.bad, Say: talk.say, Progress: talk.progress,
		Place: results.Place{Topic: o.topic, Ledger: o.store.ledger, Store: cmp.Or(o.store.name, from.Name()), By: a.who, Opts: opts,
			Writer: app.TransactionWriter},
		Split: func(value []byte) (parts []results.Part) {
			for _, part := range split(value) {
				parts = append(parts, results.Part{Line: part.line, Value: part.value})
			}
			return parts
		}}
	if o.dryRun {
		return o.preview(ctx, cfg, p, talk, a)
	}
	if err := o.reach(ctx, cfg); err != nil {
		return stopped(ctx, err)
	}
	run := p.Once
	if o.store.watch {
		run = p.Watch
	}
	counts, err := run(ctx)
	talk.end()
	if err == nil || counts != (results.Counts{}) {
		say(a.stderr, "%s\n", summary(counts, o.topic))
	}
	switch {
	case o.store.watch && err == nil:
		return nil // it was stopped, as it should be
	case ctx.Err() != nil:
		return errStopped
	case err != nil:
		return o.explained(err, cfg)
	case counts.Bad > 0:
		return errReported
	}
	return nil
}

// reach says in a sentence what keeps us from the brokers or the topic.
func (o *publishOptions) reach(ctx context.Context, cfg *config.Config) error {
	client, err := app.NewWriterClient(cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	return kafkaclient.CheckWritable(ctx, client, []string{o.topic})
}

// explained is an error of the brokers in a sentence; what names its cause stays as it is.
func (o *publishOptions) explained(err error, cfg *config.Config) error {
	if results.Unreachable(err) && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kgo.ErrRecordTimeout)) {
		return kafkaclient.Diagnose(err, cfg.Kafka["bootstrap.servers"])
	}
	return err
}

// preview says what would be published, suite by suite.
func (o *publishOptions) preview(ctx context.Context, cfg *config.Config, p *results.Publisher, talk *storeTalk, a *process) error {
	ask := o.store.named
	if !ask {
		say(a.stderr, "gx-ol: warning: no brokers are named, so what the ledger has counts too\n")
	} else if err := o.reach(ctx, cfg); err != nil {
		ask = false
		say(a.stderr, "gx-ol: warning: the ledger cannot be asked, so what it has counts too: %v\n", err)
	}
	spans, counts, err := p.Preview(ctx, ask)
	talk.end()
	if err != nil {
		return stopped(ctx, err)
	}
	all := 0
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	say(table, "SUITE\tRESULTS\tFIRST RUN\tLAST RUN\n")
	for _, s := range spans {
		all += s.Results
		say(table, "%s\t%d\t%s\t%s\n", cmp.Or(s.Suite, "-"), s.Results, s.First.UTC().Format(time.RFC3339), s.Last.UTC().Format(time.RFC3339))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	say(a.stderr, "%s would go to %s%s\n", plural(all, "result"), o.topic, beside(counts))
	if counts.Bad > 0 {
		return errReported
	}
	return nil
}

// summary says in a line what was done.
func summary(c results.Counts, topic string) string {
	return fmt.Sprintf("published %s to %s%s", plural(c.Published, "result"), topic, beside(c))
}

// beside names the files of which nothing was published.
func beside(c results.Counts) string {
	var parts []string
	for _, n := range []struct {
		of   int
		what string
	}{{c.Before, "published before"}, {c.Outside, "outside --since and --until"}, {c.Other, "no results by their names"}, {c.Bad, "with faults"}, {c.Waiting, "not whole yet"}} {
		if n.of > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n.of, n.what))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "; files: " + strings.Join(parts, ", ")
}
