package cases

import (
	"errors"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/internal/config"
)

// layers reads a configuration: a file, the mapping itself, or a list of these, of which the later wins.
func (r *reader) layers(n *yaml.Node) (out []config.Layer) {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			out = append(out, r.layers(resolved(item))...)
		}
	case yaml.MappingNode:
		out = append(out, config.Layer{Name: r.name, Node: n})
	default:
		path := r.beside(n.Value)
		if data, ok := r.content(path, n); ok {
			out = append(out, config.Layer{Name: path, Data: data})
		}
	}
	return out
}

// beside is a path as the file of cases means it: from where it lies.
func (r *reader) beside(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(r.name), path)
}

func (r *reader) content(path string, n *yaml.Node) ([]byte, bool) {
	data, err := r.read(path)
	if err != nil {
		if inner := errors.Unwrap(err); inner != nil {
			err = inner
		}
		r.fault(n, "%s cannot be read: %v", path, err)
	}
	return data, err == nil
}

// input is the bytes of a message: of a file, a text that is JSON, or YAML that means it. null is a tombstone.
func (r *reader) input(n *yaml.Node) []byte {
	if n.Kind == yaml.ScalarNode {
		switch text := strings.TrimSpace(n.Value); {
		case n.Tag == "!!null" && text != "":
			return nil
		case text == "":
			r.fault(n, "input must name a file, or be the message itself")
			return nil
		case strings.ContainsAny(text[:1], `{["`) || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
			return []byte(n.Value)
		}
		data, _ := r.content(r.beside(n.Value), n)
		return data
	}
	w := &jsonWriter{left: mostNodes}
	w.value(n)
	if w.left <= 0 {
		r.fault(n, "input is larger than %d values: put it into a file", mostNodes)
	}
	return w.out.Bytes()
}
