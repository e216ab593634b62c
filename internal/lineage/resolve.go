package lineage

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// CandidatesError is that a text means no dataset, or several.
type CandidatesError struct {
	Text       string
	None       bool      // no dataset has it; the candidates are only like it
	Candidates []Dataset // at most mostCandidates, in order
	More       int       // how many there are beside
}

const mostCandidates = 20

// Error has a line for each candidate.
func (e *CandidatesError) Error() string {
	var b strings.Builder
	switch {
	case e.None && len(e.Candidates) == 0:
		fmt.Fprintf(&b, "no dataset has %q in its name", e.Text)
	case e.None:
		fmt.Fprintf(&b, "no dataset has %q in its name; the nearest are:", e.Text)
	default:
		fmt.Fprintf(&b, "%q is part of %d names; which is meant?", e.Text, len(e.Candidates)+e.More)
	}
	for _, d := range e.Candidates {
		fmt.Fprintf(&b, "\n  %s", d)
	}
	if e.More > 0 {
		fmt.Fprintf(&b, "\n  … and %d more", e.More)
	}
	return b.String()
}

// Resolve gives the dataset that a text means: "namespace name", a whole name, or any part of these that only one has. Else the error is a *CandidatesError.
func Resolve(ctx context.Context, src Source, text string) (Dataset, error) {
	text = strings.TrimSpace(text)
	found, err := src.Find(ctx, text)
	if err != nil {
		return Dataset{}, err
	}
	if d, ok := meant(found, text); ok {
		return d, nil
	}
	out := &CandidatesError{Text: text, Candidates: found}
	if len(found) == 0 {
		out.None = true
		if out.Candidates, err = src.Similar(ctx, text); err != nil {
			return Dataset{}, err
		}
	} else {
		slices.SortFunc(out.Candidates, Dataset.Compare)
	}
	if n := len(out.Candidates); n > mostCandidates {
		out.Candidates, out.More = out.Candidates[:mostCandidates], n-mostCandidates
	}
	return Dataset{}, out
}

// meant is the one dataset of all that a text is part of, if it is clear: the only one that is called so as a whole, else the only one.
func meant(found []Dataset, text string) (Dataset, bool) {
	for _, whole := range []func(Dataset) bool{
		func(d Dataset) bool { return d.String() == text },
		func(d Dataset) bool { return d.Name == text },
		func(d Dataset) bool { return strings.EqualFold(d.Name, text) },
		func(Dataset) bool { return true },
	} {
		var fit []Dataset
		for _, d := range found {
			if whole(d) && !slices.Contains(fit, d) {
				fit = append(fit, d)
			}
		}
		if len(fit) > 0 {
			return fit[0], len(fit) == 1
		}
	}
	return Dataset{}, false
}

// Match gives the datasets that a text is part of, letter case aside: of whose names, and where there is none, of whose "namespace name".
func Match(all []Dataset, text string) (out []Dataset) {
	text = strings.ToLower(text)
	for _, of := range []func(Dataset) string{func(d Dataset) string { return d.Name }, Dataset.String} {
		for _, d := range all {
			if strings.Contains(strings.ToLower(of(d)), text) {
				out = append(out, d)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}
