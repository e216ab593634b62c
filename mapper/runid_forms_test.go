package mapper

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corpustest "github.com/gx-ol/gx-ol/test/corpus"
)

// fullForms are the shapes that carry all of a validation's identity themselves.
const fullForms = "ACDEJK"

// One validation has one run id in all its full forms: suite result, checkpoint and operator result, run results, array,
// string; wire, store file, str(). Different validations have different ones.
func TestAValidationHasOneRunIDInEveryFullFormAndNoOtherHasIt(t *testing.T) {
	m, err := New(Settings{})
	if err != nil {
		t.Fatal(err)
	}
	type seen struct{ id, file string }
	ids, owners := make(map[string]seen), make(map[string]string)
	forms, again := make(map[string]bool), 0
	for _, line := range corpus(t) {
		if !strings.Contains(fullForms, line.Shape) || strings.Contains(line.File, "results.list") { // a list of single results
			continue
		}
		for i, run := range mapFile(t, m, filepath.Join(corpusDir, line.File)) {
			job := line.Validations[i].Job
			if job == nil || job.RunTime == nil && job.ValidationID == nil || partial(line.File) {
				continue
			}
			key := filepath.Dir(line.File) + " " + job.key(t)
			id := run.Events[0].RunID
			if first, ok := ids[key]; ok {
				if again++; first.id != id {
					t.Errorf("%s has %s, %s has %s of the same validation", first.file, first.id, line.File, id)
				}
			}
			ids[key] = seen{id, line.File}
			if owner, ok := owners[id]; ok && owner != key {
				t.Errorf("%s: two validations have the id %s: %s and %s", line.File, id, owner, key)
			}
			owners[id] = key
			forms[line.Shape] = true
		}
	}
	t.Logf("%d validations, %d further forms of them, shapes %v", len(ids), again, forms)
	wantIDs, wantAgain := 100, 50
	if corpustest.Bundled() {
		wantIDs, wantAgain = 40, 10
	}
	if len(ids) < wantIDs || again < wantAgain || len(forms) != len(fullForms) {
		t.Error("too little was compared")
	}
}

// key names a validation, however a form orders its keys and writes its times.
func (j indexedJob) key(t *testing.T) string {
	t.Helper()
	var batch any
	if err := json.Unmarshal(j.Batch, &batch); len(j.Batch) > 0 && err != nil {
		t.Fatal(err)
	}
	if j.RunTime != nil {
		at, err := time.Parse(time.RFC3339Nano, *j.RunTime)
		if err != nil {
			t.Fatal(err)
		}
		utc := at.UTC().String()
		j.RunTime = &utc
	}
	j.Batch = nil
	text, err := json.Marshal([]any{j, batch})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// partial results hold fewer expectations, so that they are other runs.
func partial(file string) bool {
	return strings.Contains(file, "failedonly") || strings.Contains(file, "only-failures")
}
