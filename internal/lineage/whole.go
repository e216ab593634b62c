package lineage

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/gx-ol/gx-ol/internal/nearest"
)

// Whole is a Source whose graph is all in memory.
type Whole struct {
	Name  string // which source it is
	Graph *Graph
}

var _ Source = (*Whole)(nil)

// String is its name.
func (w *Whole) String() string { return w.Name }

// Find looks at all names.
func (w *Whole) Find(_ context.Context, text string) ([]Dataset, error) {
	return Match(w.Graph.Datasets(), text), nil
}

// Similar looks at all names.
func (w *Whole) Similar(_ context.Context, text string) ([]Dataset, error) {
	return Likest(text, w.Graph.Datasets()), nil
}

// Around gives the whole graph.
func (w *Whole) Around(_ context.Context, d Dataset, _ int) (*Graph, error) {
	if !w.Graph.Has(d) {
		return nil, &UnknownError{d}
	}
	return w.Graph, nil
}

// Judge has nothing to add.
func (w *Whole) Judge(context.Context, *Graph, []Dataset, Need) error { return nil }

// Tell has nothing to add.
func (w *Whole) Tell(context.Context, *Graph, []Job) error { return nil }

// All gives the whole graph.
func (w *Whole) All(context.Context) (*Graph, error) { return w.Graph, nil }

// Columns has nothing to add.
func (w *Whole) Columns(context.Context, *Graph, []Column) error { return nil }

// mostLike is how many names Likest gives.
const mostLike = 5

// Likest gives the datasets whose names are like a text, the likest first.
func Likest(text string, all []Dataset) []Dataset {
	type like struct {
		Dataset
		far float64
	}
	var found []like
	text = strings.ToLower(text)
	for _, d := range all {
		name := strings.ToLower(d.Name)
		far := apart(text, name)
		if i := strings.LastIndexByte(name, '.'); i >= 0 && !strings.Contains(text, ".") { // the last part alone may be meant
			far = min(far, apart(text, name[i+1:])+0.01)
		}
		if strings.Contains(text, " ") {
			far = min(far, apart(text, strings.ToLower(d.String())))
		}
		if far <= 0.5 {
			found = append(found, like{d, far})
		}
	}
	slices.SortFunc(found, func(a, b like) int { return cmp.Or(cmp.Compare(a.far, b.far), a.Compare(b.Dataset)) })
	var out []Dataset
	for _, l := range found[:min(mostLike, len(found))] {
		out = append(out, l.Dataset)
	}
	return out
}

// apart is how far two texts lie apart, 0 to 1: the edits from one to the other, as a share of the longer.
func apart(a, b string) float64 {
	const most = 200 // bytes of names that are compared
	a, b = a[:min(most, len(a))], b[:min(most, len(b))]
	return float64(nearest.Distance(a, b)) / float64(max(1, len(a), len(b)))
}
