package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/consumer"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/outage"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/internal/telemetry"
	"github.com/gx-ol/gx-ol/producer/deadletters"
	"github.com/gx-ol/gx-ol/producer/kafka"
)

// Where one of these did not hold, each record toward Kafka would settle in a goroutine of its own, and nothing would tell.
var (
	_ consumer.Starter   = (*pipeline.Pipeline)(nil)
	_ pipeline.TrySender = (*kafka.Destination)(nil)
)

// written is how many records of a partition settle side by side toward Kafka: they are handed over and not waited for one by one.
const written = 1000

// Run runs the pipeline that the configuration describes until ctx ends. It is long because it is straight: each thing is made,
// and its end deferred, in the order of the journey reversed.
func Run(ctx context.Context, cfg *config.Config, p Process) error {
	if cfg.Disabled {
		p.Log.Info("OPENLINEAGE_DISABLED is set: nothing is read and nothing delivered")
		return nil
	}
	defer zap.RedirectStdLog(p.Log)() // net/http has a few words of its own
	// What is wrong with the configuration is told before anybody is asked.
	if _, err := NewMapping(cfg, p, 0, func(string) {}); err != nil {
		return err
	}
	memory := containerMemory()
	limitMemory(memory, p.Getenv)
	defer collectLess(memory, p.Getenv)()
	opts, err := inputOpts(cfg, kafka.LetterOpts(cfg.Input.MaxMessageBytes))
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return config.Wrong(err)
	}
	defer client.Close()
	if err := checkInput(ctx, client, cfg, p.Log); err != nil {
		return err
	}
	writer := kafka.NewWriter(client)
	defer writer.Close()
	letters := deadletters.New(writer, deadletters.Config{TopicOf: cfg.DeadLetterTopic, ConnectHeaders: cfg.DeadLetters.ConnectHeaders})
	metrics := telemetry.New()
	page := newPage(cfg, p, memory)
	p.brief = page != nil
	p.Skipped = func(destination string) { metrics.Skipped(destination, 1) }
	e := engine{cfg: cfg, p: p, client: client, letters: letters, metrics: metrics, seen: newSummary(metrics, p.Log),
		watch: consumer.NewWatch(cfg.Input.Group, p.Log, explain(cfg)), page: page}
	settler, err := e.settler(ctx)
	if err != nil {
		return err
	}
	defer settler.close()
	members, err := e.members(memory)
	if err != nil {
		return err
	}
	stop, err := e.watched(ctx, settler)
	if err != nil {
		return err
	}
	stopReloading := e.reloads(ctx)
	err = settler.run(ctx, members)
	stopReloading()
	stop()
	p.Log.Info("gx-ol stopped")
	return err
}

// engine is what both ways to settle are made of.
type engine struct {
	cfg     *config.Config
	p       Process
	client  *kgo.Client // of the input's brokers, for dead letters
	letters *deadletters.Topics
	metrics *telemetry.Metrics
	seen    *summary        // what is told of the pipeline, to metrics and log
	watch   *consumer.Watch // how the group member is
	live    *live           // the mapping in use
	page    *page           // nil: none is served
}

// settler is a way to settle records, at least once or exactly once.
type settler struct {
	run    func(ctx context.Context, members consumer.Config) error
	limits func() map[string]int
	holds  func() []outage.Hold
	close  func()
}

func (e *engine) settler(ctx context.Context) (settler, error) {
	if e.cfg.Delivery == "exactly_once" {
		return e.exactlyOnce(ctx)
	}
	return e.atLeastOnce(ctx)
}

// atLeastOnce delivers to the destinations, and commits behind that.
func (e *engine) atLeastOnce(ctx context.Context) (settler, error) {
	to, err := NewDestinations(ctx, e.cfg, e.p)
	if err != nil {
		return settler{}, err
	}
	settings, err := e.settings(to.MaxEventBytes)
	if err != nil {
		to.Close()
		return settler{}, err
	}
	orders := dlq.NewOrders(e.client, e.cfg.DeadLetterTopic, dlq.Config{MaxMessageBytes: e.cfg.Input.MaxMessageBytes})
	settings.Orders = orders
	pl := pipeline.New(settings, to.To, e.letters)
	return settler{limits: pl.Limits, holds: pl.Holds, close: to.Close, run: func(ctx context.Context, members consumer.Config) error {
		if onlySenders(to.To) {
			members.MaxInFlight = max(members.MaxInFlight, written)
		}
		var h consumer.Handler = pl
		if e.p.Handler != nil {
			h = e.p.Handler(h)
		}
		c, err := consumer.New(members, h) //nolint:contextcheck // a member leaves its group after ctx has ended: Run ends it
		if err != nil {
			return err
		}
		e.metrics.InHand(c.InHand)
		defer orders.Follow(ctx, func() []string { return topicsOf(pl.Holds()) }, func(err error) { e.p.Log.Debug("orders to bury", zap.Error(err)) })()
		return c.Run(ctx)
	}}, nil
}

