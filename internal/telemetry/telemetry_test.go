package telemetry

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func get(t *testing.T, m *Metrics, path string, ready error) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(func() error { return ready }).ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

func TestReadyTellsWhatIsHeld(t *testing.T) {
	m := New()
	if code, _ := get(t, m, "/readyz", nil); code != 200 {
		t.Errorf("ready: %d", code)
	}
	if code, body := get(t, m, "/readyz", errors.New("held: in[3]: 503")); code != 503 || !strings.Contains(body, "held: in[3]") {
		t.Errorf("held: %d %q", code, body)
	}
	if code, _ := get(t, m, "/healthz", errors.New("held")); code != 200 {
		t.Errorf("a held partition is no reason to restart the process, but healthz answers %d", code)
	}
}

func TestEveryMetricIsDocumented(t *testing.T) {
	m := New()
	m.RecordsIn("t", 2)
	m.EventsDelivered("main", 3, time.Second)
	m.Buried("poison", "invalid_json")
	m.Warned("trimmed")
	m.Lost("t", 5)
	m.Skipped("main", 4)
	m.Filtered("t", 6)
	m.Reloaded(true)
	m.Topics("fresh")
	m.Destinations("other")
	m.Lags(func() []Lag { return []Lag{{"t", 2, 70, 30}} })
	m.Holds(func() []Hold {
		return []Hold{{"t", 2, "main", "http_503", time.Now().Add(-time.Minute)}, {"t", 2, "dead_letters", "timeout", time.Now()}}
	})
	m.InHand(func() int64 { return 12345 })
	m.Limits(func() map[string]int { return map[string]int{"main": 7} })
	m.DeadLetters(func() []Depth {
		return []Depth{{Topic: "t.dlq", Oldest: time.Now().Add(-time.Hour), Causes: []Cause{{"poison", "invalid_json", 9}}}, {Topic: "u.dlq"}}
	})
	_, body := get(t, m, "/metrics", nil)
	for _, line := range []string{`gx_ol_lag{partition="2",topic="t"} 70`, `gx_ol_retained_offsets{partition="2",topic="t"} 30`, `gx_ol_events_skipped_total{destination="main"} 4`,
		`gx_ol_records_lost_total{topic="fresh"} 0`, `gx_ol_results_filtered_total{topic="fresh"} 0`, `gx_ol_results_filtered_total{topic="t"} 6`, `gx_ol_reloads_total{outcome="done"} 1`, `gx_ol_reloads_total{outcome="refused"} 0`, `gx_ol_records_in_total{topic="fresh"} 0`, `gx_ol_events_delivered_total{destination="other"} 0`, `gx_ol_events_skipped_total{destination="other"} 0`,
		`gx_ol_buried_total{code="tombstone",disposition="poison"} 0`, `gx_ol_warnings_total{code="unmapped_datasource"} 0`,
		`gx_ol_records_in_total{topic="t"} 2`, `gx_ol_events_delivered_total{destination="main"} 3`,
		`gx_ol_buried_total{code="invalid_json",disposition="poison"} 1`, `gx_ol_warnings_total{code="trimmed"} 1`, "gx_ol_held_partitions 1", "gx_ol_in_hand_bytes 12345", "gx_ol_held_seconds 60", `gx_ol_in_flight_limit{destination="main"} 7`,
		`gx_ol_dead_letters{code="invalid_json",disposition="poison",topic="t.dlq"} 9`, `gx_ol_dead_letters_oldest_seconds{topic="t.dlq"} 3600`, `gx_ol_dead_letters_oldest_seconds{topic="u.dlq"} 0`,
		`gx_ol_partition_held_seconds{destination="main",partition="2",reason="http_503",topic="t"}`} {
		if !strings.Contains(body, line) {
			t.Errorf("no line %s", line)
		}
	}
	doc, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(body) {
		if name, ok := strings.CutPrefix(line, "# TYPE gx_ol_"); ok {
			name, _, _ = strings.Cut(name, " ")
			if !strings.Contains(string(doc), "`gx_ol_"+name+"`") {
				t.Errorf("docs/metrics.md does not name gx_ol_%s", name)
			}
		}
	}
}

// A counter that begins with its first count shows no increase, so all that documentation lists begin at 0.
func TestEveryDocumentedCodeBeginsAtZero(t *testing.T) {
	_, body := get(t, New(), "/metrics", nil)
	letters, err := os.ReadFile("../../docs/dead-letters.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(letters), "## Codes")
	table, _, _ = strings.Cut(table, "\n## ")
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		first, _, _ := strings.Cut(line[2:], "|")
		for _, code := range regexp.MustCompile("`([a-z0-9_]+)`").FindAllStringSubmatch(first, -1) {
			if !strings.Contains(body, `gx_ol_buried_total{code="`+code[1]+`"`) {
				t.Errorf("no gx_ol_buried_total of code %s", code[1])
			}
		}
	}
	metrics, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `gx_ol_warnings_total`.*$").FindString(string(metrics))
	_, codes, _ := strings.Cut(row, "not known:")
	for _, code := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(codes, -1) {
		if !strings.Contains(body, `gx_ol_warnings_total{code="`+code[1]+`"} 0`) {
			t.Errorf("no gx_ol_warnings_total of code %s", code[1])
		}
	}
}

// A label that comes first from several at once is one series, which counts them all.
func TestASeriesIsOneHoweverManyAskForIt(t *testing.T) {
	made := 0
	s := seriesOf(func(label ...string) *atomic.Int64 { made++; return new(atomic.Int64) })
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 100 {
				s.with(strconv.Itoa((n + i) % 10)).Add(1)
			}
		})
	}
	all.Wait()
	for n := range 10 {
		if got := s.with(strconv.Itoa(n)).Load(); got != 80 {
			t.Errorf("series %d counted %d, want 80", n, got)
		}
	}
	if made != 10 {
		t.Errorf("%d series were made of 10 labels", made)
	}
}

func BenchmarkRecordsIn(b *testing.B) {
	m := New()
	m.Topics("results")
	b.ReportAllocs()
	for b.Loop() {
		m.RecordsIn("results", 1)
	}
}
