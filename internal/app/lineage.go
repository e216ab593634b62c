package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/lineage/events"
	"github.com/gx-ol/gx-ol/internal/lineage/marquez"
	"github.com/gx-ol/gx-ol/internal/lineage/topic"
	"github.com/gx-ol/gx-ol/producer/http"
)

// LineageOptions are how a source of lineage is asked. The zero value is usable.
type LineageOptions struct {
	SideBySide int                   // requests to a Marquez under way at once; 0: 4
	PerSecond  float64               // requests to a Marquez in a second at most; 0: no limit
	OnRequest  func(marquez.Request) // is told of each, side by side; nil: nobody
	Progress   func(done, all int64) // of a topic: offsets; of files: events, all being 0; nil: nobody
}

// ErrNoLineage is that the configuration names nothing that could be asked for lineage.
var ErrNoLineage = errors.New("nothing to ask: the configuration names no HTTP backend, no topic of events and no file of them")

// NewLineageSource makes the source of lineage that the configuration's transport stands for: of http the Marquez, of kafka its topic, which is read now, of file
// the file, which is read now; of a composite the first of these that it has, in this order. Close frees it.
func NewLineageSource(ctx context.Context, cfg *config.Config, p Process, o LineageOptions) (src lineage.Source, closing func(), err error) {
	for _, kind := range []string{"http", "kafka", "file"} {
		i := slices.IndexFunc(cfg.Destinations(), func(t *config.Transport) bool { return t.Type == kind })
		if i < 0 {
			continue
		}
		switch t := cfg.Destinations()[i]; kind {
		case "http":
			return newMarquez(cfg, t, p, o)
		case "kafka":
			src, err = readTopic(ctx, cfg, t, o)
		default:
			src, err = ReadLineage(ctx, []string{t.LogFilePath}, nil, o)
		}
		return src, func() {}, err
	}
	return nil, nil, ErrNoLineage
}

func newMarquez(cfg *config.Config, t *config.Transport, p Process, o LineageOptions) (lineage.Source, func(), error) {
	var hc http.Config
	if err := httpSettings(cfg, t, p, &hc); err != nil {
		return nil, nil, config.Wrong(err)
	}
	d, err := http.New(hc)
	if err != nil {
		return nil, nil, config.Wrong(err)
	}
	src := marquez.New(marquez.Config{Client: d, Name: d.Base(), SideBySide: o.SideBySide, PerSecond: o.PerSecond, OnRequest: o.OnRequest})
	return src, func() { _ = d.Close() }, nil
}

func readTopic(ctx context.Context, cfg *config.Config, t *config.Transport, o LineageOptions) (lineage.Source, error) {
	path := "kafka"
	if len(t.Config) > 0 {
		path = cfg.Path(t) + ".config"
	}
	opts, err := kafkaclient.OptsLive(cfg.DestinationKafka(t), liveProperties(cfg, path))
	if err != nil {
		return nil, config.Wrong(err)
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, config.Wrong(err)
	}
	defer client.Close()
	if err := kafkaclient.CheckConnection(ctx, client, nil); err != nil {
		return nil, err
	}
	return topic.Read(ctx, topic.Config{Client: client, Topic: t.Topic, Progress: o.Progress})
}

// ReadLineage reads files of events into one graph; "-" is stdin. What is no event is an error that names the file and the line.
func ReadLineage(ctx context.Context, files []string, stdin io.Reader, o LineageOptions) (lineage.Source, error) {
	b := events.NewBuilder(events.DefaultBound)
	var n int64
	seen := func() {
		if n++; o.Progress != nil {
			o.Progress(n, 0)
		}
	}
	for _, name := range files {
		if err := readEvents(ctx, name, stdin, b, seen); err != nil {
			return nil, err
		}
	}
	g := b.Graph()
	if n == 0 {
		g.Note("there is no event in it")
	}
	name := files[0]
	if len(files) > 1 {
		name = fmt.Sprintf("%s and %d more", name, len(files)-1)
	}
	return &lineage.Whole{Name: "files " + name, Graph: g}, nil
}

func readEvents(ctx context.Context, name string, stdin io.Reader, b *events.Builder, seen func()) error {
	if name == "-" {
		return events.Read(ctx, "stdin", stdin, b, seen)
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return events.Read(ctx, name, f, b, seen)
}
