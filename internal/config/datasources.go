package config

import (
	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/mapper/naming"
)

// datasources reads how the operator names datasources.
func (l *loader) datasources(n *yaml.Node) {
	if l.cfg.Datasources == nil {
		l.cfg.Datasources = map[string]Datasource{}
	}
	l.pairs("datasources", n, func(key, value *yaml.Node) {
		d := l.cfg.Datasources[key.Value]
		before := len(l.faults)
		parts := map[string]*string{"namespace": &d.Namespace, "name": &d.Name, "database": &d.Database, "schema": &d.Schema}
		path := "datasources." + shownName(key.Value)
		l.pairs(path, value, func(part, v *yaml.Node) {
			p, ok := parts[part.Value]
			if !ok {
				l.unknown("datasources.", part, v, []string{"namespace", "name", "database", "schema"})
				return
			}
			if t, ok := l.scalar(path+"."+part.Value, v); ok {
				*p = t.value
				if part.Value == "name" {
					l.template(l.at(v), path+".name", t, datasetTemplate)
				}
			}
		})
		err := naming.Check(naming.Datasource{Namespace: d.Namespace, Name: d.Name, Database: d.Database, Schema: d.Schema})
		if err != nil && len(l.faults) == before { // a consequence of another fault is none
			l.fault(l.at(key), "%s %v", path, err)
		}
		l.cfg.Datasources[key.Value] = d
	})
}
