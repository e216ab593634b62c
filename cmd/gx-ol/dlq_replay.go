package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/gx-ol/gx-ol/internal/dlq"
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
func (f *settleFlags) agreed(a *app, question string) (bool, error) {
	switch {
	case f.dryRun:
		return false, nil
	case f.yes:
		return true, nil
	case !a.asks:
		return false, usageError{errors.New("nobody can be asked here: say --yes, or --dry-run to look first")}
	}
	fmt.Fprintf(a.stderr, "%s [y/N] ", question)
	answer, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && answer == "" {
		return false, nil
	}
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(strings.TrimSpace(answer))), nil
}

func newDLQReplayCommand(a *app) *cobra.Command {
	var f settleFlags
	var o replayOptions
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
			filter, err := f.filter(time.Now())
			if err != nil {
				return err
			}
			if err := o.check(f.all); err != nil {
				return err
			}
			g, err := f.open(cmd.Context(), a, cmd, "")
			if err != nil {
				return err
			}
			defer g.close()
			return g.replay(cmd.Context(), a, f, o, filter)
		},
	}
	f.add(cmd, true)
	flags := cmd.Flags()
	flags.StringVar(&o.to, "to", "source", "source (their topics), or backend (through the pipeline to the configured destinations)")
	flags.Float64Var(&o.rate, "rate", 0, "letters a second at most; 0: as fast as it goes")
	flags.IntVar(&o.limit, "limit", 0, "so many letters at most; 0: all")
	flags.IntVar(&o.maxReplays, "max-replays", 3, "letters that were replayed so often go to <topic>.quarantine instead; 0: never")
	flags.BoolVar(&o.skipStale, "skip-stale", false, "leave letters of which the backend (Marquez) has a later result")
	return cmd
}

// replayOptions are the flags of replay beside the filter.
type replayOptions struct {
	to                string
	rate              float64
	limit, maxReplays int
	skipStale         bool
}

func (o *replayOptions) check(all bool) error {
	switch {
	case o.to != "source" && o.to != "backend":
		return usageError{fmt.Errorf("--to %q must be source or backend%s", o.to, didYouMean(o.to, []string{"source", "backend"}))}
	case o.rate < 0 || o.limit < 0 || o.maxReplays < 0:
		return usageError{errors.New("--rate, --limit and --max-replays are not negative")}
	case all:
		return usageError{errors.New("--all makes no sense here: a settled letter is never replayed again; export and import it")}
	}
	return nil
}

func (g *graveyard) replay(ctx context.Context, a *app, f settleFlags, o replayOptions, filter dlq.Filter) error {
	plan := dlq.Plan{Filter: filter, Limit: o.limit, MaxReplays: o.maxReplays, Rate: o.rate, SkipStale: o.skipStale}
	ix, err := g.Load(ctx)
	if err != nil {
		return err
	}
	letters := plan.Letters(ix)
	if len(letters) == 0 {
		fmt.Fprintln(a.stderr, nothing(ix, f.dlqFlags))
		return nil
	}
	if err := g.announce(a, f, o, plan, letters); err != nil {
		return err
	}
	ok, err := f.agreed(a, fmt.Sprintf("Replay %d letters of %s?", len(letters), g.Name))
	if err != nil || !ok {
		return err
	}
	end, err := g.through(ctx, a, o, &plan)
	if err != nil {
		return err
	}
	defer end()
	s, err := g.session(ctx, a, f.by)
	if err != nil {
		return err
	}
	defer s.Close()
	t := newTally(a, f.output, "replaying", len(letters))
	plan.Seen, plan.Each = ix, t.note
	return t.end(s.Replay(ctx, plan))
}

// announce says what a replay would do: on stdout if that is all it does.
func (g *graveyard) announce(a *app, f settleFlags, o replayOptions, plan dlq.Plan, letters []*dlq.Letter) error {
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
	if o.to == "backend" {
		to = "the configured destinations"
	}
	fmt.Fprintf(w, "%d letters of %s would go to %s\n\n", len(letters), g.Name, to)
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
		fmt.Fprintf(w, "\n%d of them were replayed %d times or more and would go to quarantine (--max-replays)\n", quarantined, plan.MaxReplays)
	}
	fmt.Fprintln(w)
	return nil
}

// tally tells how settling goes on: a bar on a terminal, audit lines on stdout with -o json, and a summary.
type tally struct {
	a        *app
	json     bool
	all      int
	counts   map[dlq.Outcome]int
	warnings int
	bar      *progressbar.ProgressBar
	failed   error // of writing to stdout
}

