package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

func newDLQShowCommand(a *process) *cobra.Command {
	var f dlqFlags
	var raw bool
	cmd := &cobra.Command{
		Use: "show PARTITION/OFFSET", Short: "show one letter: why, where, its headers and its value", Args: cobra.ExactArgs(1),
		Long: `Shows one letter. In the value everything is masked that could be a row value, or that is not known; --raw shows it as it is. Of a value that
is no JSON it shows the surroundings of the mistake.`,
		Example: "  gx-ol dlq show 3/1042\n  gx-ol dlq show 3/1042 --raw -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := dlq.ParsePosition(args[0])
			if err != nil {
				return usageError{err}
			}
			return f.on(cmd, a, "", func(ctx context.Context, d *deadLetters, _ dlq.Filter) error {
				s, err := d.show(ctx, at, raw)
				if err != nil {
					return err
				}
				if f.output == "json" {
					return printJSON(a.stdout, s)
				}
				return printShown(a.stdout, s)
			})
		},
	}
	f.add(cmd, false)
	cmd.Flags().BoolVar(&raw, "raw", false, "the value as it is, row values and all")
	return cmd
}

func (d *deadLetters) show(ctx context.Context, at dlq.Position, raw bool) (*dlq.Shown, error) {
	ix, err := d.Load(ctx)
	if err != nil {
		return nil, err
	}
	s := ix.Show(at)
	if s == nil {
		return nil, fmt.Errorf("there is no letter %s in %s: gx-ol dlq list --all names those there are", at, d.Name)
	}
	return s, d.Fill(ctx, s, raw)
}

func printShown(w io.Writer, s *dlq.Shown) error {
	say(w, "%s\n\n", s.Error)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			say(table, "%s\t%s\n", name, value)
		}
	}
	row("letter", fmt.Sprintf("%s, %s, %s", s.Letter, s.State, bytesText(int64(s.Bytes))))
	row("why", strings.Trim(strings.Join([]string{s.Code, s.Disposition, s.Stage}, ", "), ", "))
	if s.System != deadletter.Ours {
		row("written by", string(s.System))
	}
	row("what could help", s.Advice)
	row("unreadable", s.Fault)
	row("part", s.Part)
	row("source", strings.TrimSuffix(s.SourceTopic+" "+s.Source, " "))
	row("key", s.Key)
	if !s.Timestamp.IsZero() {
		row("record time", s.Timestamp.Format(time.RFC3339Nano))
	}
	row("given up", fmt.Sprintf("%s after %s, replayed %s", s.FailedAt.Format(time.RFC3339Nano), plural(s.Attempts, "attempt"), plural(s.Replays, "time")))
	row("group", s.Group)
	if s.Settled != nil {
		row("settled", s.Settled.Text())
	}
	row("original", s.Original)
	for _, h := range s.Headers {
		row("header "+h.Key, h.Value)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(s.History) > 0 {
		say(w, "\nits history:\n")
		for _, l := range s.History {
			text := fmt.Sprintf("  %s  %s  %s: %s", l.FailedAt.Format(time.RFC3339), l.Letter, l.Code, cut(l.Error, 72))
			if l.Settled != nil {
				text += "; " + l.Settled.Text()
			}
			say(w, "%s\n", text)
		}
	}
	say(w, "\n%s\n", block(s.Value))
	return nil
}