// topicsOf are the topics of which a record waits.
func topicsOf(holds []outage.Hold) (topics []string) {
	for _, h := range holds {
		if !slices.Contains(topics, h.Topic) {
			topics = append(topics, h.Topic)
		}
	}
	return topics
}

func onlySenders(to []pipeline.Destination) bool {
	for _, d := range to {
		if _, ok := d.To.(pipeline.Sender); !ok {
			return false
		}
	}
	return true
}

// settings are what settling needs, however it is done.
func (e *engine) settings(maxEventBytes int) (pipeline.Config, error) {
	m, err := NewMapping(e.cfg, e.p, maxEventBytes, func(warning string) { e.p.Log.Warn(warning) })
	if err != nil {
		return pipeline.Config{}, err
	}
	settings := PipelineConfig(e.cfg, m, e.p)
	e.live = newLive(e.cfg, m, maxEventBytes)
	settings.Rules = e.live.rules
	settings.Observer, settings.Settled = e.seen, e.page.settled(e.live.mapper)
	return settings, nil
}

// PipelineConfig are the configuration's choices about settling, without an observer.
func PipelineConfig(cfg *config.Config, m Mapping, p Process) pipeline.Config {
	rules := m.rules()
	return pipeline.Config{
		Rules: func() pipeline.Rules { return rules }, Group: cfg.Input.Group, MaxInFlight: cfg.Input.MaxInFlight, MaxMessageBytes: cfg.Input.MaxMessageBytes,
		Backoff:         outage.Backoff{Initial: cfg.Retry.Initial, Max: cfg.Retry.Max},
		ExhaustAttempts: cfg.Retry.ExhaustAttempts, ExhaustAfter: cfg.Retry.ExhaustAfter, Log: p.Log,
	}
}

// members is the group member that the configuration describes.
func (e *engine) members(memory int64) (consumer.Config, error) {
	cfg := e.cfg
	opts, err := kafkaclient.OptsLive(cfg.Kafka, liveProperties(cfg, "kafka"))
	if err != nil {
		return consumer.Config{}, err
	}
	window := int64(cfg.Input.MaxBytesInHand)
	if window <= 0 {
		window = windowFor(memory)
	}
	members := consumer.Config{
		Client: opts, Topics: cfg.Input.Topics, Exclude: ownTopics(cfg), Group: cfg.Input.Group, Log: e.p.Log,
		MaxInFlight: cfg.Input.MaxInFlight, MaxBytes: window, MaxInflated: 2 * cfg.Input.MaxMessageBytes,
		Watch: e.watch, OnLost: func(l consumer.Lost) { e.metrics.Lost(l.Topic, l.To-l.From) },
	}
	if e.p.Members != nil {
		e.p.Members(&members)
	}
	return members, nil
}

// checkInput tells within seconds what would keep the pipeline from reading, and makes the dead-letter topics.
func checkInput(ctx context.Context, client *kgo.Client, cfg *config.Config, log *zap.Logger) error {
	if err := kafkaclient.CheckConnection(ctx, client, cfg.Input.Topics); err != nil {
		return err
	}
	if err := kafkaclient.CheckGroup(ctx, client, cfg.Input.Group); err != nil {
		return err
	}
	if kafkaclient.WantsBrokersToAssign(cfg.Kafka) {
		if offered, err := kafkaclient.BrokersAssign(ctx, client); err == nil && !offered {
			log.Warn(kafkaclient.BrokersDoNotAssign)
		}
	}
	if cfg.Input.Regex() {
		warnIfNothingFits(ctx, client, cfg, log)
		return nil // a dead-letter topic is made with the first letter to it, after the topic that the letter is about
	}
	for _, topic := range cfg.Input.Topics {
		if err := ensureLetters(ctx, client, topic, cfg.DeadLetterTopic(topic)); err != nil {
			return err
		}
	}
	return nil
}

// ensureLetters makes a dead-letter topic, if need be, and tells before the first letter that it may not be written.
func ensureLetters(ctx context.Context, client *kgo.Client, source, letters string) error {
	if err := deadletters.EnsureTopic(ctx, client, source, letters); err != nil {
		return err
	}
	err := kafkaclient.CheckWritable(ctx, client, []string{letters})
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil // it was made a moment ago, and not every broker knows it yet
	}
	if err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	return nil
}
