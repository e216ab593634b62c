package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/replay"
)

// settleFlags are what every command takes that settles letters.
type settleFlags struct {
	dlqFlags
	yes, dryRun bool
}

func (f *settleFlags) add(cmd *cobra.Command, filters bool) {
	f.dlqFlags.add(cmd, filters)
	cmd.Flags().BoolVar(&f.yes, "yes", false, "do it without asking")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "say what would be done, and change nothing")
	cmd.Flags().StringVar(&f.by, "by", "", "who does it, for ledger and audit (default: user@host)")
}

// agreed asks the operator, unless the flags answer. Where nobody can be asked it is wrong use: no letter is touched by accident.
func (f *settleFlags) agreed(ctx context.Context, a *process, question string) (bool, error) {
	switch {
	case f.dryRun:
		return false, nil
	case f.yes:
		return true, nil
	case !a.asks:
		return false, usageError{errors.New("nobody can be asked here: say --yes, or --dry-run to look first")}
	}
	say(a.stderr, "%s [y/N] ", question)
	answer, err := awaited(ctx, func() (string, error) { return bufio.NewReader(a.stdin).ReadString('\n') })
	if errors.Is(err, errStopped) {
		return false, err
	}
	if err != nil && answer == "" {
		return false, nil
	}
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer))), nil
}

func newDLQReplayCommand(a *process) *cobra.Command {
	var f settleFlags
	var o replay.Options
	cmd := &cobra.Command{
		Use: "replay", Short: "give letters another try, each once", Args: cobra.NoArgs,
		Long: `Replays letters: back to their source topics (--to source), where gx-ol run reads them like any record, or straight through the pipeline to the
configured destinations (--to backend). Key, value and headers go back byte for byte, and run ids stay.

To the source topic every letter is replayed exactly once, whatever is killed: record and ledger entry are one transaction. A replay that
was stopped goes on when it is started again. Two at once: the later one goes on, the earlier one ends and says so.
It replays what the topic held when it began, so it never replays what it put back.`,
		Example: `  gx-ol dlq replay --code unmapped_dataset --dry-run
  gx-ol dlq replay --code unmapped_dataset --limit 10 --yes      a few first
  gx-ol dlq replay --code http_503 --rate 20 --yes -o json       audit lines on stdout
  gx-ol dlq replay --to backend --config gx-ol.yaml --yes`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkReplay(&o, f.all); err != nil {
				return err
			}
			return f.on(cmd, a, "", func(ctx context.Context, d *deadLetters, filter dlq.Filter) error {
				return d.replay(ctx, a, f, o, filter)
			})
		},
	}
	f.add(cmd, true)
	flags := cmd.Flags()
	flags.StringVar(&o.To, "to", "source", "source (their topics), or backend (through the pipeline to the configured destinations)")
	flags.Float64Var(&o.Rate, "rate", 0, "letters a second at most; 0: as fast as it goes")
	flags.IntVar(&o.Limit, "limit", 0, "so many letters at most; 0: all")
	flags.IntVar(&o.MaxReplays, "max-replays", 3, "letters that were replayed so often go to <topic>.quarantine instead; 0: never")
	flags.StringVar(&o.Stale, "stale", "report", "letters of which the backend (Marquez) has a later result: report them, skip them, or ignore it and do not ask")
	return cmd
}

// checkReplay refuses what flags cannot mean.
func checkReplay(o *replay.Options, all bool) error {
	switch {
	case o.To != replay.ToSource && o.To != replay.ToBackend:
		return usageError{fmt.Errorf("--to %q must be source or backend%s", o.To, didYouMean(o.To, []string{"source", "backend"}))}
	case !slices.Contains(replay.StaleChoices, o.Stale):
		return usageError{fmt.Errorf("--stale %q must be report, skip or ignore%s", o.Stale, didYouMean(o.Stale, replay.StaleChoices))}
	case o.Rate < 0 || o.Limit < 0 || o.MaxReplays < 0:
		return usageError{errors.New("--rate, --limit and --max-replays are not negative")}
	case all:
		return usageError{errors.New("--all makes no sense here: a settled letter is never replayed again; export and import it")}
	}
	return nil
}

func (d *deadLetters) replay(ctx context.Context, a *process, f settleFlags, o replay.Options, filter dlq.Filter) error {
	plan := o.Plan(filter)
	ix, err := d.Load(ctx)
	if err != nil {
		return err
	}
	letters := plan.Letters(ix)
	if len(letters) == 0 {
		say(a.stderr, "%s\n", dlq.Nothing(ix, filter))
		return nil
	}
	if err := d.announce(a, f, o, plan, letters); err != nil {
		return err
	}
	if f.dryRun {
		return d.foresee(ctx, a, o, plan, letters)
	}
	ok, err := f.agreed(ctx, a, fmt.Sprintf("Replay %s of %s?", plural(len(letters), "letter"), d.Name))
	if err != nil || !ok {
		return err
	}
	end, err := d.prepare(ctx, a, o, &plan)
	if err != nil {
		return err
	}
	defer end()
	return d.settling(ctx, a, f, "replaying", len(letters), ix, func(s *dlq.Session, t *tally) error {
		plan.Each = t.note
		return replay.Run(ctx, s, plan)
	})
}

