package app

import (
	"context"
	"fmt"
	"net"
	nethttp "net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/internal/seen"
	"github.com/gx-ol/gx-ol/internal/web"
	"github.com/gx-ol/gx-ol/producer/http"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

const (
	askWithin = 5 * time.Second
	deafFor   = 15 * time.Second // the brokers count as away
)

// RunWeb serves the page without a pipeline until ctx ends: it reads the input's topics of the last hours by itself, as no member of any group, and
// asks the brokers about the group, and the backend. What is away is said in the page, and comes when it comes. ready is told where it listens.
func RunWeb(ctx context.Context, cfg *config.Config, since time.Duration, p Process, ready func(address string)) error {
	p.brief = true
	m, err := NewMapping(cfg, p, cfg.Transport.MaxEventBytes, func(warning string) { p.Log.Warn(warning) })
	if err != nil {
		return err
	}
	memory := containerMemory()
	limitMemory(memory, p.Getenv)
	follower, err := newReader(cfg, since)
	if err != nil {
		return err
	}
	defer follower.Close()
	client, err := newAsker(cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	backends, err := NewBackends(cfg, p)
	if err != nil {
		return err
	}
	defer backends.Close()
	results := seen.New(seenBytes(cfg, memory))
	g := &page{cfg: cfg, p: p, memory: results, record: &recordReader{cfg: cfg, client: client, mapping: func() Mapping { return m }}, what: cfg.Input.Group,
		lineage: newPageLineage(cfg, p)}
	o := &onlooker{cfg: cfg, follower: follower, client: client, mapping: m, every: p.paces.ask(), told: told{results, g.lineage.seen}, log: p.Log, backends: backends.Backends(), letters: &depthCounter{cfg: cfg, client: client, log: p.Log},
		answered: time.Now(), away: make([]string, len(backends.Backends()))}
	g.flow, g.source = seen.NewFlow(o.reading, p.paces.read()), o.sources
	g.desk = newDesk(cfg, p, client)
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Web.Listen)
	if err != nil {
		return fmt.Errorf("web.listen: %w (choose another address with --listen)", err)
	}
	address, stop, err := serve(l, config.Telemetry{}, alive(o), g.maker())
	if err != nil {
		return err
	}
	defer stop()
	defer g.follow(ctx)()
	defer goes(ctx, o.ask)()
	if cfg.Telemetry.DeadLetters {
		defer o.letters.follow(ctx)()
	}
	p.Log.Info("gx-ol web serves", zap.String("page", "http://"+address), zap.Strings("topics", cfg.Input.Topics), zap.Duration("since", since))
	ready(address)
	o.read(ctx)
	return nil
}

// newReader is a client that reads the topics of the last hours, as no member of a group. It dials nobody yet.
func newReader(cfg *config.Config, since time.Duration) (*kgo.Client, error) {
	opts, err := inputOpts(cfg, []kgo.Opt{kgo.ConsumeTopics(cfg.Input.Topics...)})
	if err != nil {
		return nil, err
	}
	if cfg.Input.Regex() {
		opts = append(opts, kgo.ConsumeRegex(), kgo.ConsumeExcludeTopics(ownTopics(cfg)...))
	}
	// These win over the operator's properties: they are for the pipeline.
	from := kgo.NewOffset().AfterMilli(time.Now().Add(-since).UnixMilli())
	opts = append(opts, kgo.ConsumeStartOffset(from), kgo.ConsumeResetOffset(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.MaxDecompressBatchBytes(2*cfg.Input.MaxMessageBytes), kgo.FetchMaxBytes(8<<20), kgo.FetchMaxPartitionBytes(1<<20), kgo.MaxConcurrentFetches(2))
	client, err := kgo.NewClient(opts...)
	return client, config.Wrong(err)
}

// newAsker is a client for all that is asked beside that. A client has one connection to a broker for all that it fetches: behind the reader, which waits there
// for what comes, a page would wait for seconds. It dials nobody yet.
func newAsker(cfg *config.Config) (*kgo.Client, error) {
	opts, err := inputOpts(cfg, nil)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(opts...)
	return client, config.Wrong(err)
}

// onlooker reads what a pipeline reads, and asks how its group does.
type onlooker struct {
	cfg      *config.Config
	follower *kgo.Client // reads results as they come
	client   *kgo.Client // asks
	mapping  Mapping
	every    time.Duration // a question to the brokers about the group, and to the backend whether it is there
	told     told
	log      *zap.Logger
	backends []*http.Destination
	letters  *depthCounter
	records  atomic.Int64
	unmapped atomic.Int64

	mu       sync.Mutex // guards all below
	answered time.Time  // when the brokers answered last
	failed   error      // why they did not since, or what they refuse
	group    error      // why the group's offsets are not known
	parts    []seen.Partition
	away     []string // of each backend, why it does not answer
}

// read reads until ctx ends.
func (o *onlooker) read(ctx context.Context) {
	for ctx.Err() == nil {
		fetches := o.follower.PollRecords(ctx, 1000)
		fetches.EachError(func(topic string, partition int32, err error) {
			if ctx.Err() == nil {
				o.log.Warn("reading results", zap.String("topic", topic), zap.Int32("partition", partition), zap.Error(err))
			}
		})
		fetches.EachRecord(func(rec *kgo.Record) {
			o.records.Add(1)
			if mapped, err := o.events(rec); err == nil {
				o.told.settled(seen.Place{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset}, mapped, false)
			} else {
				o.unmapped.Add(1)
			}
		})
	}
}

// ask asks the brokers and the backends until ctx ends.
func (o *onlooker) ask(ctx context.Context) {
	tick := time.NewTicker(o.every)
	defer tick.Stop()
	for {
		o.askOnce(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (o *onlooker) askOnce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { o.askGroup(ctx) })
	for i, b := range o.backends {
		all.Go(func() {
			text := ""
			if err := b.Probe(ctx); err != nil {
				text = err.Error()
			}
			o.mu.Lock()
			defer o.mu.Unlock()
			o.away[i] = text
		})
	}
	all.Wait()
}

// reading is what is known of the group now.
func (o *onlooker) reading() seen.Reading {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := seen.Reading{Records: o.records.Load(), Events: -1, InHand: -1, Partitions: slices.Clone(o.parts)}
	if o.cfg.Telemetry.DeadLetters {
		r.Letters = lettersOf(o.letters.depths())
	}
	return r
}

// sources are those that are asked, and which of them are away.
func (o *onlooker) sources() []web.Source {
	o.mu.Lock()
	defer o.mu.Unlock()
	kafka := web.Source{Name: "Kafka at " + o.cfg.Kafka["bootstrap.servers"]}
	switch {
	case o.failed != nil && isAnswer(o.failed):
		kafka.Away = explain(o.cfg)(o.failed).Error()
	case o.failed != nil && time.Since(o.answered) > deafFor || o.failed != nil && o.parts == nil:
		kafka.Away = kafkaclient.Diagnose(o.failed, o.cfg.Kafka["bootstrap.servers"]).Error()
		kafka.Tip = "Results, lag and dead letters stay as they were until it answers again."
	}
	all := []web.Source{kafka}
	group := web.Source{Name: "group " + o.cfg.Input.Group}
	if o.group != nil {
		group.Away = o.group.Error()
	}
	all = append(all, group)
	i := 0
	for _, t := range o.cfg.Destinations() {
		if t.Type == "http" && i < len(o.away) {
			all = append(all, web.Source{Name: "backend " + addressOf(t.URL), Away: o.away[i]})
			i++
		}
	}
	return all
}

// events are those of a record, as the pipeline would make them.
func (o *onlooker) events(rec *kgo.Record) (runs []openlineage.Run, err error) {
	defer fault.Recover(&err)
	if o.mapping.Filter != nil && !o.mapping.Filter.Takes(rec) {
		return nil, nil
	}
	msg, err := o.mapping.Decode(rec.Value)
	if err != nil {
		return nil, err
	}
	defer msg.Release()
	if o.mapping.Filter != nil && o.mapping.Filter.Choose(msg, rec) > 0 && msg.Empty() {
		return nil, nil
	}
	return o.mapping.Map(msg, pipeline.InputOf(rec))
}

// alive answers whether the page's process lives, and whether the brokers answer it.
func alive(o *onlooker) nethttp.Handler {
	mux := nethttp.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w nethttp.ResponseWriter, _ *nethttp.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w nethttp.ResponseWriter, _ *nethttp.Request) {
		if away := o.sources()[0].Away; away != "" {
			nethttp.Error(w, away, nethttp.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	return mux
}
