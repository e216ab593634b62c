package results_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/gx-ol/gx-ol/bench/results"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

// Figures are of results of these sizes; of others they say something else.
func TestResultsAreOfTheSizesThatTheTableNames(t *testing.T) {
	for kind, want := range map[results.Kind]struct{ low, high, expectations int }{
		results.Small: {2500, 3500, 5}, results.Medium: {21_000, 26_000, 40}, results.Big: {6_000_000, 7_000_000, 12},
	} {
		_, value := results.Variants(kind).At(7)
		if len(value) < want.low || len(value) > want.high {
			t.Errorf("%s: %d bytes", kind, len(value))
		}
		var doc struct {
			Results []any
			Meta    struct{ ValidationTime string }
		}
		if err := json.Unmarshal(value, &doc); err != nil || len(doc.Results) != want.expectations {
			t.Errorf("%s: %d expectations, %v", kind, len(doc.Results), err)
		}
		if _, err := gx.Decode(value); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestTheSameNumberMakesTheSameResultAndUniqueOnesDiffer(t *testing.T) {
	key, one := results.Unique(results.Small).At(3)
	again, two := results.Unique(results.Small).At(3)
	_, other := results.Unique(results.Small).At(203)
	if !bytes.Equal(one, two) || !bytes.Equal(key, again) || bytes.Equal(one, other) {
		t.Errorf("%s\n%s\n%s", one, two, other)
	}
}
