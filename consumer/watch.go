package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

const (
	watchEvery = 5 * time.Second  // between two questions to the brokers, and the longest wait for an answer
	deafAfter  = 15 * time.Second // without an answer the brokers count as away
)

// Watch sees whether the brokers answer, whether the member is one of its group, and how far behind it is. Make it with NewWatch, hand
// it to one consumer with its Config, and ask it from anywhere.
type Watch struct {
	group   string
	log     *zap.Logger
	explain func(error) error
	every   time.Duration // watchEvery and deafAfter, but for tests
	deaf    time.Duration

	mu       sync.Mutex // guards all below
	answered time.Time  // when the brokers answered last
	failed   error      // why they did not since
	member   bool
	since    time.Time // when it ceased to be a member, or began to become one
	refused  error     // why it is none
	told     string    // the reason that is in the log
	mine     map[partitionID]bool
	lags     []Lag
}

// Lag is how far a partition's committed offset is behind its end, in offsets.
type Lag struct {
	Topic     string
	Partition int32
	Records   int64 // not committed yet
	Retained  int64 // committed, and still there: at 0 the brokers delete what is not committed
}

// NewWatch watches a member of the group. explain makes of a broker's error what an operator can act on; nil: as it is.
func NewWatch(group string, log *zap.Logger, explain func(error) error) *Watch {
	if explain == nil {
		explain = func(err error) error { return err }
	}
	now := time.Now()
	return &Watch{group: group, log: log, explain: explain, every: watchEvery, deaf: deafAfter, answered: now, since: now, mine: make(map[partitionID]bool)}
}

// Ready is nil while the brokers answer and the member belongs to its group; else why not, and since when.
func (w *Watch) Ready() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var faults []error
	if time.Since(w.answered) > w.deaf {
		faults = append(faults, fmt.Errorf("kafka: no answer since %s: %w", stamp(w.answered), w.explain(orTimeout(w.failed))))
	}
	switch {
	case w.member:
	case w.refused != nil:
		faults = append(faults, fmt.Errorf("group %s: no member since %s: %w", w.group, stamp(w.since), w.explain(w.refused)))
	default:
		faults = append(faults, fmt.Errorf("group %s: not joined yet, since %s: the other members of the group hold the join up, or the brokers do", w.group, stamp(w.since)))
	}
	return errors.Join(faults...)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func orTimeout(err error) error {
	if err == nil {
		return context.DeadlineExceeded
	}
	return err
}

// explained is the text of an error, with what an operator can do where it is a broker's.
func (w *Watch) explained(err error) string {
	if _, ok := errors.AsType[*kerr.Error](err); ok {
		return w.explain(err).Error()
	}
	return err.Error()
}

// Lags are those of the member's partitions, as far as they are known, by topic and partition.
func (w *Watch) Lags() []Lag {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.lags)
}

var _ kgo.HookGroupManageError = (*Watch)(nil)

// OnGroupManageError is called by the client when it is no member any more, or could not become one. It tries again by itself.
func (w *Watch) OnGroupManageError(err error) {
	if errors.Is(err, context.Canceled) {
		return // a stop
	}
	text := w.explain(err).Error()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.member {
		w.member, w.since = false, time.Now()
	}
	w.refused = err
	if text != w.told {
		w.told = text
		w.log.Warn("this process is no member of its group: nothing is read until it is; it tries again", zap.String("group", w.group), zap.String("error", text))
	}
}

// took notes an assignment, which may be empty: the member is one of its group.
func (w *Watch) took(parts map[string][]int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.told != "" {
		w.log.Info("this process is a member of its group again", zap.String("group", w.group))
	}
	w.member, w.refused, w.told = true, nil, ""
	for topic, ids := range parts {
		for _, id := range ids {
			w.mine[partitionID{topic, id}] = true
		}
	}
}

// gave notes that partitions are another's.
func (w *Watch) gave(parts map[string][]int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for topic, ids := range parts {
		for _, id := range ids {
			delete(w.mine, partitionID{topic, id})
		}
	}
	w.lags = slices.DeleteFunc(w.lags, func(l Lag) bool { return !w.mine[partitionID{l.Topic, l.Partition}] })
}

// follow asks the brokers until ctx ends.
func (w *Watch) follow(ctx context.Context, client *kgo.Client) {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for {
		w.look(ctx, client)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look asks where the group and the partitions are. Any answer shows that the brokers are there.
func (w *Watch) look(ctx context.Context, client *kgo.Client) {
	asking, cancel := context.WithTimeout(ctx, w.every)
	defer cancel()
	admin := kadm.NewClient(client)
	committed, err := admin.FetchOffsets(asking, w.group)
	if w.heard(ctx, err); err != nil {
		return
	}
	topics := w.topics()
	if len(topics) == 0 {
		return
	}
	ends, err := admin.ListEndOffsets(asking, topics...)
	if err != nil {
		return // of some partitions at least; it is asked again
	}
	begins, err := admin.ListStartOffsets(asking, topics...)
	if err != nil {
		return
	}
	fromStart := client.OptValue(kgo.ConsumeResetOffset) == any(kgo.NewOffset().AtStart())
	w.measure(committed, begins, ends, fromStart)
}

// heard notes whether the brokers answered: a refusal is an answer too.
func (w *Watch) heard(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = err
	if _, answer := errors.AsType[*kerr.Error](err); err == nil || answer {
		w.answered, w.failed = time.Now(), nil
	}
}

// topics are those of the member's partitions.
func (w *Watch) topics() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := make(map[string]bool)
	for at := range w.mine {
		names[at.topic] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// measure says how far behind the member's partitions are. Where nothing is committed yet, that is known only if reading begins at the start.
func (w *Watch) measure(committed kadm.OffsetResponses, begins, ends kadm.ListedOffsets, fromStart bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lags = w.lags[:0:0]
	for at := range w.mine {
		end, known := ends.Lookup(at.topic, at.id)
		begin, both := begins.Lookup(at.topic, at.id)
		if !known || !both || end.Err != nil || begin.Err != nil {
			continue
		}
		from := begin.Offset
		if c, ok := committed.Lookup(at.topic, at.id); ok && c.At >= 0 {
			from = c.At
		} else if !fromStart {
			continue
		}
		w.lags = append(w.lags, Lag{Topic: at.topic, Partition: at.id, Records: max(end.Offset-max(from, begin.Offset), 0), Retained: max(from-begin.Offset, 0)})
	}
	slices.SortFunc(w.lags, func(a, b Lag) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
}
