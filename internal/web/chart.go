package web

import (
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/internal/seen"
)

// spark is a small line without axes, in a box of 120 by 32.
type spark struct {
	Line, Area string // of SVG
	Text       string // for who does not see it
}

const sparkWide, sparkHigh = 120.0, 32.0

// sparkOf draws values, oldest first, from 0 on; below 0 is not known.
func sparkOf(what string, values []float64, say func(float64) string) spark {
	top, last, known := 0.0, -1.0, 0
	for _, v := range values {
		if v >= 0 {
			top, last = max(top, v), v
			known++
		}
	}
	if known < 2 {
		return spark{Text: what + ": not enough is known yet"}
	}
	s := spark{Text: fmt.Sprintf("%s over the last hour: %s at most, %s now", what, say(top), say(last))}
	scale := sparkHigh / max(top, 1e-9)
	var line, area strings.Builder
	open, lastX := false, 0.0
	for i, v := range values {
		x := float64(i) / float64(max(len(values)-1, 1)) * sparkWide
		if v < 0 {
			if open {
				fmt.Fprintf(&area, "V%.0fZ", sparkHigh)
			}
			open = false
			continue
		}
		y := sparkHigh - v*scale
		if top == 0 {
			y = sparkHigh
		}
		if !open {
			fmt.Fprintf(&line, "M%.1f %.1f", x, y)
			fmt.Fprintf(&area, "M%.1f %.0fV%.1f", x, sparkHigh, y)
		} else {
			fmt.Fprintf(&line, "L%.1f %.1f", x, y)
			fmt.Fprintf(&area, "L%.1f %.1f", x, y)
		}
		open, lastX = true, x
	}
	if open {
		fmt.Fprintf(&area, "L%.1f %.0fZ", lastX, sparkHigh)
	}
	s.Line, s.Area = line.String(), area.String()
	return s
}

// floats are whole numbers as charts take them.
func floats(all []int64) []float64 {
	out := make([]float64, len(all))
	for i, n := range all {
		out[i] = float64(n)
	}
	return out
}

// strip is a dataset's last runs on an axis of time, in a box of 330 by 16: one mark a run, at its time as far as the marks leave room.
type strip struct {
	Marks       []stripMark   // of a strip whose marks are links
	Drawn       template.HTML // the marks of one that is only looked at: of numbers and outcomes alone, since a template would take milliseconds for a page of them
	Text        string
	First, Last time.Time
}

type stripMark struct {
	X       string
	Outcome seen.Outcome
	Title   string
	Link    string
}

const (
	stripWide = 330.0
	markWide  = 10.5
)

func stripOf(runs []seen.Run, links bool) strip {
	if len(runs) == 0 {
		return strip{Text: "no runs"}
	}
	s := strip{First: runs[0].Ended, Last: runs[0].Ended}
	counts := make(seen.Counts)
	for i := range runs {
		counts[runs[i].Outcome]++
		if runs[i].Ended.Before(s.First) {
			s.First = runs[i].Ended
		}
		if runs[i].Ended.After(s.Last) {
			s.Last = runs[i].Ended
		}
	}
	xs := places(runs, s.First, s.Last)
	var drawn []byte
	for i := range runs {
		r := &runs[i]
		if !links {
			drawn = fmt.Appendf(drawn, `<use class="%[1]s" href="#s-%[1]s" x="%.1[2]f"/>`, r.Outcome, xs[i])
			continue
		}
		s.Marks = append(s.Marks, stripMark{X: fmt.Sprintf("%.1f", xs[i]), Outcome: r.Outcome, Link: runURL(r.At, r.Part),
			Title: fmt.Sprintf("%s %s, %d of %d passed", clock(r.Ended), r.Outcome, r.Passed, r.Evaluated())})
	}
	s.Drawn = template.HTML(drawn) //nolint:gosec // outcomes are our own words
	var parts []string
	for _, o := range seen.Outcomes {
		if counts[o] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[o], o))
		}
	}
	s.Text = fmt.Sprintf("the last %s from %s to %s: %s", plural(len(runs), "run", "runs"), clock(s.First), clock(s.Last), strings.Join(parts, ", "))
	return s
}

