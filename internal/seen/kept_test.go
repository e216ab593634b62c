package seen

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// A garbage collector that had to look through what is remembered would do so many times a second, while results come as fast as they can.
func TestARecordHasNoPointers(t *testing.T) {
	of := reflect.TypeFor[record]()
	for f := range of.Fields() {
		if k := f.Type.Kind(); k > reflect.Complex128 && k != reflect.Array || k == reflect.Array && f.Type.Elem().Kind() != reflect.Uint8 {
			t.Errorf("%s is a %s", f.Name, f.Type)
		}
	}
	if of.Size() != recordBytes {
		t.Errorf("a record takes %d bytes, %d are counted", of.Size(), recordBytes)
	}
}

func TestIDsAreShownAsTheyWere(t *testing.T) {
	m := New(1 << 20)
	ids := []string{"01a20711-5681-78f6-9a96-9d2479bb766e", "ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000", "",
		"01A20711-5681-78F6-9A96-9D2479BB766E", "01a2071105681078f609a9609d2479bb766e", "01a20711-5681-78f6-9a96-9d2479bb766g", "01a2071156-81-78f6-9a96-9d2479bb766e", "run 7",
		"{01a20711-5681-78f6-9a96-9d2479bb766e}"}
	for i, id := range ids {
		r := run("d", 1, 0, false, began)
		r.Events[1].RunID = id
		m.Settled(Place{"t", 0, int64(i)}, []openlineage.Run{r}, false)
	}
	s, _ := m.Dataset(named("d"))
	for i, id := range ids {
		if s.Runs[i].ID != id {
			t.Errorf("%q became %q", id, s.Runs[i].ID)
		}
	}
	m.count(t)
}

func TestWhatRunsShareIsHeldOnce(t *testing.T) {
	m := New(8 << 20)
	for i := range 300 {
		r := run(fmt.Sprint("d", i%3), 1, 0, false, began)
		if i%2 == 0 {
			r.Brief.Suite = "another"
		}
		r.Events[1].RunID = fmt.Sprintf("01a20711-5681-78f6-9a96-%012x", i)
		m.Settled(Place{"t", 0, int64(i)}, []openlineage.Run{r}, false)
	}
	if len(m.subjects.all) != 6 {
		t.Errorf("%d subjects", len(m.subjects.all))
	}
	m.count(t)
}

func TestSubjectsOfTheSameHashStayApart(t *testing.T) {
	s := newSubjects()
	a, b := subject{job: "a"}, subject{job: "b"}
	first := s.find(&a)
	s.use(first)
	s.by, s.all[first].hash = map[uint64]uint32{b.hash(s.seed): first}, b.hash(s.seed)
	second := s.find(&b)
	if s.use(second); first == second {
		t.Fatal("they are one")
	}
	s.unuse(second)
	if third := s.find(&b); len(s.by) != 1 || s.by[b.hash(s.seed)] != first || third == first {
		t.Errorf("%v", s.by)
	}
}

func TestLatestRunsAndDatasetsShareWhatMemoryThereIs(t *testing.T) {
	m := New(1 << 20)
	for i := range 3000 {
		r := run(fmt.Sprint("d", i%500), 1, 0, false, began)
		r.Events[1].JobName = fmt.Sprint(strings.Repeat("x", 2000), i)
		m.Settled(Place{"t", 0, int64(i)}, []openlineage.Run{r}, false)
	}
	latest, _ := m.Latest(all, 0, 3000)
	_, datasets, _ := m.Datasets(every, 0, 1)
	if len(latest) < 200 || datasets < 200 {
		t.Errorf("%d of the latest runs and %d datasets are remembered", len(latest), datasets)
	}
}

// told is a run all of whose fields follow from a number, so that it is seen when they are mixed up.
func told(n int, datasets int, random *rand.Rand) openlineage.Run {
	r := run("", n, n%3, n%5 == 0, began.Add(time.Duration(n)*time.Second))
	r.Datasets = nil
	for range datasets {
		r.Datasets = append(r.Datasets, named(fmt.Sprint("d", random.IntN(4+n/2000*18))))
	}
	r.Brief.Skipped, r.Brief.Rows, r.Brief.Suite, r.Part = n+1, int64(n)+2, fmt.Sprint("suite", n%4), fmt.Sprint("part", n%2)
	r.Events[1].JobName = fmt.Sprint("job", n%7)
	r.Events[1].RunID = fmt.Sprintf("01a20711-5681-78f6-9a96-%012x", n)
	if n%11 == 0 {
		r.Events[1].RunID = fmt.Sprint("run ", n)
	}
	r.Brief.Nulls = nil
	for c := range random.IntN(1 + n%5*3) {
		r.Brief.Nulls = append(r.Brief.Nulls, openlineage.Nulls{Column: fmt.Sprint("c", c+random.IntN(2)), Count: int64(n*100 + c)})
	}
	return r
}

// is says whether a run is remembered as it was told.
func (r *Run) is(of *openlineage.Run, n int) bool {
	e := &of.Events[1]
	return r.Number == uint64(n) && r.At == (Place{fmt.Sprint("t", n/5%2), int32(n % 3), int64(n)}) && r.ID == e.RunID && r.Job == e.JobName && r.JobNamespace == e.JobNamespace && r.Suite == of.Brief.Suite && r.Part == of.Part &&
		slices.Equal(r.Datasets, of.Datasets) && r.Passed == of.Brief.Passed && r.Failed == of.Brief.Failed && r.Skipped == of.Brief.Skipped && r.Rows == of.Brief.Rows &&
		r.Started.Equal(of.Brief.Started) && r.Ended.Equal(of.Brief.Ended) && r.Outcome == Outcomes[outcomeOf(of.Brief)] && r.Buried == (n%13 == 0)
}

