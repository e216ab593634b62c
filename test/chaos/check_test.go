package main

import (
	"slices"
	"testing"
)

// Keys 2, so that records 0, 2, 4 are of one key. Record 3 is poison.
func story() (*journal, evidence) {
	j := newJournal(6, 2)
	e := evidence{
		kinds:     []kind{good, good, good, undecodable, refusedEnd, good},
		partition: make([]int16, 6),
		offset:    []int32{0, 1, 2, 3, 4, 5},
		letters:   []letter{{record: 3, code: "invalid_json"}, {record: 4, code: "http_422"}},
		samples:   []sample{{at: 1, committed: []int64{0}}, {at: 1000, committed: []int64{2}}, {at: 9000, committed: []int64{6}}},
	}
	for _, i := range []int{0, 1, 2, 4, 5} {
		j.add(i, start, []byte("start"), uint32(100*i+1))
		j.add(i, terminal, []byte("end"), uint32(100*i+2))
	}
	return j, e
}

func TestTheCheckerFindsEachKindOfViolation(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(j *journal, e *evidence)
		want  []string
	}{
		"a clean story":    {func(*journal, *evidence) {}, nil},
		"an event is lost": {func(j *journal, _ *evidence) { j.events[2][terminal] = sightings{} }, []string{lost}},
		"a record overtakes another": {func(j *journal, _ *evidence) {
			j.events[2] = [2]sightings{}
			j.add(2, start, []byte("start"), 9)
			j.add(2, terminal, []byte("end"), 9)
		}, []string{order}},
		"the terminal event first": {func(j *journal, _ *evidence) {
			j.events[5] = [2]sightings{}
			j.add(5, terminal, []byte("end"), 9)
			j.add(5, start, []byte("start"), 9)
			j.add(5, terminal, []byte("end"), 9)
		},
			[]string{duplicates, startFirst}},
		"a run is left running": {func(j *journal, e *evidence) { j.add(0, start, []byte("start"), 9); e.storedFaults = 1 }, []string{unended}},
		"a stopped process is not judged yet by the run that it leaves open": {func(j *journal, e *evidence) {
			j.add(0, start, []byte("start"), 9100)
			e.storedFaults, e.disturbances = 1, []disturbance{{what: freezeProcess, from: 800, to: 9000}}
		}, nil},
		"a redelivery differs":             {func(j *journal, e *evidence) { j.add(0, terminal, []byte("END"), 9); e.storedFaults = 1 }, []string{unequal}},
		"more redeliveries than in flight": {func(j *journal, _ *evidence) { j.add(0, terminal, []byte("end"), 9) }, []string{duplicates}},
		"as many as a kill explains": {func(j *journal, e *evidence) {
			j.add(5, terminal, []byte("end"), 1200)
			e.disturbances = []disturbance{{what: killProcess, from: 900, to: 900}}
		}, nil},
		"exactly once is not twice": {func(j *journal, e *evidence) {
			j.add(5, terminal, []byte("end"), 1200)
			e.disturbances = []disturbance{{what: killProcess, from: 900, to: 900}}
			e.exactlyOnce = true
		},
			[]string{duplicates}},
		"a stopped process commits over another's work": {func(_ *journal, e *evidence) {
			e.samples = append(e.samples, sample{at: 9400, committed: []int64{4}})
		}, []string{wentBack}},
		"a poison event arrives":     {func(j *journal, _ *evidence) { j.add(3, start, []byte("start"), 9) }, []string{order, unwanted}},
		"a letter is missing":        {func(_ *journal, e *evidence) { e.letters = e.letters[:1] }, []string{noLetter}},
		"a good record is buried":    {func(_ *journal, e *evidence) { e.letters = append(e.letters, letter{record: 0, code: "http_503"}) }, []string{badLetter}},
		"a letter with another code": {func(_ *journal, e *evidence) { e.letters[0].code = "panic" }, []string{badLetter}},
		"a letter of nothing":        {func(_ *journal, e *evidence) { e.letters = append(e.letters, letter{record: -1}) }, []string{unknown}},
		"an event of nothing":        {func(j *journal, _ *evidence) { j.add(77, start, nil, 9) }, []string{unknown}},
	} {
		t.Run(name, func(t *testing.T) {
			j, e := story()
			c.spoil(j, &e)
			f, _ := check(j, e)
			if got := f.kinds(); !slices.Equal(got, c.want) {
				t.Errorf("found %v %v, want %v", got, f.witnesses, c.want)
			}
		})
	}
}

