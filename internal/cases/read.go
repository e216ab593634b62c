package cases

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/nearest"
	"github.com/gx-ol/gx-ol/internal/yamlfault"
)

// Read reads a file of cases. The error is *config.Errors and holds all faults, with line, column and the nearest right key.
func Read(path string) ([]Case, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		why := fmt.Sprintf("cannot be read: %v", errors.Unwrap(err))
		if errors.Is(err, syscall.EISDIR) {
			why = "is a folder: name the files of cases in it"
		}
		return nil, &config.Errors{Faults: []config.Fault{{Place: path, Message: why}}}
	}
	return Parse(path, data, os.ReadFile)
}

// Parse reads the text of a file of cases; read reads the files that it names, which lie beside it.
func Parse(name string, data []byte, read func(path string) ([]byte, error)) ([]Case, error) {
	r := &reader{name: name, read: read, left: mostNodes}
	cases := r.file(data)
	if len(r.faults) > 0 {
		return nil, &config.Errors{Faults: r.faults}
	}
	return cases, nil
}

// reader collects faults.
type reader struct {
	name   string
	read   func(string) ([]byte, error)
	faults []config.Fault
	left   int // how many values of patterns are still read
}

func (r *reader) at(n *yaml.Node) string { return fmt.Sprintf("%s:%d:%d", r.name, n.Line, n.Column) }

func (r *reader) fault(n *yaml.Node, format string, args ...any) {
	r.faults = append(r.faults, config.Fault{Place: r.at(n), Message: fmt.Sprintf(format, args...)})
}

// entry is a key that a mapping may have, and who takes its value.
type entry struct {
	key  string
	take func(value *yaml.Node)
}

// mapping hands the values of a mapping to their entries. A key that is there twice or that nobody takes is a fault.
func (r *reader) mapping(what string, n *yaml.Node, entries ...entry) {
	r.pairs(what, n, func(key, value *yaml.Node) {
		i := slices.IndexFunc(entries, func(e entry) bool { return e.key == key.Value })
		if i >= 0 {
			entries[i].take(value)
			return
		}
		var right []string
		for _, e := range entries {
			right = append(right, e.key)
		}
		if near := nearest.Name(key.Value, right); near != "" {
			r.fault(key, "unknown key %q: did you mean %q?", key.Value, near)
			return
		}
		r.fault(key, "unknown key %q: %s has %s", key.Value, what, strings.Join(right, ", "))
	})
}

func (r *reader) pairs(what string, n *yaml.Node, visit func(key, value *yaml.Node)) {
	n = resolved(n)
	if n.Kind != yaml.MappingNode {
		r.fault(n, "%s must be a mapping of keys and values", what)
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" {
			r.fault(key, "a key must be plain text (merge keys are not supported)")
			continue
		}
		if line, twice := seen[key.Value]; twice {
			r.fault(key, "key %q is there twice: first in line %d", key.Value, line)
			continue
		}
		seen[key.Value] = key.Line
		visit(key, resolved(n.Content[i+1]))
	}
}

func resolved(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (r *reader) items(what string, n *yaml.Node, visit func(item *yaml.Node)) {
	if n.Kind != yaml.SequenceNode {
		r.fault(n, "%s must be a list", what)
		return
	}
	for _, item := range n.Content {
		visit(resolved(item))
	}
}

func (r *reader) file(data []byte) []Case {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		r.syntax(data, err)
		return nil
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		r.faults = append(r.faults, config.Fault{Place: r.name, Message: "holds more than one YAML document: keep one"})
		return nil
	}
	if len(doc.Content) == 0 {
		r.faults = append(r.faults, config.Fault{Place: r.name, Message: "holds no cases"})
		return nil
	}
	all := Case{File: r.name}
	var list *yaml.Node
	r.mapping("a file of cases", doc.Content[0],
		entry{"config", func(n *yaml.Node) { all.Layers = r.layers(n) }},
		entry{"env", func(n *yaml.Node) { all.Env = r.texts("env", n) }},
		entry{"topic", func(n *yaml.Node) { all.Topic = r.text("topic", n) }},
		entry{"received", func(n *yaml.Node) { all.Received = r.time(n) }},
		entry{"cases", func(n *yaml.Node) { list = n }})
	if list == nil {
		if len(r.faults) == 0 {
			r.fault(doc.Content[0], "a file of cases needs the key \"cases\"")
		}
		return nil
	}
	var cases []Case
	names := map[string]int{}
	r.items("cases", list, func(n *yaml.Node) {
		c := r.one(all, n)
		if line, twice := names[c.Name]; twice && c.Name != "" {
			r.fault(n, "a case is called %q already: in line %d", c.Name, line)
		}
		if names[c.Name] = n.Line; c.Name == "" {
			c.Name = "case " + strconv.Itoa(len(cases)+1)
		}
		cases = append(cases, c)
	})
	if len(cases) == 0 && len(r.faults) == 0 {
		r.fault(list, "holds no cases")
	}
	return cases
}

// syntax tells the parser's fault.
func (r *reader) syntax(data []byte, err error) {
	line, column, message := yamlfault.Of(data, err)
	r.faults = append(r.faults, config.Fault{Place: fmt.Sprintf("%s:%d:%d", r.name, line, column), Message: "not valid YAML: " + message})
}

// one reads a case over what all have alike.
func (r *reader) one(c Case, n *yaml.Node) Case {
	c.Line = n.Line
	var input, expect *yaml.Node
	before := len(r.faults)
	r.mapping("a case", n,
		entry{"name", func(n *yaml.Node) { c.Name = r.text("name", n) }},
		entry{"input", func(n *yaml.Node) { input = n }},
		entry{"config", func(n *yaml.Node) { c.Layers, c.Own = slices.Concat(c.Layers, r.layers(n)), true }},
		entry{"env", func(n *yaml.Node) { c.Env, c.Own = merged(c.Env, r.texts("env", n)), true }},
		entry{"headers", func(n *yaml.Node) { c.Headers = r.texts("headers", n) }},
		entry{"topic", func(n *yaml.Node) { c.Topic = r.text("topic", n) }},
		entry{"received", func(n *yaml.Node) { c.Received = r.time(n) }},
		entry{"expect", func(n *yaml.Node) { expect = n }})
	switch {
	case input != nil:
		c.Value = r.input(input)
	case len(r.faults) == before:
		r.fault(n, "a case needs an input: a file, or the message itself")
	}
	switch {
	case expect != nil:
		c.Expect = r.expectation(expect)
	case len(r.faults) == before:
		r.fault(n, "a case needs the key \"expect\"")
	}
	return c
}

func merged(under, over map[string]string) map[string]string {
	out := map[string]string{}
	for _, m := range []map[string]string{under, over} {
		for k, v := range m {
			out[k] = v
		}
	}
	return out
}

func (r *reader) text(what string, n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		r.fault(n, "%s must be a single value", what)
	}
	return n.Value
}

func (r *reader) texts(what string, n *yaml.Node) map[string]string {
	out := map[string]string{}
	r.pairs(what, n, func(key, value *yaml.Node) { out[key.Value] = r.text(what+"."+key.Value, value) })
	return out
}

func (r *reader) time(n *yaml.Node) time.Time {
	t, err := time.Parse(time.RFC3339, n.Value)
	if err != nil {
		r.fault(n, "received must be an RFC 3339 time such as 2026-01-01T00:00:00Z")
	}
	return t
}
