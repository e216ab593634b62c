// Package producer names the kinds of destinations of OpenLineage events and says what they have in common. Each kind is a folder
// below, which knows nothing of the others:
//
//	producer/http      an OpenLineage backend, event by event or through lineage/batch
//	producer/kafka     a topic, and the Writer that events, dead letters and replays share
//	producer/console   the terminal, or a file
//
// Dead letters are no destination: producer/deadletters writes them with the Writer of producer/kafka.
//
// A new kind of destination is a folder, a line in Kinds, and its keys in the configuration's documentation. The conformance
// test of this package runs over all of Kinds and says what it must keep.
package producer

import (
	"context"

	"github.com/gx-ol/gx-ol/producer/console"
	"github.com/gx-ol/gx-ol/producer/http"
	"github.com/gx-ol/gx-ol/producer/kafka"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Destination takes events. It is safe for concurrent use.
type Destination interface {
	// Deliver is one attempt at one event; nil: the destination has it. Whoever calls it decides about the next attempt by the
	// *fault.Error that it returns. An error of an ended ctx comes back as ctx's own, unclassified: a stop is nobody's fault.
	Deliver(ctx context.Context, ev openlineage.Event) error

	// MaxEventBytes is the largest event that it should get; 0: no cap.
	MaxEventBytes() int

	// Close frees what New made. A second Close does nothing.
	Close() error
}

// Kind is one kind of destination.
type Kind struct {
	Name     string // as transport.type calls it
	OneByOne bool   // gets one event at a time, so that a run's events stay together
	Adaptive bool   // how many at once it bears must be found out

	// New makes a destination. It asks settings once, to fill the Config of the kind's own package.
	New func(settings Settings) (Destination, error)
}

// Settings fills the Config, to which config points, of one of the packages below: *http.Config, *kafka.Config, ….
type Settings func(config any) error

// Kinds are all kinds of destinations.
func Kinds() []Kind {
	return []Kind{
		{Name: "http", Adaptive: true, New: kind(http.New)},
		{Name: "kafka", New: kind(kafka.New)},
		{Name: "console", OneByOne: true, New: kind(console.New)},
		{Name: "file", OneByOne: true, New: kind(console.NewFile)},
	}
}

// kind makes a Kind's New of a package's own.
func kind[C any, D Destination](build func(C) (D, error)) func(Settings) (Destination, error) {
	return func(settings Settings) (Destination, error) {
		var cfg C
		if err := settings(&cfg); err != nil {
			return nil, err
		}
		d, err := build(cfg)
		if err != nil {
			return nil, err // not d: an interface that holds a nil pointer is not nil
		}
		return d, nil
	}
}
