package main

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/gx-ol/gx-ol/internal/samples"
)

// terminal counts the runs that a dev prints, and ends it after so many.
type terminal struct {
	mu   sync.Mutex // guards text
	text strings.Builder
	want int
	full func()
}

func (o *terminal) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.text.Write(p)
	if strings.Count(o.text.String(), " passed\n") == o.want {
		o.full()
	}
	return n, err
}

func TestDevPrintsEachSampleAsItLandsAndStopsCleanly(t *testing.T) {
	all, err := samples.All()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &terminal{want: len(all), full: cancel}
	var errs strings.Builder
	a := &process{env: func(string) (string, bool) { return "", false }, stdin: strings.NewReader(""), stdout: out, stderr: &errs}
	if code := run(ctx, []string{"dev", "--kafka-port", "0", "--port", "0"}, a); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	for _, want := range []string{"✔ COMPLETE  default/three_validations_1_suite.retail_pg.main", "✘ FAIL  default/orders.numeric.retail_pg",
		"expect_column_values_to_not_be_null(weight_kg)  got 72 of 800 unexpected (9 %)"} {
		if !strings.Contains(out.text.String(), want) {
			t.Errorf("no %q in\n%s", want, out.text.String())
		}
	}
	if strings.Contains(out.text.String(), "ROWVALUE") {
		t.Error("a row value was printed")
	}
}
