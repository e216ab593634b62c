package deadletter

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
)

var at = time.Date(2026, 3, 1, 10, 0, 0, 123_000_000, time.UTC)

func full() Letter {
	return Letter{
		Topic: "in", Partition: 3, Offset: 1 << 40, Timestamp: at, Group: "g", Stage: "deliver", Disposition: "rejected",
		Code: "http_422", Error: "é", Attempts: 2, FirstFailedAt: at, FailedAt: at.Add(time.Second), Part: "run_results[2]",
	}
}

func TestWrapThenUnwrapLosesNothing(t *testing.T) {
	rec := &kgo.Record{Topic: "in", Partition: 3, Offset: 1 << 40, Timestamp: at, Key: []byte{0, 255}, Value: []byte("v"), Headers: []kgo.RecordHeader{
		{Key: "a", Value: nil}, {Key: "a", Value: []byte{}}, {Key: HeaderCode, Value: []byte("old")}, {Key: "b", Value: []byte{255}},
	}}
	for name, l := range map[string]Letter{"full": full(), "position from the record": {Topic: "", Code: "x"}} {
		out := Wrap(rec, "in.dlq", l)
		got, ok, err := Unwrap(out)
		if name != "full" {
			l.Topic, l.Partition, l.Offset, l.Timestamp = "in", 3, 1<<40, at
		}
		if !ok || err != nil || got != l {
			t.Errorf("%s: %+v, want %+v (%v %v)", name, got, l, ok, err)
		}
		if out.Topic != "in.dlq" || !out.Timestamp.IsZero() || !bytes.Equal(out.Key, rec.Key) || !bytes.Equal(out.Value, rec.Value) {
			t.Errorf("%s: %+v", name, out)
		}
		kept := []kgo.RecordHeader{rec.Headers[0], rec.Headers[1], rec.Headers[3]}
		if !reflect.DeepEqual(out.Headers[:3], kept) {
			t.Errorf("%s: foreign headers %+v", name, out.Headers[:3])
		}
		seen := map[string]bool{}
		for _, h := range out.Headers[3:] {
			if seen[h.Key] {
				t.Errorf("%s: %s twice", name, h.Key)
			}
			seen[h.Key] = true
		}
	}
}

func TestTombstoneStaysATombstone(t *testing.T) {
	if out := Wrap(&kgo.Record{}, "d", Letter{}); out.Value != nil || out.Key != nil {
		t.Error("nil became empty")
	}
	if out := Wrap(&kgo.Record{Value: []byte{}, Key: []byte{}}, "d", Letter{}); out.Value == nil || out.Key == nil {
		t.Error("empty became nil")
	}
	if out := WrapReference(&kgo.Record{Value: []byte("v")}, "d", Letter{}); out.Value == nil || len(out.Value) != 0 {
		t.Error("a reference must be empty, not null")
	}
}

func TestReferenceKeepsKeyAndHeadersOnlyWhileSmall(t *testing.T) {
	for name, c := range map[string]struct {
		key  int
		l    Letter
		want string
	}{
		"small":  {10, Letter{}, ReferenceKept},
		"limit":  {MaxReferenceBytes - 2, Letter{}, ReferenceKept},
		"above":  {MaxReferenceBytes - 1, Letter{}, ReferenceBare},
		"wanted": {10, Letter{Reference: ReferenceBare}, ReferenceBare},
	} {
		rec := &kgo.Record{Topic: "in", Key: make([]byte, c.key), Value: []byte("v"), Headers: []kgo.RecordHeader{{Key: "h", Value: []byte("v")}}}
		out := WrapReference(rec, "d", c.l)
		l, ok, err := Unwrap(out)
		bare := len(out.Key) == 0 && !strings.HasPrefix(out.Headers[0].Key, "h")
		if !ok || err != nil || l.Reference != c.want || bare != (c.want == ReferenceBare) {
			t.Errorf("%s: %+v bare=%v", name, l, bare)
		}
	}
}

// Anyone who may write a record can write a replay's headers: they say when the record was made, as its producer may, and never which other record it is.
func TestALetterIsAboutTheRecordThatWasRead(t *testing.T) {
	o := Origin{Topic: "in", Partition: 1, Offset: 7, Timestamp: at, Replays: 2}
	rec := &kgo.Record{Topic: "in", Partition: 1, Offset: 99, Timestamp: at.Add(time.Hour), Headers: ReplayHeaders(o)}
	if got := OriginOf(rec); got != o {
		t.Errorf("%+v", got)
	}
	for name, l := range map[string]Letter{"as the pipeline says": {Topic: "in", Partition: 1, Offset: 99}, "unsaid": {}} {
		out := Wrap(rec, "d", l)
		l, _, err := Unwrap(out)
		if err != nil || l.Topic != "in" || l.Partition != 1 || l.Offset != 99 || l.Replays != 0 || !l.Timestamp.Equal(at) {
			t.Errorf("%s: %+v %v", name, l, err)
		}
		for _, h := range out.Headers {
			if strings.HasPrefix(h.Key, ReplayPrefix) {
				t.Errorf("%s copied as foreign", h.Key)
			}
		}
	}
	rec.Topic = "other" // no replay writes to another topic
	if got := OriginOf(rec); got != (Origin{Topic: "other", Partition: 1, Offset: 99, Timestamp: at.Add(time.Hour)}) {
		t.Errorf("another topic's: %+v", got)
	}
}

