package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/gx-ol/gx-ol/internal/lineage"
)

// colours are those of the qualities; a word stands beside each in the label.
var colours = map[lineage.Quality]string{lineage.Failed: "#f8b4ab", lineage.Warned: "#fbe1a1", lineage.Stale: "#d8d4ea", lineage.Passed: "#b9e3c1", lineage.NeverChecked: "#eeeeee"}

// printDot prints a picture for Graphviz.
func printDot(w io.Writer, p *lineage.Picture) {
	say(w, "digraph lineage {\n  rankdir=LR;\n  node [fontname=\"Helvetica\", fontsize=11];\n")
	ids := numbered(p)
	for _, n := range p.Nodes {
		if n.Kind == lineage.JobNode {
			say(w, "  %s [shape=box, label=%s, tooltip=%s];\n", ids[n.ID], dotText(n.Name), dotText(n.Namespace))
			continue
		}
		say(w, "  %s [shape=ellipse, style=filled, fillcolor=\"%s\", label=%s, tooltip=%s];\n", ids[n.ID], colours[n.Quality], dotText(n.Name+"\n"+string(n.Quality)), dotText(n.Namespace))
	}
	for _, e := range p.Edges {
		style := ""
		if e.Suspect {
			style = " [color=\"#c0392b\", penwidth=2]"
		}
		say(w, "  %s -> %s%s;\n", ids[e.From], ids[e.To], style)
	}
	say(w, "}\n")
}

// dotText is a quoted text of Graphviz.
func dotText(s string) string {
	head, quality, two := strings.Cut(s, "\n")
	text := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(visible(head))
	if two {
		text += `\n` + quality
	}
	return `"` + text + `"`
}

// printMermaid prints a picture for Mermaid, which Markdown of GitHub and GitLab shows.
func printMermaid(w io.Writer, p *lineage.Picture) {
	say(w, "flowchart LR\n")
	ids := numbered(p)
	for _, n := range p.Nodes {
		if n.Kind == lineage.JobNode {
			say(w, "  %s[\"%s\"]\n", ids[n.ID], mermaidText(n.Name))
			continue
		}
		say(w, "  %s([\"%s<br/>%s\"]):::%s\n", ids[n.ID], mermaidText(n.Name), n.Quality, mermaidClass(n.Quality))
	}
	var suspect []string
	for i, e := range p.Edges {
		say(w, "  %s --> %s\n", ids[e.From], ids[e.To])
		if e.Suspect {
			suspect = append(suspect, fmt.Sprint(i))
		}
	}
	if len(suspect) > 0 {
		say(w, "  linkStyle %s stroke:#c0392b,stroke-width:2px\n", strings.Join(suspect, ","))
	}
	for _, q := range []lineage.Quality{lineage.Failed, lineage.Warned, lineage.Stale, lineage.Passed, lineage.NeverChecked} {
		say(w, "  classDef %s fill:%s,stroke:#555,color:#111\n", mermaidClass(q), colours[q])
	}
}

func mermaidClass(q lineage.Quality) string { return strings.ReplaceAll(string(q), " ", "_") }

// mermaidText is a text inside Mermaid's quotes; what it would read as its own or as HTML is written as a character's number.
func mermaidText(s string) string {
	var b strings.Builder
	for _, r := range visible(s) {
		if strings.ContainsRune("\"#;<>&`\\[](){}|", r) {
			b.WriteString("#" + strconv.Itoa(int(r)) + ";")
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// numbered gives each node a name that every renderer takes.
func numbered(p *lineage.Picture) map[string]string {
	ids := make(map[string]string, len(p.Nodes))
	for i, n := range p.Nodes {
		ids[n.ID] = fmt.Sprintf("n%d", i)
	}
	return ids
}
