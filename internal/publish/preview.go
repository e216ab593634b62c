package publish

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Span is what would be published of a suite.
type Span struct {
	Suite       string
	Results     int
	First, Last time.Time // of the runs
}

// Preview says what Once would publish, suite by suite, and writes nothing. Where the ledger is not asked, what it has counts too.
func (p *Publisher) Preview(ctx context.Context, ask bool) ([]Span, Counts, error) {
	k := newKnown()
	if ask {
		var err error
		if k, err = p.Place.peek(ctx); err != nil {
			return nil, p.counts, lost{err}
		}
	}
	s := spans{}
	err := p.everything(ctx, s, k, false)
	out := make([]Span, 0, len(s))
	for _, span := range s {
		out = append(out, *span)
	}
	slices.SortFunc(out, func(a, b Span) int { return cmp.Compare(a.Suite, b.Suite) })
	return out, p.counts, err
}

// spans gathers what would be published.
type spans map[string]*Span

func (s spans) publish(_ context.Context, files []*file) error {
	for _, f := range files {
		for _, d := range f.docs {
			span := s[d.suite]
			if span == nil {
				span = &Span{Suite: d.suite, First: d.run, Last: d.run}
				s[d.suite] = span
			}
			span.Results++
			if d.run.Before(span.First) {
				span.First = d.run
			}
			if d.run.After(span.Last) {
				span.Last = d.run
			}
		}
	}
	return nil
}

// Unreachable reports whether an error is one of the brokers.
func Unreachable(err error) bool {
	_, ok := err.(lost) //nolint:errorlint // Preview and Once return it as it is
	return ok
}
