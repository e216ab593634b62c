package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// TransactHandler settles the records of one poll inside a transaction.
type TransactHandler interface {
	// Transact writes, with the client of the transaction, everything that settles the batches, each of one partition and
	// in its order. A nil error asks for a commit, and committed is called once that succeeded. Any other error asks for an
	// abort: the same records come again, so a handler that waits for a backend waits here, before it writes. When ctx ends it must return soon.
	Transact(ctx context.Context, batches [][]*kgo.Record) (committed func(), err error)
}

// transactionTimeout bounds how long a transaction of a process that was killed keeps readers with read_committed, and the
// next owner of its partitions, waiting. A poll settles in a fraction of it; waiting for a backend happens before the first write.
const transactionTimeout = 20 * time.Second

// RunTransactions reads as a member of the group until ctx ends and settles each poll in one transaction with the offsets:
// readers with read_committed see what a poll became once, whatever dies. handler makes the Handler for the client that
// consumes and produces; when a transactional client has failed for good, a new one is made, and a new Handler for it.
//
// id is the transactional id, unique for each process of the group. cfg.Grace is how long what is in hand may settle at a stop.
func RunTransactions(ctx context.Context, cfg Config, id string, handler func(*kgo.Client) TransactHandler) error {
	cfg = cfg.withDefaults()
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
			cfg.Log.Warn("the transactional client has failed; a new one takes over from the committed offsets", zap.Error(err))
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
	committed bool // at least one transaction
	fatal     bool // the error is one that a new client would meet too
	losses    *lossWatch
	fetching  fetchLog
	aborting  string // why the last transaction was aborted, as it was logged
}

func (t *transactor) run(ctx context.Context, id string, handler func(*kgo.Client) TransactHandler) error {
	opts := append(t.cfg.groupOpts(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.TransactionTimeout(transactionTimeout),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			t.losses.forget(parts)
			logPartitions(t.cfg.Log, "partitions assigned", parts)
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			logPartitions(t.cfg.Log, "partitions revoked; the transaction under way is aborted", parts)
		}),
	)
	session, err := kgo.NewGroupTransactSession(append(append(opts, t.cfg.Client...), kgo.TransactionalID(id))...)
	if err != nil {
		return fmt.Errorf("making the transactional Kafka client: %w", err)
	}
	defer session.Close()
	t.client = session.Client()
	h := handler(t.client)
	watched, stop := context.WithCancel(ctx)
	missing := make(chan struct{})
	go func() {
		defer close(missing)
		watchTopics(watched, t.client, t.cfg.Topics, t.cfg.Log)
	}()
	defer func() { stop(); <-missing }() // before the client is closed
	return t.loop(ctx, session, h)
}

// loop settles polls until ctx ends or the client can't go on.
func (t *transactor) loop(ctx context.Context, session *kgo.GroupTransactSession, h TransactHandler) error {
	for {
		fetches := session.PollRecords(ctx, 2*t.cfg.MaxBatch)
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
		batches := t.byPartition(ctx, fetches)
		if len(batches) == 0 {
			continue
		}
		if err := t.transact(ctx, session, h, batches); err != nil {
			return err
		}
	}
}

// byPartition is one batch a partition, in order.
func (t *transactor) byPartition(ctx context.Context, fetches kgo.Fetches) (batches [][]*kgo.Record) {
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) > 0 {
			t.losses.check(ctx, t.client, p)
			batches = append(batches, p.Records)
		}
	})
	return batches
}

// transact settles one poll. Its error means that the client can't go on.
func (t *transactor) transact(ctx context.Context, session *kgo.GroupTransactSession, h TransactHandler, batches [][]*kgo.Record) error {
	if err := session.Begin(); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	work, stop := graceful(ctx, t.cfg.Grace)
	committed, cause := h.Transact(work, batches)
	stop()
	// A stop must not end the end of the transaction: a client that is interrupted there leaves it open until it times out.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), transactionTimeout)
	defer cancel()
	done, err := session.End(end, kgo.TransactionEndTry(cause == nil))
	if err != nil {
		return fmt.Errorf("ending a transaction: %w", err)
	}
	if done {
		t.committed, t.aborting = true, ""
		committed()
		return nil
	}
	t.aborted(ctx, cause)
	return nil
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

// graceful is a context that outlives ctx by grace. stop frees it and waits for nothing.
func graceful(ctx context.Context, grace time.Duration) (work context.Context, stop func()) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-work.Done():
		}
	})
	return work, func() { unhook(); cancel() }
}
