package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/internal/nearest"
)

// OpenLineage's own clients are configured by openlineage.yml and by variables that begin with OPENLINEAGE__. What these say counts where gx-ol's own file,
// variables and flags say nothing: of the transport, all or nothing, since a key is for the address that stands beside it.

// nestedPrefix begins the variables whose names are paths: OPENLINEAGE__TRANSPORT__URL.
const nestedPrefix = "OPENLINEAGE__"

// ownTransport are the keys by which gx-ol's own configuration names a destination.
var ownTransport = []string{"transport.type", "transport.url", "transport.transports", "transport.topic", "transport.log_file_path"}

// openLineageClient takes what OpenLineage's clients would take. needed: the command wants a destination, so a fault of the file is one of ours.
func (l *loader) openLineageClient(needed bool) {
	tree, named := l.openLineageTree()
	if tree == nil {
		return
	}
	before, name := len(l.faults), l.name
	if l.cfg.OpenLineageSource != "" {
		l.name = l.cfg.OpenLineageSource
	}
	l.guest, l.layer = true, map[string]string{}
	l.pairs("", tree, func(key, value *yaml.Node) { l.openLineageSection(key, value) })
	l.guest, l.name, l.layer = false, name, map[string]string{}
	if len(l.faults) > before {
		l.breaks("transport")
	}
	if needed || named {
		return
	}
	for _, f := range l.faults[before:] { // a file that others look for is not this command's matter
		l.warn("%s: %s", f.Place, f.Message)
	}
	l.faults = l.faults[:before]
}

// openLineageSection takes one section of openlineage.yml.
func (l *loader) openLineageSection(key, value *yaml.Node) {
	switch key.Value {
	case "transport":
		for _, path := range ownTransport {
			if place, set := l.places[path]; set {
				l.cfg.Notes = append(l.cfg.Notes, fmt.Sprintf("%s: transport is not used: %s names a destination", l.at(key), place))
				return
			}
		}
		if !isNull(value) {
			l.cfg.Notes = append(l.cfg.Notes, fmt.Sprintf("%s: transport is used: nothing of gx-ol's own names a destination", l.at(key)))
			l.mapping("transport.", value)
		}
	case "tags":
		l.pairs("tags", value, func(of, tags *yaml.Node) {
			switch of.Value {
			case "job", "run":
				l.leaf(l.known[of.Value+".tags"], of, tags)
			default:
				l.warn("%s: tags.%s has no effect: job and run have tags", l.at(of), shownName(of.Value))
			}
		})
	case "facets":
		l.warn("%s: facets has no effect: events tell of the checkpoint, whose environment gx-ol does not see; job.source_code says where its code is", l.at(key))
	case "job", "jobs", "run":
		l.javaTags(strings.TrimSuffix(key.Value, "s"), value)
	case "filters":
		l.warn("%s: filters has no effect: gx-ol sends the events of each result that it reads", l.at(key))
	case "dataset":
		l.warn("%s: dataset has no effect: datasources names datasets", l.at(key))
	default:
		meant := nearest.Name(key.Value, []string{"transport", "tags", "facets", "filters"})
		switch _, set := l.places["transport.type"]; {
		case meant == "transport" && !set:
			l.fault(l.at(key), "unknown key %q: did you mean %q?", shownName(key.Value), meant)
		case meant != "":
			l.warn("%s: %s has no effect on gx-ol: did you mean %s?", l.at(key), shownName(key.Value), meant)
		default:
			l.warn("%s: %s has no effect on gx-ol", l.at(key), shownName(key.Value))
		}
	}
}

// javaTags takes the Java client's way to write tags: a list of key:value, key:value:source, or a label, which is true.
func (l *loader) javaTags(of string, n *yaml.Node) {
	l.pairs(of, n, func(key, list *yaml.Node) {
		if key.Value != "tags" || list.Kind != yaml.SequenceNode {
			l.warn("%s: %s.%s has no effect on gx-ol", l.at(key), of, shownName(key.Value))
			return
		}
		tags := &yaml.Node{Kind: yaml.MappingNode, Line: list.Line, Column: list.Column}
		for _, item := range list.Content {
			parts := strings.SplitN(item.Value, ":", 3)
			if parts = append(parts, "true"); parts[0] == "" {
				l.warn("%s: a tag without a name has no effect", l.at(item))
				continue
			}
			for _, text := range parts[:2] {
				tags.Content = append(tags.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: strings.TrimSpace(text), Line: item.Line, Column: item.Column})
			}
		}
		l.leaf(l.known[of+".tags"], key, tags)
	})
}

// openLineageTree is the file's tree over that of the variables, as the Python client merges them. named: somebody pointed at it.
func (l *loader) openLineageTree() (tree *yaml.Node, named bool) {
	variables := l.nestedVariables()
	path, named := l.openLineageFile()
	if path == "" {
		return variables, variables != nil
	}
	l.cfg.OpenLineageSource = path
	data, err := os.ReadFile(path)
	if err != nil {
		l.warn("%s cannot be read: %v", path, errors.Unwrap(err))
		return variables, variables != nil
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		name := l.name
		l.name = path
		l.syntax(data, err)
		l.name = name
		return nil, named
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return variables, named || variables != nil
	}
	l.mergeKeys(doc.Content[0], map[*yaml.Node]bool{})
	return merged(variables, doc.Content[0]), named || variables != nil
}

