package replay

import (
	"context"

	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// Preview asks the plan's backends what they would say of its letters, and changes nothing. told hears of each letter that a backend has a
// later result for.
func Preview(ctx context.Context, t *dlq.Topic, plan Plan, letters []*dlq.Letter, told func(l *dlq.Letter, warning string)) error {
	for plan.Stale != nil && len(letters) > 0 {
		n := dlq.Chunk(letters, dlq.MaxChunk)
		records, err := t.Records(ctx, letters[:n])
		if err != nil {
			return err
		}
		for _, l := range letters[:n] {
			rec := records[l.Position]
			if rec == nil || l.State == dlq.Unclear || l.Batch != nil || plan.Quarantines(l) || l.Unreadable() != "" {
				continue // it would not be asked about
			}
			whole, why, err := original(ctx, t, l)
			if err != nil {
				return err
			}
			if why != "" {
				continue
			}
			warning, err := plan.Stale.later(ctx, deadletter.Replay(rec, whole, l.Said, l.System, l.First()))
			if err != nil {
				return err
			}
			if warning != "" {
				told(l, warning)
			}
		}
		letters = letters[n:]
	}
	return nil
}
