package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/schollz/progressbar/v3"

	"github.com/gx-ol/gx-ol/internal/dlq"
)

// tally tells how settling goes on: a bar on a terminal, audit lines on stdout with -o json, and a summary.
type tally struct {
	a      *process
	json   bool
	all    int
	counts dlq.Counts
	bar    *progressbar.ProgressBar
	failed error // of writing to stdout
}

func newTally(a *process, output, doing string, all int) *tally {
	t := &tally{a: a, json: output == "json", all: all, counts: make(dlq.Counts), bar: progressbar.DefaultSilent(int64(all))}
	if isTerminal(a.stderr) {
		t.bar = progressbar.NewOptions(all, progressbar.OptionSetWriter(a.stderr), progressbar.OptionShowCount(),
			progressbar.OptionSetDescription(doing), progressbar.OptionClearOnFinish(), progressbar.OptionShowIts())
	}
	return t
}

func (t *tally) note(line dlq.Audit) {
	t.counts[line.Outcome]++
	_ = t.bar.Add(1) // a bar that cannot be drawn stops nothing
	t.bar.Describe(t.counts.String())
	if t.json {
		if err := printJSON(t.a.stdout, line); err != nil && t.failed == nil {
			t.failed = err
		}
	} else if line.Warning != "" {
		say(t.a.stderr, "%s: %s: %s\n", line.Letter, line.Outcome, line.Warning)
	}
}

// end sums up and gives the command's error.
func (t *tally) end(err error) error {
	_ = t.bar.Finish()
	done, left := t.counts.Done()
	say(t.a.stderr, "%s\n", t.counts)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return fmt.Errorf("stopped after %d of %d letters; the same command goes on with the rest", done, t.all)
		}
		return err
	}
	if t.failed != nil {
		return t.failed
	}
	if left > 0 {
		say(t.a.stderr, "%s left as before\n", plural(left, "letter"))
		return errReported
	}
	return nil
}
