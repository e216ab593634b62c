package replay

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Backend is a destination that can tell whether it has later results of an event's datasets.
type Backend interface {
	// Later says so, empty if not. An error says nothing of the event.
	Later(ctx context.Context, ev openlineage.Event) (string, error)
}

// Stale asks backends whether they have a later result of a letter's datasets: what is delivered now would stand beside it.
type Stale struct {
	Backends []Backend
	Events   func(rec *kgo.Record) []openlineage.Event // what the pipeline would deliver; none if it would refuse the record
	Skip     bool                                      // such letters stay where they are, and a backend that does not answer ends the replay
	Silent   func(error)                               // is told that a backend does not answer; no letter is asked about after that

	silent bool
}

// later is what a backend says of the first of a record's events that it knows a later result for; else empty.
func (s *Stale) later(ctx context.Context, rec *kgo.Record) (string, error) {
	if s.silent {
		return "", nil
	}
	for _, ev := range s.Events(rec) {
		for _, b := range s.Backends {
			warning, err := b.Later(ctx, ev)
			switch {
			case ctx.Err() != nil:
				return "", ctx.Err() // a stop says nothing of the backend
			case err != nil && s.Skip:
				return "", fmt.Errorf("asking the backend for later results: %w", err)
			case err != nil:
				s.silent = true
				s.Silent(err)
				return "", nil
			case warning != "":
				return warning, nil
			}
		}
	}
	return "", nil
}
