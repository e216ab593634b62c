// Package alerts loads docs/alerts.yml with Prometheus' own engine, over series that the process's own metrics gave. It is a module of its own, so
// that Prometheus is in no build of gx-ol.
package alerts

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/tsdb"

	"github.com/gx-ol/gx-ol/internal/telemetry"
)

// every is how often the process is scraped, and the rules are asked.
const every = 30 * time.Second

// process is a gx-ol as Prometheus sees it.
type process struct {
	*telemetry.Metrics
	held    time.Duration // of the longest held partition; 0: none is held
	lag     []telemetry.Lag
	letters int
	oldest  time.Duration
	bug     bool
}

// start is a new life of the process: its counters begin anew.
func (p *process) start() {
	p.Metrics = telemetry.New()
	p.Topics("in")
	p.Destinations("http")
	p.Holds(func() []telemetry.Hold {
		if p.held == 0 {
			return nil
		}
		return []telemetry.Hold{{Topic: "in", Partition: 0, Destination: "http", Code: "http_503", Since: time.Now().Add(-p.held)}}
	})
	p.Lags(func() []telemetry.Lag { return p.lag })
	p.DeadLetters(func() []telemetry.Depth {
		d := telemetry.Depth{Topic: "in.dlq", Causes: []telemetry.Cause{{Disposition: "poison", Code: "invalid_json", Letters: p.letters}}}
		if p.oldest > 0 {
			d.Oldest = time.Now().Add(-p.oldest)
		}
		if p.bug {
			d.Causes = append(d.Causes, telemetry.Cause{Disposition: "bug", Code: "panic", Letters: 1})
		}
		return []telemetry.Depth{d}
	})
}

// prometheus is the real one, without its web and its clock.
type prometheus struct {
	db    *tsdb.DB
	query rules.QueryFunc
	rules []*rules.AlertingRule
}

func newPrometheus(t *testing.T) *prometheus {
	t.Helper()
	options := tsdb.DefaultOptions()
	db, err := tsdb.Open(t.TempDir(), slog.New(slog.DiscardHandler), nil, options, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	language := parser.NewParser(parser.Options{})
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute, EnableAtModifier: true, EnableNegativeOffset: true, Parser: language})
	t.Cleanup(func() { _ = engine.Close() })
	groups, faults := rulefmt.ParseFile("../../docs/alerts.yml", false, model.UTF8Validation, language, slog.New(slog.DiscardHandler))
	for _, err := range faults {
		t.Fatal(err)
	}
	p := &prometheus{db: db, query: rules.EngineQueryFunc(engine, db)}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			expr, err := language.ParseExpr(r.Expr)
			if err != nil {
				t.Fatal(err)
			}
			p.rules = append(p.rules, rules.NewAlertingRule(r.Alert, expr, time.Duration(r.For), time.Duration(r.KeepFiringFor), labels.FromMap(r.Labels),
				labels.FromMap(r.Annotations), labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler)))
		}
	}
	return p
}

