package consumer

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// flights is a Starter whose records name their lanes like those of lanes.
type flights struct {
	lanes
	start    func(ctx context.Context, rec *kgo.Record, turn Started) bool
	takeBack func(rec *kgo.Record) bool
}

func newFlights() *flights {
	f := &flights{lanes: lanes{changed: make(chan struct{})}}
	f.settle = func(context.Context, *kgo.Record, Turn) error { return nil }
	f.takeBack = func(*kgo.Record) bool { return false }
	return f
}

func (f *flights) Starts() bool { return true }

func (f *flights) Start(ctx context.Context, p Prepared, turn Started) bool {
	return f.start(ctx, p.(named).rec, turn)
}

func (f *flights) TakeBack(p Prepared) bool { return f.takeBack(p.(named).rec) }

// whole fails the test if the partition does not settle all it has in good time.
func whole(t *testing.T, p *partition) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := p.whole(ctx); err != nil {
		t.Fatal(err)
	}
}

// Records that are started keep the order of their lanes, each is settled once, and no more are under way than may be: however they are acknowledged, and whichever of
// them go on in goroutines of their own.
func TestStartedRecordsKeepTheOrderOfTheirLanes(t *testing.T) {
	const n, most = 5000, 40
	var mu sync.Mutex // guards all below
	last := make(map[byte]int64)
	began, settled := make(map[int64]bool), make(map[int64]int)
	underWay, peak, startedOnes := 0, 0, 0
	begin := func(rec *kgo.Record) {
		mu.Lock()
		defer mu.Unlock()
		if began[rec.Offset] {
			return // it goes on
		}
		began[rec.Offset] = true
		underWay++
		peak = max(peak, underWay)
		for _, lane := range rec.Value {
			if before, ok := last[lane]; ok && before > rec.Offset {
				t.Errorf("%d of lane %c began after %d", rec.Offset, lane, before)
			}
			last[lane] = rec.Offset
		}
	}
	end := func(rec *kgo.Record) {
		mu.Lock()
		defer mu.Unlock()
		underWay--
		settled[rec.Offset]++
	}
	type ack struct {
		rec  *kgo.Record
		turn Started
	}
	acks := make(chan ack, n)
	f := newFlights()
	f.start = func(_ context.Context, rec *kgo.Record, turn Started) bool {
		if rec.Offset%5 == 0 {
			return false
		}
		begin(rec)
		mu.Lock()
		startedOnes++
		mu.Unlock()
		turn.Pass()
		acks <- ack{rec, turn}
		return true
	}
	f.settle = func(ctx context.Context, rec *kgo.Record, turn Turn) error {
		begin(rec)
		turn.Pass()
		if _, err := turn.First(ctx); err != nil {
			return err
		}
		end(rec)
		return nil
	}
	var acking sync.WaitGroup
	for range 3 {
		acking.Go(func() {
			for a := range acks {
				if a.rec.Offset%7 == 0 || !a.turn.Leads() {
					a.turn.GoOn()
					continue
				}
				end(a.rec)
				a.turn.Done()
			}
		})
	}
	records := make([]string, n)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range records {
		for range 1 + r.IntN(3) {
			records[i] += string(rune('a' + r.IntN(12)))
		}
	}
	whole(t, inHand(t, f, Config{MaxInFlight: most}, records...))
	close(acks)
	acking.Wait()
	for i := range int64(n) {
		if settled[i] != 1 {
			t.Errorf("%d was settled %d times", i, settled[i])
		}
	}
	if peak > most || startedOnes < n/2 {
		t.Errorf("%d under way at once, want at most %d; %d were started", peak, most, startedOnes)
	}
}

// A thousand records of one lane are started one after another, not one within the other.
func TestRecordsOfOneLaneAreStartedInTurn(t *testing.T) {
	var mu sync.Mutex
	var order []int64
	within := false
	f := newFlights()
	f.start = func(_ context.Context, rec *kgo.Record, turn Started) bool {
		mu.Lock()
		if within {
			t.Errorf("%d is started within another", rec.Offset)
		}
		within = true
		order = append(order, rec.Offset)
		mu.Unlock()
		turn.Pass()
		mu.Lock()
		within = false
		mu.Unlock()
		turn.Done()
		return true
	}
	whole(t, inHand(t, f, Config{MaxInFlight: 1000}, slices.Repeat([]string{"a"}, 1000)...))
	if len(order) != 1000 || !slices.IsSorted(order) {
		t.Errorf("started %v", order)
	}
}

// A record leads when those before it in any of its lanes are settled, and none was written again behind it.
func TestWhoLeads(t *testing.T) {
	turns := make(map[int64]Started)
	begun := make(chan struct{}, 3)
	f := newFlights()
	f.start = func(_ context.Context, rec *kgo.Record, turn Started) bool {
		turns[rec.Offset] = turn
		turn.Pass()
		begun <- struct{}{}
		return true
	}
	p := inHand(t, f, Config{}, "a", "ab", "b", "b")
	for range 4 {
		<-begun
	}
	if !turns[0].Leads() || turns[1].Leads() || turns[2].Leads() {
		t.Error("before any is settled, only the first leads")
	}
	turns[0].Done()
	if !turns[1].Leads() || turns[2].Leads() {
		t.Error("the second leads, behind the first alone")
	}
	turns[1].Again()
	turns[1].Done()
	if turns[2].Leads() {
		t.Error("the third leads, and the second was written again behind it")
	}
	turns[2].Again()
	turns[2].Done()
	turns[3].Again()
	turns[3].Done()
	whole(t, p)
}

