package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

var transportName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// transports reads the destinations of a composite transport: a mapping of names, or a list whose items may have a name.
func (l *loader) transports(n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		if l.listed {
			l.cfg.Transport.Transports, l.listed = nil, false
		}
		l.pairs("transport.transports", n, func(key, value *yaml.Node) {
			if l.guest && value.Kind == yaml.MappingNode && len(value.Content) == 0 {
				return // how OpenLineage's clients leave one out
			}
			if !transportName.MatchString(key.Value) {
				l.fault(l.at(key), "a name in transport.transports must be letters, digits, - and _")
				return
			}
			l.transport(key.Value, value)
		})
	case yaml.SequenceNode:
		l.cfg.Transport.Transports, l.listed = nil, true
		for _, item := range n.Content {
			if item.Kind == yaml.AliasNode {
				item = item.Alias
			}
			l.transport(l.nameOf(item), item)
		}
	default:
		l.fault(l.at(n), "transport.transports must be a mapping of names, or a list")
	}
}

// nameOf is what an item of a list calls itself, else its type, counted up where that is taken.
func (l *loader) nameOf(item *yaml.Node) string {
	name := "destination"
	if item.Kind == yaml.MappingNode {
		for _, want := range []string{"type", "name"} { // the name wins
			for i := 0; i+1 < len(item.Content); i += 2 {
				if v := item.Content[i+1].Value; item.Content[i].Value == want && transportName.MatchString(v) {
					name = v
				}
			}
		}
	}
	free := name
	for i := 2; slices.ContainsFunc(l.cfg.Transport.Transports, func(t *Transport) bool { return t.Name == free }); i++ {
		free = fmt.Sprintf("%s-%d", name, i)
	}
	return free
}

// transport reads one destination of a composite. Its keys are those of transport, below a path of its own, so that its
// faults have their places and its values can be set by variables like any other.
func (l *loader) transport(name string, n *yaml.Node) {
	if slices.ContainsFunc(l.cfg.Transport.Transports, func(t *Transport) bool { return t.Name == name }) { // of an earlier file
		l.mapping("transport.transports."+name+".", n)
		return
	}
	own := &Config{}
	own.Transport.Name = name
	prefix := "transport.transports." + name + "."
	for _, f := range transportFields() {
		if f.typ == "transports" {
			continue // one composite in another has no use
		}
		sub := f
		sub.path = prefix + strings.TrimPrefix(f.path, "transport.")
		sub.at = func(*Config) any { return f.at(own) }
		sub.aliases = nil
		for _, alias := range f.aliases {
			if rest, ok := strings.CutPrefix(alias, "transport."); ok {
				sub.aliases = append(sub.aliases, prefix+rest)
			}
		}
		l.fields = append(l.fields, sub)
		for _, path := range append([]string{sub.path}, sub.aliases...) {
			l.known[path] = sub
		}
		if sub.def != "" {
			_ = sub.assign(l.cfg, text{value: sub.def}) // a test proves that every default parses
		}
	}
	l.cfg.Transport.Transports = append(l.cfg.Transport.Transports, &own.Transport)
	l.starts[name] = l.at(n)
	l.mapping(prefix, n)
	own.Transport.Name = name // an item of a list may say it itself
}

// destination is a transport that events go to, and the path of its keys.
type destination struct {
	path string
	*Transport
}

func (l *loader) destinations() []destination {
	t := &l.cfg.Transport
	if t.Type != "composite" {
		return []destination{{"transport", t}}
	}
	var out []destination
	for _, sub := range t.Transports {
		out = append(out, destination{"transport.transports." + sub.Name, sub})
	}
	return out
}

// checkComposite checks what only a composite can have wrong.
func (l *loader) checkComposite() {
	t := &l.cfg.Transport
	place := l.place("transport.type")
	if t.Type != "composite" {
		if len(t.Transports) > 0 && t.Type != "" && l.places["transport.type"] != "--to" {
			l.lacks("transport", place, "transport.transports needs transport.type: composite")
		}
		return
	}
	if len(t.Transports) == 0 {
		l.lacks("transport", place, "transport.type composite needs transport.transports with a destination or more")
	}
	for _, sub := range t.Transports {
		if sub.Type == "composite" {
			l.fault(l.starts[sub.Name], "transport.transports.%s.type: a composite in a composite is not supported: list its destinations here", sub.Name)
		}
	}
	if !t.ContinueOnFailure {
		l.fault(l.place("transport.continue_on_failure"), "transport.continue_on_failure: false is not supported: every destination gets every event, and one that fails is tried again until it has it")
	}
	if !t.ContinueOnSuccess {
		l.fault(l.place("transport.continue_on_success"), "transport.continue_on_success: false is not supported: every destination gets every event")
	}
}

// checkExactlyOnce checks what the configuration alone can tell; that both topics are of one cluster is asked at the start.
func (l *loader) checkExactlyOnce() {
	if l.cfg.Delivery == "exactly_once" && l.cfg.Transport.Type != "kafka" && l.cfg.Transport.Type != "" {
		l.lacks("transport", l.place("delivery"), "delivery: exactly_once needs transport.type: kafka, not %s: only Kafka can commit events and offsets together", l.cfg.Transport.Type)
	}
}
