package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// reloadable are the keys, or the sections, that say how results become events. They can change while the pipeline runs: no connection and no group hangs on them.
func reloadable() []string {
	return []string{"input.filter", "input.json_pointer", "job", "run", "parent", "datasources", "great_expectations", "failed_run", "lifecycle", "assertions_in", "test_facet",
		"single_results", "schema_facet", "symlinks", "unmapped", "file_datasets", "query_assertions", "batch_values", "compat", "row_values"}
}

func isReloadable(path string) bool {
	return slices.ContainsFunc(reloadable(), func(r string) bool { return path == r || strings.HasPrefix(path, r+".") })
}

// Reload is c with the mapping of next: changed are the keys that this changes, and kept those that next has otherwise and a running pipeline cannot change.
// Neither c nor next is changed. A value that c reads from a file again by itself (see Live) is not kept back.
func (c *Config) Reload(next *Config) (reloaded *Config, changed, kept []string) {
	out := *c
	for _, f := range table() {
		was, is := reflect.ValueOf(f.at(&out)).Elem(), reflect.ValueOf(f.at(next)).Elem()
		keys := differing(f, c, next)
		switch {
		case len(keys) == 0:
		case isReloadable(f.path):
			changed = append(changed, keys...)
			was.Set(is)
		default:
			kept = append(kept, keys...)
		}
	}
	return &out, changed, kept
}

// differing are the keys of a field that two configurations have otherwise: of a mapping of names each by itself.
func differing(f field, a, b *Config) (keys []string) {
	was, is := reflect.ValueOf(f.at(a)).Elem().Interface(), reflect.ValueOf(f.at(b)).Elem().Interface()
	renewed := func(path string) bool { return a.files[path] != "" && a.files[path] == b.files[path] }
	switch x := was.(type) {
	case map[string]string:
		y := is.(map[string]string)
		for name := range union(x, y) {
			before, had := x[name]
			after, has := y[name]
			if path := f.path + "." + name; (before != after || had != has) && !renewed(path) {
				keys = append(keys, path)
			}
		}
	case map[string]Datasource:
		y := is.(map[string]Datasource)
		for name := range union(x, y) {
			if before, had := x[name]; before != y[name] || !had {
				keys = append(keys, f.path+"."+shownName(name))
			}
		}
	case []*Transport:
		if !reflect.DeepEqual(withoutFiles(a, x), withoutFiles(b, is.([]*Transport))) {
			keys = append(keys, f.path)
		}
	default:
		if !same(was, is) && !renewed(f.path) {
			keys = append(keys, f.path)
		}
	}
	slices.Sort(keys)
	return keys
}

// same compares values; an empty list is none.
func same(a, b any) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if x.Kind() == reflect.Slice && x.Len() == 0 && y.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a, b)
}

func union[V any](a, b map[string]V) map[string]V {
	all := maps.Clone(a)
	if all == nil {
		all = make(map[string]V)
	}
	maps.Copy(all, b)
	return all
}

// withoutFiles are destinations without the values that are read from files again: their text in the configuration stands for them.
func withoutFiles(c *Config, all []*Transport) (out []Transport) {
	for _, t := range all {
		d := *t
		path := "transport.transports." + d.Name
		if raw := c.files[path+".auth.apiKey"]; raw != "" {
			d.Auth.APIKey = raw
		}
		d.CustomHeaders, d.Config = asWritten(c, path+".custom_headers", d.CustomHeaders), asWritten(c, path+".config", d.Config)
		out = append(out, d)
	}
	return out
}

func asWritten(c *Config, path string, values map[string]string) map[string]string {
	out := make(map[string]string, len(values))
	for name, value := range values {
		if raw := c.files[path+"."+name]; raw != "" {
			value = raw
		}
		out[name] = value
	}
	return out
}
