package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/bench/broker"
	"github.com/gx-ol/gx-ol/bench/results"
	"github.com/gx-ol/gx-ol/test/process"
)

// estate is what the measurements share.
type estate struct {
	set     settings
	dir     string // all files of this run
	gxol    string // the built binary
	self    string // the bench, to be started again as broker, backend or contender
	load    string // of the machine before anything ran
	details [][]string
	remove  func()
	started int // to name things
}

func newEstate(_ context.Context, set settings) (*estate, error) {
	e := &estate{set: set, load: load()}
	var err error
	if e.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if e.dir, err = os.MkdirTemp("", "gx-ol-bench-"); err != nil {
		return nil, err
	}
	if e.gxol, e.remove, err = process.Build(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(e.dir))
	}
	return e, nil
}

func (e *estate) close() {
	e.remove()
	_ = os.RemoveAll(e.dir)
}

// say tells progress, apart from the results.
func (e *estate) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
}

// name is a new one: of a group, of a file.
func (e *estate) name(what string) string {
	e.started++
	return fmt.Sprintf("%s-%d", what, e.started)
}

// kafka is a running broker.
type kafka struct {
	*child
	addr, control string
	client        *kgo.Client
}

// startBroker starts a broker with a topic: one with a log on disk, or one that throws away what it takes.
func (e *estate) startBroker(ctx context.Context, topic string, discard bool) (*kafka, error) {
	args := []string{"broker", "-topic", topic}
	if discard {
		args = append(args, "-discard")
	} else {
		args = append(args, "-dir", filepath.Join(e.dir, e.name("log")))
	}
	var up broker.Up
	c, err := e.start(ctx, &up, args...)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(up.Kafka), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(kgo.Lz4Compression()),
		kgo.MaxBufferedBytes(256<<20), kgo.BrokerMaxWriteBytes(1<<30), kgo.ProducerBatchMaxBytes(batchMaxBytes(topic)))
	if err != nil {
		c.stop()
		return nil, err
	}
	return &kafka{child: c, addr: up.Kafka, control: up.Control, client: client}, nil
}

// batchMaxBytes leaves a client's default but for big results, which are above it: of those a batch holds as many as come together.
func batchMaxBytes(topic string) int32 {
	if topic == string(results.Big) {
		return 100_000_000
	}
	return 1_000_012
}

func (k *kafka) stop() {
	k.client.Close()
	k.child.stop()
}

// traffic is what went through the broker's connections so far.
func (k *kafka) traffic(ctx context.Context) (t broker.Traffic, err error) {
	return t, ask(ctx, k.control, &t)
}

// fill writes the first n results into the broker's topic and tells the bytes that they are on the wire.
func (k *kafka) fill(ctx context.Context, from *results.Source, n int) (bytes int64, err error) {
	before, err := k.traffic(ctx)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for i := 0; i < n && ctx.Err() == nil; i++ {
		key, value := from.At(i)
		k.client.Produce(ctx, &kgo.Record{Key: key, Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				cancel(err)
			}
		})
	}
	if err := k.client.Flush(ctx); err != nil {
		return 0, fmt.Errorf("filling the topic: %w", context.Cause(ctx))
	}
	after, err := k.traffic(ctx)
	return after.Taken - before.Taken, err
}

// end is how many messages the topic has.
func (k *kafka) end(ctx context.Context, topic string) (int, error) {
	ends, err := kadm.NewClient(k.client).ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	sum := 0
	ends.Each(func(l kadm.ListedOffset) { sum += int(max(l.Offset, 0)) })
	return sum, ends.Error()
}

// ask gets JSON.
func ask(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	return json.NewDecoder(res.Body).Decode(into)
}

// pause waits, or tells that ctx ended.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
