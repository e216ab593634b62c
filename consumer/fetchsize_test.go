package consumer

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// sequence notes the partitions whose batches are fetched.
type sequence struct {
	mu         sync.Mutex
	partitions []int32
}

func (s *sequence) OnFetchBatchRead(_ kgo.BrokerMetadata, _ string, partition int32, _ kgo.FetchBatchMetrics) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partitions = append(s.partitions, partition)
}

// Lanes are of keys, and a partition has a part of the keys: with a partition left out until the others are read, a slow backend would get fewer
// attempts at once.
func TestABacklogIsReadFromAllPartitionsInTurn(t *testing.T) {
	const partitions, batches = 4, 12
	addrs, _ := broker(t, partitions)
	fill(t, addrs, batches, 130<<10, 0, 1, 2, 3)
	fetched, got := &sequence{}, newSeen(partitions*batches)
	_, stop := startWith(t, addrs, Config{MaxBytes: 4 << 20, Client: []kgo.Opt{kgo.WithHooks(fetched)}}, settling(func(_ context.Context, rec *kgo.Record, _ Turn) error {
		got.add(rec)
		return nil
	}))
	<-got.all
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for p := range int32(partitions) {
		if at := slices.Index(fetched.partitions, p); at >= partitions*batches/2 {
			t.Errorf("partition %d comes behind %d batches of others: %v", p, at, fetched.partitions)
		}
	}
}

func TestAFetchHasRoomForABatchOfEachOfSeveralPartitions(t *testing.T) {
	for _, c := range []struct {
		name            string
		window          int64
		batch, inflated int
		all, each       int32
	}{
		{"small batches", 24 << 20, 10_000, 40_000, 1_572_864, 380_000},
		{"as large as the share of a partition", 24 << 20, 129_000, 990_000, 1_150_000, 140_000},
		{"larger than the share of all", 24 << 20, 900_000, 7_200_000, 1_560_000, 1_000_000},
	} {
		f := newFetchSize(c.window)
		follow(&f.ratio, float64(c.inflated)/float64(c.batch))
		follow(&f.batch, float64(c.batch))
		all, each := f.want()
		if all < c.all*9/10 || all > c.all*11/10 || each < c.each*9/10 || each > c.each*11/10 {
			t.Errorf("%s: %d bytes a fetch, %d of a partition; want about %d and %d", c.name, all, each, c.all, c.each)
		}
		if int(each) < c.batch {
			t.Errorf("%s: %d bytes of a partition, whose batch has %d: it would bring nothing", c.name, each, c.batch)
		}
	}
}
