package contender

import (
	"context"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	batchMessages = 2000
	batchBytes    = 8 << 20
)

// batch is what is written at once, and the last message of each partition in it.
type batch struct {
	out  []kafka.Message
	last map[int]kafka.Message
}

// Handwritten is the loop that one writes by hand, tuned: kafka-go and encoding/json; one goroutine reads and maps, one writes
// batches with lz4 and commits after each. Its event holds about a quarter of ours. It goes on until in ends.
func Handwritten(ctx context.Context, args []string, in io.Reader) error {
	var t Topics
	if err := t.parse("handwritten", args); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		_, err := io.Copy(io.Discard, in)
		cancel(err)
	}()
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{t.From}, GroupID: t.Group, Topic: t.Topic, StartOffset: kafka.FirstOffset,
		MinBytes: 1, MaxBytes: 10 << 20, QueueCapacity: 10_000, MaxWait: 500 * time.Millisecond})
	w := &kafka.Writer{Addr: kafka.TCP(t.To), Topic: t.Out, Balancer: kafka.Murmur2Balancer{}, BatchSize: batchMessages, BatchBytes: 1_000_012,
		BatchTimeout: 5 * time.Millisecond, RequiredAcks: kafka.RequireAll, Compression: kafka.Lz4}
	batches := make(chan batch, 2)
	written := make(chan struct{})
	go func() {
		defer close(written)
		for b := range batches {
			if err := write(ctx, w, r, b); err != nil {
				cancel(err)
			}
		}
	}()
	for done := 0; done < t.N && ctx.Err() == nil; {
		b, err := read(ctx, r, t.N-done)
		if err != nil {
			cancel(err)
			break
		}
		done += len(b.out)
		batches <- b
	}
	close(batches)
	<-written
	<-ctx.Done()
	_ = w.Close()
	_ = r.Close()
	return ended(ctx)
}

// read reads and maps a batch, of at most left messages.
func read(ctx context.Context, r *kafka.Reader, left int) (batch, error) {
	b := batch{last: map[int]kafka.Message{}}
	for size := 0; len(b.out) < min(batchMessages, left) && size < batchBytes; {
		m, err := r.FetchMessage(ctx)
		if err != nil {
			return b, err
		}
		event, err := mapByHand(m.Value)
		if err != nil {
			return b, err
		}
		size += len(event)
		b.out = append(b.out, kafka.Message{Key: m.Key, Value: event})
		b.last[m.Partition] = kafka.Message{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset}
	}
	return b, nil
}

func write(ctx context.Context, w *kafka.Writer, r *kafka.Reader, b batch) error {
	if err := w.WriteMessages(ctx, b.out...); err != nil {
		return err
	}
	for _, m := range b.last {
		if err := r.CommitMessages(ctx, m); err != nil {
			return err
		}
	}
	return nil
}
