package config

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gx-ol/gx-ol/internal/kafkaclient"
)

// SchemaURL is where editors find the schema of the configuration.
const SchemaURL = "https://raw.githubusercontent.com/gx-ol/gx-ol/main/schemas/config/gx-ol.schema.json"

// Schema is the JSON Schema of the configuration file, for editors. It is made of the table of keys and refuses what the loader refuses by a key or a value
// alone; what keys mean beside each other, and what variables and files hold, only the loader knows. Draft 7 is what editors know best.
func Schema() []byte {
	fields := table()
	defs := object{"text": textSchema(), "property": object{"anyOf": list{ref("text"), object{"type": "array", "items": ref("text")}}}, "transport": sectionSchema(transportFields(), "transport.", "transport.transports")}
	for _, f := range fields {
		defs[f.path] = describe(f, valueSchema(f))
	}
	root := sectionSchema(fields, "", "")
	root["patternProperties"].(object)["^"+ownPrefix] = object{"description": "of your own: a place for anchors"}
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["$id"] = "https://github.com/gx-ol/gx-ol/schemas/config/gx-ol.schema.json"
	root["title"] = "The configuration of gx-ol"
	root["description"] = "docs/configuration.md says more. A value may hold ${VAR}, ${VAR:-default} and ${file:/path}."
	root["definitions"] = defs
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	_ = enc.Encode(root) // texts, numbers and lists of them
	return b.Bytes()
}

// object and list are JSON.
type (
	object map[string]any
	list   []any
)

// sectionSchema is a mapping of the fields below prefix. A key may also be a dotted path, which editors need not offer. without is left out.
func sectionSchema(fields []field, prefix, without string) object {
	properties, patterns := object{}, object{}
	below := map[string]bool{}
	for _, f := range fields {
		for _, path := range append([]string{f.path}, f.aliases...) {
			rest, ok := strings.CutPrefix(path, prefix)
			if !ok || f.path == without {
				continue
			}
			section, _, nested := strings.Cut(rest, ".")
			if !nested {
				properties[rest] = ref(f.path)
				continue
			}
			patterns["^"+regexp.QuoteMeta(rest)+"$"] = ref(f.path)
			below[section] = true
		}
	}
	for section := range below {
		if properties[section] == nil {
			properties[section] = sectionSchema(fields, prefix+section+".", without)
		}
	}
	out := object{"type": list{"object", "null"}, "properties": properties, "additionalProperties": false}
	if len(patterns) > 0 {
		out["patternProperties"] = patterns
	}
	return out
}

func ref(definition string) object { return object{"$ref": "#/definitions/" + definition} }

// describe adds what the documentation says of a key.
func describe(f field, schema object) object {
	schema["description"] = f.doc
	if len(f.enum) > 0 && !strings.Contains(f.doc, strings.Join(f.enum, ", ")) {
		schema["description"] = f.doc + ": " + strings.Join(f.enum, ", ")
	}
	if f.def != "" {
		schema["default"] = f.def
		if n, err := strconv.Atoi(f.def); err == nil {
			schema["default"] = n
		} else if f.typ == "bool" {
			schema["default"] = f.def == "true"
		}
	}
	return schema
}

// textSchema is a single value of any kind: all are read as text.
func textSchema() object { return object{"type": list{"string", "number", "boolean", "null"}} }

// variable is a text of which only the start knows what it says.
func variable() object { return object{"type": "string", "pattern": `\$\{`} }

func pattern(p string) object { return object{"type": "string", "pattern": p} }

