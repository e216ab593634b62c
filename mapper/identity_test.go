package mapper

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

// full is a validation that carries everything a run id is made of.
func full() gx.Validation {
	return gx.Validation{
		GXVersion: "1.3.14", Suite: "orders", ValidationID: "3b7e5c3e-7f3f-4f0e-9d3a-0a3f6f1b2c4d", RunName: "nightly",
		RunTime: at("2026-01-02T03:04:05.000006Z"), LoadTime: at("2026-01-02T03:04:06Z"), ResultCount: 2,
		Batch: gx.Batch{Datasource: "warehouse", Asset: "orders", Identifiers: []byte(`{"month":"01","year":"2026"}`)},
	}
}

// The vectors stand in docs/run-ids.md: another implementation can be checked against them.
func TestRunIDsAreTheDocumentedVectors(t *testing.T) {
	bare := gx.Validation{Suite: "orders", ResultCount: 1}
	received := at("2026-01-02T03:04:05Z")
	var lines []string
	for name, v := range map[string]gx.Validation{"full": full(), "bare": bare} {
		lines = append(lines, "| "+name+" | `"+runID(&v, timesOf(&v, received), received).String()+"` |")
	}
	lines = append(lines, fmt.Sprintf("facts hash `%x`", bare.FactsHash()))
	doc, err := os.ReadFile("../docs/run-ids.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if !strings.Contains(string(doc), l) {
			t.Errorf("docs/run-ids.md lacks the line %s", l)
		}
	}
}

func TestEachPartOfTheIdentityChangesTheRunIDAndNothingElseDoes(t *testing.T) {
	received := at("2026-01-02T04:00:00Z")
	base := full()
	id := func(v gx.Validation) uuid.UUID { return runID(&v, timesOf(&v, received), received) }
	want := id(base)
	if want.Version() != 7 || want.Variant() != uuid.RFC4122 {
		t.Errorf("%s is version %d, variant %s", want, want.Version(), want.Variant())
	}
	for _, c := range []struct {
		name   string
		change func(*gx.Validation)
		same   bool
	}{
		{"suite", func(v *gx.Validation) { v.Suite = "x" }, false},
		{"validation id", func(v *gx.Validation) { v.ValidationID = "x" }, false},
		{"datasource", func(v *gx.Validation) { v.Batch.Datasource = "x" }, false},
		{"asset", func(v *gx.Validation) { v.Batch.Asset = "x" }, false},
		{"batch identifiers", func(v *gx.Validation) { v.Batch.Identifiers = nil }, false},
		{"run name", func(v *gx.Validation) { v.RunName = "x" }, false},
		{"run time", func(v *gx.Validation) { v.RunTime = v.RunTime.Add(time.Microsecond) }, false},
		{"clock", func(v *gx.Validation) { v.LoadTime = v.LoadTime.Add(time.Microsecond) }, false},
		{"number of results", func(v *gx.Validation) { v.ResultCount++ }, false},
		{"checkpoint", func(v *gx.Validation) { v.Checkpoint = "x" }, true},
		{"kwargs.batch_id", func(v *gx.Validation) { v.Batch.BatchID = "x" }, true},
		{"time zone", func(v *gx.Validation) { v.RunTime = v.RunTime.In(time.FixedZone("x", 7200)) }, true},
	} {
		v := full()
		c.change(&v)
		if got := id(v); (got == want) != c.same {
			t.Errorf("%s: same id is %v, want %v", c.name, got == want, c.same)
		}
	}
}

func TestTimesOfARun(t *testing.T) {
	received := at("2026-01-02T10:00:00Z")
	for _, c := range []struct {
		name                string
		v                   gx.Validation
		start, end, nominal string
	}{
		{"1.x: the load time is the clock", gx.Validation{GXVersion: "1.3.0", RunTime: at("2026-01-02T09:00:00Z"), ValidationTime: at("2026-01-02T09:00:00Z"),
			LoadTime: at("2026-01-02T09:00:05Z")}, "2026-01-02T09:00:00Z", "2026-01-02T09:00:05Z", ""},
		{"a run_time of another day is nominal", gx.Validation{GXVersion: "1.3.0", RunTime: at("2020-01-01T00:00:00Z"), ValidationTime: at("2020-01-01T00:00:00Z"),
			LoadTime: at("2026-01-02T09:00:05Z")}, "2026-01-02T09:00:05Z", "2026-01-02T09:00:05.001Z", "2020-01-01T00:00:00Z"},
		{"0.x: the validation time is the clock", gx.Validation{GXVersion: "0.18.22", ValidationTime: at("2026-01-02T09:00:09Z"), LoadTime: at("2026-01-02T09:00:01Z")},
			"2026-01-02T09:00:01Z", "2026-01-02T09:00:09Z", ""},
		{"no time: received", gx.Validation{}, "2026-01-02T10:00:00Z", "2026-01-02T10:00:00.001Z", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := timesOf(&c.v, received)
			if !got.start.Equal(at(c.start)) || !got.end.Equal(at(c.end)) {
				t.Errorf("%s – %s, want %s – %s", got.start, got.end, c.start, c.end)
			}
			if c.nominal == "" != got.nominal.IsZero() {
				t.Errorf("nominal %s, want %q", got.nominal, c.nominal)
			}
		})
	}
}

func TestAPartialResultEndsBeforeTheFullOneAndAfterItsStart(t *testing.T) {
	v := full()
	ts := timesOf(&v, time.Time{})
	id := runID(&v, ts, time.Time{})
	whole, partial := endTime(ts, id, false), endTime(ts, id, true)
	if !partial.Before(whole) || !partial.After(ts.start) {
		t.Errorf("start %s, partial %s, whole %s", ts.start, partial, whole)
	}
}