// scrape takes in what the process says of itself.
func (p *prometheus) scrape(t *testing.T, of *process, at time.Time) {
	t.Helper()
	w := httptest.NewRecorder()
	of.Handler(func() error { return nil }).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := expfmt.NewTextParser(model.UTF8Validation)
	families, err := text.TextToMetricFamilies(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	app := p.db.Appender(context.Background())
	for name, f := range families {
		if !strings.HasPrefix(name, "gx_ol_") {
			continue
		}
		for _, m := range f.GetMetric() {
			b := labels.NewBuilder(labels.FromStrings("__name__", name, "job", "gx-ol", "instance", "a:9464"))
			for _, l := range m.GetLabel() {
				b.Set(l.GetName(), l.GetValue())
			}
			value := m.GetGauge().GetValue()
			if m.GetCounter() != nil {
				value = m.GetCounter().GetValue()
			}
			if _, err := app.Append(0, b.Labels(), at.UnixMilli(), value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

// firing asks the rules, and gives the alerts that somebody is called for.
func (p *prometheus) firing(t *testing.T, at time.Time) map[string]bool {
	t.Helper()
	out := make(map[string]bool)
	for _, r := range p.rules {
		if _, err := r.Eval(t.Context(), 0, at, p.query, nil, 0); err != nil {
			t.Fatalf("%s: %v", r.Name(), err)
		}
		for _, alert := range r.ActiveAlerts() {
			if alert.State == rules.StateFiring {
				out[r.Name()] = true
			}
		}
	}
	return out
}

// Each alert fires when it should, and none when all is well.
func TestEachAlertFiresWhenItShould(t *testing.T) {
	at := func(minute int, do func(*process)) func(*process, int) {
		return func(p *process, m int) {
			if m == minute {
				do(p)
			}
		}
	}
	for name, c := range map[string]struct {
		minutes int
		step    func(p *process, minute int) // called once a minute, before the scrape
		alert   string                       // which fires; empty: none
		from    int                          // in which minute at the latest
	}{
		"all is well": {120, func(p *process, m int) {
			p.RecordsIn("in", 100)
			p.EventsDelivered("http", 200, time.Millisecond)
			p.lag = []telemetry.Lag{{Topic: "in", Records: int64(m % 7), Retained: int64(1000 + m)}}
		}, "", 0},
		"a restart is no loss": {60, at(20, (*process).start), "", 0},
		"the first loss":       {60, at(20, func(p *process) { p.Lost("in", 3) }), "GxOlRecordsLost", 21},
		"a loss of a topic that a regular expression took in": {60, at(20, func(p *process) { p.Lost("new", 3) }), "GxOlRecordsLost", 21},
		"a loss before the first scrape":                      {60, at(0, func(p *process) { p.Lost("in", 3) }), "GxOlRecordsLost", 1},
		"a loss right after a restart":                        {60, at(20, func(p *process) { p.start(); p.Lost("in", 3) }), "GxOlRecordsLost", 21},
		"a short outage": {60, func(p *process, m int) {
			p.held = time.Duration(min(m, 9)) * time.Minute * time.Duration(boolean(m < 10))
		}, "", 0},
		"a long outage":         {60, func(p *process, m int) { p.held = time.Duration(m) * time.Minute }, "GxOlPartitionHeld", 17},
		"letters grow":          {120, func(p *process, m int) { p.letters = max(0, m-60) * 10 }, "GxOlDeadLettersGrow", 75},
		"a letter is forgotten": {10, func(p *process, _ int) { p.letters, p.oldest = 1, 8*24*time.Hour }, "GxOlDeadLettersForgotten", 1},
		"a bug":                 {10, func(p *process, _ int) { p.bug = true }, "GxOlBug", 1},
		"lag that is worked off": {120, func(p *process, m int) {
			p.lag = []telemetry.Lag{{Topic: "in", Records: int64(max(0, 9000-100*m)), Retained: 5000}}
		}, "", 0},
		"lag that grows": {120, func(p *process, m int) {
			p.lag = []telemetry.Lag{{Topic: "in", Records: int64(100 * m), Retained: 500000}}
		}, "GxOlLagGrows", 60},
		"retention comes closer than what is read": {120, func(p *process, m int) {
			p.lag = []telemetry.Lag{{Topic: "in", Records: 500, Retained: int64(max(0, 12000-100*m))}}
		}, "GxOlRetentionRisk", 45},
		"retention comes closer, and there is nothing to be read": {120, func(p *process, m int) {
			p.lag = []telemetry.Lag{{Topic: "in", Records: 0, Retained: int64(max(0, 12000-100*m))}}
		}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			server, p := newPrometheus(t), &process{}
			p.start()
			begin := time.Unix(1_800_000_000, 0)
			fired := -1
			for i := range c.minutes * int(time.Minute/every) {
				now := begin.Add(time.Duration(i) * every)
				minute := int(now.Sub(begin) / time.Minute)
				if now.Sub(begin)%time.Minute == 0 {
					c.step(p, minute)
				}
				server.scrape(t, p, now)
				for alert := range server.firing(t, now.Add(time.Second)) {
					if alert != c.alert {
						t.Fatalf("minute %d: %s fires", minute, alert)
					}
					if fired < 0 {
						fired = minute
					}
				}
			}
			if c.alert != "" && (fired < 0 || fired > c.from) {
				t.Errorf("%s fires in minute %d, not by %d", c.alert, fired, c.from)
			}
		})
	}
}

func boolean(is bool) int {
	if is {
		return 1
	}
	return 0
}
