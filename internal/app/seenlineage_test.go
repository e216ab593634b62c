package app

import (
	"fmt"
	"strings"
	"testing"

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
