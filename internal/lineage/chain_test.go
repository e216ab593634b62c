package lineage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/lineage/events"
	"github.com/gx-ol/gx-ol/internal/lineage/marquez"
	"github.com/gx-ol/gx-ol/internal/lineage/topic"
	"github.com/gx-ol/gx-ol/producer/http"
	double "github.com/gx-ol/gx-ol/test/marquez"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const db = "postgres://db:5432"

var (
	now  = time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC)
	opts = lineage.Options{Now: now}
)

func set(name string) lineage.Dataset { return lineage.Dataset{Namespace: db, Name: name} }

// chain is the events of testdata/chain.ndjson: Airflow loads raw.orders and raw.customers, dbt makes stg_orders, stg_customers and fct_revenue of them, which
// weekly_report and churn_features read; payroll stands apart. raw.orders is loaded again at the end.
func chain(t testing.TB) [][]byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/chain.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
}

// sources are the three over the same events.
func sources(t *testing.T, all [][]byte) map[string]lineage.Source {
	t.Helper()
	m, _ := overMarquez(t, all)
	return map[string]lineage.Source{"files": overFiles(t, all), "topic": overTopic(t, all), "marquez": m}
}

func overFiles(t testing.TB, all [][]byte) lineage.Source {
	t.Helper()
	b := events.NewBuilder(events.DefaultBound)
	if err := events.Read(t.Context(), "events", bytes.NewReader(bytes.Join(all, []byte("\n"))), b, nil); err != nil {
		t.Fatal(err)
	}
	return &lineage.Whole{Name: "files", Graph: b.Graph()}
}

