package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/internal/nearest"
)

// loader collects values and faults from all sources.
type loader struct {
	cfg    *Config
	getenv func(string) (string, bool)
	fields []field
	known  map[string]field  // by path and alias
	places map[string]string // path → where it was set last
	starts map[string]string // name of a composite's destination → where it begins
	listed bool              // they are a list: a later file cannot add to it
	faults []Fault
	name   string              // of the file, for places
	layer  map[string]string   // path → where the file in hand, or --set, has set it
	bound  map[[2]string]bound // secret and address → with what the secret was configured
	later  bool                // it is not the first one

	broken     map[string]bool // sections that have a fault: what they lack is its consequence. *: all
	configured string          // transport.url before flags
	names      []string        // of the environment's variables, if known
	unneeded   *regexp.Regexp  // keys whose variables and files may be missing; nil: none
	unresolved map[string]bool // those where one was
	lenient    bool            // no key needs its variables and files: see LoadForCheck
	sources    map[string]source

	guest   bool                  // what is read is OpenLineage's: it yields to what is set, and holds no ${…}
	origins map[*yaml.Node]string // nodes that came from a variable, with its name
}

func newLoader(getenv func(string) (string, bool)) *loader {
	l := &loader{cfg: &Config{files: map[string]string{}, getenv: getenv}, getenv: getenv, fields: table(), known: map[string]field{}, places: map[string]string{}, starts: map[string]string{},
		layer: map[string]string{}, bound: map[[2]string]bound{}, broken: map[string]bool{}, unresolved: map[string]bool{}, sources: map[string]source{}, origins: map[*yaml.Node]string{}}
	for _, f := range l.fields {
		l.known[f.path] = f
		for _, alias := range f.aliases {
			l.known[alias] = f
		}
		if f.def != "" {
			_ = f.assign(l.cfg, text{value: f.def}) // a test proves that every default parses
		}
	}
	return l
}

func (l *loader) fault(place, format string, args ...any) {
	l.faults = append(l.faults, Fault{place, fmt.Sprintf(format, args...)})
}

func (l *loader) warn(format string, args ...any) {
	l.cfg.Warnings = append(l.cfg.Warnings, fmt.Sprintf(format, args...))
}

func (l *loader) at(n *yaml.Node) string {
	if variable, ok := l.origins[n]; ok {
		return variable
	}
	if strings.HasPrefix(l.name, setFlag) { // a command line has no lines
		return l.name
	}
	return fmt.Sprintf("%s:%d:%d", l.name, n.Line, n.Column)
}

// begin begins a layer.
func (l *loader) begin(name string) {
	l.later = l.name != ""
	l.name, l.layer = name, map[string]string{}
}

// parse reads one file over what was read before: mappings are merged, all else is replaced.
func (l *loader) parse(name string, data []byte) {
	l.begin(name)
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return
	} else if err != nil {
		l.syntax(data, err)
		return
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		l.fault(l.name, "holds more than one YAML document: keep one")
		l.broken["*"] = true
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return
	}
	l.mergeKeys(doc.Content[0], map[*yaml.Node]bool{})
	l.mapping("", doc.Content[0])
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// pairs calls visit for each key of a mapping and reports what is no mapping, no plain key or there twice.
func (l *loader) pairs(what string, n *yaml.Node, visit func(key, value *yaml.Node)) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		if what == "" {
			what = "the file"
			l.broken["*"] = true
		}
		l.fault(l.at(n), "%s must be a mapping of keys and values", what)
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			l.fault(l.at(key), "a key must be plain text")
			continue
		}
		if line, twice := seen[key.Value]; twice {
			name := "a key"
			if l.rightName(key.Value) {
				name = fmt.Sprintf("key %q", key.Value)
			}
			l.fault(l.at(key), "%s is there twice: first in line %d", name, line)
			continue
		}
		seen[key.Value] = key.Line
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		visit(key, value)
	}
}

// ownPrefix begins keys of the operator's own, where anchors can stand.
const ownPrefix = "x-"

func (l *loader) mapping(prefix string, n *yaml.Node) {
	if l.refusedTransport(prefix, n) {
		return
	}
	l.pairs(strings.TrimSuffix(prefix, "."), n, func(key, value *yaml.Node) {
		if prefix == "" && strings.HasPrefix(key.Value, ownPrefix) {
			return
		}
		before := len(l.faults)
		l.key(prefix, key, value)
		if prefix == "" && len(l.faults) > before {
			l.breaks(key.Value)
		}
	})
}

func (l *loader) key(prefix string, key, value *yaml.Node) {
	if l.dialect(prefix, key, value) {
		return
	}
	name := key.Value
	if l.guest {
		name = l.guestKey(prefix, name)
	}
	path := prefix + name
	if f, ok := l.known[path]; ok {
		l.leaf(f, key, value)
		return
	}
	if l.isSection(path) {
		if !isNull(value) {
			l.mapping(path+".", value)
		}
		return
	}
	l.unknown(prefix, key, value, l.children(prefix))
}

// breaks notes that a section has a fault. A section that nobody knows may be any.
func (l *loader) breaks(path string) {
	if f, ok := l.known[path]; ok {
		path = f.path
	}
	section, _, _ := strings.Cut(path, ".")
	if !l.isSection(section) && l.known[section].path == "" {
		if section = nearest.Name(section, l.children("")); section == "" {
			section = "*"
		}
	}
	l.broken[section] = true
}

// lacks is the fault that something is missing, unless another fault explains that.
func (l *loader) lacks(section, place, format string, args ...any) {
	if !l.broken[section] && !l.broken["*"] {
		l.fault(place, format, args...)
	}
}

func (l *loader) isSection(path string) bool {
	for known := range l.known {
		if strings.HasPrefix(known, path+".") {
			return true
		}
	}
	return false
}

func (l *loader) children(prefix string) []string {
	var names []string
	for _, f := range l.fields {
		for _, path := range append([]string{f.path}, f.aliases...) {
			if rest, ok := strings.CutPrefix(path, prefix); ok {
				name, _, _ := strings.Cut(rest, ".")
				names = append(names, name)
			}
		}
	}
	return names
}

func (l *loader) unknown(prefix string, key, value *yaml.Node, right []string) {
	near := nearest.Name(key.Value, right)
	switch {
	case near != "" && keyLike.MatchString(key.Value):
		l.fault(l.at(key), "unknown key %q: did you mean %q?", key.Value, near)
	case mayShow(prefix, key, value):
		l.fault(l.at(key), "unknown key %q", key.Value)
	default:
		l.fault(l.at(key), "unknown key of %d characters", utf8.RuneCountInString(key.Value))
	}
}
