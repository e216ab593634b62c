package app

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gx-ol/gx-ol/internal/outage"
	"github.com/gx-ol/gx-ol/internal/telemetry"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// A flood of one code is two lines a minute: which was the first, and how many followed.
func TestBuriedRecordsAreToldOnceACodeAndMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.DebugLevel)
		s := newSummary(telemetry.New(), zap.New(core))
		stop := s.follow(t.Context())
		bury := func(code, disposition string, offset int64) {
			s.Buried(deadletter.Letter{Topic: "in", Partition: 3, Offset: offset, Code: code, Disposition: disposition, Error: "no"})
		}
		for i := range 13 {
			bury("http_422", "rejected", int64(100+i))
		}
		bury("bug", "bug", 7)
		for _, l := range logs.All() {
			if want := map[string]zapcore.Level{"http_422": zapcore.WarnLevel, "bug": zapcore.ErrorLevel}[l.ContextMap()["code"].(string)]; l.Level != want {
				t.Errorf("%v: %s", l.ContextMap(), l.Level)
			}
		}
		first := logs.FilterMessageSnippet("record buried")
		if first.Len() != 2 || first.All()[0].ContextMap()["offset"] != int64(100) || first.All()[0].ContextMap()["topic"] != "in" {
			t.Errorf("at once: %v", first.All())
		}
		time.Sleep(summaryEvery)
		synctest.Wait()
		more := logs.FilterMessageSnippet("more records buried")
		if more.Len() != 1 || more.All()[0].ContextMap()["records"] != int64(12) || more.All()[0].ContextMap()["first_offset"] != int64(100) {
			t.Errorf("after the minute: %v", more.All())
		}
		bury("http_422", "rejected", 200)
		if n := logs.FilterMessageSnippet("record buried").Len(); n != 3 {
			t.Errorf("the next minute: %d first ones", n)
		}
		stop()
	})
}

func TestAMinuteInWhichSomethingHappenedIsOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zapcore.InfoLevel)
		m := telemetry.New()
		s := newSummary(m, zap.New(core))
		var held atomic.Pointer[[]outage.Hold]
		held.Store(new([]outage.Hold))
		s.holds = func() []outage.Hold { return *held.Load() }
		s.lag = func() (int64, bool) { return 42, true }
		stop := s.follow(t.Context())
		minute := func(want string) {
			t.Helper()
			time.Sleep(summaryEvery)
			synctest.Wait()
			got := ""
			for _, l := range logs.TakeAll() {
				if l.Message == "the last minute" {
					c := l.ContextMap()
					got += fmt.Sprintf("%v in, %v out, %v buried, %v held, lag %v;", c["records"], c["events"], c["buried"], c["held"], c["lag"])
				}
			}
			if got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		minute("")
		m.RecordsIn("in", 5)
		m.EventsDelivered("http", 8, time.Second)
		s.Buried(deadletter.Letter{Code: "c"})
		minute("5 in, 8 out, 1 buried, 0 held, lag 42;")
		minute("")
		held.Store(&[]outage.Hold{{Topic: "in", Partition: 1, Destination: "a"}, {Topic: "in", Partition: 1, Destination: "b"}, {Topic: "in", Partition: 2, Destination: "a"}})
		minute("0 in, 0 out, 0 buried, 2 held, lag 42;")
		held.Store(new([]outage.Hold))
		m.RecordsIn("in", 1)
		stop() // a run shorter than a minute says it too
		if n := logs.FilterMessage("the last minute").Len(); n != 1 {
			t.Errorf("at the end: %d lines", n)
		}
	})
}

func TestAnUnmappedDatasourceIsToldByNameOnce(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	s := newSummary(telemetry.New(), zap.New(core))
	warn := func(name string) {
		s.Warned("unmapped_datasource", &openlineage.Run{Datasets: []openlineage.Dataset{{Namespace: "postgres://db:5432", Name: "a.b.c"}, {Namespace: "great_expectations://" + name, Name: "t"}}})
	}
	warn("warehouse")
	warn("warehouse")
	warn("lake")
	if n := logs.FilterField(zap.String("datasource", "warehouse")).Len(); n != 1 || logs.Len() != 2 {
		t.Errorf("%v", logs.All())
	}
	for i := range 1000 { // a name comes with the message
		warn(fmt.Sprint("n", i))
	}
	if logs.Len() != mostNames+1 {
		t.Errorf("%d lines", logs.Len())
	}
	if n := testing.AllocsPerRun(100, func() { s.Warned("trimmed", nil) }); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}
