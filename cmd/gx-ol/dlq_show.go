package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

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
				return s.print(a.stdout)
			})
		},
	}
	f.add(cmd, false)
	cmd.Flags().BoolVar(&raw, "raw", false, "the value as it is, row values and all")
	return cmd
}

// shown is all there is to say of a letter.
type shown struct {
	listed
	Timestamp time.Time     `json:"timestamp"` // of the source record
	Part      string        `json:"part,omitempty"`
	Advice    string        `json:"advice"`
	History   []listed      `json:"history,omitempty"` // the letters about the same record, oldest first, if there are several
	Headers   []shownHeader `json:"headers"`           // the record's own
	Original  string        `json:"original,omitempty"`
	Value     string        `json:"value"`
}

type shownHeader struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func (d *deadLetters) show(ctx context.Context, at dlq.Position, raw bool) (*shown, error) {
	ix, err := d.Load(ctx)
	if err != nil {
		return nil, err
	}
	l := ix.At(at)
	if l == nil {
		return nil, fmt.Errorf("there is no letter %s in %s: gx-ol dlq list --all names those there are", at, d.Name)
	}
	if l.Batch != nil {
		return &shown{listed: list(l), Advice: dlq.Advice(l), Value: "(not read)"}, nil //nolint:nilerr // the batch says why it is not read; this command did not fail
	}
	rec, err := d.Record(ctx, at)
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, fmt.Errorf("letter %s of %s was deleted by retention just now", at, d.Name)
	}
	s := &shown{listed: list(l), Timestamp: l.Said.Timestamp.UTC(), Part: l.Said.Part, Advice: dlq.Advice(l)}
	if letters := ix.History(l); len(letters) > 1 {
		for _, other := range letters {
			s.History = append(s.History, list(other))
		}
	}
	value := rec.Value
	if l.Said.Reference != "" {
		original, err := d.Original(ctx, l)
		large, ok := errors.AsType[*dlq.LargeBatch](err)
		switch {
		case ok:
			s.Original = large.Error()
		case err != nil:
			return nil, err
		case original == nil:
			s.Original = "not retained any more"
		default:
			value, s.Original = original.Value, "read from its topic"
		}
	}
	for _, h := range deadletter.Unwrapped(rec, nil, l.Said, l.System).Headers {
		s.Headers = append(s.Headers, shownHeader{h.Key, headerText(h)})
	}
	s.Value = dlq.Masked(value)
	if raw {
		s.Value = plain(value)
	}
	return s, nil
}

// headerText is a header's value: binary ones by their size.
func headerText(h kgo.RecordHeader) string {
	if !utf8.Valid(h.Value) {
		return fmt.Sprintf("‹%d bytes›", len(h.Value))
	}
	return string(h.Value)
}

// plain is a value as it is, indented if it is JSON.
func plain(value []byte) string {
	var doc json.RawMessage
	if json.Unmarshal(value, &doc) == nil {
		if out, err := json.MarshalIndent(doc, "", "  "); err == nil {
			return string(out)
		}
	}
	if value == nil {
		return dlq.Masked(nil)
	}
	return strings.ToValidUTF8(string(value), "�")
}

func (s *shown) print(w io.Writer) error {
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
		row("settled", settledText(*s.Settled))
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
				text += "; " + settledText(*l.Settled)
			}
			say(w, "%s\n", text)
		}
	}
	say(w, "\n%s\n", block(s.Value))
	return nil
}

func settledText(e dlq.Entry) string {
	text := fmt.Sprintf("%s by %s at %s", e.State, e.By, e.At.UTC().Format(time.RFC3339))
	if e.To != "" {
		text += " to " + e.To
	}
	if e.Mended {
		text += ", mended"
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}
