package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/gx-ol/gx-ol/internal/dlq"
)

func newDLQListCommand(a *process, suffix string) *cobra.Command {
	var f dlqFlags
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "list letters, newest first", Args: cobra.NoArgs,
		Long: `Lists letters that are not settled, newest first; --all lists the settled ones too. A letter's name is PARTITION/OFFSET in the dead-letter topic.
With -o json it prints every letter, one a line.`,
		Example: `  gx-ol dlq list --code http_422,http_400 --since 24h
  gx-ol dlq list --grep "unknown column" -o json | jq -r .letter`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := f.on(cmd, a, suffix, func(ctx context.Context, d *deadLetters, filter dlq.Filter) error {
				ix, err := d.Load(ctx)
				if err != nil {
					return err
				}
				letters := ix.Choose(filter)
				slices.SortStableFunc(letters, func(x, y *dlq.Letter) int { return y.GivenUp().Compare(x.GivenUp()) })
				return printLetters(a, letters, ix, f, limit, cmd.Flags().Changed("limit"))
			})
			if suffix != "" && errors.Is(err, dlq.ErrNoTopic) {
				say(a.stderr, "nothing is in quarantine\n")
				return nil
			}
			return err
		},
	}
	f.add(cmd, true)
	cmd.Flags().IntVar(&limit, "limit", 50, "so many letters at most; 0: all (with -o json the default)")
	return cmd
}

func printLetters(a *process, letters []*dlq.Letter, ix *dlq.Index, f dlqFlags, limit int, limited bool) error {
	all := len(letters)
	if limit > 0 && all > limit && (f.output == "table" || limited) {
		letters = letters[:limit]
	}
	if f.output == "json" {
		for _, l := range letters {
			if err := printJSON(a.stdout, dlq.List(l)); err != nil {
				return err
			}
		}
		return nil
	}
	if all == 0 {
		say(a.stderr, "%s\n", dlq.Nothing(ix, dlq.Filter{All: f.all}))
		return nil
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	head := "LETTER\tGIVEN UP\tCODE\tDISPOSITION\tREPLAYS\tKEY\tERROR"
	if f.all {
		head = "LETTER\tSTATE\tGIVEN UP\tCODE\tDISPOSITION\tREPLAYS\tKEY\tERROR"
	}
	say(table, "%s\n", head)
	for _, l := range letters {
		say(table, "%s\t", l)
		if f.all {
			say(table, "%s\t", l.State)
		}
		say(table, "%s\t%s\t%s\t%d\t%s\t%s\n", l.GivenUp().UTC().Format("2006-01-02 15:04:05"), l.Said.Code, cmp.Or(l.Said.Disposition, string(l.System), "-"),
			l.Said.Replays, short(string(l.Key)), cut(l.Said.Error, 72))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(letters) < all {
		say(a.stderr, "%d of %d letters; --limit 0 lists all, and gx-ol dlq stats counts them by cause\n", len(letters), all)
	}
	return nil
}

func newDLQStatsCommand(a *process) *cobra.Command {
	var f dlqFlags
	cmd := &cobra.Command{
		Use: "stats", Short: "count letters by cause, and say what could help", Args: cobra.NoArgs,
		Example: "  gx-ol dlq stats\n  gx-ol dlq stats --since 7d -o json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.on(cmd, a, "", func(ctx context.Context, d *deadLetters, filter dlq.Filter) error {
				ix, err := d.Load(ctx)
				if err != nil {
					return err
				}
				stats := dlq.Histogram(ix.Choose(filter), time.Now())
				if f.output == "json" {
					return printJSON(a.stdout, stats)
				}
				if stats.Letters == 0 {
					say(a.stderr, "%s\n", dlq.Nothing(ix, dlq.Filter{All: f.all}))
					return nil
				}
				say(a.stdout, "%s in %s, %s; given up %s – %s\n\n", plural(stats.Letters, "letter"), d.Name, bytesText(stats.Bytes),
					stats.Oldest.UTC().Format(time.RFC3339), stats.Newest.UTC().Format(time.RFC3339))
				return printStats(a.stdout, stats)
			})
		},
	}
	f.add(cmd, true)
	return cmd
}

// printStats prints the histogram.
func printStats(w io.Writer, s dlq.Stats) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	say(table, "LETTERS\tCODE\tDISPOSITION\tWHAT COULD HELP\tFOR EXAMPLE\n")
	for _, c := range s.Codes {
		say(table, "%d\t%s\t%s\t%s\t%s: %s\n", c.Letters, c.Code, c.Disposition, c.Advice, c.At, cut(c.Example, 60))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	say(w, "\n")
	for _, part := range []struct {
		name   string
		counts []dlq.Count
	}{{"disposition", s.Dispositions}, {"source topic", s.SourceTopics}, {"written by", s.Systems}, {"age", s.Ages}, {"replayed", s.Replays}, {"state", s.States}} {
		var texts []string
		for _, c := range part.counts {
			texts = append(texts, fmt.Sprintf("%s %d", c.Value, c.Letters))
		}
		say(w, "%-13s %s\n", part.name, strings.Join(texts, ", "))
	}
	return nil
}

func bytesText(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
}
