package consumer

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// While a destination is away a stop drops what waits for it, and what waits behind that, at once; what is under way is finished within the grace, and committed.
func TestAStopDropsWhatWaitsAndFinishesWhatIsUnderWay(t *testing.T) {
	addrs, admin := broker(t, 1)
	writeKeyed(t, addrs, "under way", "waits", "waits", "waits")
	begun := make(chan struct{}, 4)
	gaveUp := make(chan error, 2)
	_, stop := startWith(t, addrs, Config{Grace: time.Hour}, settling(func(ctx context.Context, rec *kgo.Record, turn Turn) error {
		begun <- struct{}{}
		switch rec.Offset {
		case 0:
			<-turn.While().Done()
			return ctx.Err() // it is still alive: the answer comes
		case 1:
			turn.Pass()
			<-turn.While().Done()
			return turn.While().Err()
		default:
			turn.Pass()
			_, err := turn.First(ctx)
			gaveUp <- err
			return err
		}
	}))
	for range 4 {
		<-begun
	}
	done := make(chan error, 1)
	go func() { done <- stop() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("the stop waits for what waits")
	}
	for range 2 {
		if err := <-gaveUp; err == nil {
			t.Error("a record is first whose predecessor was given up")
		}
	}
	if n := committed(t, admin); n != 1 {
		t.Errorf("offset %d is committed, want 1", n)
	}
}

func writeKeyed(t *testing.T, addrs []string, keys ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, key := range keys {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Key: []byte(key), Value: []byte("{}")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// waitingToBegin waits for the destination of its events, which is away.
type waitingToBegin struct {
	copying
	waits chan struct{}
}

func (w waitingToBegin) Begin(ctx context.Context) error {
	close(w.waits)
	<-ctx.Done()
	return ctx.Err()
}

func (waitingToBegin) End(bool) {}

// A transaction that waits for a destination has nothing to finish: a stop ends it at once.
func TestAStopDropsATransactionThatIsNotBegun(t *testing.T) {
	addrs, _ := broker(t, 1)
	writeKeyed(t, addrs, "key")
	waits := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() {
		done <- RunTransactions(ctx, Config{Client: []kgo.Opt{kgo.SeedBrokers(addrs...)}, Topics: []string{topic}, Group: group, Grace: time.Hour}, "one",
			func(*kgo.Client) TransactHandler { return waitingToBegin{waits: waits} })
	}()
	<-waits
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(2 * time.Minute):
		t.Fatal("the stop waits for a transaction that is not begun")
	}
}
