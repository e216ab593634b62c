package openlineage

import (
	"bytes"
	_ "embed" // the schema
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

//go:embed gx-ol-events.schema.json
var eventSchema []byte

// What a name and its namespace may have together, in bytes: Marquez indexes the pair, and JSON Schema counts characters.
const (
	maxJobBytes     = 1200
	maxDatasetBytes = 2500
)

// maxBreaks is how many broken rules an error names: one fault in a list repeats for each of its members.
const maxBreaks = 20

// Break is one rule that an event breaks.
type Break struct {
	Pointer string // JSON Pointer of the place in the event
	Rule    string // the rule, in the schema's words; never the value, which may be a secret
}

// InvalidEvent names the rules that an event breaks, in the order of their places.
type InvalidEvent struct{ Breaks []Break }

// Error has one clause a broken rule.
func (e *InvalidEvent) Error() string {
	var b strings.Builder
	for i, br := range e.Breaks {
		if i == maxBreaks {
			fmt.Fprintf(&b, "; and %d more", len(e.Breaks)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		place := br.Pointer
		if place == "" {
			place = "the event"
		}
		b.WriteString(place + ": " + br.Rule)
	}
	return b.String()
}

type schemas struct{ made, passed *jsonschema.Schema }

// compiled once a process: compiling costs more than a thousand checks.
var compiled = sync.OnceValues(func() (schemas, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(eventSchema))
	if err != nil {
		return schemas{}, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	const id = "gx-ol-events.schema.json"
	if err := c.AddResource(id, doc); err != nil {
		return schemas{}, err
	}
	made, err := c.Compile(id)
	if err != nil {
		return schemas{}, err
	}
	passed, err := c.Compile(id + "#/$defs/AnyEvent")
	return schemas{made, passed}, err
})

// Validate checks an event that gx-ol made against gx-ol-events.schema.json. The error is an *InvalidEvent.
func Validate(event []byte) error { return validate(event, false) }

// ValidatePassedThrough checks an event that somebody else made, and only for what every OpenLineage event has: its
// facets are not ours to judge.
func ValidatePassedThrough(event []byte) error { return validate(event, true) }

func validate(event []byte, passed bool) error {
	s, err := compiled()
	if err != nil {
		return fmt.Errorf("compiling gx-ol-events.schema.json: %w", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(event))
	if err != nil {
		// The parser quotes what it met.
		return &InvalidEvent{[]Break{{Rule: "is no JSON"}}}
	}
	schema := s.made
	if passed {
		schema = s.passed
	}
	var found []Break
	if err := schema.Validate(doc); err != nil {
		var broken *jsonschema.ValidationError
		if !errors.As(err, &broken) {
			return err
		}
		found = leaves(found, broken)
	}
	found = nulls(found, "", doc)
	if root, ok := doc.(map[string]any); ok && !passed {
		found = pairs(found, root)
	}
	if len(found) == 0 {
		return nil
	}
	slices.SortStableFunc(found, func(a, b Break) int { return strings.Compare(a.Pointer, b.Pointer) })
	return &InvalidEvent{slices.Compact(found)}
}

// leaves are the causes that have no further cause: those above only say that something below is wrong.
func leaves(found []Break, e *jsonschema.ValidationError) []Break {
	if len(e.Causes) > 0 {
		for _, c := range e.Causes {
			found = leaves(found, c)
		}
		return found
	}
	return append(found, Break{pointer(e.InstanceLocation), rule(e.ErrorKind)})
}

func pointer(path []string) string {
	var b strings.Builder
	for _, p := range path {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(p))
	}
	return b.String()
}

// rule says what the schema asks for. Kinds carry the value that they met, so each word is chosen.
func rule(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Required:
		return "required: " + strings.Join(k.Missing, ", ")
	case *kind.DependentRequired:
		return "dependentRequired: " + strings.Join(k.Missing, ", ")
	case *kind.AdditionalProperties:
		return "additionalProperties: " + strings.Join(k.Properties, ", ")
	case *kind.Type:
		return "type: " + strings.Join(k.Want, " or ")
	case *kind.Const:
		return fmt.Sprintf("const: %v", k.Want)
	case *kind.Enum:
		return fmt.Sprintf("enum: %v", k.Want)
	case *kind.Format:
		return "format: " + k.Want
	case *kind.Pattern:
		return fmt.Sprintf("pattern: %q", k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("maxLength: %d", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("maxItems: %d", k.Want)
	}
	return strings.Join(k.KeywordPath(), "/")
}

// nulls finds U+0000 anywhere, in names too: PostgreSQL, and so Marquez, takes none.
func nulls(found []Break, at string, v any) []Break {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "\x00") {
			found = append(found, Break{at, "no U+0000"})
		}
	case []any:
		for i, item := range v {
			found = nulls(found, fmt.Sprintf("%s/%d", at, i), item)
		}
	case map[string]any:
		for k, item := range v {
			if strings.Contains(k, "\x00") {
				found = append(found, Break{at, "no U+0000 in a name"})
			}
			found = nulls(found, at+pointer([]string{k}), item)
		}
	}
	return found
}

// pairs checks what concerns a namespace and a name together, and that no input stands there twice.
func pairs(found []Break, event map[string]any) []Break {
	found = tooLong(found, "/job", event["job"], maxJobBytes)
	inputs, _ := event["inputs"].([]any)
	seen := make(map[[2]string]bool, len(inputs))
	for i, in := range inputs {
		at := fmt.Sprintf("/inputs/%d", i)
		found = tooLong(found, at, in, maxDatasetBytes)
		if o, ok := in.(map[string]any); ok {
			key := [2]string{fmt.Sprint(o["namespace"]), fmt.Sprint(o["name"])}
			if seen[key] {
				found = append(found, Break{at, "no dataset twice"})
			}
			seen[key] = true
		}
	}
	return found
}

func tooLong(found []Break, at string, v any, limit int) []Break {
	o, _ := v.(map[string]any)
	namespace, _ := o["namespace"].(string)
	name, _ := o["name"].(string)
	if len(namespace)+len(name) > limit {
		found = append(found, Break{at, fmt.Sprintf("namespace and name: at most %d bytes", limit)})
	}
	return found
}