// Records 0 to 5 of the story are settled at 2, 102, 202, the letter of 3 at 300, 402 and its letter, 502 ms.
func TestThePromiseAllowsWhatAPrefixLeavesOpen(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(j *journal, e *evidence)
		want  int
	}{
		"no disturbance": {func(*journal, *evidence) {}, 0},
		"all that was settled in the last second": {func(_ *journal, e *evidence) {
			e.disturbances = []disturbance{{what: killProcess, from: 1000, to: 1000}}
		}, 12},
		"long after": {func(_ *journal, e *evidence) {
			e.disturbances = []disturbance{{what: killProcess, from: 9000, to: 9000}}
		}, 0},
		"an offset is held up by the first record": {func(j *journal, e *evidence) {
			j.events[0] = [2]sightings{}
			e.disturbances = []disturbance{{what: killProcess, from: 9000, to: 9000}}
		}, 10},
		"a partition of its own is not": {func(j *journal, e *evidence) {
			j.events[0] = [2]sightings{}
			e.partition[0] = 1
			e.disturbances = []disturbance{{what: killProcess, from: 9000, to: 9000}}
		}, 0},
		"a process that was stopped has it twice": {func(_ *journal, e *evidence) {
			e.disturbances = []disturbance{{what: freezeProcess, from: 1000, to: 9000}}
		}, 24},
		"without its letter a record is not settled": {func(_ *journal, e *evidence) {
			e.letters = e.letters[:1]
			e.disturbances = []disturbance{{what: killProcess, from: 9000, to: 9000}}
		}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			j, e := story()
			e.letters[0].at, e.letters[1].at = 300, 450
			c.spoil(j, &e)
			if got := e.promised(j); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}

func TestEqualSeedsMakeEqualPlans(t *testing.T) {
	o := options{seed: 7, records: 5000, kills: 8, processes: 3, brokers: 3, partitions: 6, keys: 120, mode: http}
	a, b := newPlan(o), newPlan(o)
	if !slices.Equal(a.kinds, b.kinds) || !slices.Equal(a.actions, b.actions) {
		t.Error("one seed, two plans")
	}
	seen := map[string]bool{}
	for _, act := range a.actions {
		seen[act.what] = true
	}
	for _, want := range append([]string{killProcess, stopProcess, rebalance, freezeProcess, longOutage, killBroker}, phases...) {
		if !seen[want] {
			t.Errorf("the plan has no %q", want)
		}
	}
	o.seed = 8
	if c := newPlan(o); slices.Equal(a.kinds, c.kinds) {
		t.Error("two seeds, one input")
	}
}

func TestAnEventTellsItsRecord(t *testing.T) {
	i, event, err := parse([]byte(`{"eventTime":"2026-03-01T06:00:05.001537Z","eventType":"COMPLETE","run":{"runId":"x"}}`))
	if i != 5 || event != terminal || err != nil {
		t.Errorf("record %d, event %d, %v", i, event, err)
	}
	if _, _, err := parse([]byte("no")); err == nil {
		t.Error("no event, and no error")
	}
}

func TestWrongUseIsExitCode2(t *testing.T) {
	for _, args := range [][]string{{"-mode", "htp"}, {"-plant", "none"}, {"-brokers", "2"}, {"-o", "xml"}, {"-records", "0"}, {"seed"}, {"-mode", "kafka", "-plant", "swap"}} {
		if code := run(args); code != 2 {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
}
