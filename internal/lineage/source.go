package lineage

import "context"

// Source is where the graph comes from. What it gives may hold more than was asked for, never less, unless Notes of the graph say so. Its errors say what could
// not be asked, with a hint for whoever runs this; they hold no secret.
type Source interface {
	// String says which source it is: "Marquez http://…", "topic …", "files …".
	String() string
	// Find gives the datasets that a text may mean: see Match. None is no error.
	Find(ctx context.Context, text string) ([]Dataset, error)
	// Similar gives datasets whose names are like a text that Find knows nothing of, the likest first.
	Similar(ctx context.Context, text string) ([]Dataset, error)
	// Around gives the datasets and jobs on both sides of a dataset, at most depth jobs away. What their checks say may be missing: see Judge. An unknown
	// dataset is an *UnknownError.
	Around(ctx context.Context, d Dataset, depth int) (*Graph, error)
	// Judge adds to a graph of Around what the checks of some of its datasets say, and for those that need tells when they were last written.
	Judge(ctx context.Context, g *Graph, datasets []Dataset, need Need) error
	// Tell adds which jobs of a graph of Around are checks, which read data and are no consumers.
	Tell(ctx context.Context, g *Graph, jobs []Job) error
	// All gives everything that is known, with what all checks say.
	All(ctx context.Context) (*Graph, error)
	// Columns adds to a graph what columns are made from.
	Columns(ctx context.Context, g *Graph, columns []Column) error
}

// Need says of which datasets Judge must know when they were last written.
type Need int

// The needs.
const (
	WrittenFailed Need = iota // of those with a failed assertion
	WrittenAll                // of all that have a check
)

// MaxDepth is how many jobs away the questions look.
const MaxDepth = 100

// UnknownError is that a source knows no such dataset.
type UnknownError struct{ Dataset Dataset }

// Error names the dataset.
func (e *UnknownError) Error() string { return "no dataset " + e.Dataset.String() }
