package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/seen"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func made(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// asked is a request by a browser on this machine.
func asked(method, target string, change ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "127.0.0.1:9464"
	r.Header.Set("Accept", "text/html")
	for _, c := range change {
		c(r)
	}
	return r
}

func answer(s http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func get(t *testing.T, s http.Handler, target string, status int) string {
	t.Helper()
	w := answer(s, asked(http.MethodGet, target))
	if w.Code != status {
		t.Fatalf("%s: %d, not %d: %s", target, w.Code, status, w.Body)
	}
	return w.Body.String()
}

// result is what the mapper makes of a result, as far as it is looked at here.
func result(job, dataset, suite, column string, passed, failed int, at time.Time) openlineage.Run {
	checks := []map[string]any{{"assertion": "expect_" + column, "success": true, "column": column, "severity": "error", "expected": "between 1 and 2", "actual": "1"}}
	for range failed {
		checks = append(checks, map[string]any{"assertion": "expect_less", "success": false, "column": column, "severity": "error", "expected": "0", "actual": "9 of 9"})
	}
	kind := openlineage.Complete
	if failed > 0 {
		kind = openlineage.Fail
	}
	id := "01a20711-5681-78f6-9a96-9d2479bb766e"
	body, _ := json.Marshal(map[string]any{"eventType": kind, "eventTime": at, "job": map[string]any{"namespace": "ns", "name": job},
		"run": map[string]any{"runId": id, "facets": map[string]any{"errorMessage": map[string]any{"message": "in " + column}}},
		"inputs": []any{map[string]any{"namespace": "postgres://db", "name": dataset, "inputFacets": map[string]any{
			"dataQualityAssertions": map[string]any{"assertions": checks},
			"dataQualityMetrics":    map[string]any{"rowCount": 12, "columnMetrics": map[string]any{column: map[string]any{"nullCount": 3}}}}}}})
	event := openlineage.Event{Type: kind, RunID: id, JobNamespace: "ns", JobName: job, Body: body}
	return openlineage.Run{Events: []openlineage.Event{event}, Datasets: []openlineage.Dataset{{Namespace: "postgres://db", Name: dataset}},
		Brief: &openlineage.Brief{Suite: suite, Started: at.Add(-time.Second), Ended: at, Passed: passed, Failed: failed, Fails: failed > 0, Rows: 12,
			Nulls: []openlineage.Nulls{{Column: column, Count: 3}}}}
}

// fakeFlow and fakeRecords are a process that does something.
type fakeFlow struct{ now seen.Now }

func (f fakeFlow) Number() uint64   { return 1 }
func (f fakeFlow) Now(int) seen.Now { return f.now }

type fakeRecords func(seen.Place) (Mapped, error)

func (f fakeRecords) Read(_ context.Context, at seen.Place) (Mapped, error) { return f(at) }

type fakeLinks struct{}

func (fakeLinks) Job(namespace, name string) string { return "http://backend/" + url.PathEscape(name) }
func (fakeLinks) Dataset(namespace, name string) string {
	return "http://backend/" + url.PathEscape(name)
}

// seenAll is an Options in which everything holds the text.
func seenAll(text string) Options {
	m := seen.New(8 << 20)
	at := time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	for i := range 5 {
		m.Settled(seen.Place{Topic: "in", Partition: 1, Offset: int64(i)}, []openlineage.Run{result(text, text, text, text, 1, i/3, at.Add(time.Duration(i)*time.Hour))}, i == 4)
	}
	flow := seen.Now{Began: at, Reading: seen.Reading{Records: 5, Events: 9, InHand: 77, Delays: []int64{1, 2}, Limits: map[string]int{text: 4},
		Partitions: []seen.Partition{{Topic: text, Partition: 3, Lag: 70, Retained: 0, Ran: true, History: []int64{1, 2, 70}}},
		Holds:      []seen.Hold{{Topic: text, Partition: 3, Destination: text, Code: "http_503", Reason: text, Since: at}},
		Letters:    []seen.Letters{{Topic: text, Letters: 3, Oldest: at}}, Trouble: []string{text}}}
	return Options{Open: true, Name: text, Version: "v1", Runs: m, Flow: fakeFlow{flow}, Links: fakeLinks{},
		Sources: func() []Source { return []Source{{Name: text, Away: text, Tip: text}, {Name: "there"}} },
		Records: fakeRecords(func(at seen.Place) (Mapped, error) {
			if at.Offset > 4 {
				return Mapped{}, fmt.Errorf("%w: %s", ErrUnmapped, text)
			}
			return Mapped{Runs: []openlineage.Run{result(text, text, text, text, 1, 1, time.Now())},
				Origins: []mapper.Origin{{Event: "FAIL", Field: text, Value: text, From: "message", Where: text}}}, nil
		})}
}

// places of the page as a person meets them.
func pages(text string) []string {
	q := make(url.Values)
	q.Set("namespace", "postgres://db")
	q.Set("name", text)
	search := make(url.Values)
	search.Set("q", text)
	search.Set("dataset", text)
	return []string{"/now", "/results", "/results?" + search.Encode(), "/results/in/1/3", "/results/in/1/4", "/datasets", "/datasets?" + search.Encode(), "/dataset?" + q.Encode(), "/signin"}
}

func TestEveryPageShowsWhatItIsAbout(t *testing.T) {
	s := made(t, seenAll("orders"))
	for target, wants := range map[string][]string{
		"/now": {"1 partition waits", "http_503", "The backend fails", "Records in", "orders[3]", "retained any more", "Away: orders", "Datasets failed", "Latest results",
			"see why", "gx-ol dlq bury orders/3/OFFSET"},
		"/results":        {"orders", "failed", "passed", "1/2", `href="/results/in/1/3"`, "buried", "suite orders"},
		"/results/in/1/3": {"expect_less", "9 of 9", "in orders", "postgres://db", "01a20711-5681-78f6-9a96-9d2479bb766e", "map --explain", "FAIL as JSON", "http://backend/orders", "12 rows", "/results/in/1/3/events"},
		"/datasets":       {"orders", "postgres://db", "the last 5 runs", "1 – 1 of 1"},
		"/dataset?name=orders&namespace=postgres%3A%2F%2Fdb": {"All 5 runs", "Nulls in orders", "Rows", "http://backend/orders", `href="/results/in/1/0"`},
		"/signin": {"web.token_file"},
	} {
		body := get(t, s, target, http.StatusOK)
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s: no %q", target, want)
			}
		}
	}
	failedFirst := get(t, s, "/results/in/1/3", http.StatusOK)
	if strings.Index(failedFirst, "expect_less") > strings.Index(failedFirst, "expect_orders") {
		t.Error("a failed assertion stands behind one that passed")
	}
	if w := answer(s, asked(http.MethodGet, "/")); w.Code != http.StatusFound || w.Header().Get("Location") != "/now" {
		t.Errorf("/: %d %s", w.Code, w.Header().Get("Location"))
	}
}

