package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gx-ol/gx-ol/internal/lineage"
)

// printUpstream prints the answer of ask upstream.
func printUpstream(w io.Writer, a *lineage.UpstreamAnswer) {
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
		return
	}
	say(w, "%s: %s (%s; %s)\n\n", a.Dataset.Name, plural(len(a.Failed), "failed assertion"), made, tallied(counts))
	printFindings(w, a.Failed, true)
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

// printFindings prints failed assertions, each with a line or two below it; away says that their distance matters.
func printFindings(w io.Writer, findings []lineage.Finding, away bool) {
	rows := [][]string{{"DATASET", "SEVERITY", "FAILED", "EXPECTED", "ACTUAL"}}
	for _, f := range findings {
		what := f.Type
		if f.Column != "" {
			what += " (" + f.Column + ")"
		}
		rows = append(rows, []string{cell(f.Dataset.Name, 50), string(f.Severity), cell(what, 70), cell(f.Expected, 30), cell(f.Actual, 40)})
	}
	if away {
		rows[0] = append([]string{"AWAY"}, rows[0]...)
		for i, f := range findings {
			rows[i+1] = append([]string{strconv.Itoa(f.Distance)}, rows[i+1]...)
		}
	}
	for i, line := range aligned(rows) {
		say(w, "%s\n", line)
		if i == 0 {
			continue
		}
		f := findings[i-1]
		say(w, "    check %s, %s", cut(f.Check.Name, 70), when(f.At))
		if f.Parent != nil {
			say(w, ", parent run %s %s", cut(f.Parent.Name, 50), f.Parent.ID)
		}
		say(w, "\n")
		if f.WrittenSince != "" {
			say(w, "    the data were written again since, %s, and not checked again\n", when(f.WrittenSince))
		}
	}
}

// aligned makes lines of rows, each column as wide as its widest cell.
func aligned(rows [][]string) (lines []string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i := range row {
			row[i] = visible(row[i])
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, c := range row {
			line.WriteString(c + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c)+2))
		}
		lines = append(lines, strings.TrimRight(line.String(), " "))
	}
	return lines
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
func printConsumers(w io.Writer, a *lineage.ConsumersAnswer) {
	switch {
	case len(a.Bad) == 0 && a.Dataset != nil:
		say(w, "%s: %s, so nobody reads bad data from it\n", a.Dataset.Name, goodText(a.Quality))
		return
	case len(a.Bad) == 0:
		say(w, "no dataset failed its latest check\n")
		return
	}
	rows := [][]string{{"BAD DATASET", "QUALITY", "FAILED", "ACTUAL", "CHECKED"}}
	for _, b := range a.Bad {
		f := b.Failed[0]
		what := f.Type
		if f.Column != "" {
			what += " (" + f.Column + ")"
		}
		if n := len(b.Failed) - 1; n > 0 {
			what += fmt.Sprintf(" and %d more", n)
		}
		rows = append(rows, []string{cell(b.Dataset.Name, 50), string(b.Quality), cell(what, 80), cell(f.Actual, 40), when(f.At)})
	}
	say(w, "%s\n", block(strings.Join(aligned(rows), "\n")))
	if len(a.Consumers) == 0 {
		say(w, "\nnobody reads these\n")
		return
	}
	rows = [][]string{{"CONSUMER", "READS BAD DATA", "OF", "WRITES"}}
	for _, c := range a.Consumers {
		var from, writes []string
		for _, r := range c.Reads {
			from = append(from, r.Dataset.Name)
		}
		for _, d := range c.Writes {
			writes = append(writes, d.Name)
		}
		rows = append(rows, []string{cell(c.Job.Name, 50), throughText(c.Through), several(from, c.Bad), cmp.Or(several(writes, len(writes)), "-")})
	}
	say(w, "\n%s\n", block(strings.Join(aligned(rows), "\n")))
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
func printCommon(w io.Writer, a *lineage.CommonAnswer) {
	since := ""
	if a.Since != "" {
		since = " since " + when(a.Since)
	}
	if len(a.Failed) == 0 {
		say(w, "nothing failed%s\n", since)
		return
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
	printFindings(w, a.Failed, false)
}
