package replay

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// Whoever may write to the input topic can write the headers of a replay: the letter about his record is about his record.
func TestForgedOriginsPassForNoOther(t *testing.T) {
	e := newEstate(t)
	theirs := e.bury(0, 41, "a")
	replayed := e.bury(0, 42, "a")
	e.replay(Plan{Filter: dlq.Filter{Offsets: &dlq.Offsets{From: replayed.Offset, To: replayed.Offset}}})
	for i, o := range []deadletter.Origin{
		{Topic: source, Partition: 0, Offset: 41, Timestamp: day, Replays: 1},
		{Topic: source, Partition: 0, Offset: 41, Timestamp: day, Replays: 1 << 30},
		{Topic: source, Partition: 0, Offset: 42, Timestamp: day, Replays: 2}, // of a record that was replayed indeed
		{Topic: "other", Partition: 0, Offset: 41, Timestamp: day, Replays: 1},
	} {
		rec := &kgo.Record{Topic: source, Partition: 0, Offset: 500 + int64(i), Timestamp: day.Add(time.Hour), Key: []byte("a"), Value: []byte("forged"), Headers: deadletter.ReplayHeaders(o)}
		at := e.write(deadletter.Wrap(rec, dead, deadletter.Letter{Group: "g", Code: "http_422", FailedAt: day.Add(time.Hour)}), 0)
		ix := e.index()
		if l := ix.At(theirs); l.State != dlq.Pending {
			t.Errorf("%+v: the other's letter is %s", o, l.State)
		}
		l := ix.At(at)
		if l.State != dlq.Pending || l.Said.Offset != rec.Offset || l.Said.Topic != source || l.Said.Replays != 0 || len(ix.History(l)) != 1 || l.First().Offset != rec.Offset {
			t.Errorf("%+v: the forged one is %+v", o, l)
		}
	}
}

