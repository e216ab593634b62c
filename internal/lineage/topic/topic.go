// Package topic makes a lineage graph of an OpenLineage topic: all its committed events, up to its end as it is when the reading begins. It joins no group and
// commits nothing.
package topic

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/lineage/events"
	"github.com/gx-ol/gx-ol/internal/ranges"
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

// Read reads the topic and gives its graph. A record that is no event is passed over and counted in a note; a topic of nothing else is an error.
func Read(ctx context.Context, cfg Config) (*lineage.Whole, error) {
	extent, err := ranges.ExtentOf(ctx, kadm.NewClient(cfg.Client), cfg.Topic)
	if err != nil {
		return nil, err
	}
	if extent == nil {
		return nil, &fault.Error{Kind: fault.Backend, Code: "no_topic", Err: fmt.Errorf("there is no topic %s", cfg.Topic), Hint: "--from kafka:TOPIC names the topic that OpenLineage events are in"}
	}
	if cfg.Bound == (events.Bound{}) {
		cfg.Bound = events.DefaultBound
	}
	inflate, err := ranges.NewInflater(batchBytes, "")
	if err != nil {
		return nil, err
	}
	in := &intake{Config: cfg, builder: events.NewBuilder(cfg.Bound)}
	for _, span := range extent {
		in.total += span.To - span.From
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * sideBySide) // one reads, one parses
	for _, p := range slices.Sorted(maps.Keys(extent)) {
		answers := make(chan ranges.Answer, answersAhead)
		group.Go(func() error { return in.take(ctx, answers) })
		group.Go(func() error {
			defer close(answers)
			return in.read(ctx, inflate, p, extent[p], answers)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return in.whole()
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
	large   int    // batches that are not read
	unread  string // the first of them
}

// read sends what a range of a partition holds.
func (in *intake) read(ctx context.Context, inflate *ranges.Inflater, partition int32, span ranges.Range, to chan<- ranges.Answer) error {
	return ranges.NewReader(in.Client, inflate, fetchBytes).Read(ctx, in.Topic, partition, span, func(got ranges.Answer) error {
		select {
		case to <- got:
		case <-ctx.Done():
			return ctx.Err()
		}
		in.progress(got.Span.To - got.Span.From)
		return nil
	})
}

func (in *intake) progress(n int64) {
	in.telling.Lock()
	defer in.telling.Unlock()
	if in.done += n; in.Progress != nil {
		in.Progress(in.done, in.total)
	}
}

// take parses what comes, until there is no more.
func (in *intake) take(ctx context.Context, answers <-chan ranges.Answer) error {
	p := events.NewParser()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case got, more := <-answers:
			if !more {
				return nil
			}
			in.add(p, got)
		}
	}
}

func (in *intake) add(p *events.Parser, got ranges.Answer) {
	parsed := make([]*events.Event, 0, len(got.Records))
	foreign, first := 0, ""
	for _, r := range got.Records {
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
	if got.Large != nil {
		if in.large++; in.large == 1 {
			in.unread = got.Large.Error()
		}
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
	if in.large > 0 {
		g.Note(fmt.Sprintf("batches that were passed over: %d; the first: %s", in.large, in.unread))
	}
	if in.taken == 0 && in.large == 0 {
		g.Note("topic " + in.Topic + " is empty")
	}
	return &lineage.Whole{Name: "topic " + in.Topic, Graph: g}, nil
}
