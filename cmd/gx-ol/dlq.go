package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/nearest"
)

func newDLQCommand(a *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "dlq", Short: "look at dead letters, replay and discard them", Args: cobra.NoArgs,
		Long: `Dead letters are records that could not be delivered for their own fault. Which of them are settled is kept in Kafka itself
(<topic>.ledger), so that everyone sees the same, and a replay that was stopped, or killed, goes on where it was.
Letters of Kafka Connect, Spring Kafka, Kafka Streams, share groups and Watermill are read like gx-ol's own.`,
		Example: `  gx-ol dlq stats                                  what there is, and what could help
  gx-ol dlq list --code http_422 --since 24h
  gx-ol dlq show 3/1042
  gx-ol dlq replay --code unmapped_dataset --dry-run
  gx-ol dlq replay --code unmapped_dataset --yes --rate 50
  gx-ol dlq discard --code tombstone --reason "deletions, nothing to deliver" --yes
  gx-ol dlq export --code invalid_json > letters.ndjson && gx-ol dlq import letters.ndjson --yes`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	quarantine := &cobra.Command{Use: "quarantine", Short: "letters that were replayed too often", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	list := newDLQListCommand(a, dlq.QuarantineSuffix)
	list.Short, list.Long, list.Example = "list the letters in quarantine, newest first", `Lists <topic>.quarantine, where replay puts letters that were replayed --max-replays times. It is itself a dead-letter
topic: with --topic <topic>.quarantine every dlq command works on it.`, "  gx-ol dlq quarantine list --all"
	quarantine.AddCommand(list)
	cmd.AddCommand(newDLQListCommand(a, ""), newDLQShowCommand(a), newDLQStatsCommand(a), newDLQReplayCommand(a), newDLQDiscardCommand(a), newDLQBuryCommand(a),
		newDLQExportCommand(a), newDLQImportCommand(a), quarantine)
	return cmd
}

// dlqFlags are what every dlq command takes.
type dlqFlags struct {
	configFlags
	topic, output, by string

	codes, dispositions, sources, keys []string
	input                              string // the topic whose letters are meant, where the command names it
	partitions                         []int32
	offsets, since, until, grep        string
	all                                bool
}

func (f *dlqFlags) add(cmd *cobra.Command, filters bool) {
	f.configFlags.add(cmd, "brokers")
	flags := cmd.Flags()
	flags.StringVar(&f.topic, "topic", "", "dead-letter topic (default: the configuration's, else gx.validation-results.dlq)")
	flags.StringVarP(&f.output, "output", "o", "table", "table or json")
	if !filters {
		flags.StringSliceVar(&f.sources, "source-topic", nil, "topics whose letters these are, if their names do not tell")
		return
	}
	flags.StringSliceVar(&f.codes, "code", nil, "letters with one of these codes")
	flags.StringSliceVar(&f.dispositions, "disposition", nil, "poison, rejected, exhausted, oversize or bug")
	flags.StringSliceVar(&f.sources, "source-topic", nil, "letters about records of these topics; so named, they are taken for inputs of this dead-letter topic")
	flags.StringArrayVar(&f.keys, "key", nil, "letters with this key (<datasource>.<asset>); may be given again")
	flags.Int32SliceVar(&f.partitions, "partition", nil, "partitions of the dead-letter topic")
	flags.StringVar(&f.offsets, "offset", "", "offsets of the dead-letter topic, FROM-TO; one end may be missing")
	flags.StringVar(&f.since, "since", "", "given up since: a time (RFC 3339), a day, or how long ago (90m, 24h, 7d)")
	flags.StringVar(&f.until, "until", "", "given up before")
	flags.StringVar(&f.grep, "grep", "", "letters whose error holds this text")
	flags.BoolVar(&f.all, "all", false, "settled letters too")
}

// filter reads the filter flags.
func (f *dlqFlags) filter(now time.Time) (dlq.Filter, error) {
	out := dlq.Filter{Codes: f.codes, Dispositions: f.dispositions, SourceTopics: f.sources, Keys: f.keys, Partitions: f.partitions, Grep: f.grep, All: f.all}
	for _, d := range f.dispositions {
		if !slices.Contains(dlq.Dispositions, d) {
			return out, usageError{fmt.Errorf("--disposition %q must be one of %s%s", d, strings.Join(dlq.Dispositions, ", "), didYouMean(d, dlq.Dispositions))}
		}
	}
	var err error
	if f.offsets != "" {
		if out.Offsets, err = dlq.ParseOffsets("--offset", f.offsets); err != nil {
			return out, usageError{err}
		}
	}
	if out.Since, err = dlq.ParseWhen("--since", f.since, now); err != nil {
		return out, usageError{err}
	}
	if out.Until, err = dlq.ParseWhen("--until", f.until, now); err != nil {
		return out, usageError{err}
	}
	return out, nil
}

func didYouMean(wrong string, names []string) string {
	if near := nearest.Name(wrong, names); near != "" {
		return fmt.Sprintf(": did you mean %s?", near)
	}
	return ""
}

// deadLetters is an open dead-letter topic.
type deadLetters struct {
	*dlq.Topic
	cfg    *config.Config
	client *kgo.Client

	codes    []string // that the flags ask for, to be checked
	doubtful bool     // it was named by hand and its name is not that of a dead-letter topic
}

func (d *deadLetters) close() { d.client.Close() }

// on runs work on the dead-letter topic, with what the filter flags say.
func (f *dlqFlags) on(cmd *cobra.Command, a *process, suffix string, work func(context.Context, *deadLetters, dlq.Filter) error) error {
	filter, err := f.filter(time.Now())
	if err != nil {
		return err
	}
	d, err := f.open(cmd.Context(), a, cmd, suffix)
	if err == nil {
		defer d.close()
		err = work(cmd.Context(), d, filter)
	}
	if none, ok := errors.AsType[*noLetters](err); ok && !slices.Contains([]string{"show", "import"}, cmd.Name()) {
		say(a.stderr, "%s\n", none.text)
		if cmd.Name() == "stats" && f.output == "json" {
			return printJSON(a.stdout, dlq.Histogram(nil, time.Now()))
		}
		return nil
	}
	return stopped(cmd.Context(), err)
}

// open connects. suffix names the topic beside the dead-letter topic that is meant.
func (f *dlqFlags) open(ctx context.Context, a *process, cmd *cobra.Command, suffix string) (*deadLetters, error) {
	if f.output != "table" && f.output != "json" {
		return nil, usageError{fmt.Errorf("-o %q must be table or json", f.output)}
	}
	cfg, err := config.LoadForTopics(f.path, a.env, f.set(cmd), a.variables...)
	if err != nil {
		return nil, err
	}
	a.told(cfg)
	cfg.Kafka = maps.Clone(cfg.Kafka)
	if cfg.Kafka == nil {
		cfg.Kafka = make(map[string]string)
	}
	if cfg.Kafka["bootstrap.servers"] == "" {
		cfg.Kafka["bootstrap.servers"] = "localhost:9092"
	}
	name, err := f.deadLetterTopic(cfg)
	if err != nil {
		return nil, err
	}
	client, err := app.NewWriterClient(cfg)
	if err != nil {
		return nil, err
	}
	d, err := f.openOn(ctx, a, cfg, client, name, suffix)
	if err != nil {
		client.Close()
		return nil, err
	}
	return d, nil
}

// openOn finds the dead-letter topic that is meant on the brokers.
func (f *dlqFlags) openOn(ctx context.Context, a *process, cfg *config.Config, client *kgo.Client, name, suffix string) (*deadLetters, error) {
	if err := kafkaclient.CheckConnection(ctx, client, nil); err != nil {
		return nil, err
	}
	there, err := topicNames(ctx, client)
	if err != nil {
		return nil, err
	}
	meant := f.meant(cfg, name, there)
	if meant != name && slices.Contains(there, meant) {
		say(a.stderr, "%s holds results; their dead letters are in %s\n", name, meant)
	}
	t, err := dlq.Open(ctx, client, meant+suffix, dlq.Config{MaxMessageBytes: cfg.Input.MaxMessageBytes, Inputs: app.LetterInputs(cfg, meant, f.sources...)})
	if errors.Is(err, dlq.ErrNoTopic) && suffix == "" {
		if f.topic == "" || meant != name || slices.Contains(there, inputOf(name)) {
			return nil, &noLetters{fmt.Sprintf("there is no topic %s yet: nothing was buried%s", meant, otherTopics(there))}
		}
		err = fmt.Errorf("%w%s", err, otherTopics(there))
	}
	if err != nil {
		return nil, err
	}
	return &deadLetters{Topic: t, cfg: cfg, client: client, codes: f.codes, doubtful: f.topic != "" && !looksDead(meant) && meant != cfg.DeadLetters.Topic}, nil
}

// deadLetterTopic is the one that the flags or the configuration name.
func (f *dlqFlags) deadLetterTopic(cfg *config.Config) (string, error) {
	if f.topic != "" {
		return f.topic, nil
	}
	if cfg.DeadLetters.Topic != "" {
		return cfg.DeadLetters.Topic, nil
	}
	if f.input != "" {
		return cfg.DeadLetterTopic(f.input), nil
	}
	if cfg.Input.Regex() || len(cfg.Input.Topics) > 1 {
		return "", usageError{errors.New("the configuration reads several topics, each with a dead-letter topic of its own: say which with --topic")}
	}
	if len(cfg.Input.Topics) == 1 {
		return cfg.DeadLetterTopic(cfg.Input.Topics[0]), nil
	}
	return cfg.DeadLetterTopic("gx.validation-results"), nil
}

// session begins to settle letters of ix; nil: of now.
func (d *deadLetters) session(ctx context.Context, a *process, by string, ix *dlq.Index) (*dlq.Session, error) {
	opts, err := app.WriterOpts(d.cfg)
	if err != nil {
		return nil, err
	}
	if by == "" {
		by = a.who
	}
	return d.Begin(ctx, opts, app.TransactionWriter, by, ix)
}
