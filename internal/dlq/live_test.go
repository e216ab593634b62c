package dlq

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// states are the letters of an index with what became of each.
func states(ix *Index) (out []string) {
	for _, l := range ix.Letters {
		out = append(out, l.String()+" "+string(l.State)+" "+l.Said.Code)
	}
	return out
}

// Whatever happens to the topic, a Live says what an Index that is loaded anew says.
func TestALiveIndexSaysWhatAFreshOneSays(t *testing.T) {
	e := newEstate(t)
	live := NewLive(e.client, dead, cfg)
	number := uint64(0)
	same := func(when string, changed bool) {
		t.Helper()
		if err := live.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
		topic, err := Open(t.Context(), e.client, dead, cfg)
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := topic.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		live.View(func(ix *Index, s LiveState) {
			if got, want := states(ix), states(fresh); !slices.Equal(got, want) || !s.Known || !s.There {
				t.Errorf("%s: %v, want %v; %+v", when, got, want, s)
			}
			if changed != (s.Number != number) {
				t.Errorf("%s: number %d after %d", when, s.Number, number)
			}
			number = s.Number
		})
	}
	same("empty", true)
	same("nothing new", false)
	e.bury(0, 1, "a")
	e.bury(0, 2, "b")
	e.bury(1, 3, "c")
	same("three letters", true)
	e.replay(Filter{Keys: []string{"a"}})
	same("one replayed", true)
	again := e.read(source)[0]
	e.write(deadletter.Wrap(again, dead, deadletter.Letter{Group: "g", Code: "http_400", Disposition: "rejected", FailedAt: day.Add(time.Hour)}), 0)
	same("buried again", true)
	e.replay(Filter{Keys: []string{"b", "c"}})
	same("the others replayed", true)
	var to kadm.Offsets
	to.AddOffset(dead, 0, 2, -1)
	if _, err := kadm.NewClient(e.client).DeleteRecords(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	same("deleted by retention", true)
	same("nothing new", false)

	missing := NewLive(e.client, "missing", cfg)
	if err := missing.Poll(t.Context()); err != nil {
		t.Error(err)
	}
	missing.View(func(_ *Index, s LiveState) {
		if !s.Known || s.There {
			t.Errorf("a topic that does not exist: %+v", s)
		}
	})
}

// What is not settled and new is kept, however many letters anyone writes.
func TestALiveIndexIsBounded(t *testing.T) {
	e := newEstate(t)
	live := NewLive(e.client, dead, cfg)
	live.most = 8
	var recs []*kgo.Record
	for i := range liveChunk + 5 {
		said := deadletter.Letter{Group: "g", Disposition: "rejected", Code: "http_422", FailedAt: day.Add(time.Duration(i) * time.Second)}
		rec := deadletter.Wrap(&kgo.Record{Topic: source, Offset: int64(i), Value: []byte("v"), Timestamp: day}, dead, said)
		rec.Partition = 0
		recs = append(recs, rec)
	}
	for _, rec := range recs {
		e.write(rec, 0)
	}
	if err := live.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	live.View(func(ix *Index, s LiveState) {
		if len(ix.Letters) > 8 || len(ix.Letters)+s.Beyond != liveChunk+5 || ix.Letters[len(ix.Letters)-1].Offset != liveChunk+4 {
			t.Errorf("%d letters, %d dropped", len(ix.Letters), s.Beyond)
		}
	})
}

func TestLettersAreSpreadOverTimeByTheirCodes(t *testing.T) {
	letter := func(code string, after time.Duration) *Letter {
		return &Letter{Said: deadletter.Letter{Code: code, FailedAt: day.Add(after)}}
	}
	s := Spreading([]*Letter{letter("a", 0), letter("b", time.Hour), letter("b", 4*time.Hour), letter("c", time.Hour), letter("a", 0), letter("a", 2*time.Hour)}, 4, 2)
	if !s.From.Equal(day) || !s.To.Equal(day.Add(4*time.Hour)) || len(s.Codes) != 3 {
		t.Fatalf("%+v", s)
	}
	for i, want := range []CodeSpread{{"a", 3, []int{2, 1, 0, 0}}, {"b", 2, []int{1, 0, 0, 1}}, {"", 1, []int{1, 0, 0, 0}}} {
		if got := s.Codes[i]; got.Code != want.Code || got.Letters != want.Letters || !slices.Equal(got.Bars, want.Bars) {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if one := Spreading([]*Letter{letter("a", 0)}, 3, 2); one.Codes[0].Bars[0] != 1 {
		t.Errorf("%+v", one)
	}
	if none := Spreading(nil, 3, 2); none.Codes != nil {
		t.Errorf("%+v", none)
	}
}