func overTopic(t *testing.T, all [][]byte) lineage.Source {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "events"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.DefaultProduceTopic("events"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for i, ev := range all {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Key: fmt.Append(nil, i), Value: ev}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	src, err := topic.Read(t.Context(), topic.Config{Client: client, Topic: "events"})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// overMarquez gives the double with the events posted to it, and the paths that it was asked for.
func overMarquez(t *testing.T, all [][]byte) (*marquez.Source, *[]string) {
	t.Helper()
	server := httptest.NewServer(double.New())
	t.Cleanup(server.Close)
	d, err := http.New(http.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	for _, ev := range all {
		post(t, server.URL, ev)
	}
	var paths []string
	return marquez.New(marquez.Config{Client: d, Name: server.URL, SideBySide: 1, OnRequest: func(r marquez.Request) { paths = append(paths, r.Path) }}), &paths
}

// said is a finding in short.
func said(f lineage.Finding) string {
	text := fmt.Sprintf("%d %s %s %s %s by %s of %s", f.Distance, f.Dataset.Name, f.Severity, f.Type, f.Column, f.Check.Name, strings.TrimPrefix(f.At, "2026-03-01T"))
	if f.Parent != nil {
		text += " in " + f.Parent.Name
	}
	if f.WrittenSince != "" {
		text += " written " + strings.TrimPrefix(f.WrittenSince, "2026-03-01T")
	}
	return text
}

func TestUpstreamIsAnsweredAsByHand(t *testing.T) {
	want := []string{
		"0 shop.fct_revenue error expect_column_values_to_not_be_null customer_id by revenue.warehouse.shop.fct_revenue of 09:40:30Z in nightly",
		"2 raw.orders error expect_column_values_to_not_be_null customer_id by orders.warehouse.raw.orders of 09:10:20.5Z in nightly.load_orders written 12:05:00Z",
		"2 raw.customers warn expect_column_values_to_match_regex email by customers.warehouse.raw.customers of 09:10:40Z in nightly.load_customers",
	}
	for name, src := range sources(t, chain(t)) {
		answer, err := lineage.Upstream(t.Context(), src, set("shop.fct_revenue"), lineage.WrittenFailed, opts)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for _, f := range answer.Failed {
			got = append(got, said(f))
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if f := answer.Failed[1]; f.Expected != "no nulls" || f.Actual != "12 of 1200 unexpected (1 %)" || f.Root == nil || f.Root.Name != "nightly" || f.Suite != "orders" {
			t.Errorf("%s: %+v", name, f)
		}
		if len(answer.Datasets) != 5 || answer.Quality != lineage.Failed {
			t.Errorf("%s: %+v %s", name, answer.Datasets, answer.Quality)
		}
	}
}

func TestConsumersAreAnsweredAsByHand(t *testing.T) {
	want := []string{
		"churn_features reads through 0 of 3 [shop.fct_revenue 0, raw.customers 2, raw.orders 2] writes [ml.churn_features]",
		"shop.stg_customers reads through 0 of 1 [raw.customers 0] writes [shop.stg_customers]",
		"shop.stg_orders reads through 0 of 1 [raw.orders 0] writes [shop.stg_orders]",
		"weekly_report reads through 0 of 3 [shop.fct_revenue 0, raw.customers 2, raw.orders 2] writes [reports.weekly_report]",
		"shop.fct_revenue reads through 1 of 2 [raw.customers 1, raw.orders 1] writes [shop.fct_revenue]",
	}
	wantOne := []string{
		"shop.stg_customers reads through 0 of 1 [raw.customers 0] writes [shop.stg_customers]",
		"shop.fct_revenue reads through 1 of 1 [raw.customers 1] writes [shop.fct_revenue]",
		"churn_features reads through 2 of 1 [raw.customers 2] writes [ml.churn_features]",
		"weekly_report reads through 2 of 1 [raw.customers 2] writes [reports.weekly_report]",
	}
	customers, payroll := set("raw.customers"), set("hr.payroll")
	for name, src := range sources(t, chain(t)) {
		for _, c := range []struct {
			of      *lineage.Dataset
			want    []string
			quality lineage.Quality
		}{{nil, want, lineage.Failed}, {&customers, wantOne, lineage.Warned}, {&payroll, nil, lineage.NeverChecked}} {
			answer, err := lineage.Consumers(t.Context(), src, c.of, opts)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got := consumersSaid(answer); !reflect.DeepEqual(got, c.want) || answer.Quality != c.quality {
				t.Errorf("%s %v: %s\n%s\nwant\n%s", name, c.of, answer.Quality, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		}
	}
}

func consumersSaid(a *lineage.ConsumersAnswer) (out []string) {
	for _, c := range a.Consumers {
		var reads, writes []string
		for _, r := range c.Reads {
			reads = append(reads, fmt.Sprintf("%s %d", r.Dataset.Name, r.Through))
		}
		for _, d := range c.Writes {
			writes = append(writes, d.Name)
		}
		out = append(out, fmt.Sprintf("%s reads through %d of %d [%s] writes %v", c.Job.Name, c.Through, c.Bad, strings.Join(reads, ", "), writes))
	}
	return out
}

func TestCommonIsAnsweredAsByHand(t *testing.T) {
	want := []string{
		"3 of 3 have the root run nightly 01a20718-75ee-7799-0000-000000000001",
		"2 of 3 descend from raw.customers",
		"2 of 3 descend from raw.orders",
		"2 of 3 derive from the column raw.orders:customer_id",
		"2 of 3 are of a column customer_id",
		"2 of 3 are expect_column_values_to_not_be_null",
		"2 of 3 failed within a minute, 2026-03-01 09:10:20 – 09:10:40",
	}
	for name, src := range sources(t, chain(t)) {
		answer, err := lineage.Common(t.Context(), src, opts)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got []string
		for _, g := range answer.Groups {
			got = append(got, g.Text)
		}
		if !reflect.DeepEqual(got, want) || answer.Quality != lineage.Failed {
			t.Errorf("%s: %s\n%s", name, answer.Quality, strings.Join(got, "\n"))
		}
		late := opts
		late.Since = 3*time.Hour + 25*time.Minute
		if answer, err = lineage.Common(t.Context(), src, late); err != nil || len(answer.Failed) != 1 || len(answer.Groups) != 0 {
			t.Errorf("%s, since 09:35: %v, %+v", name, err, answer)
		}
	}
}

// TestTheSourcesGiveTheSameAnswers compares whole answers, as JSON, of every dataset.
func TestTheSourcesGiveTheSameAnswers(t *testing.T) {
	type asked func(lineage.Source) (any, error)
	opts := opts
	opts.Drawn = true
	questions := map[string]asked{
		"consumers": func(s lineage.Source) (any, error) { return lineage.Consumers(t.Context(), s, nil, opts) },
		"common":    func(s lineage.Source) (any, error) { return lineage.Common(t.Context(), s, opts) },
	}
	for _, name := range []string{"raw.orders", "raw.customers", "shop.stg_orders", "shop.stg_customers", "shop.fct_revenue", "reports.weekly_report", "ml.churn_features", "hr.salaries", "hr.payroll"} {
		d := set(name)
		questions["upstream "+name] = func(s lineage.Source) (any, error) {
			return lineage.Upstream(t.Context(), s, d, lineage.WrittenAll, opts)
		}
		questions["consumers "+name] = func(s lineage.Source) (any, error) { return lineage.Consumers(t.Context(), s, &d, opts) }
		questions["around "+name] = func(s lineage.Source) (any, error) { return lineage.Around(t.Context(), s, d, 2, opts) }
	}
	for _, part := range []string{"fct_revenue", "orders", db + " raw.orders", "fct_revneue", "STG", "db:5432", "nothing at all"} {
		questions["resolve "+part] = func(s lineage.Source) (any, error) {
			d, err := lineage.Resolve(t.Context(), s, part)
			return []string{d.String(), fmt.Sprint(err)}, nil
		}
	}
	all := sources(t, chain(t))
	for question, ask := range questions {
		var first, from string
		for name, src := range all {
			answer, err := ask(src)
			if err != nil {
				t.Fatalf("%s of %s: %v", question, name, err)
			}
			if p := pictureOf(answer); p != nil {
				answer = []any{answer, p}
			}
			text, err := json.MarshalIndent(answer, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			if first == "" {
				first, from = string(text), name
			} else if first != string(text) {
				t.Errorf("%s: %s says\n%s\n%s says\n%s", question, from, first, name, text)
			}
		}
	}
}

// pictureOf is the answer as a graph, which its JSON does not hold.
func pictureOf(answer any) *lineage.Picture {
	switch a := answer.(type) {
	case *lineage.UpstreamAnswer:
		return a.Picture
	case *lineage.ConsumersAnswer:
		return a.Picture
	case *lineage.CommonAnswer:
		return a.Picture
	}
	return nil
}

func TestAnAnswerCountsNeitherRunStatesNorOldChecks(t *testing.T) {
	src := overFiles(t, chain(t))
	for _, c := range []struct {
		dataset string
		age     time.Duration
		want    lineage.Quality
	}{
		{"raw.customers", 0, lineage.Warned}, // its run is COMPLETED
		{"shop.stg_orders", 0, lineage.Failed},
		{"raw.orders", 0, lineage.Failed},
		{"raw.orders", time.Hour, lineage.Stale},
		{"raw.orders", 4 * time.Hour, lineage.Failed},
		{"hr.payroll", 0, lineage.NeverChecked},
	} {
		o := opts
		o.MaxAge = c.age
		answer, err := lineage.Upstream(t.Context(), src, set(c.dataset), lineage.WrittenAll, o)
		if err != nil || answer.Quality != c.want {
			t.Errorf("%s, %s: %v %+v", c.dataset, c.age, err, answer.Quality)
		}
	}
}

func TestAMarquezIsAskedNoMoreThanTheQuestionNeeds(t *testing.T) {
	src, paths := overMarquez(t, chain(t))
	for _, c := range []struct {
		name string
		most int // behind the plus: datasets to which Marquez ties no check, whose versions are looked at, since a gate must not pass for what it forgot
		ask  func() error
	}{
		{"upstream", 9 + 1, func() error {
			_, err := lineage.Upstream(t.Context(), src, set("shop.fct_revenue"), lineage.WrittenFailed, opts)
			return err
		}},
		{"upstream of the unrelated", 1 + 2, func() error {
			_, err := lineage.Upstream(t.Context(), src, set("hr.payroll"), lineage.WrittenFailed, opts)
			return err
		}},
		{"consumers", 4, func() error { _, err := lineage.Consumers(t.Context(), src, nil, opts); return err }},
		{"common", 7, func() error { _, err := lineage.Common(t.Context(), src, opts); return err }},
	} {
		*paths = nil
		if err := c.ask(); err != nil || len(*paths) > c.most || len(*paths) == 0 {
			t.Errorf("%s: %v, %d requests, want at most %d:\n%s", c.name, err, len(*paths), c.most, strings.Join(*paths, "\n"))
		}
	}
}

func post(t *testing.T, url string, body []byte) {
	t.Helper()
	d, err := http.New(http.Config{URL: url, Backend: http.Marquez, GuardOff: true, MaxEventBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Deliver(context.Background(), eventOf(body)); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
}