// openLineageFile is the first that is there of the places where OpenLineage's clients look.
func (l *loader) openLineageFile() (path string, named bool) {
	is := func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && info.Mode().IsRegular() && info.Size() <= maxSecretFile
	}
	if path, _ := l.getenv("OPENLINEAGE_CONFIG"); path != "" {
		if is(path) {
			return path, true
		}
		l.warn("OPENLINEAGE_CONFIG names %s, which is no file that can be read", path)
	}
	if is("openlineage.yml") {
		return "openlineage.yml", false
	}
	if home, _ := l.getenv("HOME"); home != "" {
		if path := filepath.Join(home, ".openlineage", "openlineage.yml"); is(path) {
			return path, false
		}
	}
	return "", false
}

// merged is two trees in one, in which over wins.
func merged(under, over *yaml.Node) *yaml.Node {
	if under == nil || under.Kind != yaml.MappingNode || over.Kind != yaml.MappingNode {
		return over
	}
	out := *over
	out.Content = slices.Clone(over.Content)
	for i := 0; i+1 < len(under.Content); i += 2 {
		at := indexOf(&out, under.Content[i].Value)
		if at < 0 {
			out.Content = append(out.Content, under.Content[i], under.Content[i+1])
			continue
		}
		out.Content[at+1] = merged(under.Content[i+1], out.Content[at+1])
	}
	return &out
}

// indexOf is the place of a key in a mapping's content; -1 if there is none.
func indexOf(n *yaml.Node, key string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if plainKey(n.Content[i].Value) == plainKey(key) {
			return i
		}
	}
	return -1
}

// nestedVariables is the tree that variables stand for: names in lower case, values JSON or plain text. One that stands higher replaces what is below it. nil: there are none.
func (l *loader) nestedVariables() *yaml.Node {
	names := slices.Clone(l.names)
	sort.Sort(sort.Reverse(sort.StringSlice(names))) // longer before shorter, so that the shorter replaces
	var root *yaml.Node
	for _, name := range names {
		path, ok := strings.CutPrefix(name, nestedPrefix)
		value, set := l.getenv(name)
		if !ok || !set || path == "" {
			continue
		}
		if root == nil {
			root = l.variableNode(name, &yaml.Node{Kind: yaml.MappingNode})
		}
		l.plant(root, name, strings.Split(strings.ToLower(path), "__"), value)
	}
	l.aliasURL(root)
	return root
}

// plant puts a variable's value at its place in the tree.
func (l *loader) plant(at *yaml.Node, name string, path []string, value string) {
	for _, key := range path[:len(path)-1] {
		i := indexOf(at, key)
		if i < 0 {
			at.Content = append(at.Content, l.variableNode(name, &yaml.Node{Kind: yaml.ScalarNode, Value: key}), l.variableNode(name, &yaml.Node{Kind: yaml.MappingNode}))
			i = len(at.Content) - 2
		}
		if at = at.Content[i+1]; at.Kind != yaml.MappingNode {
			l.warn("%s has no effect: a variable whose name begins like it holds a plain value", name)
			return
		}
	}
	leaf := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Style: yaml.DoubleQuotedStyle}
	if json.Valid([]byte(value)) {
		var doc yaml.Node
		if yaml.Unmarshal([]byte(value), &doc) == nil && len(doc.Content) == 1 {
			leaf = doc.Content[0]
		}
	}
	leaf = l.variableNode(name, leaf)
	key := path[len(path)-1]
	if i := indexOf(at, key); i >= 0 {
		at.Content[i+1] = leaf
		return
	}
	at.Content = append(at.Content, l.variableNode(name, &yaml.Node{Kind: yaml.ScalarNode, Value: key}), leaf)
}

// variableNode notes for a node, and for all below it, that it came from a variable: that is its place, and its value is not shown.
func (l *loader) variableNode(name string, n *yaml.Node) *yaml.Node {
	l.origins[n] = name
	for _, below := range n.Content {
		l.variableNode(name, below)
	}
	return n
}

// aliasURL gives a composite of the variables the destination default_http that OPENLINEAGE_URL stands for, as the Python client does.
func (l *loader) aliasURL(root *yaml.Node) {
	address, _ := l.getenv("OPENLINEAGE_URL")
	if root == nil || address == "" {
		return
	}
	i := indexOf(root, "transport")
	if i < 0 || root.Content[i+1].Kind != yaml.MappingNode {
		return
	}
	transport := root.Content[i+1]
	kind := indexOf(transport, "type")
	if kind < 0 || transport.Content[kind+1].Value != "composite" {
		return
	}
	if all := indexOf(transport, "transports"); all >= 0 && indexOf(transport.Content[all+1], "default_http") >= 0 {
		return
	}
	put := func(key, value string) {
		if value != "" {
			l.plant(root, "OPENLINEAGE_URL", append([]string{"transport", "transports", "default_http"}, strings.Split(key, "__")...), value)
		}
	}
	put("type", "http")
	put("url", address)
	endpoint, _ := l.getenv("OPENLINEAGE_ENDPOINT")
	put("endpoint", endpoint)
	key, _ := l.getenv("OPENLINEAGE_API_KEY")
	put("auth__apikey", key)
}

// plainKey is a name without case and underscores: Python writes message_key, Java messageKey, a variable MESSAGE_KEY.
func plainKey(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

// guestKey is the key of ours that a key of OpenLineage's clients means.
func (l *loader) guestKey(prefix, name string) string {
	if _, ok := l.known[prefix+name]; ok || l.isSection(prefix+name) {
		return name
	}
	for _, right := range l.children(prefix) {
		if plainKey(right) == plainKey(name) {
			return right
		}
	}
	return name
}
