package main

import (
	"os"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func TestValidateLetsGoodEventsThroughUnchanged(t *testing.T) {
	file := testdata(t, "0.18.22-checkpoint.json")
	t.Chdir(t.TempDir())
	_, want, _ := call(t, "", "map", "--received", "2026-01-02T03:04:05Z", file)
	code, got, stderr := call(t, "", "map", "--validate", "--received", "2026-01-02T03:04:05Z", file)
	if code != 0 || stderr != "" || got != want || got == "" {
		t.Errorf("exit %d, stderr %q, got %q", code, stderr, got)
	}
}

// A message of two events of which one is broken prints neither; the next file is printed all the same.
func TestValidateRefusesAMessageWholeAndNamesFilePartAndPointer(t *testing.T) {
	good := testdata(t, "1.24.1-suite.store.json")
	t.Chdir(t.TempDir())
	event := `{"eventTime":"2026-01-01T00:00:00Z","producer":"https://example.com","schemaURL":"https://example.com/s","run":{"runId":"SECRETPW"},"job":{"namespace":"n","name":"j"}}`
	if err := os.WriteFile("event.json", []byte(event), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := call(t, "", "map", "--validate", "--received", "2026-01-02T03:04:05Z", "event.json", good)
	if code != 1 || strings.Count(stdout, "\n") != 2 {
		t.Errorf("exit %d, stdout %q", code, stdout)
	}
	if want := "gx-ol: event.json: event: /run/runId: format: uuid\n1 of 2 mapped\n"; stderr != want {
		t.Errorf("stderr %q, want %q", stderr, want)
	}
	if code, stdout, _ := call(t, "", "map", "event.json"); code != 0 || stdout == "" {
		t.Errorf("without --validate: exit %d, %q", code, stdout)
	}
}

func TestAFindingNamesThePartOfTheMessage(t *testing.T) {
	err := checkEvents([]openlineage.Run{
		{Part: "[0]", Events: []openlineage.Event{{Type: openlineage.Start, PassThrough: true, Body: []byte(`{}`)}}},
		{Part: "[1]", Events: []openlineage.Event{{Type: openlineage.Fail, Body: []byte(`{"eventType":"FAIL"}`)}}},
	})
	for _, want := range []string{"[0] START: /: required: ", "[1] FAIL: /: required: eventTime"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}
