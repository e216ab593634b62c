package consumer

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// Config is what a Consumer needs. Zero values of everything below Group mean their defaults.
type Config struct {
	Client  []kgo.Opt // how to reach the brokers; and whatever else of the client an operator set
	Topics  []string  // names, or one regular expression that starts with ^
	Exclude []string  // regular expressions of topics that a regular expression never takes in
	Group   string    // consumer group

	Grace       time.Duration // how long what is in flight may settle at a revoke or a stop; default 8 s, below any rebalance timeout
	MaxInFlight int           // records of one partition that are settled side by side; default 64
	MaxTogether int           // records of all partitions that are settled side by side, as far as each then has eight; default 1024
	MaxBytes    int64         // of records in hand (fetched, waiting, in flight) over all partitions; one record more is let through; default 64 MiB
	MaxInflated int           // bytes that one compressed batch may have when inflated; a larger one is not read (see Unread); default 64 MiB
	Log         *zap.Logger   // default: none
	OnLost      func(Lost)    // is told of records that were deleted before they were read; default: nobody
	Watch       *Watch        // sees how the member is; default: one that nobody asks
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
	if cfg.MaxInFlight <= 0 {
		cfg.MaxInFlight = 64
	}
	if cfg.MaxTogether <= 0 {
		cfg.MaxTogether = 1024
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 64 << 20
	}
	if cfg.MaxInflated <= 0 {
		cfg.MaxInflated = 64 << 20
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.OnLost == nil {
		cfg.OnLost = func(Lost) {}
	}
	if cfg.Watch == nil {
		cfg.Watch = NewWatch(cfg.Group, cfg.Log, nil)
	}
	return cfg
}

// groupOpts are what every member of the group has, however it settles.
func (cfg Config) groupOpts() ([]kgo.Opt, error) {
	inflates, err := newInflater(cfg)
	if err != nil {
		return nil, fmt.Errorf("making a decompressor: %w", err)
	}
	opts := []kgo.Opt{
		kgo.ConsumerGroup(cfg.Group),
		kgo.ConsumeTopics(cfg.Topics...),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.WithDecompressor(inflates),
		kgo.WithHooks(inflates, cfg.Watch),
		// Where fetches begin; fetchSize makes them fit what the batches inflate to.
		kgo.FetchMaxPartitionBytes(firstFetch / spread),
		kgo.FetchMaxBytes(firstFetch),
		kgo.DisableFetchSessions(), // in one a broker keeps asking for as much of a partition as it was told first, and may leave out the same ones again and again
		kgo.MaxConcurrentFetches(2),
	}
	if isRegex(cfg.Topics) {
		opts = append(opts, kgo.ConsumeRegex(), kgo.ConsumeExcludeTopics(cfg.Exclude...))
	}
	return opts, nil
}

func isRegex(topics []string) bool {
	return len(topics) == 1 && strings.HasPrefix(topics[0], "^")
}
