// Package kafka writes to Kafka: the Writer, for events, dead letters and replays alike, and over it the destination of events that
// is a topic.
package kafka

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Config describes a topic as a destination.
type Config struct {
	Topic      string
	MessageKey string // replaces every event's own key; empty keeps it

	MaxMessageBytes int       // the largest record of the input, see EventOpts
	Client          []kgo.Opt // the operator's, which win over ours
}

// Validate checks what can be checked without a broker.
func (c Config) Validate() error {
	if c.Topic == "" {
		return errors.New("topic: must not be empty")
	}
	return nil
}

// Destination delivers events to a topic, keyed so that the events of one job stay in order. It is safe for concurrent use.
type Destination struct {
	writer *Writer
	topic  string
	key    []byte
	client *kgo.Client // that New made; nil: the caller's
}

// New makes the destination with a client of its own. It sends nothing.
func New(cfg Config) (*Destination, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(EventOpts(cfg.MaxMessageBytes), cfg.Client...)...)
	if err != nil {
		return nil, err
	}
	d := Over(NewWriter(client), cfg.Topic, cfg.MessageKey)
	d.client = client
	return d, nil
}

// Over makes the destination over a writer that stays the caller's, as in a transaction.
func Over(w *Writer, topic, messageKey string) *Destination {
	d := &Destination{writer: w, topic: topic}
	if messageKey != "" {
		d.key = []byte(messageKey)
	}
	return d
}

// Client is the client that the destination writes with, to ask its brokers for the topic.
func (d *Destination) Client() *kgo.Client { return d.writer.client }

// Send hands an event over without waiting for its acknowledgement; see Writer.Send. Events of one key that are handed over one after
// the other arrive in this order.
func (d *Destination) Send(ctx context.Context, ev openlineage.Event, done func(error)) {
	d.writer.Send(ctx, d.record(ev), done)
}

// TrySend is Send if that waits for nothing. Else it reports false, and has done nothing.
func (d *Destination) TrySend(ctx context.Context, ev openlineage.Event, done func(error)) bool {
	return d.writer.TrySend(ctx, d.record(ev), done)
}

// Deliver writes one event and waits for its acknowledgement.
func (d *Destination) Deliver(ctx context.Context, ev openlineage.Event) error {
	return d.writer.Write(ctx, d.record(ev))
}

func (d *Destination) record(ev openlineage.Event) *kgo.Record {
	r := &kgo.Record{Topic: d.topic, Key: d.key, Value: ev.Body}
	if d.key == nil && ev.Key != "" {
		r.Key = []byte(ev.Key)
	}
	return r
}

// MaxEventBytes is 0: the topic's own limit is known to the broker alone.
func (d *Destination) MaxEventBytes() int { return 0 }

// Close closes the client that New made.
func (d *Destination) Close() error {
	if d.client != nil {
		d.client.Close() // first: what is in hand fails, so that nothing is waited for
		d.writer.Close()
	}
	return nil
}
