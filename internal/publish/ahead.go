package publish

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// What is read ahead of its turn: a bucket answers in tens of milliseconds, whatever it sends.
const (
	aheadFiles = 16
	aheadBytes = 64 << 20
)

// readFile is one file, on its way.
type readFile struct {
	it     item
	weight int64
	done   chan struct{}
	file   *file
	err    error
}

// ahead reads files several at once and hands them over in their order. It returns when nothing is under way any more.
func ahead(ctx context.Context, items []item, read func(context.Context, item) (*file, error), each func(item, *file, error) error) error {
	reading, stop := context.WithCancel(ctx)
	room := semaphore.NewWeighted(aheadBytes)
	queue := make(chan *readFile, aheadFiles)
	var under sync.WaitGroup
	under.Go(func() {
		defer close(queue)
		for _, it := range items {
			r := &readFile{it: it, weight: max(1, min(it.Size, aheadBytes)), done: make(chan struct{})}
			if room.Acquire(reading, r.weight) != nil {
				return
			}
			select {
			case queue <- r:
			case <-reading.Done():
				return
			}
			under.Go(func() {
				r.file, r.err = read(reading, it)
				close(r.done)
			})
		}
	})
	defer under.Wait()
	defer stop()
	for r := range queue {
		<-r.done
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := each(r.it, r.file, r.err); err != nil {
			return err
		}
		room.Release(r.weight)
	}
	return ctx.Err()
}
