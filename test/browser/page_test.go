package browser

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	kafkatest "github.com/gx-ol/gx-ol/test/kafka"
	"github.com/gx-ol/gx-ol/test/marquez"
	"github.com/gx-ol/gx-ol/test/process"
)

// heaviest is what a place may weigh when it is opened for the first time, everything with it.
const heaviest = 300 << 10

// places are those of the navigation.
var places = []string{"Now", "Results", "Datasets", "Lineage", "Dead letters"}

// red is a dataset of the samples whose checks fail.
var red = dataset{"great_expectations://retail_pg", "public.orders"}

func TestDevShowsARedDatasetAndAnswersTheThreeQuestions(t *testing.T) {
	chromium(t)
	out := start(t, "dev", "--no-open", "--kafka-port", "0", "--port", "0", "--metrics-port", "0")
	at := out.finds(t, `the page at (http://\S+)/`)[1]
	brokers := out.finds(t, `Kafka at (\S+) `)[1]
	token := out.finds(t, `with the token (\S+)`)[1]
	estate(t, brokers, "gx.validation-results", red)
	for i := range 3 {
		publish(t, brokers, "gx.validation-results", fmt.Appendf(nil, `{"meta": {"run_id": %d`, i))
	}
	publish(t, brokers, "gx.validation-results", []byte(`["nobody's result"]`))
	out.finds(t, `(?s)(✉ letter.*){4}`)
	b := Open(t, at)

	b.Go("/")
	b.Sees("Not well")
	for _, place := range places {
		b.Follows(place)
		b.Waits("main h1")
		w := b.Weigh()
		t.Logf("%s weighs %.1f kB, with what was not loaded before", place, float64(w)/1000)
		if w > heaviest {
			t.Errorf("%s weighs %d bytes", place, w)
		}
		b.Check(place)
	}
	b.Go("/now")
	b.Picture("now", Looks[0])
	b.Go("/datasets?outcome=failed")
	b.Sees(red.Name)
	b.Follows(red.Name)
	b.Sees("Its results")
	b.Check("one dataset")
	b.Picture("dataset", Looks[0])
	b.Follows("The last result")
	b.Check("one result")
	asksTheQuestions(t, b)
	b.Go("/lineage?dataset=marts.fct_revenue")
	b.Waits("#live.on")
	if b.Finds("#newer > p:not([hidden])") {
		t.Error("something is new before anything came")
	}
	publish(t, brokers, "gx.validation-results", []byte(failing))
	b.Sees("since this was asked")
	b.Check("something new")
	b.Follows("Ask again")
	b.Waits("#graph svg")
	walksByKeyboard(b)
	looksAtLetters(t, b, token)
}

// asksTheQuestions begins at a dataset that is made from the red one.
func asksTheQuestions(t *testing.T, b *Tab) {
	t.Helper()
	b.Go("/lineage?dataset=revenue")
	b.Sees("is part of several names")
	b.Follows("marts.fct_revenue")
	b.Waits("#graph svg")
	b.Sees("never checked")
	if !b.Finds(`#graph a[aria-label^="public.orders, failed"]`) || !b.Finds(".edge.bad") {
		t.Error("the graph shows no failed dataset, or no way of bad data")
	}
	b.Weigh()
	b.Check("a graph")
	b.Picture("lineage", Looks[0])
	b.Picture("lineage-dark", Looks[1])
	b.Follows("What failed upstream?")
	b.Sees("fail in what marts.fct_revenue is made from")
	b.Sees("expect_")
	b.Check("upstream")
	b.Picture("upstream", Looks[0])
	b.Go("/lineage?ask=consumers")
	b.Sees("build_revenue")
	b.Sees("export_finance")
	b.Check("consumers")
	b.Follows("What do failures have in common?")
	b.Sees("assertions have failed")
	b.Check("common")
	b.Picture("common", Looks[0])
}

// walksByKeyboard goes from the first place to a dataset's upstream, without a mouse.
func walksByKeyboard(b *Tab) {
	b.t.Helper()
	b.Go("/now")
	b.Tabs(`a.skip`)
	b.Tabs(`nav a[href="/lineage"]`)
	b.Presses(kb.Enter)
	b.Tabs(`#f-dataset`)
	b.Keys("fct_revenue")
	b.Presses(kb.Enter)
	b.Waits("#graph svg")
	b.Tabs(`#graph a[aria-label^="public.orders"]`)
	b.Presses(kb.Enter)
	b.Sees("public.orders")
	b.Tabs(`.questions a[href*="ask=consumers"]`)
	b.Presses(kb.Enter)
	b.Sees("Who reads bad data")
}

