package nearest_test

import (
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/internal/nearest"
)

func TestAMisspeltNameFindsTheOneThatWasMeant(t *testing.T) {
	long := strings.Repeat("a", 101)
	for name, c := range map[string]struct {
		wanted     string
		candidates []string
		want       string
	}{
		"letters swapped":      {"gruop", []string{"topics", "group"}, "group"},
		"a letter left out":    {"topcs", []string{"topics", "group"}, "topics"},
		"letter case aside":    {"KAFKA", []string{"http", "kafka"}, "kafka"},
		"the right one":        {"kafka", []string{"kafak", "kafka"}, "kafka"},
		"of several the first": {"ax", []string{"ab", "ac"}, "ab"},
		"nothing like it":      {"transport", []string{"topics", "group"}, ""},
		"another short name":   {"x", []string{"y", "z"}, ""}, // every letter would be changed
		"more than a third":    {"abcdefghi", []string{"abcdeVWXY"}, ""},
		"a third":              {"abcdefghi", []string{"abcdefXYZ"}, "abcdefXYZ"},
		"no names":             {"kafka", nil, ""},
		"nothing":              {"", []string{"a"}, ""},
		"too long for a slip":  {long, []string{long}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := nearest.Name(c.wanted, c.candidates); got != c.want {
				t.Errorf("nearest to %q is %q, want %q", c.wanted, got, c.want)
			}
		})
	}
}

func TestDistanceCountsTheFewestEditsBothWays(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"ab", "ba", 2}, {"a", "A", 1},
	} {
		if there, back := nearest.Distance(c.a, c.b), nearest.Distance(c.b, c.a); there != c.want || back != c.want {
			t.Errorf("from %q to %q: %d, and back %d, want %d", c.a, c.b, there, back, c.want)
		}
	}
}
