package naming

import (
	"cmp"
	"fmt"
	"strings"
	"text/template"
)

// Functions are what templates of names may call besides the language's own: stores that write their names in capitals
// (Snowflake, Oracle, DB2) are named by others in either case.
var Functions = template.FuncMap{
	"upper": func(v any) any { return mapText(v, strings.ToUpper) },
	"lower": func(v any) any { return mapText(v, strings.ToLower) },
}

func mapText(v any, change func(string) string) any {
	if f, ok := v.(field); ok {
		return field(change(string(f)))
	}
	return change(fmt.Sprint(v))
}

// field is a field of a name. An empty one leaves a mark where it is printed, by which its dot is found and goes with it.
type field string

const emptyField = "\x00"

// String is called by the template where the field is printed; in a condition an empty field stays false.
func (f field) String() string {
	if f == "" {
		return emptyField
	}
	return string(f)
}

// fields is what a template of names sees.
type fields struct {
	Database, Schema, Table, Asset, Path, Datasource field
}

func compileName(text string) (*template.Template, error) {
	if text == "" {
		return nil, nil
	}
	t, err := template.New("name").Option("missingkey=error").Funcs(Functions).Parse(text)
	if err != nil {
		return nil, err
	}
	return t, t.Execute(new(strings.Builder), sample)
}

var sample = fields{"db", "schema", "table", "asset", "/path", "datasource"}

var dropEmptyFields = strings.NewReplacer(emptyField+".", "", "."+emptyField, "", emptyField, "")

// rendered is the name by the entry's template; "" where it renders empty. The template ran on a sample when it was
// compiled.
func (e *entry) rendered(f fields) string {
	var b strings.Builder
	if e.name.Execute(&b, f) != nil {
		return ""
	}
	return strings.TrimSpace(dropEmptyFields.Replace(b.String()))
}

// named is the name by the entry's template, else by convention: so too where the template speaks of tables and this is
// none, for one name would stand for all files and frames of the datasource then.
func (e *entry) named(f fields, convention string) string {
	if e == nil || e.name == nil || convention == "" {
		return convention
	}
	name := e.rendered(f)
	if f.Table == "" {
		other := f
		other.Table, other.Asset, other.Path, other.Datasource = "", "", "", ""
		if e.rendered(other) == name && e.rendered(fields{}) != e.rendered(sample) {
			return convention
		}
	}
	return cmp.Or(name, convention)
}
