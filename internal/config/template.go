package config

import (
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/google/uuid"

	"github.com/gx-ol/gx-ol/internal/nearest"
	"github.com/gx-ol/gx-ol/mapper/naming"
)

// The fields that templates see: of a job's name, and of a dataset's.
var (
	jobTemplate     = []string{"Checkpoint", "Suite", "Datasource", "Asset", "Batch", "RunName", "Topic"}
	datasetTemplate = []string{"Database", "Schema", "Table", "Asset", "Path", "Datasource"}
)

// template checks a template where it stands: its syntax, and that it speaks of fields that there are.
func (l *loader) template(place, path string, t text, fields []string) {
	compiled, err := template.New(path).Funcs(naming.Functions).Parse(t.value)
	there := "the fields are ." + strings.Join(fields, ", .") + ", the functions upper and lower"
	switch {
	case err != nil && t.hidden:
		l.fault(place, "%s is no template: %s", path, there)
	case err != nil:
		l.fault(place, "%s is no template: %s (%s)", path, strings.TrimSpace(templatePlace.ReplaceAllString(err.Error(), "")), there)
	case compiled.Tree != nil:
		for _, name := range fieldsOf(compiled.Root) {
			if slices.Contains(fields, name) {
				continue
			}
			if t.hidden {
				l.fault(place, "%s names a field that there is not: %s", path, there)
				continue
			}
			near := nearest.Name(name, fields)
			if near != "" {
				near = ": did you mean ." + near + "?"
			}
			l.fault(place, "%s: there is no field .%s%s (%s)", path, name, near, there)
		}
	}
}

// templatePlace is how the language names its own place, which is the key's.
var templatePlace = regexp.MustCompile(`^template: [^ ]*:\d+(:\d+)?: `)

// fieldsOf are the fields that a template names, below ifs and in arguments too. Within range and with, a dot is something else.
func fieldsOf(n parse.Node) (out []string) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, c := range n.Nodes {
				out = append(out, fieldsOf(c)...)
			}
		}
	case *parse.ActionNode:
		return fieldsOf(n.Pipe)
	case *parse.IfNode:
		return slices.Concat(fieldsOf(n.Pipe), fieldsOf(n.List), fieldsOf(n.ElseList))
	case *parse.WithNode:
		return slices.Concat(fieldsOf(n.Pipe), fieldsOf(n.ElseList))
	case *parse.RangeNode:
		return fieldsOf(n.Pipe)
	case *parse.PipeNode:
		if n != nil {
			for _, c := range n.Cmds {
				for _, arg := range c.Args {
					out = append(out, fieldsOf(arg)...)
				}
			}
		}
	case *parse.FieldNode:
		return n.Ident[:1]
	case *parse.ChainNode:
		return fieldsOf(n.Node)
	}
	return out
}

// parentID checks namespace/name/runId. A namespace may hold slashes.
func parentID(id string) bool {
	parts := strings.Split(id, "/")
	if len(parts) < 3 || slices.Contains(parts[len(parts)-2:], "") || strings.Join(parts[:len(parts)-2], "/") == "" {
		return false
	}
	_, err := uuid.Parse(parts[len(parts)-1])
	return err == nil
}

// checkParents refuses ids that no event could name. Those of OPENLINEAGE_* are for whoever started this process, so a wrong one is only told.
func (l *loader) checkParents() {
	for _, path := range []string{"parent.id", "parent.root_id"} {
		id := l.known[path].at(l.cfg).(*string)
		switch place := l.place(path); {
		case *id == "" || parentID(*id):
		case strings.HasPrefix(place, "OPENLINEAGE_"):
			l.warn("%s has no effect: it must be namespace/name/runId, the last a UUID", place)
			*id = ""
		default:
			l.fault(place, "%s must be namespace/name/runId, the last a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057", path)
		}
	}
}
