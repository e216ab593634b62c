package dlq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/time/rate"

	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

const (
	chunkLetters = 500
	chunkBytes   = 64 << 20
)

// Replay settles the plan's letters, chunk by chunk, each chunk in one transaction with the ledger. It ends after the chunk in hand when ctx ends, with
// ctx's error: what was settled stays settled, and a later call goes on behind it.
func (s *Session) Replay(ctx context.Context, plan Plan) error {
	letters := plan.Letters(s.Index)
	topics, err := s.sources(ctx, letters)
	if err != nil {
		return err
	}
	var pace *rate.Limiter
	most := chunkLetters
	if plan.Rate > 0 {
		most = max(1, min(most, int(plan.Rate)))
		pace = rate.NewLimiter(rate.Limit(plan.Rate), most)
	}
	for len(letters) > 0 {
		n := chunk(letters, most)
		if pace != nil {
			if err := pace.WaitN(ctx, n); err != nil {
				return cmp.Or(ctx.Err(), err)
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.replayChunk(ctx, &plan, letters[:n], topics); err != nil {
			return err
		}
		letters = letters[n:]
	}
	return nil
}

// chunk is how many letters, from the first on, go together.
func chunk(letters []*Letter, most int) int {
	size := 0
	for i, l := range letters {
		size += l.Bytes
		if i == most || i > 0 && size > chunkBytes {
			return i
		}
	}
	return len(letters)
}

// sources are the source topics that exist.
func (s *Session) sources(ctx context.Context, letters []*Letter) (map[string]bool, error) {
	out := make(map[string]bool)
	for _, l := range letters {
		if l.Said.Topic != "" {
			out[l.Said.Topic] = true
		}
	}
	if len(out) == 0 {
		return out, nil
	}
	names := make([]string, 0, len(out))
	for name := range out {
		names = append(names, name)
	}
	details, err := s.admin.ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("asking for the source topics: %w", err)
	}
	for name := range out {
		out[name] = !errors.Is(details[name].Err, kerr.UnknownTopicOrPartition) // any other error passes, or the write tells it
	}
	return out, nil
}

// replayChunk settles some letters in one transaction; those that a broker refuses are left out of it.
func (s *Session) replayChunk(ctx context.Context, plan *Plan, letters []*Letter, topics map[string]bool) error {
	whole, err := s.whole(ctx, letters)
	if err != nil {
		return err
	}
	var actions []*Action
	var left []Audit
	for _, l := range letters {
		a, outcome, warning, err := s.prepare(ctx, plan, l, whole[l.Position], topics)
		if err != nil {
			return err
		}
		if a == nil {
			left = append(left, s.leave(l, outcome, warning))
			continue
		}
		a.Warning = warning
		actions = append(actions, a)
	}
	stopped := false
	if plan.Deliver != nil {
		actions, stopped = s.deliver(ctx, plan, actions)
	}
	audits, refused, err := s.settleOrLeave(ctx, actions)
	if err != nil {
		return err
	}
	for _, line := range slices.Concat(audits, left, refused) {
		plan.Each(line)
	}
	if stopped {
		return ctx.Err()
	}
	return nil
}

// settleOrLeave settles what the brokers take.
func (s *Session) settleOrLeave(ctx context.Context, actions []*Action) (audits, left []Audit, err error) {
	defer func() { s.singly = false }()
	for {
		audits, err = s.Settle(ctx, actions)
		if bad, ok := errors.AsType[*recordError](err); ok {
			left = append(left, s.leave(bad.action.Letter, TooLarge, bad.Error()))
			actions = slices.DeleteFunc(actions, func(a *Action) bool { return a == bad.action })
			continue
		}
		if s.singly || !refused(err) {
			return audits, left, err
		}
		s.singly = true
	}
}

// leave is the line about a letter that stays as it is.
func (s *Session) leave(l *Letter, outcome Outcome, warning string) Audit {
	line := s.audit(&Action{Letter: l, Outcome: outcome, Warning: warning, Entry: Entry{At: time.Now().UTC()}})
	return line
}

// prepare is how a letter is settled; a nil Action means that it stays, for the reason of the outcome.
func (s *Session) prepare(ctx context.Context, plan *Plan, l *Letter, rec *kgo.Record, topics map[string]bool) (*Action, Outcome, string, error) {
	if l.Batch != nil {
		return nil, NoSource, l.Fault, nil
	}
	if rec == nil {
		return nil, Gone, "the letter was deleted by retention", nil
	}
	if plan.Quarantines(l) {
		aside := &kgo.Record{Topic: s.Name + QuarantineSuffix, Partition: -1, Key: rec.Key, Value: rec.Value, Headers: rec.Headers}
		return &Action{Letter: l, Record: aside, Outcome: InQuarantine, Entry: Entry{State: Quarantined, To: aside.Topic,
			Reason: fmt.Sprintf("replayed %d times", l.Said.Replays)}}, InQuarantine, "", nil
	}
	if why := noSource(l, plan.Deliver != nil || topics[l.Said.Topic]); why != "" {
		return nil, NoSource, why, nil
	}
	var original *kgo.Record
	if l.Said.Reference != "" {
		var err error
		original, err = s.Original(ctx, l)
		if large, ok := errors.AsType[*LargeBatch](err); ok {
			return nil, Gone, large.Error(), nil
		}
		if err != nil {
			return nil, "", "", err
		}
		if original == nil {
			return nil, Gone, "it holds no value, and its topic does not retain the original any more", nil
		}
	}
	back := deadletter.Replay(rec, original, l.Said, l.System, l.Said.Replays+1)
	warning := ""
	if plan.Newer != nil {
		var err error
		if warning, err = plan.Newer(ctx, back); err != nil {
			return nil, "", "", err
		}
		if warning != "" && plan.SkipStale {
			return nil, Stale, warning, nil
		}
	}
	return &Action{Letter: l, Record: back, Outcome: ReplayedOutcome, Entry: Entry{State: Replayed, To: cmp.Or(plan.Backend, back.Topic)}}, ReplayedOutcome, warning, nil
}

// noSource says why a letter has nowhere to go back to; empty if it has. there says that its source topic exists, or is not needed.
func noSource(l *Letter, there bool) string {
	switch {
	case l.unreadable() != "":
		return l.unreadable()
	case l.Said.Topic == "":
		return "it names no source topic"
	case !there:
		return "its source topic does not exist"
	}
	return ""
}

// deliver takes the records of actions through the pipeline, each source partition by itself, and returns the actions that this settled.
// stopped is true if ctx ended first.
func (s *Session) deliver(ctx context.Context, plan *Plan, actions []*Action) (settled []*Action, stopped bool) {
	type source struct {
		topic     string
		partition int32
	}
	var order []source
	groups := make(map[source][]*Action)
	for _, a := range actions {
		if a.Outcome != ReplayedOutcome {
			settled = append(settled, a)
			continue
		}
		from := source{a.Record.Topic, a.Record.Partition}
		if groups[from] == nil {
			order = append(order, from)
		}
		groups[from] = append(groups[from], a)
	}
	for _, from := range order {
		group := groups[from]
		recs := make([]*kgo.Record, len(group))
		for i, a := range group {
			recs[i] = a.Record
			recs[i].Offset, recs[i].Timestamp = a.Letter.Said.Offset, a.Letter.Said.Timestamp
		}
		for i, d := range plan.Deliver(ctx, recs) {
			a := group[i]
			if !d.Settled {
				stopped = true
				continue
			}
			a.Record = nil
			if d.Refused != nil {
				a.Outcome, a.Record = BuriedAgain, s.again(plan, a.Letter, recs[i], *d.Refused)
			}
			settled = append(settled, a)
		}
	}
	return settled, stopped
}

// again is the new letter about a record that the pipeline refused again: a reference if the old one was.
func (s *Session) again(plan *Plan, old *Letter, rec *kgo.Record, l deadletter.Letter) *kgo.Record {
	wrap := deadletter.Wrap
	if l.Reference = old.Said.Reference; l.Reference != "" {
		wrap = deadletter.WrapReference
	}
	out := wrap(rec, s.Name, l)
	if plan.ConnectHeaders {
		out = deadletter.WithConnectHeaders(out)
	}
	out.Partition = -1
	return out
}

// Discard settles letters as not wanted any more.
func (s *Session) Discard(ctx context.Context, letters []*Letter, reason string, each func(Audit)) error {
	for len(letters) > 0 {
		n := min(chunkLetters, len(letters))
		var actions []*Action
		for _, l := range letters[:n] {
			actions = append(actions, &Action{Letter: l, Outcome: DiscardedNow, Entry: Entry{State: Discarded, Reason: reason}})
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		audits, err := s.Settle(ctx, actions)
		if err != nil {
			return err
		}
		for _, line := range audits {
			each(line)
		}
		letters = letters[n:]
	}
	return nil
}
