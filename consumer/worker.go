package consumer

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
)

// worker hands one partition's records to the Handler, batch after batch, and marks what is settled. It marks only
// from its own goroutine, so that once done is closed no mark of this partition can follow.
type worker struct {
	of     partition
	c      *Consumer
	client *kgo.Client
	cancel context.CancelFunc // ends Handle: the grace is over, or the partition is lost
	quit   chan struct{}      // closed: take no more
	done   chan struct{}      // closed: the goroutine has returned
	wake   chan struct{}      // capacity 1: there may be records
	lost   atomic.Bool        // another member owns the partition: mark nothing more
	run    func()

	mu     sync.Mutex // guards queue and paused
	queue  []*kgo.Record
	paused bool
}

func newWorker(c *Consumer, client *kgo.Client, of partition) *worker {
	ctx, cancel := context.WithCancel(context.Background())
	w := &worker{
		of:     of,
		c:      c,
		client: client,
		cancel: cancel,
		quit:   make(chan struct{}),
		done:   make(chan struct{}),
		wake:   make(chan struct{}, 1),
	}
	w.run = func() { w.loop(ctx) }
	return w
}

// add queues records and pauses the partition when two batches wait: what is in memory stays bounded.
func (w *worker) add(recs []*kgo.Record) {
	w.mu.Lock()
	w.queue = append(w.queue, recs...)
	if len(w.queue) >= 2*w.c.max && !w.paused {
		w.paused = true
		w.client.PauseFetchPartitions(w.where())
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// next is the next batch; nil when none waits. It resumes a paused partition when less than a batch is left.
func (w *worker) next() []*kgo.Record {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), w.c.max)
	if n == 0 {
		return nil
	}
	batch := make([]*kgo.Record, n)
	copy(batch, w.queue)
	clear(w.queue[:n]) // let go of the values
	w.queue = w.queue[n:]
	if w.paused && len(w.queue) < w.c.max {
		w.paused = false
		w.client.ResumeFetchPartitions(w.where())
	}
	return batch
}

func (w *worker) where() map[string][]int32 {
	return map[string][]int32{w.of.topic: {w.of.id}}
}

// stop makes the worker take no more; a lost one also drops what is in hand.
func (w *worker) stop(lost bool) {
	if lost {
		w.lost.Store(true)
		w.cancel()
	}
	close(w.quit)
}

func (w *worker) loop(ctx context.Context) {
	defer close(w.done)
	defer w.cancel()
	// A partition that comes back to this member must not stay paused.
	defer w.client.ResumeFetchPartitions(w.where())
	for {
		select {
		case <-w.quit: // stop beats work
			return
		default:
		}
		batch := w.next()
		if batch == nil {
			select {
			case <-w.quit:
				return
			case <-w.wake:
			}
			continue
		}
		if !w.settle(ctx, batch) {
			return
		}
	}
}

// settle hands over one batch and marks its settled prefix; it reports whether to go on.
func (w *worker) settle(ctx context.Context, batch []*kgo.Record) bool {
	settled, err := w.c.handler.Handle(ctx, batch)
	if settled > 0 && !w.lost.Load() {
		w.client.MarkCommitRecords(batch[settled-1])
	}
	if settled == len(batch) && err == nil {
		return true
	}
	if ctx.Err() == nil {
		if err == nil {
			err = fmt.Errorf("the handler settled %d of %d records", settled, len(batch))
		}
		select {
		case w.c.failed <- fmt.Errorf("%s[%d]: %w", w.of.topic, w.of.id, err):
		default:
		}
	}
	return false
}
