package dlq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	source = "in"
	graves = "in.dlq"

	maxBytes = 1 << 20 // input.max_message_bytes
)

var day = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// estate is a broker with a source topic and a dead-letter topic of two partitions each.
type estate struct {
	t      *testing.T
	opts   []kgo.Opt
	client *kgo.Client
	topic  *Topic

	cluster *kfake.Cluster
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, source, graves))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	opts := []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ProducerBatchMaxBytes(64 << 20), kgo.BrokerMaxWriteBytes(100 << 20), kgo.MetadataMinAge(20 * time.Millisecond)}
	client, err := kgo.NewClient(append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	e := &estate{t: t, opts: opts, client: client, cluster: cluster}
	if e.topic, err = Open(t.Context(), client, graves, maxBytes); err != nil {
		t.Fatal(err)
	}
	return e
}

// bury writes a letter about a record of the source topic to the partition of the same number.
func (e *estate) bury(partition int32, offset int64, key string, change ...func(*deadletter.Letter, *kgo.Record)) Position {
	e.t.Helper()
	rec := &kgo.Record{Topic: source, Partition: partition, Offset: offset, Timestamp: day, Key: []byte(key), Value: fmt.Appendf(nil, "value of %d/%d", partition, offset),
		Headers: []kgo.RecordHeader{{Key: "own", Value: []byte("header")}}}
	l := deadletter.Letter{Group: "g", Stage: "deliver", Disposition: "rejected", Code: "http_422", Error: "no such column", FailedAt: day.Add(time.Duration(offset) * time.Second)}
	for _, c := range change {
		c(&l, rec)
	}
	letter := deadletter.Wrap(rec, graves, l)
	if l.Reference != "" {
		letter = deadletter.WrapReference(rec, graves, l)
	}
	return e.write(letter, partition)
}

func (e *estate) write(rec *kgo.Record, partition int32) Position {
	e.t.Helper()
	rec.Partition = partition
	if err := e.client.ProduceSync(e.t.Context(), rec).FirstErr(); err != nil {
		e.t.Fatal(err)
	}
	return Position{rec.Partition, rec.Offset}
}

