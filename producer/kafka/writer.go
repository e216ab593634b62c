package kafka

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/semaphore"

	"github.com/gx-ol/gx-ol/internal/fault"
)

const (
	inHand    = 16 << 20  // bytes that a writer hands its client before it waits for acknowledgements
	inHandTxn = 960 << 10 // the same in a transaction: what most topics take even in one batch that does not compress
	company   = 64 << 10  // bytes of records that no topic finds too large together
)

// Writer writes records and blames exactly the one that a broker will never take: one that is too large, mostly. A broker refuses a batch as a whole, and franz-go then fails
// all that it holds for the partition, each record with "too large". So that verdict is told only of a record that was written
// alone. Outside a transaction the records that met it in company are written again by the Writer, once nothing else is in hand, and
// with them what was written to their partitions in the meantime: the order in a partition is the order in which records were
// handed over. Inside a transaction what failed can't be mended, and the next one is written more carefully; see NewTransactionWriter.
//
// A client has one Writer, for all that is written with it. It is safe for concurrent use.
type Writer struct {
	client      *kgo.Client
	transaction bool
	size        int64               // of room
	room        *semaphore.Weighted // bytes; who has all of it is alone
	most        int64               // bytes of a record that client takes; larger ones, if any, go alone through large
	care        atomic.Int32        // of a transaction: how little is written together

	again   atomic.Bool // mu's fields hold something
	mu      sync.Mutex  // guards below
	late    []late      // to be written again, in their order
	places  map[place]bool
	large   *kgo.Client // nil until there is a record for it
	closed  bool
	writing sync.WaitGroup
}

// place is a partition.
type place struct {
	topic     string
	partition int32
}

// late is a record that waits to be written again.
type late struct {
	rec  *kgo.Record
	done func(error)
}

// How careful a writer of transactions is.
const (
	freely  int32 = iota // as much at once as comes
	closely              // no more together than company
	singly               // one at a time
)

// NewWriter writes with a client that stays the caller's.
func NewWriter(client *kgo.Client) *Writer {
	w := &Writer{client: client, size: inHand, room: semaphore.NewWeighted(inHand), most: math.MaxInt64}
	if n, ok := client.OptValue(kgo.ProducerBatchMaxBytes).(int32); ok && n == batchBytes { // else the operator's word
		w.most = batchBytes - recordRoom
	}
	return w
}

// recordRoom is what a batch of one record has beside it.
const recordRoom = 1 << 10

// NewTransactionWriter writes inside the transactions of a client that stays the caller's. A record that is certain to be too large is
// a Message fault. "Too large" of several is a Backend fault with the code kafka_batch_too_large: the transaction must be
// aborted like for any other error, and when its records come again fewer are written together, down to one, so that the
// verdict is certain by the third time. Committed ends the care.
func NewTransactionWriter(client *kgo.Client) *Writer {
	return &Writer{client: client, transaction: true, size: inHandTxn, room: semaphore.NewWeighted(inHandTxn), most: math.MaxInt64}
}

// Committed tells the writer that a transaction was committed.
func (w *Writer) Committed() { w.care.Store(freely) }

// Send hands rec over and waits for nothing but room. done is called once, perhaps before Send returns and perhaps by the client's
// goroutine, so it must not wait: with nil when rec is acknowledged, else with a *fault.Error, or ctx's error after its end.
// Until then rec is the writer's.
func (w *Writer) Send(ctx context.Context, rec *kgo.Record, done func(error)) {
	care := w.care.Load()
	weight := w.weigh(rec, care)
	if err := w.room.Acquire(ctx, weight); err != nil {
		done(err)
		return
	}
	client := w.client
	if weight == w.size && size(rec) > w.most {
		var err error
		if client, err = w.forLarge(); err != nil {
			w.room.Release(weight)
			done(writeFault(ctx, err, rec.Topic))
			return
		}
	}
	w.produce(ctx, client, rec, care, weight, done)
}

// TrySend is Send if there is room, and rec need not be alone. Else it reports false, and has done nothing.
func (w *Writer) TrySend(ctx context.Context, rec *kgo.Record, done func(error)) bool {
	care := w.care.Load()
	weight := w.weigh(rec, care)
	if weight == w.size || !w.room.TryAcquire(weight) {
		return false
	}
	w.produce(ctx, w.client, rec, care, weight, done)
	return true
}

// produce hands rec to a client, and takes its answer.
func (w *Writer) produce(ctx context.Context, client *kgo.Client, rec *kgo.Record, care int32, weight int64, done func(error)) {
	client.Produce(ctx, rec, func(rec *kgo.Record, err error) {
		if err == nil && !w.again.Load() {
			w.room.Release(weight)
			done(nil)
			return
		}
		w.answered(ctx, rec, err, care, weight, done)
	})
}

