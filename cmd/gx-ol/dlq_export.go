package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/ranges"
	"github.com/gx-ol/gx-ol/internal/replay"
)

func newDLQExportCommand(a *process) *cobra.Command {
	var f dlqFlags
	cmd := &cobra.Command{
		Use: "export", Short: "print letters whole, one JSON document a line, to be mended and imported", Args: cobra.NoArgs,
		Long: `Prints letters with key, value and headers, row values and all, one a line. A value is a string with the message's text ({"base64": …} if it is
no text). To mend one, change value, or key, or headers, and leave the rest; value may also be the JSON itself in place of the string.`,
		Example: `  gx-ol dlq export --code invalid_json > letters.ndjson
  gx-ol dlq export --code not_a_result | jq -c '.value |= (fromjson | .meta.run_id = {})' | gx-ol dlq import - --yes`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.on(cmd, a, "", func(ctx context.Context, d *deadLetters, filter dlq.Filter) error {
				ix, err := d.Load(ctx)
				if err != nil {
					return err
				}
				return d.export(ctx, a, ix.Choose(filter))
			})
		},
	}
	f.add(cmd, true)
	return cmd
}

func (d *deadLetters) export(ctx context.Context, a *process, letters []*dlq.Letter) error {
	out := bufio.NewWriter(a.stdout)
	gone := 0
	left := func(l *dlq.Letter, why string) {
		gone++
		say(a.stderr, "%s: %s\n", l, why)
	}
	for _, l := range letters {
		if l.Batch != nil {
			left(l, l.Fault)
		}
	}
	err := d.Whole(ctx, letters, func(l *dlq.Letter, rec *kgo.Record) error {
		var original *kgo.Record
		if l.Said.Reference != "" {
			var err error
			original, err = d.Original(ctx, l)
			if large, ok := errors.AsType[*ranges.LargeBatch](err); ok {
				left(l, large.Error())
				return nil
			}
			if err != nil {
				return err
			}
			if original == nil {
				left(l, "it holds no value, and its topic does not retain the original any more")
				return nil
			}
		}
		return printJSON(out, d.Export(l, rec, original))
	})
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	say(a.stderr, "%s exported\n", plural(len(letters)-gone, "letter"))
	if gone > 0 {
		return errReported
	}
	return nil
}

func newDLQImportCommand(a *process) *cobra.Command {
	var f settleFlags
	cmd := &cobra.Command{
		Use: "import FILE|-", Short: "replay exported letters, as they were mended", Args: cobra.ExactArgs(1),
		Long: `Writes the key, value and headers of each line back to its letter's source topic, and settles the letter, in one transaction: exactly once, as replay
does. Lines whose letter is settled already are passed over, so that the same file can be imported again. All lines are checked before anything is written.`,
		Example: "  gx-ol dlq import letters.ndjson --dry-run\n  gx-ol dlq import letters.ndjson --yes",
		RunE: func(cmd *cobra.Command, args []string) error {
			lines, err := readExported(cmd.Context(), args[0], a.stdin)
			if err != nil {
				return err
			}
			return f.on(cmd, a, "", func(ctx context.Context, d *deadLetters, _ dlq.Filter) error { return d.imports(ctx, a, f, lines) })
		},
	}
	f.add(cmd, false)
	return cmd
}

// readExported reads every line; its error names the first that is none.
func readExported(ctx context.Context, name string, stdin io.Reader) ([]dlq.Exported, error) {
	text, _, err := readInput(ctx, name, stdin)
	if err != nil {
		return nil, err
	}
	var out []dlq.Exported
	n := 0
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		n++
		if ctx.Err() != nil {
			return nil, errStopped
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		e, err := dlq.ParseExported(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
		out = append(out, e)
	}
	return out, nil
}

func (d *deadLetters) imports(ctx context.Context, a *process, f settleFlags, lines []dlq.Exported) error {
	if len(lines) == 0 {
		say(a.stderr, "there is no letter in the file\n")
		return nil
	}
	w := a.stderr
	if f.dryRun {
		w = a.stdout
	}
	if f.output == "table" {
		say(w, "%s of %s would go to their source topics, as the file has them\n", plural(len(lines), "letter"), d.Name)
	}
	ok, err := f.agreed(ctx, a, fmt.Sprintf("Import %s?", plural(len(lines), "letter")))
	if err != nil || !ok {
		return err
	}
	return d.settling(ctx, a, f, "importing", len(lines), nil, func(s *dlq.Session, t *tally) error { return replay.Import(ctx, s, lines, t.note) })
}
