package web

import (
	"context"
	"errors"
	"time"

	"github.com/gx-ol/gx-ol/internal/seen"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Runs remembers the validation results that were seen (package seen).
type Runs interface {
	Number() uint64
	Turns() uint64
	Latest(keep func(*seen.Run) bool, before uint64, most int) (runs []seen.Run, more bool)
	Dataset(name seen.Dataset) (seen.State, bool)
	Datasets(keep func(seen.Dataset, *seen.Run) bool, first, most int) (page []seen.State, found int, all seen.Counts)
	At(place seen.Place) []seen.Run
	Events(number uint64) [][]byte
	Room() (bytes, most, depth, datasets int)
}

// Flow knows what the process, or the group, does, and did over the last hour.
type Flow interface {
	Number() uint64
	Now(points int) seen.Now
}

// Records reads a record of the input's topics again, and maps it as it was mapped.
type Records interface {
	Read(ctx context.Context, at seen.Place) (Mapped, error)
}

// Mapped is what a record becomes.
type Mapped struct {
	Received time.Time
	Runs     []openlineage.Run
	Origins  []mapper.Origin // where the fields of the events came from; empty for what passes through
}

// The reasons for which a record cannot be read again.
var (
	ErrGone     = errors.New("the topic does not have the record any more: retention has deleted it")
	ErrNoInput  = errors.New("this topic is none of those that are read here")
	ErrUnmapped = errors.New("the record could not be mapped")
)

// Source is somebody who is asked for what the page shows.
type Source struct {
	Name string // "Kafka at localhost:9092"
	Away string // why it does not answer; empty: it does
	Tip  string // what to do
}

// Links are pages of the backend's own; each gives "" where there is none.
type Links interface {
	Job(namespace, name string) string
	Dataset(namespace, name string) string
}
