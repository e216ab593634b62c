package telemetry

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
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
	m.Holds(func() []Hold {
		return []Hold{{"t", 2, "main", "http_503", time.Now().Add(-time.Minute)}, {"t", 2, "dead_letters", "timeout", time.Now()}}
	})
	m.InHand(func() int64 { return 12345 })
	m.Limits(func() map[string]int { return map[string]int{"main": 7} })
	m.DeadLetters(func() []Depth {
		return []Depth{{Topic: "t.dlq", Oldest: time.Now().Add(-time.Hour), Causes: []Cause{{"poison", "invalid_json", 9}}}, {Topic: "u.dlq"}}
	})
	_, body := get(t, m, "/metrics", nil)
	for _, line := range []string{`gx_ol_records_in_total{topic="t"} 2`, `gx_ol_events_delivered_total{destination="main"} 3`,
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