// valueSchema is what the loader takes for a key.
func valueSchema(f field) object {
	null := object{"type": "null"}
	switch f.typ {
	case "bool":
		return object{"anyOf": list{object{"type": "boolean"}, object{"enum": list{0, 1}}, pattern("^(1|0|t|T|true|TRUE|True|f|F|false|FALSE|False|[yY][eE][sS]|[nN][oO]|[oO][nN]|[oO][fF][fF])$"), null, variable()}}
	case "int":
		return object{"anyOf": list{object{"type": "integer", "minimum": 1}, pattern(`^\+?0*[1-9][0-9]*$`), null, variable()}}
	case "number":
		return object{"anyOf": list{object{"type": "number", "minimum": 0}, pattern(`^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)$`), null, variable()}}
	case "size":
		least, digits := 1, "0*[1-9][0-9]*"
		if f.def == "0" {
			least, digits = 0, "[0-9]+"
		}
		return object{"anyOf": list{object{"type": "integer", "minimum": least}, pattern("^" + digits + " ?([kKmMgG]([iI])?)?[bB]?$"), null, variable()}}
	case "duration":
		return object{"anyOf": list{object{"type": "number", "exclusiveMinimum": 0}, pattern(`^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)((ns|us|µs|μs|ms|s|m|h)([0-9]+(\.[0-9]*)?|\.[0-9]+)?)*$`), null, variable()}}
	case "map":
		return object{"type": list{"object", "null"}, "propertyNames": pattern(`\S`), "additionalProperties": ref("text")}
	case "properties":
		names := object{}
		for _, name := range kafkaclient.Names() {
			names[name] = ref("property")
		}
		names[propertiesFile] = ref("text")
		return object{"type": list{"object", "string", "null"}, "properties": names, "additionalProperties": false}
	case "list":
		return listSchema(f, null)
	case "datasources":
		entry := closed("namespace", "name", "database", "schema")
		return object{"type": list{"object", "null"}, "additionalProperties": entry}
	case "rules":
		rule := closed(ruleKeys()...)
		rule["anyOf"] = list{object{"required": list{"name"}}, object{"required": list{"namespace"}}}
		return object{"type": list{"array", "null"}, "items": rule}
	case "filter":
		rule := closed(filterKeys()...)
		rule["properties"].(object)["header"] = object{"type": "object", "additionalProperties": ref("text")}
		rule["properties"].(object)["success"] = valueSchema(field{typ: "bool"})
		return object{"type": list{"array", "null"}, "items": rule}
	case "transports":
		return object{"anyOf": list{object{"type": "array", "items": ref("transport")}, null,
			object{"type": "object", "propertyNames": pattern(transportName.String()), "additionalProperties": ref("transport")}}}
	}
	if len(f.enum) > 0 {
		return object{"anyOf": append(oneOf(f.enum), null, variable())}
	}
	return textSchema()
}

func listSchema(f field, null object) object {
	item := object{"type": list{"string", "number", "boolean"}, "not": object{"const": ""}}
	whole := textSchema()
	if len(f.enum) > 0 {
		item = object{"anyOf": append(oneOf(f.enum), variable())}
		one := "(" + strings.Join(anyCase(f.enum), "|") + ")"
		whole = object{"anyOf": list{pattern("^ *" + one + "( *, *" + one + ")* *$"), variable()}}
	}
	return object{"anyOf": list{whole, null, object{"type": "array", "items": item}}}
}

// closed is a mapping of single values that has at least one of these keys, and no other.
func closed(keys ...string) object {
	properties := object{}
	for _, key := range keys {
		properties[key] = ref("text")
	}
	return object{"type": "object", "properties": properties, "additionalProperties": false, "minProperties": 1}
}

// oneOf are the values of an enumeration as they are written here, which editors offer, and as the loader takes them too.
func oneOf(enum []string) list {
	var values list
	for _, v := range enum {
		values = append(values, v)
	}
	return list{object{"enum": values}, pattern("^(" + strings.Join(anyCase(enum), "|") + ")?$")}
}

// anyCase are patterns of the values in any letter case, and with or without underscores.
func anyCase(enum []string) (out []string) {
	for _, v := range enum {
		var letters []string
		for _, r := range strings.ReplaceAll(v, "_", "") {
			lower, upper := strings.ToLower(string(r)), strings.ToUpper(string(r))
			if letter := regexp.QuoteMeta(string(r)); lower == upper {
				letters = append(letters, letter)
			} else {
				letters = append(letters, "["+lower+upper+"]")
			}
		}
		out = append(out, "_*"+strings.Join(letters, "_*")+"_*")
	}
	return slices.Compact(out)
}