// prepare adds to the plan what it needs of the configured destinations.
func (d *deadLetters) prepare(ctx context.Context, a *process, o replay.Options, plan *replay.Plan) (end func(), err error) {
	end, err = app.PrepareReplay(ctx, d.cfg, func() (app.Process, error) { return a.with(d.cfg.Log) }, o, plan)
	if app.IsReplayMisuse(err) {
		return nil, usageError{err}
	}
	return end, err
}

// foresee says what the backend would say of the letters, where one is asked.
func (d *deadLetters) foresee(ctx context.Context, a *process, o replay.Options, plan replay.Plan, letters []*dlq.Letter) error {
	o.To = replay.ToSource // the backends alone are needed, not the pipeline to them
	end, err := d.prepare(ctx, a, o, &plan)
	if err != nil {
		return err
	}
	defer end()
	stale := 0
	err = replay.Preview(ctx, d.Topic, plan, letters, func(l *dlq.Letter, warning string) {
		stale++
		say(a.stderr, "%s: %s\n", l.Position, warning)
	})
	switch {
	case err != nil || plan.Stale == nil:
	case o.Stale == "skip":
		say(a.stderr, "%s would stay: the backend has later results\n", plural(stale, "letter"))
	case stale > 0:
		say(a.stderr, "the backend has later results for %s; --stale skip leaves them\n", plural(stale, "letter"))
	}
	return err
}

// settling settles letters in a session, and tells how it goes and how it ended.
func (d *deadLetters) settling(ctx context.Context, a *process, f settleFlags, doing string, letters int, ix *dlq.Index, work func(*dlq.Session, *tally) error) error {
	s, err := d.session(ctx, a, f.by, ix)
	if err != nil {
		return err
	}
	defer s.Close()
	t := newTally(a, f.output, doing, letters)
	return t.end(work(s, t))
}

// announce says what a replay would do: on stdout if that is all it does.
func (d *deadLetters) announce(a *process, f settleFlags, o replay.Options, plan replay.Plan, letters []*dlq.Letter) error {
	stats := dlq.Histogram(letters, time.Now())
	if f.output == "json" {
		if f.dryRun {
			return printJSON(a.stdout, stats)
		}
		return nil
	}
	w := a.stderr
	if f.dryRun {
		w = a.stdout
	}
	to := "their source topics"
	if o.To == "backend" {
		to = "the configured destinations"
	}
	say(w, "%s of %s would go to %s\n\n", plural(len(letters), "letter"), d.Name, to)
	if err := printStats(w, stats); err != nil {
		return err
	}
	quarantined := 0
	for _, l := range letters {
		if plan.Quarantines(l) {
			quarantined++
		}
	}
	if quarantined > 0 {
		say(w, "\n%d of them replayed %d times or more before would go to quarantine (--max-replays)\n", quarantined, plan.MaxReplays)
	}
	say(w, "\n")
	return nil
}

func newDLQDiscardCommand(a *process) *cobra.Command {
	var f settleFlags
	var reason string
	cmd := &cobra.Command{
		Use: "discard", Short: "settle letters that nobody wants", Args: cobra.NoArgs,
		Long: `Marks letters as discarded, in the ledger: they count no more and are not replayed. The letters themselves stay until the topic's retention.`,
		Example: `  gx-ol dlq discard --code tombstone --reason "deletions, nothing to deliver" --yes
  gx-ol dlq discard --partition 3 --offset 1042 --reason "sent by hand" --yes`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if strings.TrimSpace(reason) == "" {
				return usageError{errors.New("--reason is missing: those who come after you will want to know")}
			}
			return f.on(cmd, a, "", func(ctx context.Context, d *deadLetters, filter dlq.Filter) error {
				return d.discard(ctx, a, f, filter, reason)
			})
		},
	}
	f.add(cmd, true)
	cmd.Flags().StringVar(&reason, "reason", "", "why, for ledger and audit")
	return cmd
}

func (d *deadLetters) discard(ctx context.Context, a *process, f settleFlags, filter dlq.Filter, reason string) error {
	filter.All = false
	ix, err := d.Load(ctx)
	if err != nil {
		return err
	}
	letters := ix.Choose(filter)
	if len(letters) == 0 {
		say(a.stderr, "%s\n", dlq.Nothing(ix, filter))
		return nil
	}
	if f.output == "table" {
		w := a.stderr
		if f.dryRun {
			w = a.stdout
		}
		say(w, "%s of %s would be discarded\n\n", plural(len(letters), "letter"), d.Name)
		if err := printStats(w, dlq.Histogram(letters, time.Now())); err != nil {
			return err
		}
	} else if f.dryRun {
		return printJSON(a.stdout, dlq.Histogram(letters, time.Now()))
	}
	ok, err := f.agreed(ctx, a, fmt.Sprintf("Discard %s of %s?", plural(len(letters), "letter"), d.Name))
	if err != nil || !ok {
		return err
	}
	return d.settling(ctx, a, f, "discarding", len(letters), ix, func(s *dlq.Session, t *tally) error {
		return s.Discard(ctx, s.Index.Choose(filter), reason, t.note)
	})
}