// Who brings an acknowledgement starts nothing: it brings the room that a start may wait for.
func TestWhoBringsAnAcknowledgementStartsNothing(t *testing.T) {
	turns := make(chan Started, 10)
	room := make(chan struct{})
	f := newFlights()
	f.start = func(_ context.Context, rec *kgo.Record, turn Started) bool {
		if rec.Offset >= 4 {
			<-room
		}
		turns <- turn
		return true
	}
	p := inHand(t, f, Config{MaxInFlight: 4}, make([]string, 8)...)
	for range 4 {
		turn := <-turns
		acked := make(chan struct{})
		go func() { turn.Done(); close(acked) }()
		select {
		case <-acked:
		case <-time.After(time.Minute):
			t.Fatal("an acknowledgement waits for a start")
		}
	}
	close(room)
	for range 4 {
		(<-turns).Done()
	}
	whole(t, p)
}

// What was started is taken back when its partition is closed, so that Settle can be told to stop; what has landed ends by itself. The partition is idle
// when both have.
func TestAClosedPartitionTakesBackWhatIsStarted(t *testing.T) {
	turns := make(chan Started, 2)
	ended := make(chan error, 2)
	f := newFlights()
	f.start = func(_ context.Context, _ *kgo.Record, turn Started) bool {
		turns <- turn
		return true
	}
	var caught atomic.Bool
	var while atomic.Value // of the partition
	f.takeBack = func(rec *kgo.Record) bool {
		if while.Load().(context.Context).Err() == nil {
			t.Error("taken back before it can be told of the stop")
		}
		return rec.Offset == 0 && caught.CompareAndSwap(false, true)
	}
	f.settle = func(ctx context.Context, _ *kgo.Record, turn Turn) error {
		ended <- turn.While().Err()
		<-ctx.Done()
		return ctx.Err()
	}
	p := inHand(t, f, Config{}, "a", "b")
	<-turns
	landed := <-turns
	while.Store(landed.While())
	p.close(false)
	if err := <-ended; err == nil {
		t.Error("While goes on")
	}
	p.cancel()
	select {
	case <-p.idle:
		t.Fatal("idle, and one has landed that is not done")
	case <-time.After(5 * time.Millisecond):
	}
	landed.Done()
	<-p.idle
	if got := f.wait(t, 1); len(got) != 1 {
		t.Errorf("settled %v", got)
	}
}

// A record whose Start is under way while its partition is closed is taken back too.
func TestAStartUnderWayIsTakenBack(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	f := newFlights()
	var flying atomic.Bool
	f.start = func(context.Context, *kgo.Record, Started) bool {
		close(begun)
		<-goOn
		flying.Store(true)
		return true
	}
	f.takeBack = func(*kgo.Record) bool { return flying.CompareAndSwap(true, false) }
	p := inHand(t, f, Config{}, "a")
	<-begun
	p.close(false)
	close(goOn)
	select {
	case <-p.idle:
	case <-time.After(time.Minute):
		t.Fatal("nobody ended it")
	}
}

// Against brokers: all that was done is committed, and nothing behind a record that never lands.
func TestWhatWasStartedAndIsDoneIsCommitted(t *testing.T) {
	addrs, admin := broker(t, 1)
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.DefaultProduceTopic(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for range 100 { // without lanes
		client.Produce(t.Context(), &kgo.Record{}, nil)
	}
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var done atomic.Int64
	f := newFlights()
	f.start = func(_ context.Context, rec *kgo.Record, turn Started) bool {
		if rec.Offset != 60 {
			go func() { turn.Done(); done.Add(1) }()
		}
		return true
	}
	var caught atomic.Bool
	f.takeBack = func(rec *kgo.Record) bool { return rec.Offset == 60 && caught.CompareAndSwap(false, true) }
	f.settle = func(ctx context.Context, _ *kgo.Record, _ Turn) error {
		<-ctx.Done()
		return ctx.Err()
	}
	_, stop := startWith(t, addrs, Config{Grace: time.Millisecond}, f)
	until(t, "99 records done", func() bool { return done.Load() == 99 })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := committed(t, admin); got != 60 {
		t.Errorf("committed %d, want 60", got)
	}
}

// While most of what is under way hangs, the places that are left go on being used, though nothing new is read.
func TestTheLastPlacesAreUsedWhileTheOthersHang(t *testing.T) {
	var done atomic.Int64
	hang := make(chan Started, 7)
	f := newFlights()
	f.start = func(_ context.Context, rec *kgo.Record, turn Started) bool {
		turn.Pass()
		if rec.Offset < 7 {
			hang <- turn
			return true
		}
		go func() { done.Add(1); turn.Done() }()
		return true
	}
	p := inHand(t, f, Config{MaxInFlight: 8}, make([]string, 100)...)
	until(t, "93 records done", func() bool { return done.Load() == 93 })
	for range 7 {
		(<-hang).Done()
	}
	whole(t, p)
}
