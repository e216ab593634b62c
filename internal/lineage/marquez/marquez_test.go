package marquez_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/lineage/events"
	"github.com/gx-ol/gx-ol/internal/lineage/marquez"
	backend "github.com/gx-ol/gx-ol/producer/http"
	double "github.com/gx-ol/gx-ol/test/marquez"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = lineage.Options{Now: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}

// asked is a source over a server, and the requests that it made.
type asked struct {
	*marquez.Source
	mu    sync.Mutex // guards paths
	paths []string
}

func over(t *testing.T, handler http.Handler, cfg backend.Config) *asked {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	cfg.URL = server.URL + cfg.URL
	d, err := backend.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	a := &asked{}
	a.Source = marquez.New(marquez.Config{Client: d, Name: d.Base(), OnRequest: func(r marquez.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.paths = append(a.paths, r.Path)
	}})
	return a
}

// told posts events to a double.
func told(t *testing.T, events ...string) *double.Server {
	t.Helper()
	s := double.New()
	for _, ev := range events {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/lineage", strings.NewReader(ev))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if s.ServeHTTP(w, r); w.Code != http.StatusCreated {
			t.Fatalf("%d %s: %s", w.Code, w.Body, ev)
		}
	}
	return s
}

const db = "postgres://db:5432"

func set(name string) lineage.Dataset { return lineage.Dataset{Namespace: db, Name: name} }

// run is a run that ended at a minute of the day.
func run(minute int, kind, job, in, out string) string {
	at := time.Date(2026, 3, 1, 0, minute, 0, 0, time.UTC).Format(time.RFC3339)
	return fmt.Sprintf(`{"eventType":%q,"eventTime":%q,"run":{"runId":"01a20718-75ee-7799-0000-%012d"},"job":{"namespace":"n","name":%q},"inputs":[%s],"outputs":[%s],"producer":"p","schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}`,
		kind, at, minute, job, in, out)
}

func named(name string) string { return fmt.Sprintf(`{"namespace":%q,"name":%q}`, db, name) }

func failing(name, column string) string {
	return fmt.Sprintf(`{"namespace":%q,"name":%q,"inputFacets":{"dataQualityAssertions":{"assertions":[{"assertion":"a","column":%q,"success":false}]}}}`, db, name, column)
}

func TestNamesThatBeginWithADigitAreFoundByTheJobs(t *testing.T) {
	s := over(t, told(t, run(1, "COMPLETE", "load", "", named("2026_orders")), run(2, "COMPLETE", "make", named("2026_orders"), named("out")), run(3, "FAIL", "check", failing("2026_orders", "c"), "")), backend.Config{})
	answer, err := lineage.Upstream(t.Context(), s, set("2026_orders"), lineage.WrittenFailed, now)
	if err != nil || len(answer.Failed) != 1 || len(answer.Notes) != 1 || !strings.Contains(answer.Notes[0], "all jobs were asked instead") {
		t.Errorf("%v %+v", err, answer)
	}
	consumers, err := lineage.Consumers(t.Context(), s, &answer.Dataset, now)
	if err != nil || len(consumers.Consumers) != 1 || consumers.Consumers[0].Job.Name != "make" {
		t.Errorf("%v %+v", err, consumers)
	}
}

func TestADatasetThatNoJobTouchesIsKnown(t *testing.T) {
	s := over(t, told(t, `{"eventTime":"2026-03-01T10:00:00Z","dataset":`+named("alone")+`,"producer":"p","schemaURL":"https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/DatasetEvent"}`), backend.Config{})
	answer, err := lineage.Upstream(t.Context(), s, set("alone"), lineage.WrittenFailed, now)
	if err != nil || answer.Quality != lineage.NeverChecked {
		t.Errorf("%v %+v", err, answer)
	}
	if _, err := lineage.Upstream(t.Context(), s, set("other"), lineage.WrittenFailed, now); err == nil || !strings.Contains(err.Error(), "no dataset "+db+" other") {
		t.Error(err)
	}
}

func TestAColumnThatStandsTwiceIsUnknownAndNoError(t *testing.T) {
	typed := func(kind string) string {
		return fmt.Sprintf(`{"namespace":%q,"name":"d","facets":{"schema":{"_producer":"p","_schemaURL":"s","fields":[{"name":"c"%s}]}}}`, db, kind)
	}
	s := over(t, told(t, run(1, "COMPLETE", "w", "", typed(`,"type":"int"`)), run(2, "COMPLETE", "r", typed(""), ""), run(3, "FAIL", "check", failing("d", "c"), ""), run(4, "FAIL", "other", failing("d", "c"), "")), backend.Config{})
	answer, err := lineage.Common(t.Context(), s, now)
	if err != nil || len(answer.Failed) != 2 || len(answer.Notes) != 1 || !strings.Contains(answer.Notes[0], "cannot tell what their column is made from") {
		t.Fatalf("%v %+v", err, answer)
	}
	columns := 0
	for _, p := range s.paths {
		if strings.HasPrefix(p, "column-lineage") {
			columns++
		}
	}
	if columns != 1 {
		t.Errorf("the column was asked for %d times", columns)
	}
}