// looksAtLetters filters, looks at one letter, and discards some.
func looksAtLetters(t *testing.T, b *Tab, token string) {
	t.Helper()
	b.Go("/letters")
	b.Sees("4 letters by code and time")
	if b.Finds(`a[href^="/letters/replay"]`) {
		t.Error("a replay is offered to somebody who is not signed in")
	}
	b.Picture("letters", Looks[0])
	b.Picture("letters-phone", Looks[2])
	b.Follows("invalid_json")
	b.Sees("3 letters by code and time")
	b.Clicks(`#list a[href^="/letters/"]`)
	b.Sees("What could help")
	b.Sees("masked")
	b.Check("one letter")
	b.Go("/signin?to=/letters?code=invalid_json")
	b.Check("signing in")
	signIn(b, token)
	b.Follows("Discard these")
	b.Sees("3 letters would be marked as discarded")
	b.Check("a dry run")
	b.Types("#s-reason", "made by a test")
	b.Follows("Discard 3 letters")
	b.Sees("It is done: 3 discarded")
	b.Check("a job")
	b.Go("/letters?all=true&code=invalid_json")
	b.Sees("discarded")
}

func signIn(b *Tab, token string) {
	b.t.Helper()
	b.Types(`input[name="token"]`, token)
	b.Clicks(`main form button`)
}

