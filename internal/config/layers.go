package config

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/internal/nearest"
	"github.com/gx-ol/gx-ol/internal/yamlfault"
)

// Several files are read one over the other: each is checked by itself, so that its faults have its own lines; mappings are merged, and a list or a single
// value replaces what an earlier file says.

// JoinFiles makes one path of several, as GX_OL_CONFIG may hold several too: in the manner of PATH.
func JoinFiles(paths ...string) string {
	return strings.Join(paths, string(os.PathListSeparator))
}

// splitFiles is its reverse. A file whose own name holds the separator is one file.
func splitFiles(joined string) []string {
	if _, err := os.Stat(joined); err == nil {
		return []string{joined}
	}
	var paths []string
	for _, path := range filepath.SplitList(joined) {
		if path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// Layer is a part of a configuration that does not come from files and flags: a file's text, or a mapping in another YAML document.
type Layer struct {
	Name string     // of the file, for places
	Data []byte     // its text
	Node *yaml.Node // the mapping, where it is not a text of its own
}

// ParseLayers reads layers one over the other, the later ones win, and flags over them, with defaults and without environment: what the layers name (${VAR}) is
// asked of getenv. It checks as LoadForMap does, and secrets of delivery may be missing.
func ParseLayers(layers []Layer, flags map[string]string, getenv func(string) (string, bool)) (*Config, error) {
	l := newLoader(getenv)
	l.unneeded = unneededToMap
	for _, layer := range layers {
		if layer.Node == nil {
			l.parse(layer.Name, layer.Data)
		} else {
			l.begin(layer.Name)
			l.mergeKeys(layer.Node, map[*yaml.Node]bool{})
			l.mapping("", layer.Node)
		}
		l.bind(false)
	}
	l.bind(true)
	l.assignments(flags)
	l.flags(flags)
	l.keepSecrets()
	l.settle(false)
	return l.result()
}

// unneededToMap are the keys whose variables and files may be missing where nothing is read and delivered.
var unneededToMap = regexp.MustCompile(`^(kafka|transport|telemetry)\.`)

// fileBeside is the file that a name which is not there most likely means; empty: nobody can tell.
func fileBeside(path string, err error) string {
	if !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	stem := func(name string) string { return strings.TrimSuffix(name, filepath.Ext(name)) }
	names := map[string]string{}
	beside, _ := os.ReadDir(filepath.Dir(path)) // without them nothing is near
	for _, file := range beside {
		if extension := filepath.Ext(file.Name()); extension == ".yaml" || extension == ".yml" {
			names[stem(file.Name())] = file.Name()
		}
	}
	near := nearest.Name(stem(filepath.Base(path)), slices.Sorted(maps.Keys(names)))
	if near == "" {
		return ""
	}
	return ": did you mean " + filepath.Join(filepath.Dir(path), names[near]) + "?"
}

// files reads the configuration's files.
func (l *loader) files(joined string) {
	named := joined != ""
	if !named {
		joined, named = l.getenv("GX_OL_CONFIG")
		named = named && joined != ""
	}
	paths := []string{defaultFile}
	if named {
		paths = splitFiles(joined)
	}
	var read []string
	for _, path := range paths {
		data, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && !named:
		case err != nil:
			l.fault(path, "cannot be read: %v%s", errors.Unwrap(err), fileBeside(path, err))
			l.broken["*"] = true
		default:
			read = append(read, path)
			l.parse(path, data)
			l.bind(false)
		}
	}
	l.cfg.Source = strings.Join(read, ", ")
	if len(read) > 1 {
		l.name = l.cfg.Source // what is missing is missing in all
	}
	l.layer = map[string]string{}
}

// setFlag begins the place of what --set says.
const setFlag = "--set "

// SetFlag is the name, among the flags that Load takes, of --set KEY=VALUE.
func SetFlag(key string) string { return setFlag + key }

// assignments takes --set KEY=VALUE: a dotted path of a key, and YAML.
func (l *loader) assignments(flags map[string]string) {
	var names []string
	for name := range flags {
		if strings.HasPrefix(name, setFlag) {
			names = append(names, name)
		}
	}
	sort.Strings(names) // a section before its keys
	file := l.name
	l.layer, l.later = map[string]string{}, true
	for _, name := range names {
		l.name = name
		if value, ok := l.assigned(flags[name]); ok {
			l.assignment(strings.TrimPrefix(name, setFlag), value)
		}
	}
	l.name, l.layer = file, map[string]string{}
}

// assigned is what --set gives a key. What begins as no value of YAML does is text: a template, a glob.
func (l *loader) assigned(value string) (*yaml.Node, bool) {
	text := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
	if value == "" || strings.HasPrefix(value, "{{") || strings.ContainsAny(value[:1], "*&!%@`|>#") {
		return text, true
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(value), &doc); err != nil {
		_, _, message := yamlfault.Of([]byte(value), err)
		l.fault(l.name, "not valid YAML: %s", message)
		return nil, false
	}
	if len(doc.Content) == 0 {
		return text, true
	}
	return doc.Content[0], true
}

// assignment sets one key, below which there may be names of the operator's own.
func (l *loader) assignment(key string, value *yaml.Node) {
	if _, ok := l.known[key]; ok || l.isSection(key) {
		l.mapping("", nested(value, key))
		return
	}
	f, rest := l.above(key)
	delete(l.layer, f.path) // one name of it does not set another twice
	switch f.typ {
	case "map", "properties":
		l.mapping("", nested(value, f.path, rest))
	case "transports":
		name, sub, _ := strings.Cut(rest, ".")
		l.mapping("", nested(value, f.path, name, sub))
	case "datasources":
		name, part := rest, ""
		if i := strings.LastIndexByte(rest, '.'); i >= 0 && value.Kind == yaml.ScalarNode {
			name, part = rest[:i], rest[i+1:]
		}
		l.mapping("", nested(value, f.path, name, part))
	default:
		l.fault(l.name, "unknown key%s", l.meantKey(key))
	}
}

// above is the key of a mapping with free names that key lies below.
func (l *loader) above(key string) (f field, rest string) {
	for path, known := range l.known {
		if below, ok := strings.CutPrefix(key, path+"."); ok && below != "" && len(path) > len(f.path) && !scalar(known) {
			f, rest = known, below
		}
	}
	return f, rest
}

func (l *loader) meantKey(key string) string {
	var right []string
	for path := range l.known {
		right = append(right, path)
	}
	sort.Strings(right)
	near := nearest.Name(key, right)
	if near == "" {
		return ""
	}
	return `: did you mean "` + near + `"?`
}

// nested is value below keys; an empty key is none.
func nested(value *yaml.Node, keys ...string) *yaml.Node {
	for i := len(keys) - 1; i >= 0; i-- {
		if keys[i] == "" {
			continue
		}
		value = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: keys[i]}, value}}
	}
	return value
}

// ReadLayers reads files, joined as JoinFiles does, to be parsed below other layers.
func ReadLayers(joined string) (layers []Layer, err error) {
	var faults []Fault
	for _, path := range splitFiles(joined) {
		data, err := os.ReadFile(path)
		if err != nil {
			faults = append(faults, Fault{path, "cannot be read: " + errors.Unwrap(err).Error()})
			continue
		}
		layers = append(layers, Layer{Name: path, Data: data})
	}
	if len(faults) > 0 {
		return nil, &Errors{Faults: faults}
	}
	return layers, nil
}
