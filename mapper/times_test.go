package mapper

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// GX before 0.16 wrote local time and labelled it +00:00: an end in the future, or a nominal time that never was.
func TestLocalTimeLabelledAsUTCIsTheClocksInstant(t *testing.T) {
	clock := at("2026-01-02T09:00:05Z")
	for _, c := range []struct {
		version string
		off     time.Duration // run_time - clock
		start   time.Duration // START - clock
		nominal bool
	}{
		{"0.15.50", time.Hour - 2*time.Second, 0, false},
		{"0.13.49", time.Hour, 0, false},
		{"0.13.49", 2*time.Hour - time.Minute, 0, false},
		{"0.14.1", -5*time.Hour - 3*time.Second, 0, false},
		{"0.15.34", 5*time.Hour + 45*time.Minute - time.Second, 0, false},
		{"0.15.34", -15*time.Minute - time.Second, 0, false},
		{"v0.15.50+3.gabc", 14*time.Hour - time.Second, 0, false},
		{"0.15.50", 15*time.Hour - time.Second, 0, true},               // no zone is so far off
		{"0.15.50", -2 * time.Second, -2 * time.Second, false},         // UTC
		{"0.15.50", 2*time.Hour - 2*time.Minute, 0, true},              // too far from a zone
		{"0.15.50", 2*time.Hour + time.Second, 0, true},                // a run begins before its clock
		{"0.16.0", 2*time.Hour - time.Second, 0, true},                 // mended
		{"1.3.0", 2*time.Hour - time.Second, 0, true},                  // a caller's
		{"", 2*time.Hour - time.Second, 0, true},                       // of an unknown version
		{"0.16.16", -15*time.Minute - 1, -15*time.Minute - 1e3, false}, // within the hour it is as it was
	} {
		v := gx.Validation{GXVersion: c.version, ValidationTime: clock, LoadTime: clock, RunTime: clock.Add(c.off)}
		got := timesOf(&v, clock)
		name := fmt.Sprintf("%s %s", c.version, c.off)
		if want := clock.Add(c.start); !got.start.Equal(want) {
			t.Errorf("%s: START %s, want %s", name, got.start, want)
		}
		if got.nominal.IsZero() == c.nominal || got.end.After(clock.Add(time.Minute)) {
			t.Errorf("%s: nominal %s, end %s", name, got.nominal, got.end)
		}
		other := v
		other.RunTime = v.RunTime.Add(-got.run.Sub(v.RunTime))
		if d := clock.Sub(got.run); !c.nominal && c.start == 0 && (d < 0 || d > time.Minute) {
			t.Errorf("%s: the instant of run_time is %s before the clock", name, d)
		}
		if runID(&v, got, clock) == runID(&other, got, clock) && !other.RunTime.Equal(v.RunTime) {
			t.Errorf("%s: the identity does not keep the written time", name)
		}
	}
}

func TestAnUnlikelyTimeIsNoTimeAndCounted(t *testing.T) {
	received := at("2026-01-02T10:00:00Z")
	ok := at("2026-01-02T09:00:00Z")
	for name, c := range map[string]struct {
		v        gx.Validation
		received time.Time
		start    time.Time
		unlikely bool
	}{
		"all well":              {gx.Validation{ValidationTime: ok}, received, ok, false},
		"1970":                  {gx.Validation{ValidationTime: time.Unix(0, 0)}, received, received, true},
		"2014":                  {gx.Validation{ValidationTime: at("2014-12-31T23:59:59Z"), RunTime: ok}, received, received, true},
		"the next day":          {gx.Validation{ValidationTime: received.Add(24 * time.Hour)}, received, received.Add(24 * time.Hour), false},
		"later than that":       {gx.Validation{ValidationTime: received.Add(24*time.Hour + 1)}, received, received, true},
		"the load time is left": {gx.Validation{GXVersion: "0.18.22", ValidationTime: time.Unix(1, 0), LoadTime: ok}, received, ok, true},
		"received in 1970":      {gx.Validation{ValidationTime: ok}, time.UnixMilli(-1), ok, false},
		"received in µs":        {gx.Validation{ValidationTime: ok}, time.UnixMilli(ok.UnixMicro()), ok, false},
		"received in ns":        {gx.Validation{ValidationTime: ok}, time.UnixMilli(ok.UnixNano()), ok, false},
	} {
		got := timesOf(&c.v, c.received)
		if want := c.start; name != "2014" && !got.start.Equal(want) || got.unlikely != c.unlikely {
			t.Errorf("%s: START %s, want %s; unlikely %v, want %v", name, got.start, want, got.unlikely, c.unlikely)
		}
		if !got.nominal.IsZero() {
			t.Errorf("%s: nominal %s", name, got.nominal)
		}
	}
}

