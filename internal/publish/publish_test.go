package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/internal/store"
	"github.com/gx-ol/gx-ol/internal/transact"
	"github.com/gx-ol/gx-ol/producer/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// day is the time of a run.
func day(n int) time.Time { return time.Date(2024, 1, 1, 3, 4, 5, 6000, time.UTC).AddDate(0, 0, n) }

// result is a validation result of a day as Great Expectations writes it into a store.
func result(asset string, n int) string {
	at := day(n)
	return fmt.Sprintf(`{
  "meta": {
    "active_batch_definition": {"data_asset_name": %q, "datasource_name": "warehouse"},
    "expectation_suite_name": "orders.warning", "great_expectations_version": "0.18.22",
    "run_id": {"run_name": "nightly", "run_time": %q},
    "validation_time": %q
  },
  "results": [], "statistics": {}, "success": true
}`, asset, at.Format(time.RFC3339Nano), at.Add(time.Second).Format("20060102T150405.000000Z"))
}

// place is where Great Expectations puts it.
func placeOf(asset string, n int) string {
	return "orders/warning/nightly/" + day(n).Format("20060102T150405.000000Z") + "/" + asset + ".json"
}

// estate is a folder, a broker in process, and what was said.
type estate struct {
	t       *testing.T
	root    string
	brokers []string
	cluster *kfake.Cluster

	mu   sync.Mutex // guards below
	bads []string
	said []string
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "results"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return &estate{t: t, root: t.TempDir(), brokers: cluster.ListenAddrs(), cluster: cluster}
}

// write puts a file there in place.
func (e *estate) write(path, text string) string {
	e.t.Helper()
	name := filepath.Join(e.root, path)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		e.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
	return name
}

// old makes a file one that nobody is writing any more.
func (e *estate) old(paths ...string) {
	e.t.Helper()
	at := time.Now().Add(-time.Hour)
	for _, p := range paths {
		if err := os.Chtimes(filepath.Join(e.root, p), at, at); err != nil {
			e.t.Fatal(err)
		}
	}
}

func (e *estate) publisher(change ...func(*Publisher)) *Publisher {
	e.t.Helper()
	s, err := store.Open(e.t.Context(), e.root, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	p := &Publisher{Store: s, Form: Form{Topic: "results"}, MaxBytes: 1 << 20, Scan: 50 * time.Millisecond, Patience: time.Hour,
		Split: func(value []byte) (parts []Part) {
			if !strings.Contains(string(value), "}\n{") {
				return []Part{{Value: value}}
			}
			for i, line := range strings.Split(strings.TrimSpace(string(value)), "\n{") {
				if i > 0 {
					line = "{" + line
				}
				parts = append(parts, Part{Line: i + 1, Value: []byte(line)})
			}
			return parts
		},
		Bad: func(path string, err error) { e.note(&e.bads, path+": "+err.Error()) },
		Say: func(format string, args ...any) { e.note(&e.said, fmt.Sprintf(format, args...)) },
		Place: Place{Topic: "results", Store: "the store", By: "tester", Opts: []kgo.Opt{kgo.SeedBrokers(e.brokers...)},
			Writer: func(c *kgo.Client) transact.Writer { return kafka.NewTransactionWriter(c) }}}
	for _, c := range change {
		c(p)
	}
	return p
}

func (e *estate) note(to *[]string, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	*to = append(*to, text)
}

func (e *estate) notes(of *[]string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(*of)
}

// once publishes and ends.
func (e *estate) once(change ...func(*Publisher)) Counts {
	e.t.Helper()
	counts, err := e.publisher(change...).Once(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	return counts
}

// records are those that readers of committed records see, in the order of each partition.
func (e *estate) records(topic string) (recs []*kgo.Record) {
	e.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(e.brokers...), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		e.t.Fatal(err)
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListCommittedOffsets(e.t.Context(), topic)
	if err != nil {
		e.t.Fatal(err)
	}
	left := make(map[int32]int64)
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			left[o.Partition] = o.Offset
		}
	})
	for len(left) > 0 {
		fetches := client.PollFetches(e.t.Context())
		if fetches.Err() != nil {
			e.t.Fatal(fetches.Err())
		}
		fetches.EachRecord(func(rec *kgo.Record) {
			if !rec.Attrs.IsControl() {
				recs = append(recs, rec)
			}
			if rec.Offset >= left[rec.Partition]-1 {
				delete(left, rec.Partition)
			}
		})
	}
	return recs
}

