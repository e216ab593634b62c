package config

import (
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Filter is which results are taken: those that a rule of Include fits, or all if there is none, without those that a rule of Exclude fits.
type Filter struct{ Include, Exclude []FilterRule }

// FilterRule fits what all its parts fit; texts are globs.
type FilterRule struct {
	Suite, Datasource, Asset, Checkpoint, Topic string
	Header                                      map[string]string // of the record
	Success                                     *bool             // of the result
}

func filterFields() []field {
	return []field{
		{path: "input.filter.include", typ: "filter", doc: "list of {suite, datasource, asset, checkpoint, topic (globs), header (name to glob), success}: only results that one fits are taken", at: func(c *Config) any { return &c.Input.Filter.Include }},
		{path: "input.filter.exclude", typ: "filter", doc: "likewise: results that one fits are left out", at: func(c *Config) any { return &c.Input.Filter.Exclude }},
	}
}

// filterKeys are the keys of a rule.
func filterKeys() []string {
	return []string{"suite", "datasource", "asset", "checkpoint", "topic", "header", "success"}
}

// filterRules reads a list of rules.
func (l *loader) filterRules(f field, n *yaml.Node) {
	into, ok := f.at(l.cfg).(*[]FilterRule)
	if !ok {
		return
	}
	*into = nil
	if n.Kind != yaml.SequenceNode {
		l.fault(l.at(n), "%s must be a list of rules, such as - {suite: \"orders.*\", success: false}", f.path)
		return
	}
	for _, item := range n.Content {
		if item.Kind == yaml.AliasNode {
			item = item.Alias
		}
		*into = append(*into, l.filterRule(f.path, item))
	}
}

func (l *loader) filterRule(path string, item *yaml.Node) (r FilterRule) {
	parts := map[string]*string{"suite": &r.Suite, "datasource": &r.Datasource, "asset": &r.Asset, "checkpoint": &r.Checkpoint, "topic": &r.Topic}
	before := len(l.faults)
	l.pairs("a rule of "+path, item, func(key, value *yaml.Node) {
		switch p := parts[key.Value]; {
		case p != nil:
			*p, _ = l.glob(path+"."+key.Value, value)
		case key.Value == "header":
			r.Header = make(map[string]string)
			l.pairs(path+".header", value, func(name, value *yaml.Node) {
				if glob, ok := l.glob(path+".header", value); ok {
					r.Header[name.Value] = glob
				}
			})
		case key.Value == "success":
			if t, ok := l.scalar(path+".success", value); ok {
				b, err := parseBool(t.value)
				if err != nil {
					l.fault(l.at(value), "%s.success must be true or false, not %s", path, t.shown())
				}
				r.Success = &b
			}
		default:
			l.unknown(path+".", key, value, filterKeys())
		}
	})
	if r.Suite+r.Datasource+r.Asset+r.Checkpoint+r.Topic == "" && len(r.Header) == 0 && r.Success == nil && len(l.faults) == before {
		l.fault(l.at(item), "a rule of %s must say something: %s", path, strings.Join(filterKeys(), ", "))
	}
	return r
}

// glob reads a pattern.
func (l *loader) glob(where string, n *yaml.Node) (string, bool) {
	t, ok := l.scalar(where, n)
	if !ok {
		return "", false
	}
	if _, err := path.Match(t.value, ""); err != nil {
		l.fault(l.at(n), "%s is not a pattern: %v", t.shown(), err)
		return "", false
	}
	return t.value, true
}
