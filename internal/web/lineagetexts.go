package web

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/seen"
)

// Mark is the class and shape of a quality.
func (n graphNode) Mark() string { return qualityMark(n.Quality) }

// qualityMark is the mark of a quality, among those of outcomes.
func qualityMark(q lineage.Quality) string {
	switch q {
	case lineage.Failed, lineage.Warned, lineage.Passed, lineage.Stale:
		return string(q)
	}
	return "none"
}

// numbers writes them for an attribute.
func numbers(all []int) string {
	text := make([]string, len(all))
	for i, n := range all {
		text[i] = strconv.Itoa(n)
	}
	return strings.Join(text, " ")
}

// checksText says what a dataset's checks say: the failed ones.
func checksText(checks []*lineage.Check) string {
	if len(checks) == 0 {
		return ""
	}
	passed, failed := 0, 0
	var which []string
	for _, c := range checks {
		passed += c.Passed
		failed += len(c.Failed)
		for _, a := range c.Failed {
			which = append(which, assertionText(a))
		}
	}
	text := plural(passed, "assertion holds", "assertions hold")
	if failed == 0 {
		return text
	}
	text = plural(failed, "fails", "fail") + ": " + strings.Join(which[:min(3, len(which))], ", ")
	if len(which) > 3 {
		text += " …"
	}
	return text
}

func assertionText(a lineage.Assertion) string {
	text := cut(120, a.Type)
	if a.Column != "" {
		text += "(" + cut(80, a.Column) + ")"
	}
	return text
}

// lineageURL is where a dataset's lineage is shown, with a question about it or none.
func lineageURL(d lineage.Dataset, ask string) string {
	q := make(url.Values)
	switch {
	case len(d.Namespace)+len(d.Name) > mostName: // no server takes such a URL: the name's beginning finds it, or those that begin like it
		q.Set("dataset", strings.ToValidUTF8(d.Name[:min(len(d.Name), mostFilter)], ""))
	case d.Name != "":
		q.Set("namespace", d.Namespace)
		q.Set("name", d.Name)
	}
	if ask != "" {
		q.Set("ask", ask)
	}
	return "/lineage?" + q.Encode()
}

// URL is that of the same dataset with a question.
func (v lineageView) URL(ask string) string {
	if !v.Found {
		return lineageURL(lineage.Dataset{}, ask)
	}
	return lineageURL(v.Dataset, ask)
}

// Deeper is the URL of a wider neighbourhood; empty: there is none.
func (v lineageView) Deeper(by int) string {
	n := v.Depth + by
	if n < 1 || n > mostDepth {
		return ""
	}
	return lineageURL(v.Dataset, "") + "&depth=" + strconv.Itoa(n)
}

// seenLineage is where the lineage of a dataset that was seen is shown.
func seenLineage(d seen.Dataset) string {
	return lineageURL(lineage.Dataset{Namespace: d.Namespace, Name: d.Name}, "")
}

// percent is a share of the whole.
func percent(part, of int) int { return 100 * part / max(of, 1) }
