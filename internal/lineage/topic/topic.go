// Package topic makes a lineage graph of an OpenLineage topic: all its committed events, up to its end as it is when the reading begins. It joins no group and
// commits nothing.
package topic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/lineage/events"
)

// Config describes what is read.
type Config struct {
	Client   *kgo.Client // of the brokers; it needs no more than Read and Describe on the topic
	Topic    string
	Bound    events.Bound          // zero: events.DefaultBound
	Progress func(done, all int64) // is told how many offsets were passed, one call at a time; nil: nobody
}

// What is in memory at once: so many partitions, and of each so many answers, each of at most so many bytes, compressed, or of one batch that is larger.
const (
	sideBySide   = 3
	answersAhead = 1
	fetchBytes   = 1 << 20
	batchBytes   = 64 << 20 // of a batch, decompressed: what is larger is not read
)

// span is a range of offsets, the end not included.
type span struct {
	partition int32
	from, to  int64
}

// Read reads the topic and gives its graph. A record that is no event is passed over and counted in a note; a topic of nothing else is an error.
func Read(ctx context.Context, cfg Config) (*lineage.Whole, error) {
	spans, total, err := extent(ctx, cfg.Client, cfg.Topic)
	if err != nil {
		return nil, err
	}
	if cfg.Bound == (events.Bound{}) {
		cfg.Bound = events.DefaultBound
	}
	f, err := newFetcher(cfg.Client, cfg.Topic)
	if err != nil {
		return nil, err
	}
	in := &intake{Config: cfg, total: total, builder: events.NewBuilder(cfg.Bound)}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * sideBySide) // one reads, one parses
	for _, s := range spans {
		if s.from == s.to {
			continue
		}
		answers := make(chan []*kgo.Record, answersAhead)
		group.Go(func() error { return in.take(ctx, answers) })
		group.Go(func() error {
			defer close(answers)
			return f.read(ctx, s, answers, in.progress)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return in.whole()
}

// extent is what there is to read.
func extent(ctx context.Context, client *kgo.Client, topic string) (out []span, total int64, err error) {
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err == nil {
		err = starts.Error()
	}
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil, 0, &fault.Error{Kind: fault.Backend, Code: "no_topic", Err: fmt.Errorf("there is no topic %s", topic), Hint: "--from kafka:TOPIC names the topic that OpenLineage events are in"}
	}
	if err != nil {
		return nil, 0, fmt.Errorf("asking where %s begins: %w", topic, err)
	}
	ends, err := admin.ListCommittedOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, 0, fmt.Errorf("asking where %s ends: %w", topic, err)
	}
	starts.Each(func(o kadm.ListedOffset) {
		if end, ok := ends.Lookup(topic, o.Partition); ok {
			out = append(out, span{o.Partition, o.Offset, end.Offset})
			total += end.Offset - o.Offset
		}
	})
	slices.SortFunc(out, func(a, b span) int { return int(a.partition - b.partition) })
	return out, total, nil
}

// intake takes records into the graph.
type intake struct {
	Config
	total int64

	telling sync.Mutex // guards done, and is held while Progress is told
	done    int64

	mu      sync.Mutex // guards all below
	builder *events.Builder
	taken   int
	foreign int
	first   string // the first record that is no event, and why
}

func (in *intake) progress(n int64) {
	in.telling.Lock()
	defer in.telling.Unlock()
	if in.done += n; in.Progress != nil {
		in.Progress(in.done, in.total)
	}
}

// take parses what comes, until there is no more.
func (in *intake) take(ctx context.Context, answers <-chan []*kgo.Record) error {
	p := events.NewParser()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case recs, more := <-answers:
			if !more {
				return nil
			}
			in.add(p, recs)
		}
	}
}

func (in *intake) add(p *events.Parser, recs []*kgo.Record) {
	parsed := make([]*events.Event, 0, len(recs))
	foreign, first := 0, ""
	for _, r := range recs {
		if len(r.Value) == 0 {
			continue // a tombstone
		}
		ev, err := p.Parse(r.Value)
		if err != nil {
			if foreign++; first == "" {
				first = fmt.Sprintf("%s[%d] offset %d: %v", r.Topic, r.Partition, r.Offset, err)
			}
			continue
		}
		parsed = append(parsed, ev)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, ev := range parsed {
		in.builder.Add(ev)
	}
	in.taken += len(parsed)
	in.foreign += foreign
	if in.first == "" {
		in.first = first
	}
}

// whole is the source that was read.
func (in *intake) whole() (*lineage.Whole, error) {
	if in.taken == 0 && in.foreign > 0 {
		return nil, &fault.Error{Kind: fault.Backend, Code: "no_events", Err: fmt.Errorf("topic %s holds no OpenLineage event: %s", in.Topic, in.first),
			Hint: "is it the topic of results? Name the one that gx-ol run writes to"}
	}
	g := in.builder.Graph()
	if in.foreign > 0 {
		g.Note(fmt.Sprintf("%d records of %s are no OpenLineage events and were passed over; the first: %s", in.foreign, in.Topic, in.first))
	}
	if in.taken == 0 {
		g.Note("topic " + in.Topic + " is empty")
	}
	return &lineage.Whole{Name: "topic " + in.Topic, Graph: g}, nil
}