func (e *estate) index() *Index {
	e.t.Helper()
	ix, err := e.topic.Load(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	return ix
}

func (e *estate) begin() *Session {
	e.t.Helper()
	s, err := e.topic.Begin(e.t.Context(), e.opts, "tester", nil)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(s.Close)
	return s
}

// read is every committed record of a topic.
func (e *estate) read(topic string) (out []*kgo.Record) {
	e.t.Helper()
	extent, err := e.topic.extent(e.t.Context(), topic)
	if err != nil {
		e.t.Fatal(err)
	}
	if err := e.topic.reader.read(e.t.Context(), topic, extent, func(r *kgo.Record) error { out = append(out, r); return nil }, func(b *LargeBatch) error { return b }); err != nil {
		e.t.Fatal(err)
	}
	return out
}

// replay replays in a session of its own and gives the outcomes by letter.
func (e *estate) replay(plan Plan) map[string]Outcome {
	e.t.Helper()
	s := e.begin()
	defer s.Close()
	got := make(map[string]Outcome)
	plan.Each = func(a Audit) { got[a.Letter] = a.Outcome }
	if err := s.Replay(e.t.Context(), plan); err != nil {
		e.t.Fatal(err)
	}
	return got
}

func TestReplayPutsEachLetterBackOnce(t *testing.T) {
	e := newEstate(t)
	first, second := e.bury(0, 41, "a"), e.bury(1, 7, "b")
	other := e.bury(1, 8, "c", func(l *deadletter.Letter, _ *kgo.Record) { l.Code = "invalid_json" })
	plan := Plan{Filter: Filter{Codes: []string{"http_422"}}}
	got := e.replay(plan)
	if len(got) != 2 || got[first.String()] != ReplayedOutcome || got[second.String()] != ReplayedOutcome {
		t.Fatalf("outcomes %v", got)
	}
	if again := e.replay(plan); len(again) != 0 {
		t.Errorf("replayed again: %v", again)
	}
	back := e.read(source)
	if len(back) != 2 || back[0].Partition != 0 || back[1].Partition != 1 {
		t.Fatalf("%d records in the source topic", len(back))
	}
	r := back[0]
	o := deadletter.OriginOf(r)
	if string(r.Key) != "a" || string(r.Value) != "value of 0/41" || len(r.Headers) != 6 || r.Headers[0].Key != "own" ||
		o != (deadletter.Origin{Topic: source, Partition: 0, Offset: 41, Timestamp: day, Replays: 1}) {
		t.Errorf("replayed as %+v", r)
	}
	ix := e.index()
	if l := ix.At(first); l.State != Replayed || l.Entry.By != "tester" || l.Entry.To != source {
		t.Errorf("%+v", l)
	}
	if l := ix.At(other); l.State != Pending {
		t.Errorf("%+v", l)
	}
	var lines []Audit
	for _, rec := range e.read(graves + AuditSuffix) {
		var line Audit
		if err := json.Unmarshal(rec.Value, &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if len(lines) != 2 || lines[0].Letter != first.String() || lines[0].Source != "in/0/41" || lines[0].To != "in/0/0" || lines[0].Replays != 1 || lines[0].By != "tester" || lines[0].Outcome != ReplayedOutcome {
		t.Errorf("audit %+v", lines)
	}
}

func TestALetterThatIsBuriedAgainIsOneStory(t *testing.T) {
	e := newEstate(t)
	first := e.bury(0, 41, "a")
	e.replay(Plan{})
	rec := e.read(source)[0]
	again := e.write(deadletter.Wrap(rec, graves, deadletter.Letter{Group: "g", Code: "http_400", FailedAt: day.Add(time.Hour)}), 0)
	ix := e.index()
	pending := ix.Choose(Filter{})
	if len(pending) != 1 || pending[0].Position != again || pending[0].Said.Replays != 1 {
		t.Fatalf("pending %+v", pending)
	}
	story := ix.Story(pending[0])
	if len(story) != 2 || story[0].Position != first || story[0].State != Replayed {
		t.Errorf("story %+v", story)
	}
	// At least once may write a letter twice: it counts once, and is replayed once.
	twice := e.write(deadletter.Wrap(rec, graves, deadletter.Letter{Group: "g", Code: "http_400", FailedAt: day.Add(time.Hour)}), 0)
	if pending := e.index().Choose(Filter{}); len(pending) != 1 || pending[0].Position != twice {
		t.Fatalf("pending %+v", pending)
	}
	if got := e.replay(Plan{}); len(got) != 1 {
		t.Errorf("replayed %v", got)
	}
	if pending := e.index().Choose(Filter{}); len(pending) != 0 {
		t.Errorf("still pending %+v", pending)
	}
}

func TestReplayKeepsTheOrderOfAKey(t *testing.T) {
	e := newEstate(t)
	e.bury(0, 20, "k")
	e.bury(0, 5, "other")
	e.bury(0, 10, "k") // buried again, and so behind a younger one
	e.bury(0, 30, "k")
	s := e.begin()
	var offsets []int64
	plan := Plan{Limit: 3}
	for _, l := range plan.Letters(s.Index) {
		offsets = append(offsets, l.Said.Offset)
	}
	if !slices.Equal(offsets, []int64{10, 5, 20}) {
		t.Errorf("order %v", offsets)
	}
}

func TestALetterThatWasReplayedTooOftenGoesToQuarantine(t *testing.T) {
	e := newEstate(t)
	at := e.bury(0, 41, "a", func(l *deadletter.Letter, _ *kgo.Record) { l.Replays = 3 })
	if got := e.replay(Plan{MaxReplays: 3}); got[at.String()] != InQuarantine {
		t.Fatalf("outcomes %v", got)
	}
	if l := e.index().At(at); l.State != Quarantined || l.Entry.Reason == "" {
		t.Errorf("%+v", l)
	}
	if n := len(e.read(source)); n != 0 {
		t.Errorf("%d records in the source topic", n)
	}
	// The quarantine is a dead-letter topic itself.
	q, err := Open(t.Context(), e.client, graves+QuarantineSuffix, maxBytes)
	if err != nil {
		t.Fatal(err)
	}
	ix, err := q.Load(t.Context())
	if err != nil || len(ix.Letters) != 1 || ix.Letters[0].Said.Offset != 41 || ix.Letters[0].Said.Replays != 3 {
		t.Fatalf("%+v %v", ix, err)
	}
}

func TestTheLaterOfTwoSessionsGoesOn(t *testing.T) {
	e := newEstate(t)
	e.bury(0, 1, "a")
	one, two := e.begin(), e.begin()
	err := one.Replay(t.Context(), Plan{Each: func(Audit) {}})
	if !errors.Is(err, ErrFenced) {
		t.Errorf("the earlier one ends with %v", err)
	}
	if err := two.Replay(t.Context(), Plan{Each: func(Audit) {}}); err != nil {
		t.Error(err)
	}
	if n := len(e.read(source)); n != 1 {
		t.Errorf("%d records in the source topic", n)
	}
}

func TestWhatCannotGoBackStays(t *testing.T) {
	e := newEstate(t)
	small := "2000"
	if _, err := kadm.NewClient(e.client).AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &small}}, source); err != nil {
		t.Fatal(err)
	}
	large := e.bury(0, 1, "a", func(_ *deadletter.Letter, r *kgo.Record) { r.Value = []byte(noise(5000)) })
	fits := e.bury(0, 2, "b")
	nowhere := e.bury(0, 3, "c", func(l *deadletter.Letter, r *kgo.Record) { r.Topic = "deleted" })
	gone := e.bury(1, 4, "d", func(l *deadletter.Letter, _ *kgo.Record) { l.Reference = deadletter.ReferenceKept })
	broken := deadletter.Wrap(&kgo.Record{Topic: source, Value: []byte("v")}, graves, deadletter.Letter{Code: "x"})
	for i, h := range broken.Headers {
		if h.Key == deadletter.HeaderOffset {
			broken.Headers[i].Value = []byte("seven")
		}
	}
	unreadable := e.write(broken, 1)
	nobodys := e.write(&kgo.Record{Topic: graves, Value: []byte("by hand")}, 1)
	got := e.replay(Plan{})
	want := map[string]Outcome{large.String(): TooLarge, fits.String(): ReplayedOutcome, nowhere.String(): NoSource, gone.String(): Gone, nobodys.String(): NoSource, unreadable.String(): NoSource}
	for at, outcome := range want {
		if got[at] != outcome {
			t.Errorf("%s: %s, want %s", at, got[at], outcome)
		}
	}
	for _, l := range e.index().Choose(Filter{}) {
		if l.Position == fits {
			t.Error("what was replayed is pending")
		}
	}
	if n := len(e.index().Choose(Filter{})); n != 5 {
		t.Errorf("%d letters pending, want 5", n)
	}
}