func newTally(a *app, output, doing string, all int) *tally {
	t := &tally{a: a, json: output == "json", all: all, counts: make(map[dlq.Outcome]int), bar: progressbar.DefaultSilent(int64(all))}
	if isTerminal(a.stderr) {
		t.bar = progressbar.NewOptions(all, progressbar.OptionSetWriter(a.stderr), progressbar.OptionShowCount(),
			progressbar.OptionSetDescription(doing), progressbar.OptionClearOnFinish(), progressbar.OptionShowIts())
	}
	return t
}

func (t *tally) note(line dlq.Audit) {
	t.counts[line.Outcome]++
	if line.Warning != "" {
		t.warnings++
	}
	_ = t.bar.Add(1) // a bar that cannot be drawn stops nothing
	t.bar.Describe(t.text())
	if t.json {
		if err := printJSON(t.a.stdout, line); err != nil && t.failed == nil {
			t.failed = err
		}
	} else if line.Warning != "" {
		fmt.Fprintf(t.a.stderr, "%s: %s: %s\n", line.Letter, line.Outcome, printable(line.Warning))
	}
}

// outcomes in the order in which they are told; after the first four a letter is settled.
var outcomes = []dlq.Outcome{dlq.ReplayedOutcome, dlq.DiscardedNow, dlq.InQuarantine, dlq.BuriedAgain, dlq.AlreadySettled, dlq.Stale, dlq.Gone, dlq.TooLarge, dlq.NoSource}

func (t *tally) text() string {
	var parts []string
	for _, o := range outcomes {
		if n := t.counts[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(string(o), "_", " ")))
		}
	}
	if len(parts) == 0 {
		return "nothing done"
	}
	return strings.Join(parts, ", ")
}

// end sums up and gives the command's error.
func (t *tally) end(err error) error {
	_ = t.bar.Finish()
	done := 0
	for _, n := range t.counts {
		done += n
	}
	fmt.Fprintf(t.a.stderr, "%s\n", t.text())
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return fmt.Errorf("stopped after %d of %d letters; the same command goes on with the rest", done, t.all)
		}
		return err
	}
	if t.failed != nil {
		return t.failed
	}
	if left := t.counts[dlq.Gone] + t.counts[dlq.TooLarge] + t.counts[dlq.NoSource]; left > 0 {
		fmt.Fprintf(t.a.stderr, "%d letters stay as they were\n", left)
		return errReported
	}
	return nil
}

func newDLQDiscardCommand(a *app) *cobra.Command {
	var f settleFlags
	var reason string
	cmd := &cobra.Command{
		Use: "discard", Short: "settle letters that nobody wants", Args: cobra.NoArgs,
		Long: `Marks letters as discarded, in the ledger: they count no more and are not replayed. The letters themselves stay until the topic's retention.`,
		Example: `  gx-ol dlq discard --code tombstone --reason "deletions, nothing to deliver" --yes
  gx-ol dlq discard --partition 3 --offset 1042 --reason "sent by hand"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := f.filter(time.Now())
			if err != nil {
				return err
			}
			if strings.TrimSpace(reason) == "" {
				return usageError{errors.New("--reason is missing: those who come after you will want to know")}
			}
			g, err := f.open(cmd.Context(), a, cmd, "")
			if err != nil {
				return err
			}
			defer g.close()
			return g.discard(cmd.Context(), a, f, filter, reason)
		},
	}
	f.add(cmd, true)
	cmd.Flags().StringVar(&reason, "reason", "", "why, for ledger and audit")
	return cmd
}

func (g *graveyard) discard(ctx context.Context, a *app, f settleFlags, filter dlq.Filter, reason string) error {
	filter.All = false
	ix, err := g.Load(ctx)
	if err != nil {
		return err
	}
	letters := ix.Choose(filter)
	if len(letters) == 0 {
		fmt.Fprintln(a.stderr, nothing(ix, f.dlqFlags))
		return nil
	}
	if f.output == "table" {
		w := a.stderr
		if f.dryRun {
			w = a.stdout
		}
		fmt.Fprintf(w, "%d letters of %s would be discarded\n\n", len(letters), g.Name)
		if err := printStats(w, dlq.Histogram(letters, time.Now())); err != nil {
			return err
		}
	} else if f.dryRun {
		return printJSON(a.stdout, dlq.Histogram(letters, time.Now()))
	}
	ok, err := f.agreed(a, fmt.Sprintf("Discard %d letters of %s?", len(letters), g.Name))
	if err != nil || !ok {
		return err
	}
	s, err := g.session(ctx, a, f.by)
	if err != nil {
		return err
	}
	defer s.Close()
	t := newTally(a, f.output, "discarding", len(letters))
	return t.end(s.Discard(ctx, (&dlq.Plan{Filter: filter, Seen: ix}).Letters(s.Index), reason, t.note))
}