// What anyone can write is as small in memory, and as near in time, as what we write.
func TestForeignTextsAndTimesAreBounded(t *testing.T) {
	long := strings.Repeat("x", 800_000)
	hs := []kgo.RecordHeader{{Key: HeaderTopic, Value: []byte(long)}}
	for _, name := range []string{HeaderGroup, HeaderStage, HeaderDisposition, HeaderCode, HeaderError, HeaderPart, HeaderReference} {
		hs = append(hs, kgo.RecordHeader{Key: name, Value: []byte(long)})
	}
	l, ok, err := Unwrap(&kgo.Record{Headers: hs})
	n := len(l.Topic) + len(l.Group) + len(l.Stage) + len(l.Disposition) + len(l.Code) + len(l.Error) + len(l.Part) + len(l.Reference)
	if !ok || err == nil || !strings.Contains(err.Error(), HeaderTopic) || n > 2*MaxErrorBytes+5*maxNameBytes {
		t.Errorf("%d bytes of texts, %v", n, err)
	}
	for name, ok := range map[string]bool{"in": true, "a.b_c-D9": true, strings.Repeat("x", 249): true, strings.Repeat("x", 250): false, "": false, "a b": false, "a\x1b[2J": false, "é": false} {
		if got, err := topicName(name); (err == nil) != ok || ok && got != name {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, far := range []string{"9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+01:00"} {
		if at, err := parseTime(far); err == nil {
			t.Errorf("%s is %s", far, at)
		}
	}
	for _, ms := range []int64{1<<63 - 1, -1 << 63, 253402300800000} {
		foreign := &kgo.Record{Timestamp: time.UnixMilli(ms), Headers: []kgo.RecordHeader{{Key: "topic_poisoned", Value: []byte("in")}}}
		l, _, err := Read(foreign)
		if err != nil || l.Timestamp.Year() > 9999 || l.Timestamp.Year() < 0 || l.FailedAt.Year() > 9999 || l.FailedAt.Year() < 0 {
			t.Errorf("%d: %s %s %v", ms, l.Timestamp, l.FailedAt, err)
		}
		if _, err := parseTime(formatTime(time.UnixMilli(ms))); err != nil {
			t.Errorf("%d as %s: %v", ms, formatTime(time.UnixMilli(ms)), err)
		}
	}
}

func TestBrokenReplayHeadersMeanTheRecordsOwnPosition(t *testing.T) {
	own := Origin{Topic: "in", Partition: 4, Offset: 5, Timestamp: at}
	for i, bad := range []string{"", "-2", "99999999999", "99999999999999999999", "yesterday", "-5"} {
		hs := ReplayHeaders(Origin{Topic: "in", Partition: 1, Offset: 7, Timestamp: at, Replays: 2})
		if i < len(hs) {
			hs[i].Value = []byte(bad)
		} else {
			hs = hs[:4]
		}
		if got := OriginOf(&kgo.Record{Topic: "in", Partition: 4, Offset: 5, Timestamp: at, Headers: hs}); i != 2 && got != own {
			t.Errorf("%d: %+v", i, got)
		}
	}
}

func TestErrorIsBoundedAtARune(t *testing.T) {
	for _, s := range []string{strings.Repeat("é", 2000), "x" + strings.Repeat("é", 2000), strings.Repeat("\xff", 3000), "short"} {
		got := bounded(s)
		if len(got) > MaxErrorBytes || !utf8.ValidString(got) || len(s) > 3000 && len(got) < MaxErrorBytes-3 {
			t.Errorf("%d bytes", len(got))
		}
	}
}

func TestUnwrapNamesTheBrokenHeader(t *testing.T) {
	rec := &kgo.Record{Headers: []kgo.RecordHeader{{Key: HeaderTopic, Value: []byte("in")}, {Key: HeaderAttempts, Value: []byte("many")}, {Key: HeaderCode, Value: []byte("c")}}}
	l, ok, err := Unwrap(rec)
	if !ok || err == nil || !strings.Contains(err.Error(), HeaderAttempts) || strings.Contains(err.Error(), "many") || l.Code != "c" {
		t.Errorf("%+v %v %v", l, ok, err)
	}
	if _, ok, err := Unwrap(&kgo.Record{}); ok || err != nil {
		t.Error("no letter taken for one")
	}
}

func FuzzUnwrap(f *testing.F) {
	f.Add(HeaderTopic, []byte("in"), HeaderTimestamp, []byte("2026-03-01T10:00:00.000Z"))
	f.Add(HeaderReplayOffset, []byte("-1"), HeaderReplayCount, []byte("9999999999"))
	f.Fuzz(func(t *testing.T, k1 string, v1 []byte, k2 string, v2 []byte) {
		rec := &kgo.Record{Topic: "in", Headers: []kgo.RecordHeader{{Key: HeaderTopic, Value: []byte("in")}, {Key: k1, Value: v1}, {Key: k2, Value: v2}}}
		if o := OriginOf(rec); o.Partition < UnknownPartition || o.Offset < 0 || o.Replays < 0 {
			t.Errorf("%+v", o)
		}
		l, ok, _ := Unwrap(rec)
		if !ok || l.Partition < UnknownPartition || l.Offset < 0 || l.Attempts < 0 || l.Replays < 0 {
			t.Errorf("%+v", l)
		}
		if _, ok, err := Unwrap(Wrap(rec, "d", l)); !ok || err != nil {
			t.Errorf("wrapped again: %v %v", ok, err)
		}
	})
}