func TestWhatIsNotKnownIsSaid(t *testing.T) {
	s := made(t, Options{Open: true})
	for target, want := range map[string]string{"/now": "Not known", "/results": "Not known here", "/datasets": "Not known here"} {
		if body := get(t, s, target, http.StatusOK); !strings.Contains(body, want) {
			t.Errorf("%s: no %q", target, want)
		}
	}
	for _, target := range []string{"/dataset?name=x&namespace=y", "/results/in/1/3", "/results/in/1/x", "/results/in/-1/3", "/results/a%2Fb/1/3", "/results/in/1/3/events", "/nowhere", "/assets/x/app.css", "/assets/x/../server.go"} {
		w := answer(s, asked(http.MethodGet, target))
		if w.Code != http.StatusNotFound && w.Code != http.StatusTemporaryRedirect && w.Code != http.StatusMovedPermanently {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
}

func TestARecordThatRetentionHasDeletedIsShownAsFarAsItIsRemembered(t *testing.T) {
	o := seenAll("orders")
	o.Records = fakeRecords(func(seen.Place) (Mapped, error) { return Mapped{}, ErrGone })
	s := made(t, o)
	body := get(t, s, "/results/in/1/3", http.StatusOK)
	if !strings.Contains(body, "retention has deleted it") || !strings.Contains(body, "What was delivered is still kept") || !strings.Contains(body, "expect_less") {
		t.Error(body)
	}
	if body := get(t, s, "/results/in/1/99", http.StatusNotFound); !strings.Contains(body, "retention has deleted it") {
		t.Error(body)
	}
}

func TestEventsAreGivenAsTheyAre(t *testing.T) {
	s := made(t, seenAll("orders"))
	w := answer(s, asked(http.MethodGet, "/results/in/1/3/events"))
	var event map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &event); err != nil || event["eventType"] != "FAIL" {
		t.Errorf("%v: %s", err, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/x-ndjson" {
		t.Error(got)
	}
}

// What a browser that watches costs the process: one of these a second.
func BenchmarkPages(b *testing.B) {
	m := seen.New(48 << 20)
	at := time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	for i := range 6000 {
		name := fmt.Sprint("dataset", i%200)
		m.Settled(seen.Place{Topic: "in", Offset: int64(i)}, []openlineage.Run{result(name, name, "suite", "column", 1, i%2, at.Add(time.Duration(i)*time.Minute))}, false)
	}
	o := seenAll("orders")
	o.Runs = m
	s := made(b, o)
	for _, target := range []string{"/now", "/results", "/datasets"} {
		b.Run(target[1:], func(b *testing.B) {
			for b.Loop() {
				if w := answer(s, asked(http.MethodGet, target, func(r *http.Request) { r.Header.Set("X-Fragment", "1"); r.Header.Set("Accept-Encoding", "gzip") })); w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