func TestWhateverIsForgottenTheRestStaysAsItWasTold(t *testing.T) {
	for _, bytes := range []int{8 << 20, 200 << 10, 100 << 10, 40 << 10} {
		m, random := New(bytes), rand.New(rand.NewPCG(1, 2))
		all := []openlineage.Run{{}}
		depth := m.depth
		for n := 1; n <= 6000; n++ {
			all = append(all, told(n, random.IntN(4), random))
			m.Settled(Place{fmt.Sprint("t", n/5%2), int32(n % 3), int64(n)}, all[n:], n%13 == 0)
			if used, most, _, _ := m.Room(); used > most {
				t.Fatalf("%d of %d bytes", used, most)
			}
			if n%1000 == 0 || m.depth != depth {
				m.compare(t, all)
			}
			depth = m.depth
		}
		t.Logf("%d bytes: %d of the latest, %d datasets, %d runs of each", bytes, m.latest.n, len(m.datasets), m.depth)
	}
}

// compare checks all that is remembered: all is what was told, from number 1 on.
func (m *Memory) compare(t *testing.T, all []openlineage.Run) {
	t.Helper()
	m.count(t)
	latest, _ := m.Latest(func(*Run) bool { return true }, 0, mostLatest)
	for i := range latest {
		if n := len(all) - 1 - i; !latest[i].is(&all[n], n) {
			t.Fatalf("%+v is not %+v", latest[i], all[n])
		}
	}
	page, _, _ := m.Datasets(every, 0, 100)
	for _, s := range page {
		s, _ = m.Dataset(s.Name)
		for _, r := range s.Runs {
			of := &all[r.Number]
			want := of.Brief.Nulls
			if of.Datasets[0] != s.Name || slices.Contains(of.Datasets[1:], s.Name) {
				want = r.Nulls() // they are those of the first dataset
			}
			if !r.is(of, int(r.Number)) || !slices.Equal(r.Nulls(), want) {
				t.Fatalf("%+v with %v is not %+v", r, r.Nulls(), of)
			}
		}
	}
}

func TestRunsThatDifferInOneThingStayApart(t *testing.T) {
	changes := []func(*Place, *openlineage.Run){
		func(*Place, *openlineage.Run) {},
		func(at *Place, _ *openlineage.Run) { at.Topic = "other" },
		func(_ *Place, r *openlineage.Run) { r.Part = "other" },
		func(_ *Place, r *openlineage.Run) { r.Brief.Suite = "other" },
		func(_ *Place, r *openlineage.Run) { r.Events[1].RunID = "other" },
		func(_ *Place, r *openlineage.Run) { r.Events[1].JobName = "other" },
		func(_ *Place, r *openlineage.Run) { r.Events[1].JobNamespace = "other" },
		func(_ *Place, r *openlineage.Run) { r.Datasets = append(r.Datasets, named("other")) },
		func(_ *Place, r *openlineage.Run) { r.Datasets = append(r.Datasets, named("another")) },
		func(_ *Place, r *openlineage.Run) {
			r.Datasets = append(r.Datasets, Dataset{Namespace: "other", Name: "another"})
		},
	}
	m := New(1 << 20)
	for _, change := range changes {
		at, r := Place{"t", 0, 0}, run("d", 1, 0, false, began)
		change(&at, &r)
		m.Settled(at, []openlineage.Run{r}, false)
	}
	if s, _ := m.Dataset(named("d")); len(m.subjects.all) != len(changes) || s.Runs[1].At.Topic != "other" || s.Runs[2].At.Topic != "t" {
		t.Errorf("%d of %d are told apart: %+v", len(m.subjects.all), len(changes), s.Runs)
	}
	m.count(t)
}

// Whoever may write to the topic chooses names: they may be long, and others each time.
func TestNamesOfOthersTakeNoMoreThanTheBound(t *testing.T) {
	const bytes = 1 << 20
	long := strings.Repeat("x", 2000)
	for name, told := range map[string]func(r *openlineage.Run, n string){
		"jobs":     func(r *openlineage.Run, n string) { r.Events[1].JobName = long + n },
		"suites":   func(r *openlineage.Run, n string) { r.Brief.Suite = long + n },
		"runs":     func(r *openlineage.Run, n string) { r.Events[1].RunID = long + n },
		"datasets": func(r *openlineage.Run, n string) { r.Datasets[0].Name = long + n },
		"parts":    func(r *openlineage.Run, n string) { r.Part, r.Datasets = long+n, nil },
		"columns": func(r *openlineage.Run, n string) {
			r.Brief.Nulls = slices.Repeat([]openlineage.Nulls{{Column: long + n}}, 64)
		},
		"inputs": func(r *openlineage.Run, n string) {
			for i := range 30 {
				r.Datasets = append(r.Datasets, named(fmt.Sprint(long, n, i)))
			}
		},
	} {
		m := New(bytes)
		for i := range 2000 {
			r := run("d", 1, 0, false, began)
			told(&r, fmt.Sprint(i))
			m.Settled(Place{"t", 0, int64(i)}, []openlineage.Run{r}, false)
			if used, most, _, _ := m.Room(); used > most {
				t.Fatalf("%s: %d of %d bytes", name, used, most)
			}
		}
		m.count(t)
		if got, _ := m.Latest(all, 0, 9); len(got) == 0 || got[0].At.Offset != 1999 {
			t.Errorf("%s: the last one is forgotten", name)
		}
	}
}
