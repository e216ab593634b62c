package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// TransactHandler settles records inside transactions of one client: the same two verbs, all of a poll or none. Of a poll, records that
// share a lane settle one after another, as ever.
type TransactHandler interface {
	// Settle writes with the client of the transaction. An error aborts the transaction, and all records of the poll come again.
	Handler
	// Begin is called before the first write of each transaction. It waits while the brokers are away; its error is ctx's.
	Begin(ctx context.Context) error
	// End tells how the transaction ended: only what was committed is true.
	End(committed bool)
}

// transactionTimeout bounds how long a transaction of a process that was killed keeps readers with read_committed, and the
// next owner of its partitions, waiting. A poll settles in a fraction of it; waiting for brokers happens before the first write.
const transactionTimeout = 20 * time.Second

// transactInFlight is how many records of a partition settle side by side in a transaction: they are written, not waited for one by one.
const transactInFlight = 1000

// RunTransactions reads as a member of the group until ctx ends and settles each poll in one transaction with the offsets:
// readers with read_committed see what a poll became once, whatever dies. handler makes the TransactHandler for the client that
// consumes and produces; when a transactional client has failed for good, a new one is made, and a new handler for it.
//
// id is the transactional id, unique for each process of the group. cfg.Grace is how long what is in hand may settle at a stop.
func RunTransactions(ctx context.Context, cfg Config, id string, handler func(*kgo.Client) TransactHandler) error {
	cfg = cfg.withDefaults()
	cfg.MaxInFlight = max(cfg.MaxInFlight, transactInFlight)
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(200*time.Millisecond), backoff.WithMaxInterval(15*time.Second),
		backoff.WithMaxElapsedTime(0))
	last := ""
	for {
		t := &transactor{cfg: cfg, fetching: fetchLog{log: cfg.Log}, losses: newLossWatch(cfg)}
		err := t.run(ctx, id, handler)
		if ctx.Err() != nil || err == nil {
			return nil //nolint:nilerr // a stop is no failure; what was not committed comes again
		}
		if t.client == nil || t.fatal {
			return err // options that make no client never will; nor does waiting mend this
		}
		if t.committed {
			pauses.Reset()
		}
		if err.Error() != last {
			cfg.Log.Warn("the transactional client has failed; a new one takes over from the committed offsets", zap.String("error", cfg.Watch.explained(err)))
			last = err.Error()
		}
		pause := time.NewTimer(pauses.NextBackOff())
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

// transactor is one transactional client's life.
type transactor struct {
	cfg       Config
	client    *kgo.Client
	handler   TransactHandler
	engine    *engine
	committed bool // at least one transaction
	fatal     bool // the error is one that a new client would meet too
	losses    *lossWatch
	fetching  fetchLog
	records   average
	aborting  string // why the last transaction was aborted, as it was logged

	failed chan error // capacity 1: the first error of a record in the transaction under way
}

func (t *transactor) run(ctx context.Context, id string, handler func(*kgo.Client) TransactHandler) error {
	sizes := newFetchSize(t.cfg.MaxBytes)
	opts, err := t.cfg.groupOpts()
	if err != nil {
		return err
	}
	opts = append(opts,
		kgo.WithHooks(sizes, &t.records),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.TransactionTimeout(transactionTimeout),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			t.losses.forget(parts)
			t.cfg.Watch.took(parts)
			logPartitions(t.cfg.Log, "partitions assigned", parts)
		}),
		kgo.OnPartitionsLost(t.gone),
		kgo.OnPartitionsRevoked(t.gone),
	)
	life, abandon := context.WithCancel(context.WithoutCancel(ctx))
	session, err := kgo.NewGroupTransactSession(append(append(opts, t.cfg.Client...), kgo.TransactionalID(id), kgo.WithContext(life))...)
	if err != nil {
		abandon()
		return fmt.Errorf("making the transactional Kafka client: %w", err)
	}
	t.client = session.Client()
	sizes.follow(t.client)
	t.failed = make(chan error, 1)
	t.handler = handler(t.client)
	t.engine = newEngine(t.cfg, t.handler, func(err error) {
		select {
		case t.failed <- err:
		default:
		}
	})
	watched, stop := context.WithCancel(ctx)
	var side sync.WaitGroup
	side.Go(func() { watchTopics(watched, t.client, t.cfg.Topics, t.cfg.Log) })
	side.Go(func() { t.cfg.Watch.follow(watched, t.client) })
	defer func() {
		stop()
		side.Wait() // before the client is closed
		t.losses.wait()
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.cfg.Grace)
		defer cancel()
		t.engine.stop(ending)
		leave(ctx, t.client, min(t.cfg.Grace, leaveWithin), abandon, t.cfg.Log)
	}()
	return t.loop(watched, session)
}

