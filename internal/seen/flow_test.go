package seen

import (
	"testing"
	"time"
)

// hour is a process that reads a hundred records a second, whose first partition loses what it retains.
func hour(steps int) *Flow {
	i := int64(0)
	f := NewFlow(func() Reading {
		i++
		return Reading{Records: i * 200, Events: i * 400, InHand: 5, Delays: []int64{0, i * 10, i * 90},
			Partitions: []Partition{{Topic: "t", Partition: 0, Lag: i, Retained: max(3600-i*4, 0)}, {Topic: "t", Partition: 1, Lag: 7, Retained: 9}}}
	}, Step)
	for n := range steps {
		f.Take(began.Add(time.Duration(n) * Step))
	}
	return f
}

func TestRatesAndDelaysAreThoseOfTheLastSeconds(t *testing.T) {
	now := hour(100).Now(50)
	if now.Per.Records != 100 || now.Per.Events != 200 || now.Per.Buried != 0 {
		t.Errorf("%+v", now.Per)
	}
	if !now.KnownDelay || now.P50 <= 2*time.Millisecond || now.P50 >= 4*time.Millisecond || now.P95 < now.P50 || now.P95 > 4*time.Millisecond {
		t.Errorf("%s %s", now.P50, now.P95)
	}
	if n := len(now.Recent.Records); n != 50 || now.Recent.Lag[49] != 107 || now.Recent.InHand[0] != 5 {
		t.Errorf("%d points: %v", n, now.Recent.Lag)
	}
	if len(now.Partitions) != 2 || now.Partitions[0].Falls != 2 || now.Partitions[1].Falls != 0 || len(now.Partitions[0].History) != 50 || now.Partitions[0].History[49] != 100 {
		t.Errorf("%+v", now.Partitions)
	}
}

func TestAPartitionThatRetainedSomethingAndDoesNotAnyMore(t *testing.T) {
	now := hour(1000).Now(10)
	if !now.Partitions[0].Ran || now.Partitions[1].Ran {
		t.Errorf("%+v", now.Partitions)
	}
}

func TestAnHourIsKept(t *testing.T) {
	const steps = int(Span / Step)
	f := hour(2*steps + 5)
	if len(f.at) != steps || len(f.lags[where{"t", 1}]) != steps {
		t.Errorf("%d %d", len(f.at), len(f.lags[where{"t", 1}]))
	}
	if f.Number() != uint64(2*steps+5) {
		t.Error(f.Number())
	}
}

func TestNothingIsKnownAtFirst(t *testing.T) {
	f := NewFlow(func() Reading { return Reading{Records: 0, InHand: -1} }, Step)
	if now := f.Now(10); now.KnownDelay || len(now.Recent.Times) != 0 {
		t.Errorf("%+v", now)
	}
	f.Take(began)
	if now := f.Now(10); now.KnownDelay || now.Per.Records != 0 || now.Recent.Lag[0] != -1 {
		t.Errorf("%+v", now)
	}
}

func TestManyPartitionsAreBounded(t *testing.T) {
	f := NewFlow(func() Reading {
		var all []Partition
		for i := range 5 * mostFollowed {
			all = append(all, Partition{Topic: "t", Partition: int32(i), Lag: 1})
		}
		return Reading{Partitions: all}
	}, Step)
	f.Take(began)
	f.Take(began.Add(Step))
	if now := f.Now(10); len(f.lags) != mostFollowed || len(now.Partitions) != 5*mostFollowed || now.Recent.Lag[1] != 5*mostFollowed {
		t.Errorf("%d %d", len(f.lags), len(now.Partitions))
	}
}

func TestAQuantileOfTimes(t *testing.T) {
	for name, c := range map[string]struct {
		before, after []int64
		q             float64
		want          time.Duration
		known         bool
	}{
		"none":            {nil, nil, 0.5, 0, false},
		"none since then": {[]int64{4, 5}, []int64{4, 5}, 0.5, 0, false},
		"all fast":        {nil, []int64{10}, 0.5, 500 * time.Microsecond, true},
		"the second half": {[]int64{90, 0}, []int64{100, 10}, 0.75, 1500 * time.Microsecond, true},
	} {
		if got, known := quantile(c.before, c.after, c.q); got != c.want || known != c.known {
			t.Errorf("%s: %s %v", name, got, known)
		}
	}
}
