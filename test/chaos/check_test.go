package main

import (
	"context"
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
		samples: []sample{{1, []int64{0, 0}, []string{"a", "b"}}, {800, []int64{0, 0}, []string{"a", "b"}}, {7000, []int64{2, 0}, []string{"b", "b"}},
			{8900, []int64{6, 0}, []string{"b", "b"}}},
		inFlight: 1,
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
		"also by a process that was stopped": {func(j *journal, e *evidence) {
			j.add(0, start, []byte("start"), 9100)
			e.storedFaults, e.disturbances = 1, []disturbance{{what: freezeProcess, who: "a", from: 800, ended: 800, to: 9000}}
		}, []string{unended}},
		"a redelivery differs":                 {func(j *journal, e *evidence) { j.add(0, terminal, []byte("END"), 9); e.storedFaults = 1 }, []string{unequal}},
		"more redeliveries than are explained": {func(j *journal, _ *evidence) { j.add(0, terminal, []byte("end"), 9) }, []string{duplicates}},
		"as many as a kill explains": {func(j *journal, e *evidence) {
			j.add(5, terminal, []byte("end"), 8000)
			e.disturbances = []disturbance{{what: killProcess, who: "a", from: 900, ended: 900, to: 900}}
		}, nil},
		"a kill explains no further redelivery": {func(j *journal, e *evidence) {
			for _, at := range []uint32{8000, 8001, 8002} { // once more than the allowance
				for _, i := range []int{0, 1, 2, 4, 5} {
					j.add(i, start, []byte("start"), at)
					j.add(i, terminal, []byte("end"), at)
				}
			}
			e.disturbances = []disturbance{{what: killProcess, who: "a", from: 900, ended: 900, to: 900}}
		}, []string{duplicates}},
		"a witness of an outage": {func(j *journal, e *evidence) { j.add(5, terminal, []byte("end"), 600); e.failures = 1 }, nil},
		"no outage, no witness":  {func(j *journal, _ *evidence) { j.add(5, terminal, []byte("end"), 600) }, []string{duplicates}},
		"exactly once is not twice": {func(j *journal, e *evidence) {
			j.add(5, terminal, []byte("end"), 8000)
			e.disturbances = []disturbance{{what: killProcess, who: "a", from: 900, ended: 900, to: 900}}
			e.exactlyOnce = true
		},
			[]string{duplicates}},
		"a stopped process commits over another's work": {func(_ *journal, e *evidence) {
			e.samples = append(e.samples, sample{at: 9400, committed: []int64{4, 0}})
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

// Records 0 to 5 of the story are settled at 2, 102, 202, the letter of 3 at 300, 402 and its letter, 502 ms, by process a: twelve
// events and letters. Partition 1 is b's; the samples are of 1, 800, 7000 and 8900 ms.
func TestADisturbanceExplainsWhatItsProcessHadNotCommitted(t *testing.T) {
	kill := func(who string, at uint32) disturbance {
		return disturbance{what: killProcess, who: who, from: at, ended: at, to: at}
	}
	for name, c := range map[string]struct {
		spoil func(j *journal, e *evidence)
		want  int
	}{
		"no disturbance": {func(*journal, *evidence) {}, 0},
		"all that was settled since the last commit": {func(_ *journal, e *evidence) {
			e.disturbances = []disturbance{kill("a", 1000)}
		}, 12},
		"but what is known to be committed": {func(_ *journal, e *evidence) {
			e.samples[1].committed = []int64{2, 0}
			e.disturbances = []disturbance{kill("a", 1000)}
		}, 8},
		"another's partition stays with it": {func(_ *journal, e *evidence) {
			e.samples[2].owners, e.samples[3].owners = []string{"a", "a"}, []string{"a", "a"}
			e.disturbances = []disturbance{kill("b", 1000)}
		}, 0},
		"another's partition that moves may have been its own in between": {func(_ *journal, e *evidence) {
			e.disturbances = []disturbance{kill("b", 1000)}
		}, 12},
		"nobody knows whose it was": {func(_ *journal, e *evidence) {
			e.samples[0].owners, e.samples[1].owners = nil, nil
			e.disturbances = []disturbance{kill("b", 1000)}
		}, 12},
		"it belongs to nobody while it moves": {func(_ *journal, e *evidence) {
			e.samples[1].owners = []string{"", "b"}
			e.disturbances = []disturbance{kill("b", 1000)}
		}, 12},
		"SIGTERM settles": {func(_ *journal, e *evidence) {
			e.disturbances = []disturbance{{what: stopProcess, who: "a", from: 1000, to: 2000}}
		}, 2},
		"a second kill explains nothing more, if nothing came between": {func(_ *journal, e *evidence) {
			e.disturbances = []disturbance{kill("a", 1000), kill("a", 1001)}
		}, 12},
		"and what came between": {func(j *journal, e *evidence) {
			j.add(0, start, []byte("start"), 1502)
			e.disturbances = []disturbance{kill("a", 1000), kill("a", 1503)}
		}, 13},
		"long after, all is committed": {func(_ *journal, e *evidence) {
			e.disturbances = []disturbance{kill("b", 9000)}
		}, 0},
		"also if no sample says so": {func(_ *journal, e *evidence) {
			e.samples = e.samples[:1]
			e.disturbances = []disturbance{kill("a", 9000)}
		}, 0},
		"an offset is held up by the first record": {func(j *journal, e *evidence) {
			j.events[0] = [2]sightings{}
			e.samples = e.samples[:1]
			e.disturbances = []disturbance{kill("a", 9000)}
		}, 10},
		"a record of another partition holds nothing up": {func(j *journal, e *evidence) {
			j.events[0] = [2]sightings{}
			e.partition[0] = 1
			e.samples = e.samples[:1]
			e.disturbances = []disturbance{kill("a", 9000)}
		}, 0},
		"nobody commits while the broker is away": {func(_ *journal, e *evidence) {
			e.samples = e.samples[:1]
			e.disturbances = []disturbance{{what: killBroker, from: 2000, to: 4000}, kill("a", 9000)}
		}, 12},
		"a kill while the output hangs takes along what was sent": {func(_ *journal, e *evidence) {
			e.samples = e.samples[:1]
			e.disturbances = []disturbance{{what: killInHang, who: "a", from: 600, ended: 2100, to: 2200}}
		}, 12},
		"and nobody settles while it hangs": {func(_ *journal, e *evidence) {
			e.samples = e.samples[:1]
			e.disturbances = []disturbance{{what: killInHang, who: "b", from: 600, ended: 2100, to: 2200}, kill("a", 9000)}
		}, 12},
		"a broker's end ends no process": {func(_ *journal, e *evidence) {
			e.samples = e.samples[:2]
			e.disturbances = []disturbance{{what: killBroker, from: 1000, to: 4000}}
		}, 0},
		"but who gives up a partition then can't commit": {func(_ *journal, e *evidence) {
			e.disturbances = []disturbance{{what: killBroker, from: 1000, to: 4000}}
		}, 12},
		"and toward Kafka what was written ahead of a retry comes again": {func(_ *journal, e *evidence) {
			e.samples, e.toKafka = e.samples[:2], true
			e.disturbances = []disturbance{{what: killBroker, from: 1000, to: 4000}}
		}, 12},
		"a process that was stopped has it twice": {func(_ *journal, e *evidence) {
			e.disturbances = []disturbance{{what: freezeProcess, who: "a", from: 1000, ended: 1000, to: 9000}}
		}, 24},
		"without its letter a record is not settled": {func(_ *journal, e *evidence) {
			e.letters = e.letters[:1]
			e.samples = e.samples[:1]
			e.disturbances = []disturbance{kill("a", 9000)}
		}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			j, e := story()
			e.letters[0].at, e.letters[1].at = 300, 450
			c.spoil(j, &e)
			e.written = e.lettersByRecord()
			if got := e.bound(j); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}

func TestOnlySoManyRecordsSettleBehindOneThatDoesNot(t *testing.T) {
	const records = maxAhead + 500
	j := newJournal(records, records)
	e := evidence{kinds: make([]kind, records), partition: make([]int16, records), offset: make([]int32, records),
		samples:      []sample{{1, []int64{0}, []string{"a"}}},
		disturbances: []disturbance{{what: killProcess, who: "a", from: 9000, ended: 9000, to: 9000}}}
	for i := range records {
		e.offset[i] = int32(i)
		if i > 0 {
			j.add(i, start, nil, 5)
			j.add(i, terminal, nil, 6)
		}
	}
	if got := e.bound(j); got != 2*maxAhead {
		t.Errorf("%d, want %d", got, 2*maxAhead)
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
	for _, want := range append([]string{killProcess, stopProcess, rebalance, freezeProcess, killThawed, longOutage, killBroker}, phases...) {
		if !seen[want] {
			t.Errorf("the plan has no %q", want)
		}
	}
	o.mode = kafkaMode
	for brokers, want := range map[int]bool{1: true, 3: false} {
		o.brokers = brokers
		if got := slices.ContainsFunc(newPlan(o).actions, func(a action) bool { return a.what == killInHang }); got != want {
			t.Errorf("with %d brokers the output's own hangs: %t", brokers, got)
		}
	}
	o.mode, o.brokers, o.seed = http, 3, 8
	if c := newPlan(o); slices.Equal(a.kinds, c.kinds) {
		t.Error("two seeds, one input")
	}
}

func TestTheBusyOneHasMostLeft(t *testing.T) {
	s := estate{fleet: &fleet{members: []*member{{id: "a"}, {id: "b"}, {id: "c"}}}}
	s.e.partition, s.e.offset = []int16{0, 0, 0, 1, 1, 1, 2}, []int32{0, 1, 2, 0, 1, 2, 0}
	s.samples = []sample{{committed: []int64{0, 0, 0}}, {committed: []int64{2, 1, 1}, owners: []string{"a", "b", "c"}}}
	if n, err := s.busy(t.Context()); n != 1 || err != nil {
		t.Errorf("member %d, %v", n, err)
	}
	s.samples[1].committed, s.samples[1].owners = []int64{3, 3, 0}, []string{"a", "b", "gone"}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := s.busy(ctx); err == nil {
		t.Errorf("nobody has work, and yet member %d is chosen", n)
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
	for _, args := range [][]string{{"-mode", "htp"}, {"-plant", "none"}, {"-brokers", "2"}, {"-o", "xml"}, {"-records", "0"}, {"seed"}, {"-mode", "kafka", "-plant", "swap"}, {"-plant", "settle_at_hand_over"}} {
		if code := run(args); code != 2 {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
}
