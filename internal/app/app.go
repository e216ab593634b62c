// Package app makes of a configuration what runs: a Mapping, Destinations, and the Engine over them. Every command that maps
// or delivers gets these from here, so that none of them is wired in a way of its own.
package app

import (
	"io"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/gx-ol/gx-ol/consumer"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/internal/transact"
	"github.com/gx-ol/gx-ol/producer/kafka"
)

// Process is what the things made here may use of the process.
type Process struct {
	Version string                      // of gx-ol, as events and requests name it
	Getenv  func(string) (string, bool) // for what a Great Expectations project leaves to the environment
	Stdout  io.Writer                   // events of a console destination
	Log     *zap.Logger

	Reload  *Reload                  // how the mapping is replaced while the pipeline runs; nil: it is not
	Skipped func(destination string) // is told of each event that a backend takes and does not store; nil: nobody

	// Handler and Deliverer may put something between the consumer, the pipeline and a destination: bugs, for the test of tests. nil: nothing.
	Handler   func(consumer.Handler) consumer.Handler
	Deliverer func(pipeline.Deliverer) pipeline.Deliverer
	Members   func(*consumer.Config) // changes the group member, for such tests; nil: nothing

	paces paces // of what the page's process asks; zero: the usual ones
	brief bool  // a page shows the results: the mapper is to tell of each what it shows
}

// NewLogger logs to w: console text if terminal or the configuration says so, else JSON.
func NewLogger(cfg config.Log, w io.Writer, terminal bool) (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(cfg.Level)
	if err != nil {
		return nil, err
	}
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.ISO8601TimeEncoder
	enc.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(enc)
	if cfg.Format == "console" || cfg.Format != "json" && terminal {
		encoder = zapcore.NewConsoleEncoder(enc)
	}
	return zap.New(reticent{zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), level)}), nil
}

// liveProperties finds the client properties below path that come from files, which may change.
func liveProperties(cfg *config.Config, path string) func(name string) func() string {
	return func(name string) func() string { return cfg.Live(path + "." + name) }
}

// WriterOpts are the options of a client of the input's brokers that writes what a command puts there: replays, results. The operator's properties win
// over ours.
func WriterOpts(cfg *config.Config) ([]kgo.Opt, error) {
	return inputOpts(cfg, kafka.LargeOpts(cfg.Input.MaxMessageBytes))
}

// NewWriterClient is such a client.
func NewWriterClient(cfg *config.Config) (*kgo.Client, error) {
	opts, err := WriterOpts(cfg)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(opts...)
	return client, config.Wrong(err) // it dials nobody yet
}

// inputOpts are options of ours, and behind them those of the input's brokers.
func inputOpts(cfg *config.Config, ours []kgo.Opt) ([]kgo.Opt, error) {
	opts, err := kafkaclient.OptsLive(cfg.Kafka, liveProperties(cfg, "kafka"))
	return append(ours, opts...), config.Wrong(err)
}

// TransactionWriter writes inside the transactions of a client: what settles letters, and what publishes a store.
func TransactionWriter(client *kgo.Client) transact.Writer { return kafka.NewTransactionWriter(client) }
