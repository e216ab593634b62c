package corpustest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// places are where values were seen in real results, with the mark that must occur there: a corpus without one of them would let a
// leak from it pass.
var places = map[string]string{
	"partial lists":                `"partial_unexpected_list": ?\[[^\]]*ROWVALUE`,
	"whole lists":                  `"unexpected_list": ?\[[^\]]*ROWVALUE`,
	"counts of values":             `"partial_unexpected_counts": ?\[[^\]]*ROWVALUE`,
	"rows":                         `"unexpected_rows": ?[^\]]*ROWVALUE`,
	"rows by index":                `"unexpected_index_list": ?\[[^\]]*ROWVALUE`,
	"index queries":                `"unexpected_index_query": ?"[^"]*PARAMVALUE`,
	"observed values":              `"observed_value": ?[^,}]*ROWVALUE`,
	"details":                      `"details": ?\{[^}]*ROWVALUE`,
	"members of sets":              `"value_set": ?\[[^\]]*(PARAMVALUE|ROWVALUE)`,
	"regexes":                      `"regex": ?"[^"]*(PARAMVALUE|ROWVALUE)`,
	"SQL patterns":                 `"like_pattern": ?"[^"]*(PARAMVALUE|ROWVALUE)`,
	"row conditions":               `"row_condition": ?("|\{)[^}]*(PARAMVALUE|ROWVALUE)`,
	"queries of batches":           `"query": ?"[^"]*PARAMVALUE`,
	"queries of rules":             `"unexpected_rows_query": ?"[^"]*(PARAMVALUE|ROWVALUE)`,
	"queries compared":             `"comparison_query": ?"(\\.|[^"\\])*PARAMVALUE`,
	"exceptions":                   `"exception_message": ?"[^"]*(PARAMVALUE|ROWVALUE)`,
	"tracebacks":                   `"exception_traceback": ?"(\\.|[^"\\])*(PARAMVALUE|ROWVALUE)`,
	"keys of exceptions":           `"exception_info": ?\{"[^"]*(PARAMVALUE|ROWVALUE)`,
	"parameters of a suite":        `"(evaluation|suite)_parameters": ?\{[^}]*(PARAMVALUE|ROWVALUE)`,
	"notes":                        `"notes": ?[^}]*PARAMVALUE`,
	"batch identifiers":            `"batch_identifiers": ?\{[^}]*ROWVALUE`,
	"credentials of a connection":  `"con": ?"[^"]*SECRETPW`,
	"rendered content":             `"(template|value)": ?[^}]*(PARAMVALUE|ROWVALUE)`,
	"values in a string of a JSON": `\\"[a-z_]*unexpected[a-z_]*\\": ?[^\]]*ROWVALUE`,
}

// line is what this test reads of the index.
type line struct {
	File, Shape, Source string
	GXVersion           string `json:"gx_version"`
	Project             string
}

func TestTheBundledCorpusHasEveryMarkShapeAndRelease(t *testing.T) {
	t.Setenv(Env, bundled())
	var all strings.Builder
	seen := make(map[string]bool)
	for _, l := range Index[line](t) {
		seen[l.GXVersion], seen["shape "+l.Shape] = true, true
		raw, err := os.ReadFile(filepath.Join(Train(), l.File))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(raw)
		all.WriteByte('\n')
		if l.Project == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(Train(), l.Project)); err != nil {
			t.Error(err)
		}
	}
	for _, want := range strings.Fields("0.13.49 0.15.34 0.15.50 0.17.23 0.18.22 1.0.4 1.3.14 1.9.3 1.24.1") {
		if !seen[want] {
			t.Errorf("no message of GX %s", want)
		}
	}
	for _, shape := range "ABCDEFGHIJK" {
		if !seen["shape "+string(shape)] {
			t.Errorf("no message of shape %c", shape)
		}
	}
	for place, pattern := range places {
		if !regexp.MustCompile(pattern).MatchString(all.String()) {
			t.Errorf("no mark in %s (%s)", place, pattern)
		}
	}
}

// A finder of leaks that finds none would keep every privacy test green.
func TestLeaksAreFoundAndHumanTextIsNone(t *testing.T) {
	for event, want := range map[string]bool{
		`{"actual":"ROWVALUE-1"}`:                      true,
		`{"name":"rowvalue-1"}`:                        true,
		`{"expected":"PARAMVALUE-1"}`:                  true,
		`{"namespace":"postgres://a:secretpw-7x@h"}`:   true,
		`{"description":"ids of PARAMVALUE"}`:          false,
		`{"description":"ids of ROWVALUE"}`:            true,
		`{"run_name":"nightly PARAMVALUE"}`:            false,
		`{"description":"a","content":"PARAMVALUE-1"}`: true,
		`{"actual":"3 of 9 unexpected"}`:               false,
	} {
		if got := Leak([]byte(event)); (got != "") != want {
			t.Errorf("%s: found %q, want a leak: %v", event, got, want)
		}
	}
	if LeakInText("ids of PARAMVALUE") == "" || LeakInText("no value") != "" {
		t.Error("a mark in a text is not found, or found where there is none")
	}
}

func TestAFolderThatAVariableNamesIsNotLeftOut(t *testing.T) {
	t.Setenv(SpecEnv, filepath.Join(t.TempDir(), "absent"))
	if Spec() == "" {
		t.Error("a wrong folder counts as none")
	}
}
