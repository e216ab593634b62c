package publish

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/gx"
	corpustest "github.com/gx-ol/gx-ol/test/corpus"
)

// runIDs are those that the pipeline would give what lies in the topic, each with how often.
func (e *estate) runIDs() map[string]int {
	e.t.Helper()
	m, err := mapper.New(mapper.Settings{})
	if err != nil {
		e.t.Fatal(err)
	}
	out := make(map[string]int)
	for _, rec := range e.records("results") {
		msg, err := gx.Decode(rec.Value)
		if err != nil {
			e.t.Fatal(err)
		}
		runs, err := m.Map(msg, pipeline.InputOf(rec))
		if err != nil {
			e.t.Fatal(err)
		}
		for _, run := range runs {
			for _, event := range run.Events {
				out[event.RunID]++
			}
		}
	}
	return out
}

// The same history by another ledger, on another day, gives the runs that there are: a result without any time gets that of its file.
func TestAHistoryThatIsPublishedTwiceGivesTheSameRuns(t *testing.T) {
	e := newEstate(t)
	names := []string{"timeless.json"}
	e.write("timeless.json", `{"success": true, "results": [], "meta": {}}`)
	for _, line := range corpustest.Index[struct{ File string }](t) {
		if !strings.HasSuffix(line.File, ".store.json") && len(names) > 20 {
			continue
		}
		text, err := os.ReadFile(filepath.Join(corpustest.Train(), line.File))
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 900_000 {
			continue // more than topics take by default
		}
		e.write(line.File, string(text))
		names = append(names, line.File)
	}
	e.old(names...)
	e.once()
	once := e.runIDs()
	if len(once) < 20 {
		t.Fatalf("%d runs", len(once))
	}
	time.Sleep(2 * time.Millisecond) // a run id holds milliseconds: with the time of the record, it would be another
	e.once(func(p *Publisher) { p.Place.Ledger = "another" })
	for id := range once {
		once[id] *= 2
	}
	if twice := e.runIDs(); !maps.Equal(once, twice) {
		t.Errorf("%d runs once, %d runs twice", len(once), len(twice))
	}
	if bads := e.notes(&e.bads); len(bads) > 0 {
		t.Errorf("%q", bads)
	}
}

// Whatever stands in a ledger, of a store's own or of anybody's, costs at most the entry that it is.
func FuzzLedger(f *testing.F) {
	l := ledger{topic: "l", of: "ab", store: "s"}
	f.Add(string(l.key("a/b.json", digest{1})), []byte(`{"stamp": "x"}`))
	f.Add(l.prefix()+"session", []byte(`{}`))
	f.Add(l.prefix()+"zz/x", []byte(nil))
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		k := newKnown()
		k.add("a.json", digest{2}, "stamp")
		l.enter(k, &kgo.Record{Key: []byte(key), Value: value})
		if len(k.contents) > 2 || len(k.stamps) > 2 {
			t.Errorf("%d contents, %d stamps", len(k.contents), len(k.stamps))
		}
		namedTime(key)
		other(key)
	})
}