func TestRunReplaysALetterWithTheTokenAndRefusesItWithout(t *testing.T) {
	chromium(t)
	brokers := kafkatest.Start(t)
	backend := marquez.New()
	server := httptest.NewServer(backend)
	t.Cleanup(server.Close)
	topic := fmt.Sprintf("gx.results-%d", time.Now().Unix())
	create(t, brokers, topic)
	token := "0123456789abcdef-of-a-test"
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "token"), []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := process.FreeAddr(t)
	config := filepath.Join(folder, "gx-ol.yaml")
	text := fmt.Sprintf("kafka: {bootstrap.servers: %q}\ninput: {topics: [%s], group: %[2]s}\ntransport: {type: http, url: %q}\ntelemetry: {listen: %q}\nweb: {token_file: %q, backend_url: \"off\"}\n",
		brokers, topic, server.URL, address, filepath.Join(folder, "token"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	publish(t, brokers, topic, []byte(failing))
	start(t, "run", "--config", config)
	at := "http://" + address
	process.Eventually(t, patience, "the result in the backend", func() bool { return len(backend.Events()) >= 2 })
	estate(t, brokers, topic, dataset{"great_expectations://shop", "orders"})
	process.Eventually(t, patience, "the lineage in the backend", func() bool { return len(backend.Events()) >= 7 })
	refuses := func(_ int, r *http.Request) (int, string, bool) {
		if r.Method != http.MethodPost {
			return 0, "", false
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		return 422, `{"errors":["job.name must not be this one"]}`, true
	}
	backend.SetFault(refuses)
	publish(t, brokers, topic, moves(t, 9, "refused_job", []dataset{{"s3://landing", "orders/2026"}}, nil))
	b := Open(t, at)
	b.Go("/letters")
	b.Sees("http_422")
	backend.SetFault(nil)

	for _, place := range places {
		b.Follows(place)
		b.Waits("main h1")
		b.Check(place)
	}
	b.Go("/datasets?outcome=failed")
	b.Sees("orders")
	b.Go("/lineage?dataset=fct_revenue&ask=upstream")
	b.Sees("fails in what marts.fct_revenue is made from")
	b.Go("/lineage?dataset=fct_revenue&ask=consumers")
	b.Sees("did not fail")
	b.Go("/lineage?ask=common")
	b.Sees("failed in the last 7 days")

	withoutTheToken(t, at, topic)
	b.Go("/letters")
	b.Sees("Replay and discard need the token")
	b.Follows("sign in")
	signIn(b, token)
	b.Sees("by code and time")
	b.Follows("Replay all")
	b.Sees("1 letter would go back to " + topic)
	b.Check("a dry run of a replay")
	b.Picture("replay", Looks[0])
	b.Types("#s-by", "ann")
	b.Follows("Replay 1 letter")
	b.Sees("It is done: 1 replayed")
	process.Eventually(t, patience, "the replayed event in the backend", func() bool {
		for _, ev := range backend.Events() {
			if bytes.Contains(ev, []byte("refused_job")) {
				return true
			}
		}
		return false
	})
	b.Go("/letters?all=true")
	b.Sees("replayed")
	b.Follows("Sign out")
	b.Go("/letters")
	if b.Finds(`a[href^="/letters/replay"]`) {
		t.Error("a replay is offered after signing out")
	}
	backend.SetFault(func(int, *http.Request) (int, string, bool) { return http.StatusServiceUnavailable, "", true })
	publish(t, brokers, topic, []byte(failing))
	seesWhatWaits(b)
	walksTheDeployment(t, config, token, topic)
	backend.SetFault(nil)
	b.Go("/now")
	b.Sees("Idle, and well") // it goes on by itself, and the page says so by itself
}

// seesWhatWaits looks at a process whose destination is away.
func seesWhatWaits(b *Tab) {
	b.t.Helper()
	b.Go("/now")
	b.Sees("1 partition waits")
	b.Sees("Held partitions")
	b.Sees("http_503")
	b.Check("a held partition")
	b.Picture("held", Looks[0])
}

// walksTheDeployment looks at the same through gx-ol web, which owns no pipeline, while the backend is away.
func walksTheDeployment(t *testing.T, config, token, topic string) {
	t.Helper()
	out := start(t, "web", "--config", config, "--listen", "127.0.0.1:0", "--no-open")
	b := Open(t, out.finds(t, `gx-ol web: (http://\S+)/`)[1])
	b.Go("/")
	b.Sees("A source is away")
	b.Sees("Away: backend")
	b.Sees(topic + "[")
	for _, place := range places {
		b.Follows(place)
		b.Waits("main h1")
		b.Check("web: " + place)
	}
	b.Go("/datasets?outcome=failed")
	b.Follows("orders")
	b.Follows("The last result")
	b.Sees("customer_id")
	b.Go("/letters?all=true")
	b.Sees("replayed")
	b.Follows("sign in")
	signIn(b, token)
	b.Sees("You see first what would be done")
}

// withoutTheToken orders a replay as a script would that has no token, or a wrong one.
func withoutTheToken(t *testing.T, at, topic string) {
	t.Helper()
	for _, c := range []struct {
		bearer string
		status int
	}{{"", http.StatusUnauthorized}, {"wrong", http.StatusUnauthorized}} {
		form := url.Values{"topic": {topic + ".dlq"}, "upto": {"0/100 1/100 2/100 3/100"}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at+"/letters/replay", strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if c.bearer != "" {
			req.Header.Set("Authorization", "Bearer "+c.bearer)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("a replay with the token %q: %d, want %d", c.bearer, res.StatusCode, c.status)
		}
	}
}

// failing is a validation result of Great Expectations 1.x in which an expectation fails.
const failing = `{"success": false, "suite_name": "orders_suite", "results": [
 {"success": false, "expectation_config": {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "customer_id", "batch_id": "shop-orders"}, "meta": {}, "severity": "critical"},
  "result": {"element_count": 1200, "unexpected_count": 17, "unexpected_percent": 1.4166}, "meta": {}, "exception_info": {"raised_exception": false, "exception_traceback": null, "exception_message": null}},
 {"success": true, "expectation_config": {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1, "max_value": 10000, "batch_id": "shop-orders"}, "meta": {}, "severity": "critical"},
  "result": {"observed_value": 1200}, "meta": {}, "exception_info": {"raised_exception": false, "exception_traceback": null, "exception_message": null}}],
 "suite_parameters": {}, "statistics": {"evaluated_expectations": 2, "successful_expectations": 1, "unsuccessful_expectations": 1, "success_percent": 50.0},
 "meta": {"great_expectations_version": "1.9.3", "batch_spec": {"table_name": "orders"}, "batch_markers": {"ge_load_time": "20260301T020000.000000Z"},
  "active_batch_definition": {"datasource_name": "shop", "data_connector_name": "fluent", "data_asset_name": "orders", "batch_identifiers": {}},
  "validation_time": "2026-03-01T02:00:00.000000Z", "checkpoint_name": "nightly", "run_id": {"run_name": null, "run_time": "2026-03-01T02:00:00.000000+00:00"}}, "id": null}`
