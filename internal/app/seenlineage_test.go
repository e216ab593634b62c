package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// passed is a run of a job that passed through, from one dataset to another.
func passed(number int, job, from, to string, padding int) []openlineage.Run {
	body := fmt.Sprintf(`{"eventType":"COMPLETE","eventTime":"2026-03-01T01:00:0%dZ","producer":"p","schemaURL":"s","run":{"runId":"0190f3a0-0000-7000-8000-%012d"},
		"job":{"namespace":"etl","name":%q},"inputs":[{"namespace":"ns","name":%q}],"outputs":[{"namespace":"ns","name":%q}]%s}`, number%10, number, job, from, to, strings.Repeat(" ", padding))
	return []openlineage.Run{{Events: []openlineage.Event{{Type: openlineage.Complete, RunID: fmt.Sprint(number), JobNamespace: "etl", JobName: job, Body: []byte(body), PassThrough: true}}}}
}

func TestTheLineageOfWhatWasSeenIsOfTheLatestRunsAndBounded(t *testing.T) {
	s := newSeenLineage()
	names := func() string {
		src, err := s.source(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		found, err := src.Find(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(found)
	}
	first := passed(1, "a", "raw", "old", 0)
	s.settled(first)
	s.settled(passed(2, "a", "raw", "mart", 0))
	copy(first[0].Events[0].Body, "overwritten") // its memory is used again
	if got := names(); got != "[ns mart ns raw]" {
		t.Error(got)
	}
	for i := range 40 {
		s.settled(passed(i, fmt.Sprint("job ", i), "raw", "made", 1<<20))
	}
	if s.bytes > mostSeenEvents || len(s.jobs) != s.order.Len() || len(s.jobs) > 16 || !s.lost {
		t.Errorf("%d bytes of %d jobs", s.bytes, len(s.jobs))
	}
}

// What nobody will ask costs nothing: a topic or a file is read instead, and of a backend it is found out early whether it answers.
func TestWhatIsSeenIsRememberedOnlyWhereNothingElseCanBeAsked(t *testing.T) {
	marquez := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"totalCount": 0, "results": []}`)
	}))
	defer marquez.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for transport, want := range map[string]bool{
		"{type: console}":           true,
		"{type: kafka, topic: out}": false,
		"{type: file, log_file_path: /tmp/events, append: true}": false,
		"{url: " + marquez.URL + "}":                             false,
		"{url: " + other.URL + "}":                               true,
		"{url: " + marquez.URL + ", backend: datahub}":           true,
	} {
		l := newPageLineage(parse(t, "b", "transport: "+transport), Process{Log: zap.NewNop()})
		l.seen.settled(passed(1, "before it is known", "raw", "mart", 0))
		l.run(t.Context())
		l.seen.settled(passed(2, "after", "raw", "mart", 0))
		if got := l.seen.order.Len(); got != 0 != want || len(l.seen.jobs) != got || !want && l.seen.bytes != 0 {
			t.Errorf("%s: %d jobs are remembered, %d bytes", transport, got, l.seen.bytes)
		}
	}
}