// noise is text that no codec makes much smaller.
func noise(n int) string {
	var b strings.Builder
	for x := uint32(1); b.Len() < n; x = x*1664525 + 1013904223 {
		fmt.Fprintf(&b, "%x", x)
	}
	return b.String()
}

func TestAReferenceLetterIsReplayedFromItsTopic(t *testing.T) {
	e := newEstate(t)
	original := &kgo.Record{Topic: source, Key: []byte("k"), Value: []byte("the large value"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}}
	place := e.write(original, 1)
	e.bury(1, place.Offset, "k", func(l *deadletter.Letter, r *kgo.Record) { l.Reference, l.Code = deadletter.ReferenceBare, "oversize" })
	e.replay(Plan{})
	back := e.read(source)
	if len(back) != 2 || string(back[1].Value) != "the large value" || string(back[1].Key) != "k" || back[1].Headers[0].Key != "h" || back[1].Partition != 1 {
		t.Errorf("%+v", back)
	}
}

func TestDiscardSettlesWithItsReason(t *testing.T) {
	e := newEstate(t)
	at, other := e.bury(0, 1, "a"), e.bury(0, 2, "b")
	s := e.begin()
	var lines []Audit
	if err := s.Discard(t.Context(), []*Letter{s.Index.At(at)}, "test data", func(a Audit) { lines = append(lines, a) }); err != nil {
		t.Fatal(err)
	}
	ix := e.index()
	if l := ix.At(at); l.State != Discarded || l.Entry.Reason != "test data" || ix.At(other).State != Pending {
		t.Errorf("%+v", l)
	}
	if len(lines) != 1 || lines[0].Outcome != DiscardedNow || lines[0].Reason != "test data" {
		t.Errorf("audit %+v", lines)
	}
}

