package pipeline

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// codes finds where the code makes a message's fault; those of HTTP are made from the status.
var codes = regexp.MustCompile(`(?:Code: +|fail\(|MessageError\([\w.]+, |\tCode\w+ += )"([a-z_0-9]+)"`)

// A code is a promise: alerts and replays are written against it.
func TestEachCodeOfADeadLetterIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/dead-letters.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, dir := range []string{"../../schemas/gx", "../../schemas/deadletter", "../../mapper", "../../producer", "../../producer/*", "../fault", "../outage", "."} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range codes.FindAllSubmatch(text, -1) {
				found++
				if !strings.Contains(string(doc), "`"+string(m[1])+"`") {
					t.Errorf("docs/dead-letters.md does not name %s of %s", m[1], file)
				}
			}
		}
	}
	if found < 12 {
		t.Errorf("%d codes found only", found)
	}
}

// So are the words of the other headers, which package fault and package deadletter both write.
func TestStagesAndDispositionsAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/dead-letters.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{deadletter.StageDecode, deadletter.StageMap, deadletter.StageDeliver} {
		if !strings.Contains(string(doc), "`"+word+"`") {
			t.Errorf("docs/dead-letters.md does not name the stage %s", word)
		}
	}
	for word, is := range map[string]fault.Disposition{deadletter.DispositionPoison: fault.Poison, deadletter.DispositionRejected: fault.Rejected,
		deadletter.DispositionExhausted: fault.Exhausted, deadletter.DispositionOversize: fault.Oversize, deadletter.DispositionBug: fault.BugFound} {
		if word != string(is) || !strings.Contains(string(doc), "`"+word+"`") {
			t.Errorf("docs/dead-letters.md does not name the disposition %s, or a fault calls it %s", word, is)
		}
	}
}

// A header is a promise too: producers set them.
func TestHeadersNameTheJobAndTheRunsAboveIt(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	rec := &kgo.Record{Topic: "results", Timestamp: at}
	for _, name := range []string{"job-namespace", "job-name", "parent-id", "parent-run-id", "parent-job-namespace", "parent-job-name",
		"root-parent-id", "root-parent-run-id", "root-parent-job-namespace", "root-parent-job-name"} {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: "openlineage-" + name, Value: []byte(name)})
	}
	want := mapper.Input{Received: at, Topic: "results", JobNamespace: "job-namespace", JobName: "job-name",
		Parent: mapper.ParentRun{ID: "parent-id", RunID: "parent-run-id", Namespace: "parent-job-namespace", Name: "parent-job-name"},
		Root:   mapper.ParentRun{ID: "root-parent-id", RunID: "root-parent-run-id", Namespace: "root-parent-job-namespace", Name: "root-parent-job-name"}}
	if got := InputOf(rec); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	doc, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range rec.Headers {
		if !strings.Contains(string(doc), "`"+h.Key+"`") {
			t.Errorf("docs/configuration.md does not name %s", h.Key)
		}
	}
}

// Whoever publishes old results says when they were made; the record's time cannot. A replay hands the header on, and it wins. Anybody may write the header: one that
// holds no time that can be, of whatever length and bytes, changes nothing, so that the run id is that of the record's own time at each delivery.
func TestAResultCountsAsReceivedWhenItSaysItWasMade(t *testing.T) {
	at, made := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2024, 1, 2, 3, 4, 5, 6e6, time.UTC)
	replayed := deadletter.ReplayHeaders(deadletter.Origin{Topic: "in", Timestamp: at})
	for text, want := range map[string]time.Time{
		"2024-01-02T03:04:05.006Z": made, "2024-01-02T04:04:05.006+01:00": made,
		"yesterday": at, "": at, "0001-01-01T00:00:00Z": at, "2999-01-01T00:00:00Z": at, time.Now().Add(25 * time.Hour).Format(time.RFC3339): at, "1704164645": at, "2024-01-02": at,
		"2024-01-02T03:04:05." + strings.Repeat("0", 60) + "Z": at, "2024-01-02T03:04:05.006Z\x00": at, "\xff\xfe2024": at, strings.Repeat("9", 1<<20): at,
	} {
		rec := &kgo.Record{Topic: "in", Timestamp: at, Headers: append([]kgo.RecordHeader{{Key: HeaderReceived, Value: []byte(text)}}, replayed...)}
		if in := InputOf(rec); in.NoTime || !in.Received.Equal(want) {
			t.Errorf("%.40q: %+v", text, in)
		}
	}
	twice := &kgo.Record{Topic: "in", Timestamp: at, Headers: []kgo.RecordHeader{{Key: HeaderReceived, Value: []byte("2999-01-01T00:00:00Z")}, {Key: HeaderReceived, Value: []byte("2024-01-02T03:04:05.006Z")}}}
	if in := InputOf(twice); !in.Received.Equal(made) {
		t.Errorf("of several the first that can be counts: %+v", in)
	}
	doc, err := os.ReadFile("../../docs/publish.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), "`"+HeaderReceived+"`") {
		t.Errorf("docs/publish.md does not name %s", HeaderReceived)
	}
}

// A batch that inflates too far becomes reference letters, which say where its records lie.
func TestWhatWasNotReadIsBuriedAsAReference(t *testing.T) {
	l := &letters{}
	seen, cfg := &counted{}, quick()
	cfg.Observer = seen
	p := New(cfg, nil, l)
	rec := &kgo.Record{Topic: "in", Partition: 3, Offset: 41}
	if err := p.Settle(t.Context(), p.PrepareUnread(rec, 6), freely{}); err != nil {
		t.Fatal(err)
	}
	got := l.all[0]
	if got.Code != deadletter.CodeOversizeBatch || got.Reference == "" || got.Stage != deadletter.StageDecode || got.Offset != 41 || !strings.Contains(got.Error, "6 offsets behind it") || seen.records != 7 {
		t.Errorf("%+v, %d records counted", got, seen.records)
	}
}
