package samples

import "testing"

func TestEverySampleDecodesAndHasAKey(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 6 {
		t.Errorf("%d samples, want at least 6", len(all))
	}
	for _, s := range all {
		if s.Key == "" {
			t.Errorf("%s has no key", s.Name)
		}
	}
}
