package dlq

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Dispositions are what a letter's disposition may be.
var Dispositions = []string{"poison", "rejected", "exhausted", "oversize", "bug"}

// ParseOffsets reads FROM-TO, both included; one of them may be missing, or there is one offset alone. name is what the error calls it.
func ParseOffsets(name, s string) (*Offsets, error) {
	from, to, span := strings.Cut(s, "-")
	out := &Offsets{To: 1<<63 - 1}
	var err1, err2 error
	if from != "" {
		out.From, err1 = strconv.ParseInt(from, 10, 64)
	}
	switch {
	case !span:
		out.To = out.From
	case to != "":
		out.To, err2 = strconv.ParseInt(to, 10, 64)
	}
	if err1 != nil || err2 != nil || s == "-" || out.From > out.To {
		return nil, fmt.Errorf("%s %q must be FROM-TO, such as 100-199, 100- or 100", name, s)
	}
	return out, nil
}

// ParseWhen reads a time, a day, or how long before now it was; the zero time of nothing. name is what the error calls it.
func ParseWhen(name, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n >= 0 && n < 100_000 {
			return now.Add(-time.Duration(n * float64(24*time.Hour))), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, fmt.Errorf("%s %q must be a time such as 2026-01-31T08:00:00Z, a day such as 2026-01-31, or how long ago, such as 90m, 24h or 7d", name, s)
}

// Nothing says why a filter chose no letter.
func Nothing(ix *Index, f Filter) string {
	pending := len(ix.Choose(Filter{}))
	switch {
	case len(ix.Letters) == 0:
		return "there is no letter in the topic"
	case pending == 0 && !f.All:
		return fmt.Sprintf("all %d letters of the topic are settled; --all shows them", len(ix.Letters))
	}
	return fmt.Sprintf("no letter fits; %d are not settled", pending)
}

// Text says what became of the letter, by whom and when.
func (e Entry) Text() string {
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

// Counts is how many letters had which outcome.
type Counts map[Outcome]int

// String names the outcomes in the order in which they are told.
func (c Counts) String() string {
	var parts []string
	for _, o := range Outcomes {
		if n := c[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(string(o), "_", " ")))
		}
	}
	if len(parts) == 0 {
		return "nothing done"
	}
	return strings.Join(parts, ", ")
}

// Done is how many letters there are in all, and left how many of them stay that were meant to go.
func (c Counts) Done() (done, left int) {
	for o, n := range c {
		done += n
		if o.Left() {
			left += n
		}
	}
	return done, left
}
