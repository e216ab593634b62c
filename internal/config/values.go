package config

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

func (l *loader) leaf(f field, key, value *yaml.Node) {
	if _, set := l.places[f.path]; l.guest && (set || isNull(value)) {
		return
	}
	if first, twice := l.layer[f.path]; twice {
		l.fault(l.at(key), "%s is set twice, by an alias: first at %s", f.path, first)
		return
	}
	l.layer[f.path], l.places[f.path] = l.at(value), l.at(value)
	if isNull(value) {
		if l.reset(f); l.later { // whatever an earlier file said: now nobody has set it
			delete(l.places, f.path)
		}
		return
	}
	switch f.typ {
	case "map":
		l.stringMap(f, value)
	case "properties":
		l.properties(f, value)
	case "datasources":
		l.datasources(value)
	case "rules":
		l.jobRules(value)
	case "filter":
		l.filterRules(f, value)
	case "transports":
		l.transports(value)
	case "list":
		if value.Kind == yaml.SequenceNode {
			l.list(f, value)
			return
		}
		fallthrough
	default:
		if t, ok := l.scalar(f.path, value); ok {
			if err := f.assign(l.cfg, t); err != nil && !l.unresolved[f.path] {
				l.fault(l.at(value), "%v", err)
			} else if f.template != nil {
				l.template(l.at(value), f.path, t, f.template)
			}
		}
	}
}

// scalar is the expanded value of a node; a fault in it is reported.
func (l *loader) scalar(path string, n *yaml.Node) (text, bool) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.ScalarNode {
		l.fault(l.at(n), "%s must be a single value%s", path, unquotedTemplate(n))
		return text{}, false
	}
	if isNull(n) {
		return text{}, true
	}
	if l.guest {
		_, variable := l.origins[n]
		return text{n.Value, variable}, true
	}
	delete(l.cfg.files, path)
	delete(l.unresolved, path)
	l.sources[path] = source{l.at(n), n.Value}
	if fileRef.MatchString(n.Value) {
		l.cfg.files[path] = n.Value
	}
	t, err := expand(n.Value, l.getenv)
	if err != nil && l.mayLack(path) && !isMalformed(err) {
		l.unresolved[path] = true
		delete(l.cfg.files, path)
		return text{n.Value, true}, true
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			l.fault(l.at(n), "%s", line)
		}
		return t, false
	}
	return t, true
}

// unquotedTemplate says what is wrong where YAML has made mappings of the braces of a template.
func unquotedTemplate(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode && len(n.Content) > 0 && n.Style&yaml.FlowStyle != 0 && n.Content[0].Kind == yaml.MappingNode {
		return ": a template must stand in quotes"
	}
	return ""
}

func (l *loader) list(f field, n *yaml.Node) {
	p, ok := f.at(l.cfg).(*[]string)
	if !ok {
		return
	}
	*p = nil
	for _, item := range n.Content {
		if t, ok := l.scalar(f.path, item); ok {
			if err := f.appendItem(p, t); err != nil {
				l.fault(l.at(item), "%v", err)
			}
		}
	}
}

func (l *loader) stringMap(f field, n *yaml.Node) {
	p, ok := f.at(l.cfg).(*map[string]string)
	if !ok {
		return
	}
	if *p == nil {
		*p = map[string]string{}
	}
	l.pairs(f.path, n, func(key, value *yaml.Node) {
		if strings.TrimSpace(key.Value) == "" {
			l.fault(l.at(key), "a name in %s must not be blank", f.path)
			return
		}
		if value.Kind != yaml.ScalarNode {
			l.fault(l.at(value), "a value in %s must be a single value", f.path)
			return
		}
		if t, ok := l.scalar(f.path+"."+key.Value, value); ok {
			(*p)[key.Value] = t.value
		}
	})
}

// reset gives a key its default again, as null in a later file does.
func (l *loader) reset(f field) {
	reflect.ValueOf(f.at(l.cfg)).Elem().SetZero()
	for path := range l.cfg.files {
		if path == f.path || strings.HasPrefix(path, f.path+".") {
			delete(l.cfg.files, path)
		}
	}
	if f.def != "" {
		_ = f.assign(l.cfg, text{value: f.def}) // a test proves that every default parses
	}
}