// Whoever may write to the dead-letter topic can have a letter name any topic: the operator's replay writes to none but the inputs.
func TestAReplayWritesToInputsAlone(t *testing.T) {
	foreign := []string{"other", "__internal", "__consumer_offsets", "other.dlq", dead, dead + dlq.LedgerSuffix, dead + dlq.AuditSuffix, dead + dlq.QuarantineSuffix, "in.dlq.dlq"}
	e := newEstate(t)
	e.begin() // makes ledger, audit and quarantine
	at := make(map[string]string)
	for _, topic := range foreign {
		at[topic] = e.bury(0, 1, "a", func(_ *deadletter.Letter, r *kgo.Record) { r.Topic = topic }).String()
	}
	good := e.bury(1, 1, "b").String()
	got := e.replay(Plan{})
	for _, topic := range foreign {
		if got[at[topic]] != dlq.ForeignTopic {
			t.Errorf("to %s: %s", topic, got[at[topic]])
		}
	}
	if got[good] != dlq.ReplayedOutcome || len(e.read("other"))+len(e.read("__internal"))+len(e.read("other.dlq")) > 0 {
		t.Errorf("outcomes %v", got)
	}
	for _, rec := range e.read(dead + dlq.LedgerSuffix) {
		if !strings.HasSuffix(string(rec.Key), "/"+good) {
			t.Errorf("in the ledger: %s", rec.Key)
		}
	}
	// Through the pipeline neither.
	through := &Through{Pipeline: &fake{settle: func(context.Context, *kgo.Record) error { t.Error("delivered"); return nil }}, Refusals: NewRefusals()}
	if got := e.replay(Plan{Through: through}); got[at["other"]] != dlq.ForeignTopic {
		t.Errorf("through the pipeline: %v", got)
	}
	// Nor by an import.
	line := e.topic.Export(e.index().At(dlq.Position{Partition: 0, Offset: 0}), &kgo.Record{}, nil)
	var outcome dlq.Outcome
	if err := Import(t.Context(), e.begin(), []dlq.Exported{line}, func(a dlq.Audit) { outcome = a.Outcome }); err != nil || outcome != dlq.ForeignTopic {
		t.Errorf("imported: %s %v", outcome, err)
	}
	// But where the operator says so, or the configuration.
	named, err := dlq.Open(t.Context(), e.client, dead, dlq.Config{MaxMessageBytes: cfg.MaxMessageBytes, Inputs: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range foreign {
		if named.IsInput(topic) != (topic == "other") {
			t.Errorf("%s by name: %t", topic, named.IsInput(topic))
		}
	}
}

// Whoever may write to the dead-letter topic sees no record of another topic by a letter that refers to it.
func TestReferenceLettersReadInputsAlone(t *testing.T) {
	e := newEstate(t)
	secret := e.write(&kgo.Record{Topic: "other", Value: []byte("secret")}, 0)
	at := e.bury(0, secret.Offset, "a", func(l *deadletter.Letter, r *kgo.Record) { r.Topic, l.Reference = "other", deadletter.ReferenceKept })
	rec, err := e.topic.Original(t.Context(), e.index().At(at))
	if rec != nil || err != nil {
		t.Errorf("read %v, %v", rec, err)
	}
}

// A ledger's entry that cannot be read costs its own letter, until the operator decides; every command goes on.
func TestAnUnreadableEntryCostsItsLetterAlone(t *testing.T) {
	for name, value := range map[string]string{"no JSON": "{", "no state": `{"state":"gone"}`, "pending": `{"state":"pending"}`, "a far time": `{"state":"replayed","at":"99999-01-01T00:00:00Z"}`,
		"huge": `{"state":"replayed","reason":"` + strings.Repeat("x", 70_000) + `"}`} {
		t.Run(name, func(t *testing.T) {
			e := newEstate(t)
			spoilt, good := e.bury(0, 1, "a"), e.bury(0, 2, "b")
			e.begin()
			e.write(&kgo.Record{Topic: dead + dlq.LedgerSuffix, Key: []byte(e.topic.ID + "/" + spoilt.String()), Value: []byte(value)}, 0)
			var line dlq.Audit
			if err := Run(t.Context(), e.begin(), Plan{Each: func(a dlq.Audit) {
				if a.Letter == spoilt.String() {
					line = a
				}
			}}); err != nil {
				t.Fatal(err)
			}
			ix := e.index()
			if line.Outcome != dlq.LedgerUnclear || !strings.Contains(line.Warning, "cannot be read") || ix.At(spoilt).State != dlq.Unclear || ix.At(good).State != dlq.Replayed {
				t.Errorf("%+v; %+v", line, ix.At(spoilt))
			}
			f := dlq.Follow(e.client, dead, cfg)
			if err := f.Poll(t.Context()); err != nil {
				t.Error(err)
			}
			if depth, _, _ := f.Depth(); len(depth) != 1 || depth[0].Letters != 1 {
				t.Errorf("depth %+v", depth)
			}
			s := e.begin()
			if err := s.Discard(t.Context(), s.Index.Choose(dlq.Filter{}), "it was replayed", func(dlq.Audit) {}); err != nil || e.index().At(spoilt).State != dlq.Discarded {
				t.Errorf("discarded: %v, %s", err, e.index().At(spoilt).State)
			}
		})
	}
}

// A topic that refuses what is written to it keeps its letters from going, and no others.
func TestATopicThatRefusesKeepsItsLettersAlone(t *testing.T) {
	e := newEstate(t)
	both, err := dlq.Open(t.Context(), e.client, dead, dlq.Config{MaxMessageBytes: cfg.MaxMessageBytes, Inputs: func(topic string) bool { return topic == "other" }})
	if err != nil {
		t.Fatal(err)
	}
	e.topic = both
	var forbidden, good []string
	for i := range 5 {
		forbidden = append(forbidden, e.bury(0, int64(i), "a", func(_ *deadletter.Letter, r *kgo.Record) { r.Topic = "other" }).String())
		good = append(good, e.bury(0, int64(i), "b").String())
	}
	refuse(e, "other")
	got := e.replay(Plan{})
	for i := range 5 {
		if got[forbidden[i]] != dlq.Refused || got[good[i]] != dlq.ReplayedOutcome {
			t.Errorf("outcomes %v", got)
		}
	}
	if n := len(e.index().Choose(dlq.Filter{})); n != 5 {
		t.Errorf("%d pending", n)
	}
}

// refuse makes the broker take nothing for a topic; what is sent with it is to be sent again.
func refuse(e *estate, topic string) {
	e.t.Helper()
	details, err := kadm.NewClient(e.client).ListTopics(e.t.Context(), topic)
	if err != nil {
		e.t.Fatal(err)
	}
	id := [16]byte(details[topic].ID)
	e.cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		e.cluster.KeepControl()
		produce := req.(*kmsg.ProduceRequest)
		if !slices.ContainsFunc(produce.Topics, func(t kmsg.ProduceRequestTopic) bool { return t.TopicID == id }) {
			return nil, nil, false
		}
		resp := produce.ResponseKind().(*kmsg.ProduceResponse)
		for _, t := range produce.Topics {
			code := kerr.NotLeaderForPartition.Code
			if t.TopicID == id {
				code = kerr.TopicAuthorizationFailed.Code
			}
			rt := kmsg.NewProduceResponseTopic()
			rt.Topic, rt.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				rp := kmsg.NewProduceResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, code
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
}
