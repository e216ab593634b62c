package config

import "go.yaml.in/yaml/v3"

// mergeKeys puts in the place of YAML's merge keys (<<: *anchor, or a list of them) what they stand for: what a mapping says itself wins, and of several
// the first. done are the nodes that were looked at, so that anchors which stand in many places are merged once.
func (l *loader) mergeKeys(n *yaml.Node, done map[*yaml.Node]bool) {
	if n == nil || done[n] {
		return
	}
	done[n] = true
	for _, child := range n.Content {
		l.mergeKeys(child, done)
	}
	l.mergeKeys(n.Alias, done)
	if n.Kind != yaml.MappingNode {
		return
	}
	var own, merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key, value := n.Content[i], n.Content[i+1]; key.Tag == mergeTag {
			merged = append(merged, l.mergeSources(key, value)...)
		} else {
			own = append(own, key, value)
		}
	}
	n.Content = own
	for _, source := range merged {
		for i := 0; i+1 < len(source.Content); i += 2 {
			if key := source.Content[i]; key.Tag != mergeTag && !holds(n, key.Value) {
				n.Content = append(n.Content, key, source.Content[i+1])
			}
		}
	}
}

const mergeTag = "!!merge"

// mergeSources are the mappings that a merge key names.
func (l *loader) mergeSources(key, value *yaml.Node) (sources []*yaml.Node) {
	if value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	all := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		all = value.Content
	}
	for _, source := range all {
		if source.Kind == yaml.AliasNode {
			source = source.Alias
		}
		if source.Kind != yaml.MappingNode {
			l.fault(l.at(key), "<< must name a mapping, or a list of mappings")
			return nil
		}
		sources = append(sources, source)
	}
	return sources
}

// holds says whether a mapping has a key.
func holds(n *yaml.Node, name string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return true
		}
	}
	return false
}
