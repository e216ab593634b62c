package mapper

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/schemas/gx"
	corpustest "github.com/gx-ol/gx-ol/test/corpus"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenSettings stand for a configured installation: a table for the datasources that no message explains.
var goldenSettings = Settings{
	JobNamespace: "analytics",
	Datasources: map[string]Datasource{
		"retail_pg":     {Namespace: "postgresql+psycopg2://etl:SECRETPW@db.example.com/shop"},
		"retail_sqlite": {Namespace: "sqlite:////data/retail.db"},
	},
}

// goldenResults are the messages that have a golden file: the decoder's test data, the bundled samples, and those beside
// the golden files, chosen so that every shape, every generation of GX and nearly every kind of source has one.
func goldenResults(t *testing.T) (files []string) {
	t.Helper()
	for _, dir := range []string{"../schemas/gx/testdata", "../internal/samples/results", "testdata/golden"} {
		found, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil || len(found) == 0 {
			t.Fatalf("no results in %s: %v", dir, err)
		}
		files = append(files, found...)
	}
	return files
}

func goldenFile(result string) string {
	return filepath.Join("testdata", "golden", strings.TrimSuffix(filepath.Base(result), ".json")+".ndjson")
}

// Every result is mapped and compared with its golden file: any change of what leaves is seen in review. Run with
// -update to accept one.
func TestGoldenEvents(t *testing.T) {
	m, err := New(goldenSettings)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range goldenResults(t) {
		golden := goldenFile(file)
		t.Run(golden, func(t *testing.T) {
			var got bytes.Buffer
			for _, run := range mapFile(t, m, file) {
				for _, ev := range run.Events {
					got.Write(ev.Body)
					got.WriteByte('\n')
				}
			}
			if leak := corpustest.Leak(got.Bytes()); leak != "" {
				t.Errorf("a value left the message: %s", leak)
			}
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("events differ from %s; -update accepts them: %s", golden, difference(got.Bytes(), want))
			}
		})
	}
}

// difference shows two texts around the first place where they differ.
func difference(got, want []byte) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	around := func(b []byte) []byte { return b[min(len(b), max(0, i-80)):min(len(b), i+160)] }
	return fmt.Sprintf("byte %d\n got …%s…\nwant …%s…", i, around(got), around(want))
}

func TestGoldenResultsCoverShapesAndGenerations(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range goldenResults(t) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		msg, err := gx.Decode(raw)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		seen["shape "+string(msg.Shape)] = true
		if raw[0] == '"' {
			seen["shape K"] = true
		}
		for i := range msg.Validations {
			seen[msg.Validations[i].GXVersion] = true
		}
	}
	for _, want := range strings.Fields("0.13.49 0.15.34 0.15.50 0.17.23 0.18.22 1.0.4 1.3.14 1.9.3 1.24.1") {
		if !seen[want] {
			t.Errorf("no message of GX %s", want)
		}
	}
	for _, shape := range "ABCDEFGHIJKN" {
		if !seen["shape "+string(shape)] {
			t.Errorf("no message of shape %c", shape)
		}
	}
}

// A golden file that the standard refuses would hold a fault fast.
func TestGoldenEventsAreValid(t *testing.T) {
	official := newValidator(t)
	for _, file := range goldenResults(t) {
		golden := goldenFile(file)
		t.Run(golden, func(t *testing.T) {
			events, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			for line := range bytes.Lines(events) {
				official.check(t, line)
			}
		})
	}
}

func TestTrimmingKeepsFailuresAndMarksTheEvent(t *testing.T) {
	raw, err := os.ReadFile("../internal/samples/results/orders-numeric-0.18.22.json")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := gx.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	size := func(limit int) (int, []byte, error) {
		m, err := New(Settings{MaxEventBytes: limit})
		if err != nil {
			t.Fatal(err)
		}
		runs, err := m.Map(msg, Input{Received: received})
		if err != nil {
			return 0, nil, err
		}
		body := runs[0].Events[1].Body
		return len(body), body, nil
	}
	whole, _, err := size(0)
	if err != nil {
		t.Fatal(err)
	}
	n, body, err := size(whole - 1)
	if err != nil || n >= whole || !bytes.Contains(body, []byte(`"gx_ol_trimmed"`)) || !bytes.Contains(body, []byte(`"success":false`)) {
		t.Errorf("%d bytes of %d, %v: %s", n, whole, err, body)
	}
	if _, _, err = size(100); err == nil || !strings.Contains(err.Error(), "max_event_bytes allows (100)") {
		t.Errorf("an event that cannot be trimmed enough: %v", err)
	}
}

// What a message lacks may not come from the caller's clock, and one bad result refuses the whole message.
func TestAnUnknownDatasetIsNamedOrRefusedAsConfigured(t *testing.T) {
	msg := &gx.Message{Shape: gx.ShapeArray, Validations: []gx.Validation{
		{Part: "[0]", Suite: "s", Batch: gx.Batch{Datasource: "d", Asset: "a", Spec: gx.BatchSpec{Present: true, Table: "a"}}}}}
	for _, c := range []struct {
		unmapped, code string
	}{{"", ""}, {"name", ""}, {"error", "unmapped_dataset"}} {
		m, err := New(Settings{Unmapped: c.unmapped})
		if err != nil {
			t.Fatal(err)
		}
		runs, err := m.Map(msg, Input{Received: received})
		if c.code == "" {
			if err != nil || !bytes.Contains(runs[0].Events[0].Body, []byte(`"namespace":"great_expectations://d","name":"a"`)) {
				t.Errorf("unmapped %q: %v", c.unmapped, err)
			}
			continue
		}
		if fault, ok := err.(*Error); !ok || fault.Code != c.code || fault.Part != "[0]" { //nolint:errorlint // its type is the contract
			t.Errorf("unmapped %q: %v, want code %s at [0]", c.unmapped, err, c.code)
		}
	}
}
