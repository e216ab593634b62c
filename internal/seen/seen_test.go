package seen

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

var began = time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)

func run(dataset string, passed, failed int, fails bool, at time.Time) openlineage.Run {
	return openlineage.Run{Datasets: []Dataset{{Namespace: "ns", Name: dataset}}, Events: []openlineage.Event{
		{Type: openlineage.Start, Body: []byte(`{"eventType":"START"}`)}, {Type: openlineage.Complete, RunID: "id", JobNamespace: "jobs", JobName: "check " + dataset, Body: []byte(`{"n":1}`)}},
		Brief: &openlineage.Brief{Suite: "suite", Started: at.Add(-time.Second), Ended: at, Passed: passed, Failed: failed, Fails: fails, Rows: 9, Nulls: []openlineage.Nulls{{Column: "c", Count: 4}}}}
}

func all(*Run) bool { return true }

func every(Dataset, *Run) bool { return true }

func TestOutcomesAreThoseOfTheResult(t *testing.T) {
	for name, c := range map[string]struct {
		run  openlineage.Run
		want Outcome
	}{
		"all passed":              {run("d", 3, 0, false, began), Passed},
		"one failed":              {run("d", 3, 1, true, began), Failed},
		"one that only warns":     {run("d", 3, 1, false, began), Warned},
		"nothing was checked":     {run("d", 0, 0, false, began), None},
		"failed without a reason": {run("d", 0, 0, true, began), Failed},
	} {
		m := New(1 << 20)
		m.Settled(Place{"t", 1, 2}, []openlineage.Run{c.run}, false)
		got, _ := m.Latest(all, 0, 9)
		if len(got) != 1 || got[0].Outcome != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestWhatTellsNothingIsNotRemembered(t *testing.T) {
	m := New(1 << 20)
	m.Settled(Place{"t", 1, 2}, []openlineage.Run{{}, {Part: "checkpoint", Events: []openlineage.Event{{Type: openlineage.Start}}},
		{Datasets: []Dataset{{Name: "d"}}, Events: []openlineage.Event{{Type: openlineage.Complete, PassThrough: true}}}}, false)
	got, _ := m.Latest(all, 0, 9)
	if _, known, _ := m.Datasets(every, 0, 9); len(got) != 0 || known != 0 {
		t.Errorf("%+v, %d datasets", got, known)
	}
}

func TestTheLastThirtyOfEachDatasetAreKept(t *testing.T) {
	m := New(1 << 20)
	for i := range 2 * PerDataset {
		a, b := run("a", i, 0, false, began.Add(time.Duration(i)*time.Minute)), run("b", 1, i%2, true, began)
		a.Part, b.Part = "[0]", "[1]"
		m.Settled(Place{"t", 0, int64(i)}, []openlineage.Run{a, b}, i == 3)
	}
	s, ok := m.Dataset(named("a"))
	if !ok || len(s.Runs) != PerDataset || s.Total != 2*PerDataset || s.Runs[0].Passed != PerDataset || s.Last().Passed != 2*PerDataset-1 {
		t.Errorf("%v %d of %d: %+v", ok, len(s.Runs), s.Total, s.Last())
	}
	if r := s.Last(); r.Took() != time.Second || r.Rows != 9 || r.Nulls()[0] != (openlineage.Nulls{Column: "c", Count: 4}) || r.Suite != "suite" || r.Job != "check a" || r.JobNamespace != "jobs" || r.ID != "id" {
		t.Errorf("%+v", r)
	}
	page, found, counts := m.Datasets(every, 0, 9)
	if found != 2 || counts[Failed] != 1 || counts.Of("passed") != 1 || page[0].Name.Name != "b" || page[1].Name.Name != "a" {
		t.Errorf("%d %v %+v", found, counts, page)
	}
	if got := m.At(Place{"t", 0, 3}); len(got) != 2 || !got[0].Buried || got[0].Datasets[0].Name != "a" {
		t.Errorf("%+v", got)
	}
	if _, ok := m.Dataset(named("c")); ok {
		t.Error("c is known")
	}
}

func TestTheLatestArePagedWhateverComesMeanwhile(t *testing.T) {
	m := New(8 << 20)
	add := func(i int) {
		m.Settled(Place{"t", 0, int64(i)}, []openlineage.Run{run("a", i, 0, false, began)}, false)
	}
	for i := range 10 {
		add(i)
	}
	first, more := m.Latest(all, 0, 4)
	if !more || first[0].Passed != 9 || first[3].Passed != 6 {
		t.Fatalf("%v %+v", more, first)
	}
	add(10)
	second, more := m.Latest(all, first[3].Number, 6)
	if more || len(second) != 6 || second[0].Passed != 5 || second[5].Passed != 0 {
		t.Errorf("%v %+v", more, second)
	}
	for i := range mostLatest {
		add(i)
	}
	if got, more := m.Latest(all, 0, 2*mostLatest); more || len(got) != mostLatest {
		t.Errorf("%d, %v", len(got), more)
	}
}

func TestMemoryIsBoundedAndDatasetsAreForgottenLast(t *testing.T) {
	const bytes = 1 << 20
	m := New(bytes)
	for round := range 8 {
		for i := range 900 {
			m.Settled(Place{"t", 0, int64(i)}, []openlineage.Run{run(fmt.Sprint("d", i), round, 0, false, began)}, false)
		}
	}
	used, most, depth, datasets := m.Room()
	if used > most || depth >= PerDataset || datasets != 900 {
		t.Errorf("%d of %d bytes, %d of each of %d", used, most, depth, datasets)
	}
	for i := range 20_000 {
		m.Settled(Place{"t", 0, int64(i)}, []openlineage.Run{run(fmt.Sprint("other ", i), 1, 0, false, began)}, false)
	}
	used, most, _, datasets = m.Room()
	if used > most || datasets < 500 || datasets > 10_000 {
		t.Errorf("%d of %d bytes, %d datasets", used, most, datasets)
	}
	if _, ok := m.Dataset(named("other 19999")); !ok {
		t.Error("the one heard of last is forgotten")
	}
	if _, ok := m.Dataset(named("d0")); ok {
		t.Error("the one heard of first is not")
	}
	m.count(t)
}

// count checks what the memory counts as it goes along: its bytes, and who has which subject.
func (m *Memory) count(t *testing.T) {
	t.Helper()
	uses := make(map[uint32]int)
	bytes := 0
	for h := m.first; h != nil; h = h.next {
		bytes += h.bytes()
		columns := make(map[columnsID]int)
		for i := range h.runs.n {
			uses[h.runs.at(i).subject]++
			columns[h.runs.at(i).columns]++
		}
		names := 0
		for i, c := range h.nulls.sets {
			if names += c.bytes(); c.uses != columns[columnsID(i+1)] || (c.uses == 0) != (c.names == nil) {
				t.Errorf("%v: %d runs have %+v", h.name, columns[columnsID(i+1)], c)
			}
		}
		if names != h.nulls.bytes || h.runs.n == 0 {
			t.Errorf("%v: %d runs, columns of %d bytes are counted, %d there", h.name, h.runs.n, h.nulls.bytes, names)
		}
	}
	for i := range m.latest.n {
		uses[m.latest.at(i).subject]++
	}
	subjects := 0
	for i := range m.subjects.all {
		one := &m.subjects.all[i]
		if n := int(m.subjects.uses[i]); n != uses[uint32(i)] {
			t.Errorf("%d runs have %+v, %d are counted", uses[uint32(i)], one, n)
		}
		if m.subjects.uses[i] > 0 {
			subjects += one.bytes()
		}
	}
	if bytes != m.bytes || subjects != m.subjects.bytes || len(uses) != len(m.subjects.all)-len(m.subjects.free) || len(m.subjects.by) > len(uses) {
		t.Errorf("%d bytes of datasets and %d of %d subjects are counted, %d, %d and %d there", m.bytes, m.subjects.bytes, len(m.subjects.all)-len(m.subjects.free), bytes, subjects, len(uses))
	}
}

func TestEventsAreKeptWhileThereIsRoom(t *testing.T) {
	m := New(16 << 10) // a kibibyte of events
	m.Settled(Place{"t", 0, 1}, []openlineage.Run{run("a", 1, 0, false, began)}, false)
	if got := m.Events(m.Number()); got != nil {
		t.Error("events of a result that passed are kept: they only cost memory")
	}
	big := run("a", 1, 1, true, began)
	big.Events[1].Body = make([]byte, 100)
	for range 100 {
		m.Settled(Place{"t", 0, 1}, []openlineage.Run{big}, false)
	}
	runs, _ := m.Latest(all, 0, 100)
	if got := m.Events(runs[0].Number); len(got) != 2 || len(got[1]) != 100 {
		t.Errorf("of the latest %d", len(got))
	}
	if got := m.Events(runs[50].Number); got != nil {
		t.Error("the bound is not kept")
	}
	if m.bodies.bytes > m.bodies.most {
		t.Errorf("%d bytes", m.bodies.bytes)
	}
	big.Events[1].Body = make([]byte, 10<<10)
	m.Settled(Place{"t", 0, 1}, []openlineage.Run{big}, false)
	if got := m.Events(runs[0].Number); got == nil {
		t.Error("one large event pushed all others out")
	}
}

func TestLongNamesAreBoundedAndStayApart(t *testing.T) {
	m := New(8 << 20)
	long := strings.Repeat("é", 1<<20)
	for _, name := range []string{long + "a", long + "b"} {
		r := run(name, 1, 0, false, began)
		r.Brief.Nulls[0].Column, r.Brief.Suite = long, long
		m.Settled(Place{"t", 0, 1}, []openlineage.Run{r}, false)
	}
	s, ok := m.Dataset(named(long + "a"))
	if !ok || s.Total != 1 || len(s.Name.Name) > mostName || len(s.Last().Nulls()[0].Column) > mostName || len(s.Last().Suite) > mostName || len(s.Last().Job) > mostName {
		t.Errorf("%v %d", ok, len(s.Name.Name))
	}
	if again, ok := m.Dataset(s.Name); !ok || again.Total != 1 {
		t.Error("it is not found by the name that is shown")
	}
}

func TestManyMayTellAndAskAtOnce(t *testing.T) {
	m := New(1 << 20)
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := range 300 {
				m.Settled(Place{"t", int32(n), int64(i)}, []openlineage.Run{run(fmt.Sprint(n, i%7), 1, i%2, true, began)}, false)
			}
		})
		wg.Go(func() {
			for range 50 {
				page, _, _ := m.Datasets(every, 0, 9)
				for _, s := range page {
					_ = s.Last().Took()
				}
				m.Latest(all, 0, 20)
				m.Events(m.Number())
			}
		})
	}
	wg.Wait()
	if m.Number() != 1200 {
		t.Error(m.Number())
	}
}

