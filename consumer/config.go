package consumer

import (
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// Config is what a Consumer needs. Zero values of Grace, MaxBatch and Log mean their defaults.
type Config struct {
	Client   []kgo.Opt     // how to reach the brokers; and whatever else of the client an operator set
	Topics   []string      // names, or one regular expression that starts with ^
	Exclude  []string      // regular expressions of topics that a regular expression never takes in
	Group    string        // consumer group
	Grace    time.Duration // how long what is in hand may settle at a revoke or a stop; default 8 s, below any rebalance timeout
	MaxBatch int           // records handed over at once; default 500
	Log      *zap.Logger   // default: none
	OnLost   func(Lost)    // is told of records that were deleted before they were read; default: nobody
}

// Lost is a range of offsets that the brokers deleted (by retention or a deletion of records) before they were
// read: From is the first of them, To the first that is still there. Some offsets of the range may never have held a record.
type Lost struct {
	Topic     string
	Partition int32
	From, To  int64
}

func (cfg Config) withDefaults() Config {
	if cfg.Grace <= 0 {
		cfg.Grace = 8 * time.Second
	}
	if cfg.MaxBatch <= 0 {
		cfg.MaxBatch = 500
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.OnLost == nil {
		cfg.OnLost = func(Lost) {}
	}
	return cfg
}

// groupOpts are what every member of the group has, however it settles.
func (cfg Config) groupOpts() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.ConsumerGroup(cfg.Group),
		kgo.ConsumeTopics(cfg.Topics...),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		// Fetch limits count compressed bytes: small ones keep memory bounded on a compressed backlog.
		kgo.FetchMaxPartitionBytes(1 << 20),
		kgo.FetchMaxBytes(16 << 20),
		kgo.MaxConcurrentFetches(2),
	}
	if isRegex(cfg.Topics) {
		opts = append(opts, kgo.ConsumeRegex(), kgo.ConsumeExcludeTopics(cfg.Exclude...))
	}
	return opts
}

func isRegex(topics []string) bool {
	return len(topics) == 1 && strings.HasPrefix(topics[0], "^")
}
