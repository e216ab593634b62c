package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gx-ol/gx-ol/internal/lineage"
)

// printUpstream prints the answer of ask upstream.
func printUpstream(w io.Writer, a *lineage.UpstreamAnswer) error {
	counts := make(map[lineage.Quality]int)
	for _, s := range a.Datasets {
		counts[s.Quality]++
	}
	made := "it is made from nothing else that is known"
	if n := len(a.Datasets) - 1; n > 0 {
		made = "with " + plural(n, "dataset") + " that it is made from"
	}
	if len(a.Failed) == 0 {
		say(w, "%s: nothing failed (%s; %s)\n", a.Dataset.Name, made, tallied(counts))
		return nil
	}
	say(w, "%s: %s (%s; %s)\n\n", a.Dataset.Name, plural(len(a.Failed), "failed assertion"), made, tallied(counts))
	return printFindings(w, a.Failed, true)
}

// tallied counts qualities in words, the worst first.
func tallied(counts map[lineage.Quality]int) string {
	var parts []string
	for _, q := range []lineage.Quality{lineage.Failed, lineage.Warned, lineage.Stale, lineage.Passed, lineage.NeverChecked} {
		if counts[q] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[q], q))
		}
	}
	return strings.Join(parts, ", ")
}

// printFindings prints failed assertions; away says that their distance matters.
func printFindings(w io.Writer, findings []lineage.Finding, away bool) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if away {
		say(table, "AWAY\t")
	}
	say(table, "DATASET\tSEVERITY\tFAILED\tEXPECTED\tACTUAL\tCHECK\tWHEN\tPARENT RUN\tWRITTEN SINCE\n")
	for _, f := range findings {
		if away {
			say(table, "%d\t", f.Distance)
		}
		what := f.Type
		if f.Column != "" {
			what += " (" + f.Column + ")"
		}
		written := "no"
		if f.WrittenSince != "" {
			written = when(f.WrittenSince) + ", not checked again"
		}
		say(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", cell(f.Dataset.Name, 50), f.Severity, cell(what, 60), cell(f.Expected, 30), cell(f.Actual, 40), cell(f.Check.Name, 50),
			when(f.At), cell(parentText(f), 60), written)
	}
	return table.Flush()
}

// parentText is the check's parent run, in short.
func parentText(f lineage.Finding) string {
	if f.Parent == nil {
		return ""
	}
	return f.Parent.Name + " " + f.Parent.ID
}

// cell is a text in a table.
func cell(s string, most int) string { return cmp.Or(cut(s, most), "-") }

// when is a time of an answer as tables have it, in UTC.
func when(at string) string {
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return at
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// printConsumers prints the answer of ask consumers.
func printConsumers(w io.Writer, a *lineage.ConsumersAnswer) error {
	switch {
	case len(a.Bad) == 0 && a.Dataset != nil:
		say(w, "%s: %s, so nobody reads bad data from it\n", a.Dataset.Name, goodText(a.Quality))
		return nil
	case len(a.Bad) == 0:
		say(w, "no dataset failed its latest check\n")
		return nil
	}
	bad := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	say(bad, "BAD DATASET\tQUALITY\tFAILED\tACTUAL\tCHECK\tWHEN\n")
	for _, b := range a.Bad {
		f := b.Failed[0]
		what := f.Type
		if f.Column != "" {
			what += " (" + f.Column + ")"
		}
		if n := len(b.Failed) - 1; n > 0 {
			what += fmt.Sprintf(" and %d more", n)
		}
		say(bad, "%s\t%s\t%s\t%s\t%s\t%s\n", cell(b.Dataset.Name, 50), b.Quality, cell(what, 70), cell(f.Actual, 40), cell(f.Check.Name, 50), when(f.At))
	}
	if err := bad.Flush(); err != nil {
		return err
	}
	if len(a.Consumers) == 0 {
		say(w, "\nnobody reads these\n")
		return nil
	}
	say(w, "\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	say(table, "CONSUMER\tREADS BAD DATA\tOF\tWRITES\n")
	for _, c := range a.Consumers {
		var from []string
		for _, r := range c.Reads {
			from = append(from, r.Dataset.Name)
		}
		var writes []string
		for _, d := range c.Writes {
			writes = append(writes, d.Name)
		}
		say(table, "%s\t%s\t%s\t%s\n", cell(c.Job.Name, 50), throughText(c.Through), several(from, c.Bad), cmp.Or(several(writes, len(writes)), "-"))
	}
	return table.Flush()
}

// goodText says why a dataset is not bad.
func goodText(q lineage.Quality) string {
	switch q {
	case lineage.NeverChecked:
		return "no check of it is known"
	case lineage.Stale:
		return "nothing failed in its latest checks, which are older than its data or than --max-age"
	}
	return "its latest checks passed"
}

func throughText(datasets int) string {
	if datasets == 0 {
		return "directly"
	}
	return "through " + plural(datasets, "dataset")
}

// several lists a few names of all.
func several(names []string, all int) string {
	const most = 3
	text := strings.Join(names[:min(most, len(names))], ", ")
	if n := all - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return cut(text, 100)
}

// mostGroups is how many groups a table shows.
const mostGroups = 20

// printCommon prints the answer of ask common.
func printCommon(w io.Writer, a *lineage.CommonAnswer) error {
	since := ""
	if a.Since != "" {
		since = " since " + when(a.Since)
	}
	if len(a.Failed) == 0 {
		say(w, "nothing failed%s\n", since)
		return nil
	}
	say(w, "%s%s\n\n", plural(len(a.Failed), "failed assertion"), since)
	switch {
	case len(a.Failed) == 1:
		say(w, "One alone has nothing to share.\n")
	case len(a.Groups) == 0:
		say(w, "They have nothing in common.\n")
	}
	for _, g := range a.Groups[:min(mostGroups, len(a.Groups))] {
		say(w, "%s\n", g.Text)
	}
	if n := len(a.Groups) - mostGroups; n > 0 {
		say(w, "… and %d smaller groups; -o json has all\n", n)
	}
	say(w, "\n")
	return printFindings(w, a.Failed, false)
}
