package replay

import "github.com/gx-ol/gx-ol/internal/dlq"

// Options is where a replay goes, and how, beside which letters.
type Options struct {
	To         string  // ToSource or ToBackend
	Rate       float64 // letters a second; 0: as fast as it goes
	Limit      int     // so many letters at most; 0: all
	MaxReplays int     // letters that were replayed so often go to quarantine; 0: never
	Stale      string  // one of StaleChoices: what is done with letters of which a backend has a later result
}

// Where a replay goes to.
const (
	ToSource  = "source"  // the topics that the letters' records came from
	ToBackend = "backend" // through the pipeline to the configured destinations
)

// StaleChoices are the choices about letters of which a backend has later results, the default first.
var StaleChoices = []string{"report", "skip", "ignore"}

// Plan is the plan of a replay of what the filter chooses.
func (o *Options) Plan(filter dlq.Filter) Plan {
	return Plan{Filter: filter, Limit: o.Limit, MaxReplays: o.MaxReplays, Rate: o.Rate}
}