// One job under one name goes through thirty tables, a table a run, and Marquez ties it to the last one's alone. Whichever of them is on the way, and whatever
// its ten newest runs are about, the answers are those of all events.
func TestOneJobThatChecksManyDatasetsIsReadBeyondItsTenRuns(t *testing.T) {
	for name, c := range map[string]struct {
		inputs string
		again  int // further runs about the last table
		failed int
	}{
		"the latest is on the way too":                 {named("d00") + "," + named("d15") + "," + named("d29"), 0, 3},
		"only an old one is":                           {named("d03"), 0, 1},
		"only an old one, and ten runs are of one":     {named("d03"), 10, 1},
		"the latest too, and ten runs are of one":      {named("d03") + "," + named("d29"), 10, 2},
		"only an old one, that was written again then": {named("d04"), 0, 1},
	} {
		var sent []string
		for i := range 30 {
			sent = append(sent, run(i, "COMPLETE", fmt.Sprintf("load%02d", i), "", named(fmt.Sprintf("d%02d", i))), run(100+i, "FAIL", "gx", failing(fmt.Sprintf("d%02d", i), "c"), ""))
		}
		for i := range c.again {
			sent = append(sent, run(200+i, "FAIL", "gx", failing("d29", "c"), ""))
		}
		sent = append(sent, run(60, "COMPLETE", "all", c.inputs, named("mart")), run(300, "COMPLETE", "load04", "", named("d04")))
		s := over(t, told(t, sent...), backend.Config{})
		of := events.NewBuilder(events.DefaultBound)
		if err := events.Read(t.Context(), "events", strings.NewReader(strings.Join(sent, "\n")), of, nil); err != nil {
			t.Fatal(err)
		}
		files := &lineage.Whole{Name: "files", Graph: of.Graph()}
		want, err := lineage.Upstream(t.Context(), files, set("mart"), lineage.WrittenFailed, now)
		if err != nil || len(want.Failed) != c.failed {
			t.Fatalf("%s: %v, of files %d failures", name, err, len(want.Failed))
		}
		got, err := lineage.Upstream(t.Context(), s, set("mart"), lineage.WrittenFailed, now)
		if err != nil || !reflect.DeepEqual(got.Failed, want.Failed) || len(got.Notes) > 0 {
			t.Errorf("%s: %v, notes %v\n%+v\nof files\n%+v", name, err, got.Notes, got.Failed, want.Failed)
		}
		common, err := lineage.Common(t.Context(), s, now)
		if err != nil || len(common.Failed) != 30 || len(common.Notes) > 0 {
			t.Errorf("%s: common: %v, %d failures of 30, notes %v", name, err, len(common.Failed), common.Notes)
		}
	}
}

// Of a job with too many runs it is said that not all were read; what its oldest run found is still in the dataset's version, and counts.
func TestWhatIsNotReadOfManyRunsIsSaid(t *testing.T) {
	for n, want := range map[int]int{1000: 0, 1020: 1} {
		sent := []string{run(2000, "COMPLETE", "all", named("old"), named("mart"))}
		for i := range n {
			d := "old"
			if i > 0 {
				d = fmt.Sprintf("d%d", i%2)
			}
			sent = append(sent, run(i, "START", "gx", named(d), ""), run(i, "FAIL", "gx", failing(d, "c"), ""))
		}
		s := over(t, told(t, sent...), backend.Config{})
		common, err := lineage.Common(t.Context(), s, now)
		if err != nil || len(common.Notes) != want || len(common.Failed) != 3-want {
			t.Errorf("%d runs: common: %v, %d failures, %v", n, err, len(common.Failed), common.Notes)
		}
		up, err := lineage.Upstream(t.Context(), s, set("mart"), lineage.WrittenFailed, now)
		if err != nil || len(up.Failed) != 1 || len(up.Notes) != 2*want {
			t.Errorf("%d runs: upstream: %v, %+v, %v", n, err, up.Failed, up.Notes)
		}
	}
}

// A check that is named after its table is not asked for its older runs: most are, and run every day.
func TestACheckThatIsNamedAfterItsTableIsAskedForNoOlderRuns(t *testing.T) {
	var sent []string
	for i := range 30 {
		sent = append(sent, run(i, "FAIL", "nightly.warehouse.orders", failing("shop.public.orders", "c"), ""))
	}
	s := over(t, told(t, sent...), backend.Config{})
	if _, err := lineage.Common(t.Context(), s, now); err != nil {
		t.Fatal(err)
	}
	if _, err := lineage.Upstream(t.Context(), s, set("shop.public.orders"), lineage.WrittenFailed, now); err != nil {
		t.Fatal(err)
	}
	for _, p := range s.paths {
		if strings.Contains(p, "/runs") {
			t.Errorf("asked for %s", p)
		}
	}
}

