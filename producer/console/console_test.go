package console

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func TestLinesStayLines(t *testing.T) {
	var out strings.Builder
	c, err := New(Config{Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Deliver(t.Context(), openlineage.Event{Body: []byte("{\n\"a\":\r\n1}\n")}); err != nil {
		t.Fatal(err)
	}
	if out.String() != "{ \"a\":  1}\n" {
		t.Errorf("%q", out.String())
	}
	path := filepath.Join(t.TempDir(), "events.ndjson")
	for range 2 { // appends
		f, err := NewFile(FileConfig{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Deliver(t.Context(), openlineage.Event{Body: []byte(`{}`)}), f.Close()); err != nil {
			t.Fatal(err)
		}
		if err := f.Deliver(t.Context(), openlineage.Event{Body: []byte(`{}`)}); fault.Of(err).Kind != fault.Backend {
			t.Errorf("writing to a closed file: %v", err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || bytes.Count(got, []byte("\n")) != 2 {
		t.Errorf("%q %v", got, err)
	}
}
