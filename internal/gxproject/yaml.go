package gxproject

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/internal/yamlfault"
)

// maxVisits bounds how many keys are looked at. Aliases make a small file a large tree; no honest project comes near.
const maxVisits = 5_000_000

// maxMergeDepth bounds merge keys that merge themselves.
const maxMergeDepth = 8

// doc walks one YAML file without expanding it: aliases are followed where somebody looks, and counted.
type doc struct {
	file   string
	budget int
	err    error // sticky: the budget is spent
}

// pair is one key of a mapping, or one member of a list that names itself.
type pair struct {
	key   string
	value *yaml.Node
}

// load reads the one document of a file; nil: it is empty.
func (d *doc) load(data []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var top yaml.Node
	switch err := dec.Decode(&top); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		line, _, message := yamlfault.Of(data, err)
		return nil, fmt.Errorf("%s:%d: not valid YAML: %s", d.file, line, message)
	}
	if len(top.Content) == 0 || isNull(top.Content[0]) {
		return nil, nil
	}
	if n := top.Content[0]; n.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: not a mapping of keys and values", d.file, n.Line)
	}
	return top.Content[0], nil
}

func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// follow gives the node that an alias stands for.
func follow(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// visit counts one key; false: no more may be looked at.
func (d *doc) visit(n *yaml.Node) bool {
	if d.budget--; d.budget >= 0 {
		return true
	}
	if d.err == nil {
		d.err = fmt.Errorf("%s:%d: more than %d keys: its aliases expand too far", d.file, n.Line, maxVisits)
	}
	return false
}

// pairs are the keys of a mapping in their order, those of merge keys first so that its own ones win.
func (d *doc) pairs(n *yaml.Node) []pair { return d.merged(n, 0) }

func (d *doc) merged(n *yaml.Node, depth int) []pair {
	n = follow(n)
	if n == nil || n.Kind != yaml.MappingNode || depth > maxMergeDepth {
		return nil
	}
	var below, own []pair
	for i := 0; i+1 < len(n.Content) && d.visit(n); i += 2 {
		key, value := n.Content[i], follow(n.Content[i+1])
		switch {
		case key.Kind == yaml.ScalarNode && key.Tag == "!!merge" && value.Kind == yaml.SequenceNode:
			for j := len(value.Content) - 1; j >= 0; j-- {
				below = append(below, d.merged(value.Content[j], depth+1)...)
			}
		case key.Kind == yaml.ScalarNode && key.Tag == "!!merge":
			below = append(below, d.merged(value, depth+1)...)
		case key.Kind == yaml.ScalarNode:
			own = append(own, pair{key.Value, value})
		}
	}
	return append(below, own...)
}

// named are the pairs of a mapping, or the members of a list that hold their own name.
func (d *doc) named(n *yaml.Node) []pair {
	if n = follow(n); n == nil || n.Kind != yaml.SequenceNode {
		return d.pairs(n)
	}
	var out []pair
	for _, item := range n.Content {
		if !d.visit(n) {
			break
		}
		if name := scalar(d.get(item, "name")); name != "" {
			out = append(out, pair{name, follow(item)})
		}
	}
	return out
}

// get is the value of a key; nil where it is absent or null.
func (d *doc) get(n *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		var found *yaml.Node
		for _, p := range d.pairs(n) {
			if p.key == key {
				found = p.value
			}
		}
		if isNull(found) {
			return nil
		}
		n = found
	}
	return n
}

// scalar is a plain value as it is written; empty for anything else.
func scalar(n *yaml.Node) string {
	if n = follow(n); n == nil || n.Kind != yaml.ScalarNode || isNull(n) {
		return ""
	}
	return n.Value
}
