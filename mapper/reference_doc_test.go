package mapper

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

const referenceDoc = "../docs/reference-action.md"

// checkReferenceDoc compares the page with what the pairs showed.
func checkReferenceDoc(t *testing.T, results []compared, used map[*rule]int) {
	t.Helper()
	raw, err := os.ReadFile(referenceDoc)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	replace := func(part, text string) {
		from, to := "<!-- "+part+": written by go test ./mapper -update -->\n", "<!-- end -->"
		before, rest, ok := strings.Cut(doc, from)
		_, after, closed := strings.Cut(rest, to)
		if !ok || !closed {
			t.Fatalf("%s has no part %s", referenceDoc, part)
		}
		doc = before + from + text + to + after
	}
	replace("equal", equalTable(results))
	replace("rules", ruleTable(used))
	replace("pairs", pairTable(results))
	if *update && !t.Failed() {
		if err := os.WriteFile(referenceDoc, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if doc != string(raw) {
		t.Errorf("%s is not what the pairs show; -update writes it anew", referenceDoc)
	}
	for i := range rules {
		if !strings.Contains(doc, rules[i].why) {
			t.Errorf("%s does not say why of %s", referenceDoc, rules[i].name)
		}
	}
}

func equalTable(results []compared) string {
	equal, other := map[string]bool{}, map[string]bool{}
	for _, c := range results {
		maps.Copy(equal, c.equalPaths)
		maps.Copy(other, c.otherPaths)
	}
	var b strings.Builder
	b.WriteString("| field | equal |\n|---|---|\n")
	for _, p := range slices.Sorted(maps.Keys(equal)) {
		when := "always"
		if other[p] {
			when = "except below"
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", p, when)
	}
	return b.String()
}

func ruleTable(used map[*rule]int) string {
	var b strings.Builder
	b.WriteString("| what | field | values | verdict | why |\n|---|---|---|---|---|\n")
	for i := range rules {
		r := &rules[i]
		fmt.Fprintf(&b, "| %s | `%s` | %d | %s | %s |\n", r.name, strings.Join(r.paths, "`, `"), used[r], r.kind, r.why)
	}
	return b.String()
}

func pairTable(results []compared) string {
	var b strings.Builder
	b.WriteString("| pair | values | equal | ours is right | never leaves | in neither message nor project |\n|---|---|---|---|---|---|\n")
	for _, c := range results {
		cells := map[string][]string{}
		for i := range rules {
			if r := &rules[i]; c.byRule[r] > 0 {
				cells[r.kind] = append(cells[r.kind], fmt.Sprintf("%s %d", r.name, c.byRule[r]))
			}
		}
		fmt.Fprintf(&b, "| `%s` | %d | %d | %s | %s | %s |\n", c.pair, c.leaves, c.equal,
			strings.Join(cells[differs], ", "), strings.Join(cells[forbidden], ", "), strings.Join(cells[unknown], ", "))
	}
	return b.String()
}
