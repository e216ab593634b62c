// Package contender holds what gx-ol is measured against: the least that the same work costs, and what one writes by hand first.
package contender

import (
	"context"
	"flag"
	"io"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Topics says from where to where.
type Topics struct {
	From, Topic, Group string
	To, Out            string
	N                  int
}

func (t *Topics) parse(name string, args []string) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.StringVar(&t.From, "from", "", "bootstrap server of the input")
	flags.StringVar(&t.Topic, "topic", "", "its topic")
	flags.StringVar(&t.Group, "group", "", "consumer group")
	flags.StringVar(&t.To, "to", "", "bootstrap server of the output")
	flags.StringVar(&t.Out, "out", "", "its topic")
	flags.IntVar(&t.N, "n", 0, "messages that there are")
	return flags.Parse(args)
}

// flight is a poll under way: its offsets are marked when all of it is acknowledged, polls in order.
type flight struct {
	wg   sync.WaitGroup
	recs []*kgo.Record
}

// Copy is the limit: franz-go reads, writes the same bytes with lz4 and commits every second. It goes on until in ends.
func Copy(ctx context.Context, args []string, in io.Reader) error {
	var t Topics
	if err := t.parse("copy", args); err != nil {
		return err
	}
	from, err := kgo.NewClient(kgo.SeedBrokers(t.From), kgo.ConsumeTopics(t.Topic), kgo.ConsumerGroup(t.Group), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.AutoCommitMarks(), kgo.AutoCommitInterval(time.Second), kgo.BlockRebalanceOnPoll(), kgo.BrokerMaxReadBytes(1<<30))
	if err != nil {
		return err
	}
	to, err := kgo.NewClient(kgo.SeedBrokers(t.To), kgo.DefaultProduceTopic(t.Out), kgo.ProducerBatchCompression(kgo.Lz4Compression()),
		kgo.MaxBufferedBytes(64<<20), kgo.BrokerMaxWriteBytes(1<<30))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		_, err := io.Copy(io.Discard, in)
		cancel(err)
	}()
	flights := make(chan *flight, 2) // more in flight costs memory and gains nothing
	marked := make(chan struct{})
	go func() {
		defer close(marked)
		for f := range flights {
			f.wg.Wait()
			from.MarkCommitRecords(f.recs...)
		}
	}()
	for ctx.Err() == nil {
		from.AllowRebalance()
		f := &flight{recs: from.PollRecords(ctx, 500).Records()}
		f.wg.Add(len(f.recs))
		for _, r := range f.recs {
			to.Produce(ctx, &kgo.Record{Key: r.Key, Value: r.Value}, func(_ *kgo.Record, err error) {
				if err != nil {
					cancel(err)
				}
				f.wg.Done()
			})
		}
		flights <- f
	}
	close(flights)
	<-marked
	to.Close()
	from.CloseAllowingRebalance()
	return ended(ctx)
}

// ended is nil where in ended, or ctx: that is how a contender is stopped.
func ended(ctx context.Context) error {
	if err := context.Cause(ctx); err != context.Canceled { //nolint:errorlint // the cause itself, not what it wraps
		return err
	}
	return nil
}