// Real results are not doubted.
func TestNoResultOfTheCorpusIsDoubted(t *testing.T) {
	m, err := New(Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range corpus(t) {
		for _, run := range mapFile(t, m, filepath.Join(corpusDir, line.File)) {
			for _, code := range []string{"unlikely_time", "other_batch", "no_validations"} {
				if slices.Contains(run.Warn, code) {
					t.Errorf("%s %s: %s", line.File, run.Part, code)
				}
			}
		}
	}
}

// warnings are those of all runs of a message.
func warnings(t *testing.T, in Input, message string) (warn []string) {
	t.Helper()
	m, err := New(Settings{Unmapped: "name"})
	if err != nil {
		t.Fatal(err)
	}
	msg, err := gx.Decode([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	runs, err := m.Map(msg, in)
	if err != nil {
		t.Fatal(err)
	}
	for _, run := range runs {
		warn = append(warn, run.Warn...)
	}
	return warn
}

func TestWhatIsDoubtfulIsWarned(t *testing.T) {
	in := Input{Received: at("2026-01-02T10:00:00Z")}
	meta := func(id, identifiers string) string {
		return `{"success": true, "results": [
			{"success": true, "expectation_config": {"type": "expect_a", "kwargs": {"batch_id": "` + id + `"}}},
			{"success": true, "expectation_config": {"type": "expect_b", "kwargs": {"batch_id": "pg-orders-year_2024"}}}],
			"meta": {"validation_time": "20260102T090000.000000Z", "active_batch_definition": {"datasource_name": "pg", "data_asset_name": "orders", "batch_identifiers": {` + identifiers + `}}}}`
	}
	for name, c := range map[string]struct {
		message string
		in      Input
		code    string
		warned  bool
	}{
		"nothing validated":                  {`{"run_id": {"run_name": "n"}, "success": true, "run_results": {}, "checkpoint_config": {"name": "c"}}`, in, "no_validations", true},
		"nothing validated in 1.x":           {`{"success": true, "validation_results": [], "statistics": {"evaluated_validations": 0}}`, in, "no_validations", true},
		"a time of 1970":                     {`{"success": true, "results": [], "meta": {"validation_time": "19700101T000000.000000Z"}}`, in, "unlikely_time", true},
		"a record without a time":            {`{"success": true, "results": [], "meta": {}}`, Input{Received: in.Received, NoTime: true}, "unlikely_time", true},
		"a likely time":                      {`{"success": true, "results": [], "meta": {"validation_time": "20260102T090000.000000Z"}}`, in, "unlikely_time", false},
		"the batch of every result":          {meta("pg-orders-year_2024", `"year": "2024"`), in, "other_batch", false},
		"the batch of one result":            {meta("pg-customers", `"year": "2024"`), in, "other_batch", false},
		"another year than every result's":   {meta("pg-orders-year_2023", `"year": 2025`), in, "other_batch", true},
		"an identifier that no result names": {meta("pg-orders", `"path": "a.csv"`), in, "other_batch", false},
		"a digest tells nothing":             {meta("0123456789abcdef0123456789abcdef", `"year": "2025"`), in, "other_batch", false},
	} {
		if got := warnings(t, c.in, c.message); slices.Contains(got, c.code) != c.warned {
			t.Errorf("%s: %v, want %s: %v", name, got, c.code, c.warned)
		}
	}
}
