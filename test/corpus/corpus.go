// Package corpustest gives tests real results of Great Expectations releases, with marks where values lie that may not leave: every
// text cell of the tables holds ROWVALUE, members of sets, regexes and queries hold PARAMVALUE, the password is SECRETPW-7x. So a
// leak shows by a mark in what leaves. testdata/README.md says what is there and how it was chosen.
package corpustest

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

const (
	// Env names the variable with the folder of another corpus of this layout (train, reference). It wins over all.
	Env = "GX_OL_CORPUS"
	// SpecEnv names the variable with the folder of the official OpenLineage schemas (OpenLineage.json, facets).
	SpecEnv = "GX_OL_OPENLINEAGE_SPEC"
)

var (
	// marked finds what may not leave unless it is asked for.
	marked = regexp.MustCompile(`ROWVALUE|PARAMVALUE|SECRETPW`)
	// human is what people wrote about a check or a run, which goes with it by intent; the corpus marks it too.
	human = regexp.MustCompile(`"(description|run_name)":"(PARAMVALUE|[^"R]|R[^O])*"`)
	// secret may stand nowhere, in human text neither; names are lower-cased on their way.
	secret = regexp.MustCompile(`(?i)ROWVALUE|SECRETPW`)
)

// Leak is the mark that left in an event, with what stands around it; empty when none did.
func Leak(event []byte) string {
	if at := secret.FindIndex(event); at != nil {
		return around(event, at)
	}
	rest := human.ReplaceAll(event, nil)
	if at := marked.FindIndex(rest); at != nil {
		return around(rest, at)
	}
	return ""
}

// LeakInText is the mark in a text that nobody wrote with intent: an error, a log line, a key.
func LeakInText(text string) string { return marked.FindString(text) }

func around(b []byte, at []int) string {
	return "…" + string(b[max(0, at[0]-80):min(len(b), at[1]+20)]) + "…"
}

// Train is the folder of the results, with INDEX.ndjson. It is the whole corpus where that lies beside the repository or Env names
// it, else the part of it that is bundled.
func Train() string { return filepath.Join(folder(), "train") }

// Reference is the folder of the pairs: a result and what OpenLineage's own action emitted for it.
func Reference() string { return filepath.Join(folder(), "reference") }

// Bundled reports whether the corpus is the bundled part: numbers of the whole hold for the whole only.
func Bundled() bool { return filepath.Clean(folder()) == bundled() }

// Spec is the folder of the official schemas; empty when they are not here.
func Spec() string {
	dir := os.Getenv(SpecEnv)
	if dir == "" {
		dir = filepath.Join("..", "shared", "openlineage-spec")
	}
	dir = fromRoot(dir)
	if _, err := os.Stat(filepath.Join(dir, "OpenLineage.json")); err != nil && os.Getenv(SpecEnv) == "" { //nolint:gosec // whoever runs the tests names the folder
		return ""
	}
	return dir // one that a variable names wrongly is to fail, not to be left out
}

// Index is the corpus: one T of each line of its index, which has more members than any test needs.
func Index[T any](t testing.TB) (lines []T) {
	t.Helper()
	f, err := os.Open(filepath.Join(Train(), "INDEX.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // read only
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		var line T
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if s.Err() != nil || len(lines) == 0 {
		t.Fatalf("%d lines in the index of the corpus, %v", len(lines), s.Err())
	}
	return lines
}

func folder() string {
	if dir := os.Getenv(Env); dir != "" {
		return fromRoot(dir)
	}
	beside := fromRoot(filepath.Join("..", "shared", "corpus"))
	if _, err := os.Stat(filepath.Join(beside, "train", "INDEX.ndjson")); err == nil {
		return beside
	}
	return bundled()
}

func bundled() string { return fromRoot(filepath.Join("test", "corpus", "testdata")) }

// fromRoot is a path below the folder of go.mod: tests run in the folders of their packages.
func fromRoot(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	dir, err := os.Getwd()
	for ; err == nil; dir = filepath.Dir(dir) {
		if _, absent := os.Stat(filepath.Join(dir, "go.mod")); absent == nil {
			return filepath.Join(dir, path)
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return path
}
