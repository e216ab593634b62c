package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/time/rate"

	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/ranges"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// Run settles the plan's letters in a session, chunk by chunk, each chunk in one transaction with the ledger. It ends after the chunk in hand when ctx ends, with
// ctx's error: what was settled stays settled, and a later run goes on behind it.
func Run(ctx context.Context, s *dlq.Session, plan Plan) error {
	letters := plan.Letters(s.Index)
	topics, err := s.Sources(ctx, letters)
	if err != nil {
		return err
	}
	r := &run{s: s, plan: plan, topics: topics}
	var pace *rate.Limiter
	most := dlq.MaxChunk
	if plan.Rate > 0 {
		most = max(1, min(most, int(plan.Rate)))
		pace = rate.NewLimiter(rate.Limit(plan.Rate), most)
	}
	for len(letters) > 0 {
		n := dlq.Chunk(letters, most)
		if pace != nil {
			if err := pace.WaitN(ctx, n); err != nil {
				return cmp.Or(ctx.Err(), err)
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.chunk(ctx, letters[:n]); err != nil {
			return err
		}
		letters = letters[n:]
	}
	return nil
}

// run is a replay under way.
type run struct {
	s      *dlq.Session
	plan   Plan
	topics map[string]bool // the source topics that exist
}

// chunk settles some letters in one transaction; those that a broker refuses are left out of it.
func (r *run) chunk(ctx context.Context, letters []*dlq.Letter) error {
	records, err := r.s.Records(ctx, letters)
	if err != nil {
		return err
	}
	var actions []*dlq.Action
	var left []dlq.Audit
	for _, l := range letters {
		f, err := r.fate(ctx, l, records[l.Position])
		if err != nil {
			return err
		}
		if f.action == nil {
			left = append(left, r.s.Leave(l, f.outcome, f.why))
			continue
		}
		actions = append(actions, f.action)
	}
	var ended error
	if r.plan.Through != nil {
		actions, ended = r.plan.Through.deliver(ctx, r.s.Name, actions)
	}
	audits, refused, err := r.s.Settle(ctx, actions)
	if err != nil {
		return errors.Join(err, ended)
	}
	for _, line := range slices.Concat(audits, left, refused) {
		r.plan.Each(line)
	}
	return ended
}

// fate is what becomes of a letter: an action, or why it stays.
type fate struct {
	action  *dlq.Action
	outcome dlq.Outcome
	why     string
}

func stays(outcome dlq.Outcome, why string) fate { return fate{outcome: outcome, why: why} }

// fate decides about one letter, of which rec is the record; nil if it was deleted.
func (r *run) fate(ctx context.Context, l *dlq.Letter, rec *kgo.Record) (fate, error) {
	if outcome, why := r.kept(l); outcome != "" {
		return stays(outcome, why), nil
	}
	if rec == nil {
		return stays(dlq.Gone, "the letter was deleted by retention"), nil
	}
	if r.plan.Quarantines(l) {
		return fate{action: r.aside(l, rec)}, nil
	}
	if outcome, why := back(r.s, l, r.plan.Through != nil || r.topics[l.Said.Topic]); outcome != "" {
		return stays(outcome, why), nil
	}
	original, why, err := original(ctx, r.s.Topic, l)
	if err != nil || why != "" {
		return stays(dlq.Gone, why), err
	}
	rec = deadletter.Replay(rec, original, l.Said, l.System, l.First())
	warning := ""
	if r.plan.Stale != nil {
		if warning, err = r.plan.Stale.later(ctx, rec); err != nil {
			return fate{}, err
		}
		if warning != "" && r.plan.Stale.Skip {
			return stays(dlq.Stale, warning), nil
		}
	}
	to := rec.Topic
	if r.plan.Through != nil {
		to = r.plan.Through.Name
	}
	return fate{action: &dlq.Action{Letter: l, Record: rec, Outcome: dlq.ReplayedOutcome, Entry: dlq.Entry{State: dlq.Replayed, To: to}, Warning: warning}}, nil
}

// kept says why nothing at all is done with a letter; an empty outcome if something may be.
func (r *run) kept(l *dlq.Letter) (dlq.Outcome, string) {
	switch {
	case l.State == dlq.Unclear:
		return dlq.LedgerUnclear, l.Entry.Fault()
	case l.Batch != nil:
		return dlq.NoSource, l.Fault
	}
	return "", ""
}

// aside is the settlement of a letter that was replayed too often. The copy says how often, which the ledger of this topic knows.
func (r *run) aside(l *dlq.Letter, rec *kgo.Record) *dlq.Action {
	hs := slices.Clone(rec.Headers)
	for i, h := range hs {
		if l.System == deadletter.Ours && h.Key == deadletter.HeaderReplays {
			hs[i].Value = fmt.Append(nil, l.Said.Replays)
		}
	}
	copied := &kgo.Record{Topic: r.s.Name + dlq.QuarantineSuffix, Partition: -1, Key: rec.Key, Value: rec.Value, Headers: hs}
	return &dlq.Action{Letter: l, Record: copied, Outcome: dlq.InQuarantine,
		Entry: dlq.Entry{State: dlq.Quarantined, To: copied.Topic, Reason: fmt.Sprintf("replayed %d times", l.Said.Replays)}}
}

// back says why a letter has nowhere to go back to; an empty outcome if it has. there says that its source topic exists, or is not needed.
func back(s *dlq.Session, l *dlq.Letter, there bool) (dlq.Outcome, string) {
	switch {
	case l.Unreadable() != "":
		return dlq.NoSource, l.Unreadable()
	case l.Said.Topic == "":
		return dlq.NoSource, "it names no source topic"
	case !s.IsInput(l.Said.Topic):
		return dlq.ForeignTopic, fmt.Sprintf("its source topic %s is none whose dead letters %s holds: if it is, say so with --source-topic %[1]s", l.Said.Topic, s.Name)
	case !there:
		return dlq.NoSource, "its source topic does not exist"
	}
	return "", ""
}

// original is the record that a reference letter is about; nil for a letter that holds its record. why says that it cannot be had.
func original(ctx context.Context, s *dlq.Topic, l *dlq.Letter) (rec *kgo.Record, why string, err error) {
	if l.Said.Reference == "" {
		return nil, "", nil
	}
	rec, err = s.Original(ctx, l)
	if large, ok := errors.AsType[*ranges.LargeBatch](err); ok {
		return nil, large.Error(), nil
	}
	if err == nil && rec == nil {
		why = "it holds no value, and its topic does not retain the original any more"
	}
	return rec, why, err
}