// published is how often each asset was published on each day.
func (e *estate) published() map[string]int {
	e.t.Helper()
	out := make(map[string]int)
	for _, rec := range e.records("results") {
		out[what(e.t, rec)]++
	}
	return out
}

// what is the asset and the day of a record.
func what(t *testing.T, rec *kgo.Record) string {
	t.Helper()
	var r struct {
		Meta struct {
			Run struct {
				At time.Time `json:"run_time"`
			} `json:"run_id"`
			Batch struct {
				Asset string `json:"data_asset_name"`
			} `json:"active_batch_definition"`
		}
	}
	if err := json.Unmarshal(rec.Value, &r); err != nil {
		t.Fatal(err)
	}
	return r.Meta.Batch.Asset + r.Meta.Run.At.Format(" 01-02")
}

func want(t *testing.T, got map[string]int, names ...string) {
	t.Helper()
	all := make(map[string]int)
	for _, n := range names {
		all[n]++
	}
	if !maps.Equal(got, all) {
		t.Errorf("published %v, want %v", got, all)
	}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !done() {
		select {
		case <-deadline:
			t.Fatalf("not within a minute: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestAHistoryIsPublishedOnceInTheOrderOfItsRuns(t *testing.T) {
	e := newEstate(t)
	for n := range 30 {
		e.write(placeOf("orders", 29-n), result("orders", 29-n)) // the newest first
	}
	e.write("flat.json", result("orders", 40)) // a layout of one's own
	for _, other := range []string{".ge_store_backend_id", "index.json", "local_site/index.html", ".git/x.json", "a.json.tmp"} {
		e.write(other, "no result")
	}
	counts := e.once()
	if counts.Published != 31 || counts.Other != 5 || counts.Bad != 0 {
		t.Errorf("%+v", counts)
	}
	var last time.Time
	for _, rec := range e.records("results") {
		var at time.Time
		for _, h := range rec.Headers {
			if h.Key == pipeline.HeaderReceived {
				at, _ = time.Parse(time.RFC3339, string(h.Value))
			}
		}
		if !at.After(last) || string(rec.Key) != "warehouse.orders" || time.Since(rec.Timestamp) > time.Hour {
			t.Errorf("%s after %s, key %s, record time %s", at, last, rec.Key, rec.Timestamp)
		}
		last = at
	}
	if counts := e.once(); counts.Published != 0 || counts.Before != 31 {
		t.Errorf("the second time: %+v", counts)
	}
	if n := len(e.records("results")); n != 31 {
		t.Errorf("%d records", n)
	}
}

func TestWhatIsTheSameContentIsKnownAndWhatIsAnotherIsNew(t *testing.T) {
	e := newEstate(t)
	path := placeOf("orders", 1)
	e.write(path, result("orders", 1))
	e.once()
	e.old(path) // touched: it is read, known by its content, and its stamp noted
	e.once()
	s, err := e.publisher().Place.peek(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(s.stamps) != 1 || len(s.contents) != 1 {
		t.Errorf("the ledger knows %d contents and %d stamps", len(s.contents), len(s.stamps))
	}
	e.write(path, result("customers", 1))
	e.once()
	e.write(path, result("orders", 1))
	e.once() // as it was before
	want(t, e.published(), "orders 01-02", "customers 01-02")
	e.once(func(p *Publisher) { p.Place.Ledger = "another" })
	e.once(func(p *Publisher) { p.Place.Store = "another" })
	want(t, e.published(), "orders 01-02", "customers 01-02", "orders 01-02", "orders 01-02")
}

func TestATopicThatWasMadeAnewHasNothing(t *testing.T) {
	e := newEstate(t)
	e.write(placeOf("orders", 1), result("orders", 1))
	e.once()
	client, err := kgo.NewClient(kgo.SeedBrokers(e.brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.DeleteTopic(t.Context(), "results"); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.CreateTopic(t.Context(), 1, 1, nil, "results"); err != nil {
		t.Fatal(err)
	}
	e.once()
	want(t, e.published(), "orders 01-02")
}

func TestSinceAndUntilGoByTheRunsTimeAndNotByTheFiles(t *testing.T) {
	e := newEstate(t)
	for n := range 10 {
		e.write(placeOf("orders", n), result("orders", n))
	}
	for n := range 10 {
		e.write(fmt.Sprintf("flat/%d.json", n), result("customers", n))
	}
	counts := e.once(func(p *Publisher) { p.Since, p.Until = day(3), day(5) })
	want(t, e.published(), "orders 01-04", "orders 01-05", "customers 01-04", "customers 01-05")
	if counts.Outside != 16 {
		t.Errorf("%+v", counts)
	}
}

func TestABadFileIsToldAndTheOthersGo(t *testing.T) {
	e := newEstate(t)
	e.write(placeOf("orders", 1), result("orders", 1))
	e.write("half.json", result("orders", 2)[:100])
	e.write("empty.json", "")
	e.write("suite.json", `{"expectations": []}`)
	e.write("large.json", `"`+strings.Repeat("x", 1<<20)+`"`)
	e.write("lines.ndjson", strings.Join([]string{compact(result("a", 3)), compact(result("b", 3)), `{"no": 1}`, compact(result("a", 3))}, "\n"))
	counts := e.once()
	want(t, e.published(), "orders 01-02", "a 01-04", "b 01-04")
	bads := e.notes(&e.bads)
	if counts.Bad != 5 || len(bads) != 5 {
		t.Errorf("%+v, %q", counts, bads)
	}
	for _, b := range bads {
		if strings.Contains(b, "warehouse") {
			t.Errorf("it quotes the file: %s", b)
		}
	}
	// A line more is one result more.
	e.write("lines.ndjson", strings.Join([]string{compact(result("a", 3)), compact(result("b", 3)), compact(result("c", 3))}, "\n"))
	e.once()
	want(t, e.published(), "orders 01-02", "a 01-04", "b 01-04", "c 01-04")
}

func compact(text string) string { return strings.ReplaceAll(text, "\n", "") }

// watching runs a watcher until stop, which gives its error.
func (e *estate) watching(change ...func(*Publisher)) (stop func() error) {
	e.t.Helper()
	ctx, cancel := context.WithCancel(e.t.Context())
	ended := make(chan error, 1)
	p := e.publisher(change...)
	go func() {
		_, err := p.Watch(ctx)
		ended <- err
	}()
	e.t.Cleanup(cancel)
	return func() error {
		cancel()
		return <-ended
	}
}

func (e *estate) await(names ...string) {
	e.t.Helper()
	eventually(e.t, fmt.Sprintf("%v are published", names), func() bool { return len(e.records("results")) >= len(names) })
	want(e.t, e.published(), names...)
}

func TestAWatcherPublishesWhatComesHoweverItIsWritten(t *testing.T) {
	for name, scan := range map[string]time.Duration{"told by the system": time.Hour, "found by looking": 30 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			e := newEstate(t)
			e.write(placeOf("orders", 0), result("orders", 0))
			stop := e.watching(func(p *Publisher) { p.Scan, p.deaf = scan, scan < time.Second })
			names := []string{"orders 01-01"}
			e.await(names...)

			tmp := e.write("tmp/x.json.tmp", result("orders", 1)) // renamed into place, in a new folder
			into := filepath.Join(e.root, placeOf("orders", 1))
			if err := os.MkdirAll(filepath.Dir(into), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(tmp, into); err != nil {
				t.Fatal(err)
			}
			names = append(names, "orders 01-02")
			e.await(names...)

			text := result("orders", 2) // written in place, in pieces
			file, err := os.Create(filepath.Join(e.root, "in place.json"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			for i := range text {
				if _, err := file.WriteString(text[i : i+1]); err != nil {
					t.Fatal(err)
				}
			}
			names = append(names, "orders 01-03")
			e.await(names...)

			e.write("a/b/c/d/e/f/g/"+placeOf("orders", 3), result("orders", 3)) // deep, all at once
			names = append(names, "orders 01-04")
			e.await(names...)

			e.write(placeOf("orders", 0), result("orders", 4)) // rewritten
			names = append(names, "orders 01-05")
			e.await(names...)
			if err := stop(); err != nil {
				t.Error(err)
			}
			if bads := e.notes(&e.bads); len(bads) > 0 {
				t.Errorf("%q", bads)
			}
			stop = e.watching() // again: nothing is new
			e.write(placeOf("orders", 9), result("orders", 9))
			e.await(append(names, "orders 01-10")...)
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAWatcherNeverPublishesHalfAFileAndSaysSoOnce(t *testing.T) {
	e := newEstate(t)
	stop := e.watching(func(p *Publisher) { p.Patience = 50 * time.Millisecond })
	half := result("orders", 1)
	e.write("half.json", half[:len(half)-2])
	eventually(t, "the half file is told", func() bool { return len(e.notes(&e.bads)) > 0 })
	e.write("other.json", result("orders", 2))
	e.await("orders 01-03")
	e.write("third.json", result("orders", 3))
	e.await("orders 01-03", "orders 01-04")
	if bads := e.notes(&e.bads); len(bads) != 1 || !strings.Contains(bads[0], "half.json") {
		t.Errorf("%q", bads)
	}
	e.write("half.json", half)
	e.await("orders 01-03", "orders 01-04", "orders 01-02")
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// The brokers fail in the middle: the session is made anew, and what they may or may not have committed is asked of the ledger.
func TestAWatcherLivesThroughAnOutageOfTheBrokers(t *testing.T) {
	e := newEstate(t)
	stop := e.watching()
	eventually(t, "it watches", func() bool { return len(e.notes(&e.said)) == 1 })
	e.cluster.ControlKey(int16(kmsg.EndTxn), func(req kmsg.Request) (kmsg.Response, error, bool) { // once
		resp := req.ResponseKind().(*kmsg.EndTxnResponse)
		resp.ErrorCode = kerr.UnknownServerError.Code
		return resp, nil, true
	})
	e.write(placeOf("orders", 1), result("orders", 1))
	eventually(t, "it goes on", func() bool { said := e.notes(&e.said); return said[len(said)-1] == "it goes on" })
	e.write(placeOf("orders", 2), result("orders", 2))
	e.await("orders 01-02", "orders 01-03")
	if said := e.notes(&e.said); len(said) != 3 || !strings.HasPrefix(said[1], "waiting: ") {
		t.Errorf("%q", said)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestOfTwoWatchersOfAStoreTheLaterOneLives(t *testing.T) {
	e := newEstate(t)
	ended := make(chan error, 1)
	p := e.publisher()
	go func() {
		_, err := p.Watch(t.Context())
		ended <- err
	}()
	eventually(t, "the first one watches", func() bool { return len(e.notes(&e.said)) > 0 })
	stop := e.watching()
	other := e.watching(func(p *Publisher) { p.Place.Store = "another name"; p.Form.Topic = "results"; p.Since = time.Now() })
	eventually(t, "the others watch", func() bool { return len(e.notes(&e.said)) > 2 })
	e.write(placeOf("orders", 1), result("orders", 1))
	select {
	case err := <-ended:
		if !errors.Is(err, ErrFenced) {
			t.Errorf("the first one ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the first one goes on")
	}
	e.await("orders 01-02")
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := other(); err != nil {
		t.Error(err)
	}
}

// forbidden is a writer to whom the results' topic is closed.
type forbidden struct{ transact.Writer }

func (w forbidden) Send(ctx context.Context, rec *kgo.Record, done func(error)) {
	if rec.Topic == "results" {
		done(kerr.TopicAuthorizationFailed)
		return
	}
	w.Writer.Send(ctx, rec, done)
}

func TestATopicThatMayNotBeWrittenIsNoFaultOfAFile(t *testing.T) {
	e := newEstate(t)
	e.write(placeOf("orders", 1), result("orders", 1))
	counts, err := e.publisher(func(p *Publisher) {
		p.Place.Writer = func(c *kgo.Client) transact.Writer { return forbidden{kafka.NewTransactionWriter(c)} }
	}).Once(t.Context())
	if !errors.Is(err, kerr.TopicAuthorizationFailed) || !strings.Contains(err.Error(), "writing to results") || counts.Bad != 0 || len(e.notes(&e.bads)) != 0 {
		t.Errorf("%v, %+v, %q", err, counts, e.notes(&e.bads))
	}
	e.once()
	want(t, e.published(), "orders 01-02")
}
