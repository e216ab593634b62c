package cases

import (
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/internal/nearest"
)

// eventKeys are what an event holds at its top: a misspelt one is told before anything runs.
func eventKeys() []string {
	return []string{"eventType", "eventTime", "run", "job", "dataset", "inputs", "outputs", "producer", "schemaURL"}
}

// expectation reads what must become of a message.
func (r *reader) expectation(n *yaml.Node) Expectation {
	e := Expectation{places: map[string]string{}}
	before, said := len(r.faults), 0
	key := func(name string, take func(n *yaml.Node)) entry {
		return entry{name, func(n *yaml.Node) {
			said++
			e.places[name] = r.at(n)
			take(n)
		}}
	}
	r.mapping("expect", n,
		key("events", func(n *yaml.Node) {
			r.items("events", n, func(item *yaml.Node) {
				r.event(item)
				e.Events = append(e.Events, item)
			})
		}),
		key("each", func(n *yaml.Node) { r.event(n); e.Each = n }),
		key("count", func(n *yaml.Node) { e.Count = r.number("count", n) }),
		key("refused", func(n *yaml.Node) { s := r.text("refused", n); e.Refused = &s }),
		key("filtered", func(n *yaml.Node) { e.Filtered = r.filtered(n) }),
		key("warnings", func(n *yaml.Node) {
			list := []string{}
			r.items("warnings", n, func(item *yaml.Node) { list = append(list, r.text("a warning", item)) })
			e.Warnings = &list
		}))
	switch {
	case len(r.faults) > before:
	case said == 0:
		r.fault(n, "expect must say something: events, each, count, refused, filtered or warnings")
	case e.Refused != nil && (len(e.Events) > 0 || e.Each != nil || e.Count != nil && *e.Count > 0):
		r.fault(n, "a message that is refused gives no events: expect one or the other")
	}
	return e
}

func (r *reader) number(what string, n *yaml.Node) *int {
	i, err := strconv.Atoi(n.Value)
	if err != nil || i < 0 || n.Kind != yaml.ScalarNode {
		r.fault(n, "%s must be a whole number", what)
	}
	return &i
}

func (r *reader) filtered(n *yaml.Node) *int {
	if b, err := strconv.ParseBool(n.Value); err == nil && n.Tag == "!!bool" {
		all := 0
		if b {
			all = -1
		}
		return &all
	}
	if _, err := strconv.Atoi(n.Value); err != nil {
		r.fault(n, "filtered must be true (all of the message), false, or how many results")
		return nil
	}
	return r.number("filtered", n)
}

// event checks a pattern of an event.
func (r *reader) event(n *yaml.Node) {
	r.pairs("an event", n, func(key, value *yaml.Node) {
		if steps, err := parsePath(key.Value); err == nil && !slices.Contains(eventKeys(), steps[0].key) {
			if near := nearest.Name(steps[0].key, eventKeys()); near != "" {
				r.fault(key, "an event has no %q: did you mean %q?", steps[0].key, near)
			} else {
				r.fault(key, "an event has no %q", steps[0].key)
			}
		}
		r.keyAndPattern(key, value)
	})
}

// keyAndPattern checks a key, which may be a path, and what it must hold.
func (r *reader) keyAndPattern(key, n *yaml.Node) {
	if _, err := parsePath(key.Value); err != nil {
		r.fault(key, "%q is no path: %v", key.Value, err)
	}
	r.pattern(n)
}

func (r *reader) pattern(n *yaml.Node) {
	if r.left--; r.left <= 0 { // aliases of aliases grow without end
		if r.left == 0 {
			r.fault(n, "the file expects more than %d values", mostNodes)
		}
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		r.pairs("a field", n, r.keyAndPattern)
	case yaml.SequenceNode:
		for _, item := range n.Content {
			r.pattern(resolved(item))
		}
	default:
		switch tag := n.ShortTag(); tag {
		case "!re":
			if _, err := regexp.Compile(n.Value); err != nil {
				r.fault(n, "!re is no regular expression: %v", err)
			}
		case "!any", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp":
		default:
			r.fault(n, "unknown tag %q: there are !re and !any", tag)
		}
	}
}
