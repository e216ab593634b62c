package replay

import (
	"context"
	"fmt"

	"github.com/gx-ol/gx-ol/internal/dlq"
)

// importBytes is how much of an import goes in one transaction.
const importBytes = 64 << 20

// Import writes mended records back to their source topics, in the order of the lines, each with its letter's settlement, in transactions as
// Run does. All lines are checked before anything is written.
func Import(ctx context.Context, s *dlq.Session, lines []dlq.Exported, each func(dlq.Audit)) error {
	letters := make([]*dlq.Letter, len(lines))
	for i, e := range lines {
		l := s.Index.At(e.Letter.Position)
		switch {
		case e.Letter.Topic != s.Name || e.Letter.TopicID != s.ID:
			return fmt.Errorf("line %d: a letter of topic %s with id %s, not of %s with id %s", i+1, e.Letter.Topic, e.Letter.TopicID, s.Name, s.ID)
		case l == nil:
			return fmt.Errorf("line %d: there is no letter %s in %s any more", i+1, e.Letter.Position, s.Name)
		}
		letters[i] = l
	}
	topics, err := s.Sources(ctx, letters)
	if err != nil {
		return err
	}
	seen := make(map[*dlq.Letter]bool)
	for i := 0; i < len(lines); {
		if err := ctx.Err(); err != nil {
			return err
		}
		var actions []*dlq.Action
		var left []dlq.Audit
		size := 0
		for ; i < len(lines) && len(actions) < dlq.MaxChunk && size < importBytes; i++ {
			l := letters[i]
			size += len(lines[i].Value)
			if outcome, why := importable(s, l, seen[l], topics[l.Said.Topic]); outcome != "" {
				left = append(left, s.Leave(l, outcome, why))
				continue
			}
			seen[l] = true
			rec := lines[i].Record(l)
			actions = append(actions, &dlq.Action{Letter: l, Record: rec, Outcome: dlq.ReplayedOutcome, Entry: dlq.Entry{State: dlq.Replayed, To: rec.Topic, Mended: true}})
		}
		audits, refused, err := s.Settle(ctx, actions)
		if err != nil {
			return err
		}
		for _, line := range append(append(audits, left...), refused...) {
			each(line)
		}
	}
	return nil
}

// importable says why a line's letter is passed over; an empty outcome if it is not. One whose ledger entry cannot be read goes: whoever exports and imports
// it has decided.
func importable(s *dlq.Session, l *dlq.Letter, seen, there bool) (dlq.Outcome, string) {
	if seen || l.State != dlq.Pending && l.State != dlq.Unclear {
		return dlq.AlreadySettled, ""
	}
	return back(s, l, there)
}