func BenchmarkSettled(b *testing.B) {
	m := New(48 << 20)
	var runs [][]openlineage.Run
	for i := range 100 {
		r := run(fmt.Sprint("dataset", i), 5, 0, false, began)
		r.Brief.Nulls = []openlineage.Nulls{{Column: "a"}, {Column: "b"}, {Column: "c"}}
		runs = append(runs, []openlineage.Run{r})
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m.Settled(Place{"topic", 1, int64(i)}, runs[i%100], false)
	}
}

func named(name string) Dataset { return Dataset{Namespace: "ns", Name: name} }

// A dataset that failed its check stays red when a run of its suite checks nothing.
func TestOnlyARunThatCheckedSaysHowADatasetIs(t *testing.T) {
	m := New(1 << 20)
	m.Settled(Place{Topic: "t"}, []openlineage.Run{run("d", 1, 1, true, time.Unix(0, 0))}, false)
	m.Settled(Place{Topic: "t", Offset: 1}, []openlineage.Run{run("d", 0, 0, false, time.Unix(1, 0))}, false)
	if m.Turns() != 1 {
		t.Errorf("%d turns", m.Turns())
	}
	m.Settled(Place{Topic: "t", Offset: 2}, []openlineage.Run{run("d", 1, 2, true, time.Unix(2, 0))}, false)
	m.Settled(Place{Topic: "t", Offset: 3}, []openlineage.Run{run("e", 0, 0, false, time.Unix(3, 0)), run("e", 1, 0, false, time.Unix(4, 0))}, false)
	if m.Turns() != 3 { // e is new, and then passes
		t.Errorf("%d turns", m.Turns())
	}
	page, _, all := m.Datasets(every, 0, 10)
	if all[Failed] != 1 || len(page) != 2 || page[0].Last().Outcome != Failed {
		t.Errorf("%v, %+v", all, page)
	}
}