func TestImportReplaysWhatWasMended(t *testing.T) {
	e := newEstate(t)
	at, other := e.bury(0, 1, "a"), e.bury(0, 2, "b")
	ix := e.index()
	var exported []Exported
	if err := e.topic.Whole(t.Context(), ix.Letters, func(l *Letter, rec *kgo.Record) error {
		line, err := json.Marshal(e.topic.Export(l, rec, nil))
		if err != nil {
			return err
		}
		read, err := ParseExported(line)
		exported = append(exported, read)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if string(exported[0].Value) != "value of 0/1" || string(exported[0].Key) != "a" || exported[0].Headers[0].Key != "own" {
		t.Fatalf("exported %+v", exported[0])
	}
	exported[0].Value = Bytes("mended")
	s := e.begin()
	got := make(map[string]Outcome)
	each := func(a Audit) { got[a.Letter] = a.Outcome }
	if err := s.Import(t.Context(), exported[:1], each); err != nil {
		t.Fatal(err)
	}
	if err := s.Import(t.Context(), exported, each); err != nil {
		t.Fatal(err)
	}
	if got[at.String()] != AlreadySettled || got[other.String()] != ReplayedOutcome {
		t.Errorf("outcomes %v", got)
	}
	back := e.read(source)
	if len(back) != 2 || string(back[0].Value) != "mended" || string(back[1].Value) != "value of 0/2" || deadletter.OriginOf(back[0]).Offset != 1 {
		t.Errorf("%+v", back)
	}
	if l := e.index().At(at); !l.Entry.Mended {
		t.Errorf("%+v", l.Entry)
	}
	foreign := exported[1]
	foreign.Letter.TopicID = "of another life"
	if err := s.Import(t.Context(), []Exported{foreign}, each); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a letter of another topic: %v", err)
	}
}

func TestReplayThroughThePipeline(t *testing.T) {
	e := newEstate(t)
	good, bad, late := e.bury(0, 1, "a"), e.bury(0, 2, "b"), e.bury(0, 3, "c")
	ctx, cancel := context.WithCancel(t.Context())
	s := e.begin()
	got := make(map[string]Outcome)
	plan := Plan{Backend: "marquez", Each: func(a Audit) { got[a.Letter] = a.Outcome }, Deliver: func(_ context.Context, recs []*kgo.Record) []Delivered {
		if recs[0].Topic != source || recs[0].Offset != 1 || !recs[0].Timestamp.Equal(day) {
			t.Errorf("delivered %+v", recs[0])
		}
		cancel() // the third is not settled by then
		return []Delivered{{Settled: true}, {Settled: true, Refused: &deadletter.Letter{Group: "g", Code: "http_400", Stage: "deliver"}}, {}}
	}}
	if err := s.Replay(ctx, plan); !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
	ix := e.index()
	if got[good.String()] != ReplayedOutcome || got[bad.String()] != BuriedAgain || ix.At(late).State != Pending || len(got) != 2 {
		t.Errorf("outcomes %v", got)
	}
	if l := ix.At(good); l.Entry.To != "marquez" {
		t.Errorf("%+v", l.Entry)
	}
	pending := ix.Choose(Filter{Codes: []string{"http_400"}})
	if len(pending) != 1 || pending[0].Said.Offset != 2 || pending[0].Said.Replays != 1 || len(e.read(source)) != 0 {
		t.Errorf("the new letter: %+v", pending)
	}
}

// What an operator has looked at is what is settled: what others settled since is left out, and so is what came since.
func TestASessionSettlesWhatWasSeen(t *testing.T) {
	e := newEstate(t)
	settled, seen := e.bury(0, 1, "a"), e.bury(0, 2, "b")
	ix := e.index()
	e.replay(Plan{Filter: Filter{Keys: []string{"a"}}})
	e.bury(0, 3, "c")
	s, err := e.topic.Begin(t.Context(), e.opts, "tester", ix)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := make(map[string]Outcome)
	if err := s.Replay(t.Context(), Plan{Each: func(a Audit) { got[a.Letter] = a.Outcome }}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[seen.String()] != ReplayedOutcome {
		t.Errorf("outcomes %v; %s was settled before", got, settled)
	}
}

func TestTheStalenessGuard(t *testing.T) {
	for name, skip := range map[string]bool{"reports": false, "skips": true} {
		t.Run(name, func(t *testing.T) {
			e := newEstate(t)
			at := e.bury(0, 1, "a")
			var line Audit
			s := e.begin()
			err := s.Replay(t.Context(), Plan{SkipStale: skip, Each: func(a Audit) { line = a },
				Newer: func(context.Context, *kgo.Record) (string, error) { return "a later result", nil }})
			if err != nil || line.Warning != "a later result" {
				t.Fatalf("%+v %v", line, err)
			}
			want := Replayed
			if skip {
				want = Pending
			}
			if got := e.index().At(at).State; got != want || (line.Outcome == Stale) != skip {
				t.Errorf("%s, %+v", got, line)
			}
		})
	}
}

func TestEntriesOfLettersThatAreGoneAreForgotten(t *testing.T) {
	e := newEstate(t)
	e.bury(0, 1, "a")
	e.bury(0, 2, "b")
	e.replay(Plan{})
	var to kadm.Offsets
	to.AddOffset(graves, 0, 1, -1)
	if _, err := kadm.NewClient(e.client).DeleteRecords(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	e.begin()
	last := make(map[string]bool)
	for _, rec := range e.read(graves + LedgerSuffix) {
		last[string(rec.Key)] = rec.Value != nil
	}
	if len(last) != 2 || last[e.topic.ID+"/0/0"] || !last[e.topic.ID+"/0/1"] {
		t.Errorf("ledger %v", last)
	}
}

func TestTheLedgerRefusesWhatItCannotRead(t *testing.T) {
	e := newEstate(t)
	e.begin()
	for name, value := range map[string]string{"no JSON": "{", "no state": `{"state":"gone"}`} {
		err := e.topic.enter(map[Position]Entry{}, &kgo.Record{Key: e.topic.ledgerKey(Position{0, 1}), Value: []byte(value)})
		if err == nil || !strings.Contains(err.Error(), "0/1") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFilters(t *testing.T) {
	e := newEstate(t)
	e.bury(0, 1, "a")
	e.bury(1, 2, "b", func(l *deadletter.Letter, r *kgo.Record) {
		l.Code, l.Disposition, l.Error, l.FailedAt = "invalid_json", "poison", "Byte 7", day.Add(48*time.Hour)
	})
	e.bury(1, 3, "a")
	ix := e.index()
	for name, c := range map[string]struct {
		f    Filter
		want []int64 // source offsets
	}{
		"all":         {Filter{}, []int64{1, 2, 3}},
		"code":        {Filter{Codes: []string{"invalid_json", "x"}}, []int64{2}},
		"disposition": {Filter{Dispositions: []string{"rejected"}}, []int64{1, 3}},
		"topic":       {Filter{SourceTopics: []string{"other"}}, nil},
		"key":         {Filter{Keys: []string{"a"}}, []int64{1, 3}},
		"partition":   {Filter{Partitions: []int32{1}}, []int64{2, 3}},
		"offsets":     {Filter{Offsets: &Offsets{0, 0}}, []int64{1, 2}},
		"since":       {Filter{Since: day.Add(time.Hour)}, []int64{2}},
		"until":       {Filter{Until: day.Add(2 * time.Second)}, []int64{1}},
		"grep":        {Filter{Grep: "byte"}, []int64{2}},
		"together":    {Filter{Keys: []string{"a"}, Partitions: []int32{1}}, []int64{3}},
	} {
		var got []int64
		for _, l := range ix.Choose(c.f) {
			got = append(got, l.Said.Offset)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	s := Histogram(ix.Letters, day.Add(49*time.Hour))
	if s.Letters != 3 || s.Codes[0].Code != "http_422" || s.Codes[0].Letters != 2 || s.Codes[1].Example != "Byte 7" || len(s.Ages) != 2 || s.Ages[0] != (Count{ages[1], 1}) || s.Ages[1] != (Count{ages[2], 2}) {
		t.Errorf("%+v", s)
	}
}

func TestOpenSaysThatTheTopicIsMissing(t *testing.T) {
	e := newEstate(t)
	if _, err := Open(t.Context(), e.client, "misspelt", maxBytes); !errors.Is(err, ErrNoTopic) || !strings.Contains(err.Error(), "misspelt") {
		t.Errorf("got %v", err)
	}
}

func FuzzLedger(f *testing.F) {
	f.Add([]byte("00/1/2"), []byte(`{"state":"replayed","by":"a","at":"2026-03-01T10:00:00Z"}`))
	f.Add([]byte("00/1/-2"), []byte(`{}`))
	topic := &Topic{ID: "00"}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		entries := make(map[Position]Entry)
		if err := topic.enter(entries, &kgo.Record{Key: key, Value: value}); err != nil && len(entries) > 0 {
			t.Error("an entry that could not be read was taken")
		}
		for p, e := range entries {
			again, err := topic.entryRecord(p, e)
			if err != nil {
				continue // a year that JSON does not write
			}
			if back, ok := topic.parseLedgerKey(again.Key); !ok || back != p || e.State == Pending {
				t.Errorf("%v %v", p, e)
			}
		}
	})
}

func FuzzParseExported(f *testing.F) {
	f.Add([]byte(`{"letter":{"topic":"t","topic_id":"1","partition":0,"offset":1},"key":null,"value":{"a":1},"headers":[{"key":"h","value":{"base64":"/w=="}}]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := ParseExported(line)
		if err != nil {
			return
		}
		out, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseExported(out)
		if err != nil || !slices.Equal(again.Value, e.Value) || !slices.Equal(again.Key, e.Key) || (again.Value == nil) != (e.Value == nil) {
			t.Errorf("%s became %s (%v)", line, out, err)
		}
	})
}

// Who may not create topics can settle letters when somebody else has made the topics.
func TestTopicsThatExistAreNotCreated(t *testing.T) {
	e := newEstate(t)
	e.bury(0, 1, "a")
	e.begin()
	var created atomic.Int64
	e.cluster.ControlKey(int16(kmsg.CreateTopics), func(kmsg.Request) (kmsg.Response, error, bool) {
		created.Add(1)
		return nil, nil, false
	})
	if got := e.replay(Plan{}); len(got) != 1 || created.Load() != 0 {
		t.Errorf("outcomes %v, and topics were created %d times", got, created.Load())
	}
}
