package publish

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/internal/transact"
	"github.com/gx-ol/gx-ol/producer/kafka"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

// A file that gets a line more is one document at first: with its line's end, which is none of the document.
func TestOfAFileThatGrowsOnlyTheNewLinesArePublished(t *testing.T) {
	e := newEstate(t)
	first, second := result("orders", 1), result("orders", 2)
	for i, text := range []string{first + "\n", first + "\n" + second + "\n", first + "\n" + second, first, "\n" + second + "\n"} {
		e.write("runs.ndjson", text)
		if got := e.once(); got.Published > 1 || i > 1 && got.Published > 0 { // each time another process
			t.Errorf("write %d: %+v", i, got)
		}
	}
	want(t, e.published(), "orders 01-02", "orders 01-03")
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