// gone notes partitions that another member has, or will have.
func (t *transactor) gone(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
	t.cfg.Watch.gave(parts)
	logPartitions(t.cfg.Log, "partitions revoked; the transaction under way is aborted", parts)
}

// loop settles polls until ctx ends or the client can't go on.
func (t *transactor) loop(ctx context.Context, session *kgo.GroupTransactSession) error {
	for {
		most := min(max(t.cfg.MaxBytes/t.records.bytes(), 1), mostPolled)
		fetches := session.PollRecords(ctx, int(most))
		if ctx.Err() != nil {
			return nil //nolint:nilerr // a stop is no failure
		}
		t.fetching.note(fetches)
		if err := fatalFetchError(fetches); err != nil {
			t.fatal = true
			return err
		}
		if topics := recreated(fetches); len(topics) > 0 {
			return fmt.Errorf("topics were deleted, and perhaps made again: %v", topics) // a new client finds them anew
		}
		polled := t.take(ctx, fetches)
		if len(polled.parts) == 0 {
			continue
		}
		if err := t.transact(ctx, session, polled); err != nil {
			return err
		}
	}
}

// polled is what one poll brought. Its partitions live as long as its transaction.
type polled struct {
	parts []*partition
	add   []func()                             // takes the records in hand
	past  map[string]map[int32]kgo.EpochOffset // where to go on behind batches that are not read
}

func (t *transactor) take(ctx context.Context, fetches kgo.Fetches) (out polled) {
	of := make(map[partitionID]*partition)
	part := func(topic string, id int32) *partition {
		key := partitionID{topic, id}
		if of[key] == nil {
			of[key] = newPartition(t.engine, topic, id)
			out.parts = append(out.parts, of[key])
		}
		return of[key]
	}
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		if len(f.Records) == 0 {
			return
		}
		t.losses.check(ctx, t.client, f)
		t.records.note(f.Records)
		p := part(f.Topic, f.Partition)
		out.add = append(out.add, func() { p.add(f.Records) })
	})
	fetches.EachError(func(topic string, id int32, err error) {
		batch, ok := errors.AsType[*kgo.ErrDecompressTooLarge](err)
		if !ok {
			return
		}
		p := part(topic, id)
		out.add = append(out.add, func() { p.addUnread(batch) })
		if out.past == nil {
			out.past = make(map[string]map[int32]kgo.EpochOffset)
		}
		if out.past[topic] == nil {
			out.past[topic] = make(map[int32]kgo.EpochOffset)
		}
		out.past[topic][id] = kgo.EpochOffset{Epoch: batch.Epoch, Offset: batch.NextOffset}
	})
	return out
}

// transact settles one poll. Its error means that the client can't go on.
func (t *transactor) transact(ctx context.Context, session *kgo.GroupTransactSession, in polled) error {
	work, stop := graceful(ctx, t.cfg.Grace)
	defer stop()
	cause := t.handler.Begin(ctx) // which waits while the brokers of the events are away, and has nothing to finish
	if err := session.Begin(); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	if cause == nil {
		cause = t.settle(work, in)
	}
	if cause == nil && in.past != nil {
		// The transaction commits them too; an abort takes them back.
		t.client.SetOffsets(in.past)
	}
	// A stop must not end the end of the transaction: a client that is interrupted there leaves it open until it times out.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactionTimeout)
	defer cancel()
	done, err := session.End(end, kgo.TransactionEndTry(cause == nil))
	t.handler.End(done && err == nil)
	if err != nil {
		return fmt.Errorf("ending a transaction: %w", err)
	}
	if done {
		t.committed, t.aborting = true, ""
		return nil
	}
	t.aborted(ctx, cause)
	return nil
}

// settle settles all records of a poll. With the first error the rest is given up.
func (t *transactor) settle(ctx context.Context, in polled) error {
	select {
	case old := <-t.failed: // of the transaction before
		t.cfg.Log.Debug("a record failed after its transaction", zap.Error(old))
	default:
	}
	t.engine.share(len(in.parts))
	for _, add := range in.add {
		add()
	}
	all, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case err := <-t.failed:
			stop(err)
		case <-all.Done():
		}
	}()
	var failed error
	for _, p := range in.parts {
		if failed = p.whole(all); failed != nil {
			failed = context.Cause(all)
			break
		}
	}
	stop(nil)
	<-watched
	finish(in.parts, 0, failed != nil) // all is settled, or nobody will see what is written
	return failed
}

// aborted says why, once for each reason: in an outage every transaction is aborted.
func (t *transactor) aborted(ctx context.Context, cause error) {
	if ctx.Err() != nil {
		return
	}
	why := "a rebalance"
	if cause != nil {
		why = cause.Error()
	}
	if why != t.aborting {
		t.cfg.Log.Info("transaction aborted; its records come again", zap.String("because", why))
	}
	t.aborting = why
}
