package dlq

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

func TestTheFollowerCountsWhatIsNotSettled(t *testing.T) {
	e := newEstate(t)
	f := Follow(e.client, dead, cfg)
	want := func(when string, oldest time.Time, want ...Depth) {
		t.Helper()
		if err := f.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, at, known := f.Depth()
		slices.SortFunc(got, func(a, b Depth) int { return cmp.Or(b.Letters-a.Letters, cmp.Compare(b.Disposition, a.Disposition)) })
		if !known || !slices.Equal(got, want) || !at.Equal(oldest) {
			t.Errorf("%s: %+v since %s, want %+v since %s", when, got, at, want, oldest)
		}
	}
	if _, _, known := f.Depth(); known {
		t.Error("known before it was read")
	}
	want("empty", time.Time{})
	e.bury(0, 1, "a")
	e.bury(0, 2, "b")
	e.bury(1, 3, "c", func(l *deadletter.Letter, _ *kgo.Record) { l.Code = "No slug" })
	want("three letters", day.Add(time.Second), Depth{"rejected", "http_422", 2}, Depth{"other", "other", 1})
	e.replay(Filter{Keys: []string{"a"}})
	want("one replayed", day.Add(2*time.Second), Depth{"rejected", "http_422", 1}, Depth{"other", "other", 1})
	again := e.read(source)[0]
	e.write(deadletter.Wrap(again, dead, deadletter.Letter{Group: "g", Code: "http_400", Disposition: "rejected", FailedAt: day.Add(time.Hour)}), 0)
	e.replay(Filter{Keys: []string{"b", "c"}})
	want("buried again, the others replayed", day.Add(time.Hour), Depth{"rejected", "http_400", 1})
	e.write(&kgo.Record{Topic: dead, Headers: []kgo.RecordHeader{{Key: "topic_poisoned", Value: []byte("x")}}}, 1)
	var to kadm.Offsets
	to.AddOffset(dead, 0, 3, -1)
	if _, err := kadm.NewClient(e.client).DeleteRecords(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	if err := f.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := f.Depth(); len(got) != 1 || got[0] != (Depth{"", deadletter.CodeForeign, 1}) {
		t.Errorf("deleted by retention, and a foreign one: %+v", got)
	}
	// Two letters of ours whose place can't be read are two, not one.
	for range 2 {
		broken := deadletter.Wrap(&kgo.Record{Topic: source, Value: []byte("v")}, dead, deadletter.Letter{Group: "g", Disposition: "bug", Code: "x"})
		for i, h := range broken.Headers {
			if h.Key == deadletter.HeaderOffset {
				broken.Headers[i].Value = []byte("seven")
			}
		}
		e.write(broken, 1)
	}
	if err := f.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := f.Depth(); !slices.Contains(got, Depth{"bug", "x", 2}) {
		t.Errorf("two unreadable letters: %+v", got)
	}
	missing := Follow(e.client, "missing", cfg)
	if err := missing.Poll(t.Context()); err != nil {
		t.Error(err)
	}
	if got, _, known := missing.Depth(); !known || len(got) != 0 {
		t.Errorf("a topic that does not exist: %v", got)
	}
}

// A flood of letters is counted, and does not fill the memory of whoever counts.
func TestTheFollowerHoldsSoManyLettersAndNoMore(t *testing.T) {
	e := newEstate(t)
	f := Follow(e.client, dead, cfg)
	f.most = 20
	count := func(when string, held, want int) {
		t.Helper()
		if err := f.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, _, _ := f.Depth()
		if want > 0 && (len(got) != 1 || got[0] != (Depth{"rejected", "http_422", want})) || want == 0 && len(got) > 0 || len(f.index.Letters) != held {
			t.Errorf("%s: %+v, %d held; want %d and %d", when, got, len(f.index.Letters), want, held)
		}
	}
	for i := range 19 {
		e.bury(0, int64(i), "a")
	}
	e.replay(Filter{})
	for i := range 5 {
		e.bury(0, 100+int64(i), "b")
	}
	count("those that are settled take no room", 5, 5)
	for i := range 40 {
		e.bury(1, 200+int64(i), "c")
	}
	count("a flood", 20, 45)
	e.replay(Filter{})
	count("all settled: those beyond are asked about when there is room", 0, 25)
	count("and were settled too", 0, 0)
}

// A key may be as large as a record: what is kept of it is not, and keys still differ.
func TestLongKeysAreKeptShort(t *testing.T) {
	long := []byte(strings.Repeat("k", 1<<20))
	one := newLetter(&kgo.Record{Key: long})
	other := newLetter(&kgo.Record{Key: append(slices.Clone(long), 'x')})
	if len(one.Key) > 2*maxKeyBytes || string(one.Key) == string(other.Key) {
		t.Errorf("%d bytes kept", len(one.Key))
	}
}
