package publish

import (
	"encoding/json"
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
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/store"
	"github.com/gx-ol/gx-ol/internal/transact"
	"github.com/gx-ol/gx-ol/producer/kafka"
)

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

func compact(text string) string { return strings.ReplaceAll(text, "\n", "") }