// places are where the marks stand: at their times, but never upon each other, in the order of the runs.
func places(runs []seen.Run, first, last time.Time) []float64 {
	xs := make([]float64, len(runs))
	span := last.Sub(first).Seconds()
	room := stripWide - markWide
	for i := range runs {
		xs[i] = room
		if span > 0 {
			xs[i] = runs[i].Ended.Sub(first).Seconds() / span * room
		}
		if i > 0 {
			xs[i] = max(xs[i], xs[i-1]+markWide)
		}
	}
	limit := room
	for i := len(xs) - 1; i >= 0; i-- {
		xs[i] = min(xs[i], limit)
		limit = xs[i] - markWide
	}
	return xs
}

// chart is a line over time with its axes, in a box of 320 by 96.
type chart struct {
	Title      string
	Line, Area string
	Dots       []dot
	Top        string // the largest value, at the upper line
	TopN, Low  float64
	From, To   string
	Now        string // the last value
	Changed    string // how the last value differs from the one before; empty: it does not
	Text       string
}

type dot struct{ X, Y, Title string }

const (
	chartWide, chartHigh = 320.0, 96.0
	chartLeft, chartTop  = 4.0, 10.0
	chartBottom          = 84.0
)

// chartOf draws the values that of gives, below 0 for those that are not known; ok: there is one at least.
func chartOf(title string, runs []seen.Run, of func(*seen.Run) int64) (c chart, ok bool) {
	type value struct {
		at time.Time
		n  int64
	}
	var all []value
	for i := range runs {
		if n := of(&runs[i]); n >= 0 {
			all = append(all, value{runs[i].Ended, n})
		}
	}
	if len(all) == 0 {
		return c, false
	}
	top := int64(1)
	for _, v := range all {
		top = max(top, v.n)
	}
	first, last := all[0], all[len(all)-1]
	c = chart{Title: title, Top: count(top), From: shortClock(first.at), To: shortClock(last.at), Now: count(last.n)}
	if len(all) > 1 {
		c.Changed = change(all[len(all)-2].n, last.n)
	}
	span := last.at.Sub(first.at).Seconds()
	var line, area strings.Builder
	for i, v := range all {
		x := chartLeft + (chartWide-2*chartLeft)/2
		switch {
		case span > 0:
			x = chartLeft + v.at.Sub(first.at).Seconds()/span*(chartWide-2*chartLeft)
		case len(all) > 1:
			x = chartLeft + float64(i)/float64(len(all)-1)*(chartWide-2*chartLeft)
		}
		y := chartBottom - float64(v.n)/float64(top)*(chartBottom-chartTop)
		step := "L"
		if i == 0 {
			step = "M"
			fmt.Fprintf(&area, "M%.1f %.1f", x, chartBottom)
		}
		fmt.Fprintf(&line, "%s%.1f %.1f", step, x, y)
		fmt.Fprintf(&area, "L%.1f %.1f", x, y)
		c.Dots = append(c.Dots, dot{fmt.Sprintf("%.1f", x), fmt.Sprintf("%.1f", y), clock(v.at) + ": " + count(v.n)})
		if i == len(all)-1 {
			fmt.Fprintf(&area, "L%.1f %.1fZ", x, chartBottom)
		}
	}
	c.Line, c.Area = line.String(), area.String()
	c.Text = fmt.Sprintf("%s: %s in %s from %s to %s, %s at most", title, c.Now, plural(len(all), "run", "runs"), c.From, c.To, c.Top)
	return c, true
}

func shortClock(t time.Time) string { return t.UTC().Format("01-02 15:04") }

// change says by how much a number is another one.
func change(before, now int64) string {
	switch before {
	case now:
		return ""
	case 0:
		return "from 0"
	}
	by := float64(now-before) / math.Abs(float64(before)) * 100
	switch {
	case by >= 1000:
		return fmt.Sprintf("× %.0f", float64(now)/float64(before))
	case math.Abs(by) < 0.1:
		return ""
	}
	return fmt.Sprintf("%+.1f %%", by)
}
