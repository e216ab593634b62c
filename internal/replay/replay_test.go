package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func TestReplayPutsEachLetterBackOnce(t *testing.T) {
	e := newEstate(t)
	first, second := e.bury(0, 41, "a"), e.bury(1, 7, "b")
	other := e.bury(1, 8, "c", func(l *deadletter.Letter, _ *kgo.Record) { l.Code = "invalid_json" })
	plan := Plan{Filter: dlq.Filter{Codes: []string{"http_422"}}}
	got := e.replay(plan)
	if len(got) != 2 || got[first.String()] != dlq.ReplayedOutcome || got[second.String()] != dlq.ReplayedOutcome {
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
	if l := ix.At(first); l.State != dlq.Replayed || l.Entry.By != "tester" || l.Entry.To != source {
		t.Errorf("%+v", l)
	}
	if l := ix.At(other); l.State != dlq.Pending {
		t.Errorf("%+v", l)
	}
	var lines []dlq.Audit
	for _, rec := range e.read(dead + dlq.AuditSuffix) {
		var line dlq.Audit
		if err := json.Unmarshal(rec.Value, &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if len(lines) != 2 || lines[0].Letter != first.String() || lines[0].Source != "in/0/41" || lines[0].To != "in/0/0" || lines[0].Replays != 1 || lines[0].By != "tester" || lines[0].Outcome != dlq.ReplayedOutcome {
		t.Errorf("audit %+v", lines)
	}
}

// A replayed record that fails again has a letter of its own, about its own place; that it is the same record, replayed once, the ledger knows.
func TestALetterThatIsBuriedAgainHasAHistory(t *testing.T) {
	e := newEstate(t)
	first := e.bury(0, 41, "a")
	e.replay(Plan{})
	rec := e.read(source)[0]
	again := e.write(deadletter.Wrap(rec, dead, deadletter.Letter{Group: "g", Code: "http_400", FailedAt: day.Add(time.Hour)}), 0)
	ix := e.index()
	pending := ix.Choose(dlq.Filter{})
	if len(pending) != 1 || pending[0].Position != again || pending[0].Said.Replays != 1 || pending[0].Said.Offset != rec.Offset || !pending[0].Said.Timestamp.Equal(day) {
		t.Fatalf("pending %+v", pending)
	}
	if o := pending[0].First(); o.Offset != 41 || o.Replays != 2 {
		t.Errorf("first read at %+v", o)
	}
	history := ix.History(pending[0])
	if len(history) != 2 || history[0].Position != first || history[0].State != dlq.Replayed {
		t.Errorf("history %+v", history)
	}
	// The topic may be made anew, and hold another record at the same place.
	other := e.write(deadletter.Wrap(&kgo.Record{Topic: source, Offset: rec.Offset, Timestamp: day.Add(time.Minute)}, dead, deadletter.Letter{Group: "another", Code: "http_400"}), 1)
	if l := e.index().At(other); l.Said.Replays != 0 || l.First().Offset != rec.Offset {
		t.Errorf("of another record: %+v", l)
	}
	e.discard(other)
	// At least once may write a letter twice: it counts once, and is replayed once.
	twice := e.write(deadletter.Wrap(rec, dead, deadletter.Letter{Group: "g", Code: "http_400", FailedAt: day.Add(time.Hour)}), 0)
	if pending := e.index().Choose(dlq.Filter{}); len(pending) != 1 || pending[0].Position != twice {
		t.Fatalf("pending %+v", pending)
	}
	if got := e.replay(Plan{}); len(got) != 1 {
		t.Errorf("replayed %v", got)
	}
	back := e.read(source)
	if o := deadletter.OriginOf(back[len(back)-1]); o.Offset != 41 || o.Replays != 2 || !o.Timestamp.Equal(day) {
		t.Errorf("replayed as one of %+v", o)
	}
	if pending := e.index().Choose(dlq.Filter{}); len(pending) != 0 {
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
	if got := e.replay(Plan{MaxReplays: 3}); got[at.String()] != dlq.InQuarantine {
		t.Fatalf("outcomes %v", got)
	}
	if l := e.index().At(at); l.State != dlq.Quarantined || l.Entry.Reason == "" {
		t.Errorf("%+v", l)
	}
	if n := len(e.read(source)); n != 0 {
		t.Errorf("%d records in the source topic", n)
	}
	// The quarantine is a dead-letter topic itself.
	q, err := dlq.Open(t.Context(), e.client, dead+dlq.QuarantineSuffix, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ix, err := q.Load(t.Context())
	if err != nil || len(ix.Letters) != 1 || ix.Letters[0].Said.Offset != 41 || ix.Letters[0].Said.Replays != 3 {
		t.Fatalf("%+v %v", ix, err)
	}
}

// How often a record was replayed is the ledger's word; its letters' headers know nothing of it, and the copy in quarantine says it.
func TestALetterThatComesBackAgainAndAgainGoesToQuarantine(t *testing.T) {
	e := newEstate(t)
	e.bury(0, 41, "a")
	for n := 0; ; n++ {
		got := e.replay(Plan{MaxReplays: 3})
		if len(got) != 1 || n > 3 {
			t.Fatalf("replay %d: %v", n+1, got)
		}
		if pending := e.index().Choose(dlq.Filter{}); len(pending) > 0 {
			t.Fatalf("pending %+v", pending[0])
		}
		back := e.read(source)
		if len(back) == n {
			break // it was put aside
		}
		e.write(deadletter.Wrap(back[n], dead, deadletter.Letter{Group: "g", Code: "http_400"}), 0)
	}
	q, err := dlq.Open(t.Context(), e.client, dead+dlq.QuarantineSuffix, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ix, err := q.Load(t.Context())
	if err != nil || len(ix.Letters) != 1 || ix.Letters[0].Said.Replays != 3 {
		t.Fatalf("%+v %v", ix, err)
	}
}

func TestTheLaterOfTwoSessionsGoesOn(t *testing.T) {
	e := newEstate(t)
	e.bury(0, 1, "a")
	one, two := e.begin(), e.begin()
	err := Run(t.Context(), one, Plan{Each: func(dlq.Audit) {}})
	if !errors.Is(err, dlq.ErrFenced) {
		t.Errorf("the earlier one ends with %v", err)
	}
	if err := Run(t.Context(), two, Plan{Each: func(dlq.Audit) {}}); err != nil {
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
	fits := e.bury(0, 2, "b") // before a large one: its first transaction is aborted
	large := e.bury(0, 1, "a", func(_ *deadletter.Letter, r *kgo.Record) { r.Value = []byte(noise(5000)) })
	nowhere := e.bury(0, 3, "c", func(_ *deadletter.Letter, r *kgo.Record) { r.Topic = "deleted" })
	gone := e.bury(1, 4, "d", func(l *deadletter.Letter, _ *kgo.Record) { l.Reference = deadletter.ReferenceKept })
	broken := deadletter.Wrap(&kgo.Record{Topic: source, Value: []byte("v")}, dead, deadletter.Letter{Code: "x"})
	for i, h := range broken.Headers {
		if h.Key == deadletter.HeaderOffset {
			broken.Headers[i].Value = []byte("seven")
		}
	}
	unreadable := e.write(broken, 1)
	nobodys := e.write(&kgo.Record{Topic: dead, Value: []byte("by hand")}, 1)
	got := e.replay(Plan{})
	want := map[string]dlq.Outcome{large.String(): dlq.TooLarge, fits.String(): dlq.ReplayedOutcome, nowhere.String(): dlq.ForeignTopic, gone.String(): dlq.Gone, nobodys.String(): dlq.NoSource, unreadable.String(): dlq.NoSource}
	for at, outcome := range want {
		if got[at] != outcome {
			t.Errorf("%s: %s, want %s", at, got[at], outcome)
		}
	}
	for _, l := range e.index().Choose(dlq.Filter{}) {
		if l.Position == fits {
			t.Error("what was replayed is pending")
		}
	}
	if n := len(e.index().Choose(dlq.Filter{})); n != 5 {
		t.Errorf("%d letters pending, want 5", n)
	}
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

func TestImportReplaysWhatWasMended(t *testing.T) {
	e := newEstate(t)
	at, other := e.bury(0, 1, "a"), e.bury(0, 2, "b")
	ix := e.index()
	var exported []dlq.Exported
	if err := e.topic.Whole(t.Context(), ix.Letters, func(l *dlq.Letter, rec *kgo.Record) error {
		line, err := json.Marshal(e.topic.Export(l, rec, nil))
		if err != nil {
			return err
		}
		read, err := dlq.ParseExported(line)
		exported = append(exported, read)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if string(exported[0].Value) != "value of 0/1" || string(exported[0].Key) != "a" || exported[0].Headers[0].Key != "own" {
		t.Fatalf("exported %+v", exported[0])
	}
	exported[0].Value = dlq.Bytes("mended")
	s := e.begin()
	got := make(map[string]dlq.Outcome)
	each := func(a dlq.Audit) { got[a.Letter] = a.Outcome }
	if err := Import(t.Context(), s, exported[:1], each); err != nil {
		t.Fatal(err)
	}
	if err := Import(t.Context(), s, exported, each); err != nil {
		t.Fatal(err)
	}
	if got[at.String()] != dlq.AlreadySettled || got[other.String()] != dlq.ReplayedOutcome {
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
	if err := Import(t.Context(), s, []dlq.Exported{foreign}, each); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a letter of another topic: %v", err)
	}
}

// What an operator has looked at is what is settled: what others settled since is left out, and so is what came since.
func TestASessionSettlesWhatWasSeen(t *testing.T) {
	e := newEstate(t)
	settled, seen := e.bury(0, 1, "a"), e.bury(0, 2, "b")
	ix := e.index()
	e.replay(Plan{Filter: dlq.Filter{Keys: []string{"a"}}})
	e.bury(0, 3, "c")
	s, err := e.topic.Begin(t.Context(), e.opts, careful, "tester", ix)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := make(map[string]dlq.Outcome)
	if err := Run(t.Context(), s, Plan{Each: func(a dlq.Audit) { got[a.Letter] = a.Outcome }}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[seen.String()] != dlq.ReplayedOutcome {
		t.Errorf("outcomes %v; %s was settled before", got, settled)
	}
}

type backendFunc func(context.Context, openlineage.Event) (string, error)

func (f backendFunc) Later(ctx context.Context, ev openlineage.Event) (string, error) {
	return f(ctx, ev)
}

func TestLettersWithLaterResultsAreToldOrSkipped(t *testing.T) {
	knows := backendFunc(func(context.Context, openlineage.Event) (string, error) { return "a later result", nil })
	silent := backendFunc(func(context.Context, openlineage.Event) (string, error) { return "", errors.New("no answer") })
	for name, c := range map[string]struct {
		backend Backend
		skip    bool
		state   dlq.State
		warning string
		fails   string
	}{
		"reports":             {knows, false, dlq.Replayed, "a later result", ""},
		"skips":               {knows, true, dlq.Pending, "a later result", ""},
		"silent, reports":     {silent, false, dlq.Replayed, "", ""},
		"silent, and to skip": {silent, true, dlq.Pending, "", "asking the backend"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEstate(t)
			at := e.bury(0, 1, "a")
			e.bury(0, 2, "a")
			told := 0
			var line dlq.Audit
			stale := &Stale{Backends: []Backend{c.backend}, Skip: c.skip, Silent: func(error) { told++ }, Events: func(*kgo.Record) []openlineage.Event { return make([]openlineage.Event, 2) }}
			err := Run(t.Context(), e.begin(), Plan{Stale: stale, Each: func(a dlq.Audit) { line = a }})
			if (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) || line.Warning != c.warning {
				t.Fatalf("%+v %v", line, err)
			}
			if got := e.index().At(at).State; got != c.state || told > 1 || c.skip && told > 0 {
				t.Errorf("%s, %+v, told %d times", got, line, told)
			}
		})
	}
}

// A dry run tells what the backend would say, and settles nothing.
func TestAPreviewTellsOfLaterResultsAndChangesNothing(t *testing.T) {
	e := newEstate(t)
	at := e.bury(0, 1, "a")
	e.bury(0, 2, "a")
	knows := backendFunc(func(_ context.Context, ev openlineage.Event) (string, error) {
		if ev.RunID == "" {
			return "", errors.New("asked about no letter")
		}
		return map[string]string{"1": "a later result"}[ev.RunID], nil
	})
	plan := Plan{Stale: &Stale{Backends: []Backend{knows}, Skip: true, Events: func(rec *kgo.Record) []openlineage.Event {
		return []openlineage.Event{{RunID: fmt.Sprint(deadletter.OriginOf(rec).Offset)}}
	}}}
	var told []string
	ix := e.index()
	if err := Preview(t.Context(), e.begin().Topic, plan, plan.Letters(ix), func(l *dlq.Letter, warning string) {
		told = append(told, fmt.Sprint(l.Position, warning))
	}); err != nil {
		t.Fatal(err)
	}
	if len(told) != 1 || told[0] != fmt.Sprint(at, "a later result") {
		t.Errorf("told %v", told)
	}
	if got := e.index().At(at).State; got != dlq.Pending {
		t.Errorf("the letter is %s", got)
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
