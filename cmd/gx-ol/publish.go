package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

// publishOptions are the flags of publish.
type publishOptions struct {
	brokers, topic, key string
	raw                 bool
	decoder             gx.Decoder
}

func newPublishCommand(a *process) *cobra.Command {
	var flags configFlags
	var o publishOptions
	cmd := &cobra.Command{
		Use: "publish FILE|DIR|-…", Short: "put validation results on a topic", Args: cobra.MinimumNArgs(1),
		Long: `Publishes each file as one message (a folder: every *.json below it), acknowledged by all replicas. The key is
<datasource>.<asset>, so that one dataset's results keep their order; an OpenLineage event has the key of OpenLineage's rule, so that the
events of a run stay on one partition.`,
		Example: `  gx-ol publish --brokers localhost:9092 --topic gx.validation-results great_expectations/uncommitted/validations/
  cat result.json | gx-ol publish -`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.LoadForMap(flags.path, a.env, nil)
			if err != nil {
				return err
			}
			props := maps.Clone(cfg.Kafka)
			if props == nil {
				props = make(map[string]string)
			}
			if o.brokers != "" {
				props["bootstrap.servers"] = o.brokers
			}
			if props["bootstrap.servers"] == "" {
				props["bootstrap.servers"] = "localhost:9092"
			}
			if o.topic == "" && len(cfg.Input.Topics) == 1 && !cfg.Input.Regex() {
				o.topic = cfg.Input.Topics[0]
			}
			if o.topic == "" {
				o.topic = "gx.validation-results"
			}
			if o.decoder, err = gx.NewDecoder(cfg.Input.JSONPointer); err != nil {
				return err
			}
			return publish(cmd.Context(), props, o, args, cfg.Input.MaxMessageBytes, a)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&o.brokers, "brokers", "", "Kafka bootstrap servers (default: the configuration's, else localhost:9092)")
	cmd.Flags().StringVar(&o.topic, "topic", "", "topic (default: the configuration's, else gx.validation-results)")
	cmd.Flags().StringVar(&o.key, "key", "", "key of every message (default: <datasource>.<asset> of each)")
	cmd.Flags().BoolVar(&o.raw, "raw", false, "publish what is no validation result too")
	return cmd
}

// publish sends every file and waits for all acknowledgements. A file that is no result is refused by name; the others go.
func publish(ctx context.Context, props map[string]string, o publishOptions, args []string, maxBytes int, a *process) error {
	files, err := expand(args)
	if err != nil {
		return err
	}
	client, err := app.NewWriterClient(&config.Config{Kafka: props, Input: config.Input{MaxMessageBytes: maxBytes}})
	if err != nil {
		return err
	}
	defer client.Close()
	if err := kafkaclient.CheckWritable(ctx, client, []string{o.topic}); err != nil {
		return err
	}
	progress := progressbar.DefaultSilent(int64(len(files)))
	if isTerminal(a.stderr) {
		progress = progressbar.NewOptions(len(files), progressbar.OptionSetWriter(a.stderr), progressbar.OptionShowCount(),
			progressbar.OptionSetDescription("publishing"), progressbar.OptionClearOnFinish())
	}
	var sent atomic.Int64
	var bad int
	var failed atomic.Pointer[error]
	for _, name := range files {
		rec, err := resultRecord(name, o, a)
		if err != nil {
			bad++
			say(a.stderr, "gx-ol: %s: %v\n", name, err)
			continue
		}
		client.Produce(ctx, rec, func(_ *kgo.Record, err error) {
			if err != nil {
				failed.CompareAndSwap(nil, &err)
				return
			}
			sent.Add(1)
			_ = progress.Add(1) // a bar that cannot be drawn stops nothing
		})
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	_ = progress.Finish()
	say(a.stderr, "published %d results to %s\n", sent.Load(), o.topic)
	if err := failed.Load(); err != nil {
		return fmt.Errorf("publishing to %s: %w", o.topic, *err)
	}
	if bad > 0 {
		return errReported
	}
	return nil
}

// resultRecord reads a file as a message with its key.
func resultRecord(name string, o publishOptions, a *process) (*kgo.Record, error) {
	value, _, err := readResult(name, a.stdin)
	if err != nil {
		return nil, err
	}
	rec := &kgo.Record{Topic: o.topic, Value: value}
	if o.key != "" {
		rec.Key = []byte(o.key)
	}
	msg, err := o.decoder.Decode(value)
	switch {
	case err != nil && !o.raw:
		return nil, fmt.Errorf("%w (--raw publishes it all the same)", err)
	case err == nil && o.key == "" && mapper.KeyOf(msg) != "":
		rec.Key = []byte(mapper.KeyOf(msg))
	}
	return rec, nil
}

// expand gives the files that the arguments mean: a folder's are all its *.json, in order of their paths.
func expand(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		if arg == "-" {
			files = append(files, arg)
			continue
		}
		found := len(files)
		err := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (path == arg || strings.HasSuffix(path, ".json")) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(files) == found {
			return nil, errors.New(arg + " holds no *.json file")
		}
	}
	return files, nil
}