func TestABrokenListOfJobsIsGoneRoundByNamespaces(t *testing.T) {
	inner := told(t, run(1, "FAIL", "check", failing("d", "c"), ""), run(2, "COMPLETE", "reads", named("d"), named("out")))
	broken := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/jobs" || r.URL.Path == "/api/v1/namespaces/default/jobs" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(`{"code":500,"message":"There was an error processing your request. It has been logged (ID 0123456789abcdef)."}`))
			return
		}
		inner.ServeHTTP(w, r)
	})
	answer, err := lineage.Consumers(t.Context(), over(t, broken, backend.Config{}), nil, now)
	if err != nil || len(answer.Consumers) != 1 || len(answer.Notes) != 1 || !strings.Contains(answer.Notes[0], "namespace default") {
		t.Errorf("%v %+v", err, answer)
	}
}

func TestManyJobsAreListedPageByPage(t *testing.T) {
	var events []string
	for i := range 130 {
		events = append(events, run(i, "FAIL", fmt.Sprintf("check%03d", i), failing(fmt.Sprintf("d%03d", i), "c"), ""))
	}
	s := over(t, told(t, events...), backend.Config{})
	g, err := s.All(t.Context())
	if err != nil || len(g.Jobs()) != 130 {
		t.Fatalf("%v %d", err, len(g.Jobs()))
	}
	if pages := strings.Count(strings.Join(s.paths, "\n"), "jobs?limit=50"); pages != 3 {
		t.Errorf("%d pages", pages)
	}
}

func TestNamesOfAnyFormAreAskedForWhole(t *testing.T) {
	for _, name := range []string{"a/b c?d#e%20f&g=h;é", "s3/key with spaces/part-*.csv", "x:y:z"} {
		s := over(t, told(t, run(1, "COMPLETE", "load "+name, "", named(name)), run(2, "FAIL", "check "+name, failing(name, "c"), "")), backend.Config{})
		d, err := lineage.Resolve(t.Context(), s, name)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := lineage.Upstream(t.Context(), s, d, lineage.WrittenAll, now)
		if err != nil || len(answer.Failed) != 1 || answer.Failed[0].Check.Name != "check "+name {
			t.Errorf("%s: %v %+v", name, err, answer)
		}
	}
}

func TestWhatIsNoMarquezOrRefusesIsSaidWithAHint(t *testing.T) {
	secret := "key-that-stays-secret"
	for name, c := range map[string]struct {
		status     int
		kind, body string
		text, hint string
	}{
		"401":               {401, "application/json", `{"message":"no key ` + secret + `"}`, "answers 401", "OPENLINEAGE_API_KEY"},
		"403":               {403, "text/html", "<html>", "answers 403", "OPENLINEAGE_API_KEY"},
		"redirect":          {302, "text/plain", "", "answers 302", "url"},
		"a page":            {200, "text/html", "<html>hello</html>", "is no Marquez", "--from kafka:TOPIC"},
		"other JSON":        {200, "application/json", `{"status":"ok"}`, "is no Marquez", "--from kafka:TOPIC"},
		"a list":            {200, "application/json", `[]`, "is no Marquez", "--from kafka:TOPIC"},
		"404":               {404, "text/html", "<html>", "is no Marquez", "url"},
		"404 in words":      {404, "text/plain", "404 page not found", "is no Marquez", "--from kafka:TOPIC"},
		"404 of a Marquez":  {404, "application/json", `{"code":404,"message":"HTTP 404 Not Found"}`, "is no Marquez", "url"},
		"too many requests": {429, "text/plain", "slow down", "answers 429", "--rate"},
		"a gateway":         {502, "text/html", "<html>", "answers 502", "gateway"},
		"a fault":           {500, "application/json", `{"code":500,"message":"org.postgresql.util.PSQLException"}`, "PSQLException", "log"},
	} {
		t.Run(name, func(t *testing.T) {
			s := over(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if got := r.Header.Get("Authorization"); got != "Bearer "+secret {
					t.Errorf("Authorization %q", got)
				}
				w.Header().Set("Content-Type", c.kind)
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}), backend.Config{APIKey: secret, URL: "/below"})
			d := set("d")
			for what, ask := range map[string]func() error{
				"common":   func() error { _, err := lineage.Common(t.Context(), s, now); return err },
				"resolve":  func() error { _, err := lineage.Resolve(t.Context(), s, "d"); return err },
				"upstream": func() error { _, err := lineage.Upstream(t.Context(), s, d, lineage.WrittenAll, now); return err },
			} {
				err := ask()
				f, ok := errors.AsType[*fault.Error](err)
				if !ok || !strings.Contains(err.Error(), c.text) || !strings.Contains(f.Hint, c.hint) || strings.Contains(err.Error(), secret) {
					t.Errorf("%s: %v, %+v", what, err, f)
				}
			}
		})
	}
}