// Write is Send and waits. When ctx ends it waits no longer; the record may arrive all the same.
func (w *Writer) Write(ctx context.Context, rec *kgo.Record) error {
	told := make(chan error, 1)
	w.Send(ctx, rec, func(err error) { told <- err })
	select {
	case err := <-told:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-told:
		return err
	default:
		return ctx.Err()
	}
}

// Client is the client that it writes with.
func (w *Writer) Client() *kgo.Client { return w.client }

// Close waits for what is written again, and frees what the Writer made. The client is the caller's.
func (w *Writer) Close() {
	w.writing.Wait()
	w.mu.Lock()
	large := w.large
	w.large, w.closed = nil, true
	w.mu.Unlock()
	if large != nil {
		large.Close()
	}
}

// forLarge is a client of its own for records that are larger than a batch should be: franz-go has one limit for both. Whoever
// writes with it is alone, so that order stays.
func (w *Writer) forLarge() (*kgo.Client, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, kgo.ErrClientClosed
	}
	if w.large == nil {
		large, err := kgo.NewClient(besideOpts(w.client.Opts())...)
		if err != nil {
			return nil, err
		}
		w.large = large
	}
	return w.large, nil
}

// answered is what becomes of an answer that needs a second look.
func (w *Writer) answered(ctx context.Context, rec *kgo.Record, err error, care int32, weight int64, done func(error)) {
	switch {
	case w.transaction && refused(err) && weight < w.size:
		w.care.CompareAndSwap(care, care+1)
		f := fault.BackendError("kafka_batch_too_large", "writing to topic %s: refused together with others; they are written again in smaller batches", rec.Topic)
		f.Unclear = true // the brokers are there
		err = f
		if ctx.Err() != nil {
			err = ctx.Err()
		}
	case !w.transaction && ctx.Err() == nil && weight < w.size && w.postpone(rec, err, done):
		w.room.Release(weight)
		return
	default:
		err = writeFault(ctx, err, rec.Topic)
	}
	w.room.Release(weight)
	done(err)
}

// postpone keeps a record that was too large in company, or that overtook one, for writeAgain.
func (w *Writer) postpone(rec *kgo.Record, err error, done func(error)) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := place{rec.Topic, rec.Partition}
	if !refused(err) && (err != nil || !w.places[at]) {
		return false
	}
	if !w.again.Swap(true) {
		w.places = make(map[place]bool)
		w.writing.Go(w.writeAgain)
	}
	w.places[at] = true
	w.late = append(w.late, late{rec, done})
	return true
}

// writeAgain waits until nothing is in hand; meanwhile nothing new is handed over. Then it writes what was postponed.
func (w *Writer) writeAgain() {
	// It ends: each record in hand is answered within the client's delivery timeout, or when the client is closed.
	_ = w.room.Acquire(context.Background(), w.size)
	defer w.room.Release(w.size)
	w.mu.Lock()
	all := w.late
	w.late, w.places = nil, nil
	w.again.Store(false)
	w.mu.Unlock()
	for len(all) > 0 {
		n, sum := 0, int64(0)
		for n < len(all) && (n == 0 || sum+size(all[n].rec) <= company) {
			sum += size(all[n].rec)
			n++
		}
		w.together(all[:n])
		all = all[n:]
	}
}

// together writes a few records at once, and where they are too large one by one from the first of these on.
func (w *Writer) together(few []late) {
	errs := make([]error, len(few))
	var answers sync.WaitGroup
	answers.Add(len(few))
	for i, l := range few {
		w.client.Produce(l.rec.Context, l.rec, func(_ *kgo.Record, err error) {
			errs[i] = err
			answers.Done()
		})
	}
	answers.Wait()
	singly := false
	for i, l := range few {
		if len(few) > 1 && (singly || refused(errs[i])) {
			singly = true
			errs[i] = w.client.ProduceSync(l.rec.Context, l.rec).FirstErr()
		}
		l.done(writeFault(l.rec.Context, errs[i], l.rec.Topic))
	}
}

// weigh is how much room a record takes; all of it if it must be alone. The least is such that there is room for fewer records than the client
// holds at most: holding that many, it would let the caller wait.
func (w *Writer) weigh(rec *kgo.Record, care int32) int64 {
	n := max(size(rec), w.size/bufferedRecs+1)
	switch {
	case care == singly, n > w.most:
		return w.size
	case care == closely:
		n *= w.size / company
	}
	return min(n, w.size)
}

// size is about what a record has in a batch, in bytes, and not less.
func size(rec *kgo.Record) int64 {
	n := 64 + len(rec.Key) + len(rec.Value)
	for _, h := range rec.Headers {
		n += 10 + len(h.Key) + len(h.Value)
	}
	return int64(n)
}
