package cases

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/internal/nearest"
)

// matcher compares a pattern with a value: what the pattern does not name may be anything.
type matcher struct {
	at    func(*yaml.Node) string
	found []Failure
}

func (m *matcher) fail(n *yaml.Node, path, got, hint string) {
	m.found = append(m.found, Failure{Place: m.at(n), Field: path, Want: wanted(n), Got: got, Hint: hint})
}

// absent is a value that is not there.
type absent struct{ hint string }

func (m *matcher) match(n *yaml.Node, value any, path string) {
	switch n = resolved(n); n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			m.member(n.Content[i].Value, resolved(n.Content[i+1]), value, path)
		}
	case yaml.SequenceNode:
		list, ok := value.([]any)
		if !ok || len(list) != len(n.Content) {
			m.fail(n, path, shown(value), hintOf(value))
			return
		}
		for i, item := range n.Content {
			m.match(item, list[i], below(path, step{"", i}))
		}
	default:
		if !fits(n, value) {
			m.fail(n, path, shown(value), hintOf(value))
		}
	}
}

// member matches what stands under a key. A key that is there as it is written comes before a path.
func (m *matcher) member(key string, n *yaml.Node, value any, path string) {
	if object, ok := value.(map[string]any); ok {
		if inner, there := object[key]; there {
			m.match(n, inner, below(path, step{key, aMember}))
			return
		}
	}
	steps, err := parsePath(key)
	if err != nil {
		return // told when the file was read
	}
	m.walk(steps, n, value, path)
}

func (m *matcher) walk(steps []step, n *yaml.Node, value any, path string) {
	if len(steps) == 0 {
		m.match(n, value, path)
		return
	}
	s, rest := steps[0], steps[1:]
	here := below(path, s)
	if s.index == anyElement {
		m.any(rest, n, value, here)
		return
	}
	m.walk(rest, n, inside(value, s), here)
}

// any wants one element that matches, and tells how the nearest one does not.
func (m *matcher) any(rest []step, n *yaml.Node, value any, path string) {
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		m.walk(rest, n, absent{}, path)
		return
	}
	var nearest []Failure
	for i, item := range list {
		one := &matcher{at: m.at}
		one.walk(rest, n, item, path)
		if len(one.found) == 0 {
			return
		}
		if i == 0 || len(one.found) < len(nearest) {
			nearest = one.found
		}
	}
	if len(list) > 1 {
		for i := range nearest {
			nearest[i].Hint = fmt.Sprintf("none of the %d elements fits", len(list))
		}
	}
	m.found = append(m.found, nearest...)
}

// inside is what a step finds in a value.
func inside(value any, s step) any {
	if s.index >= 0 {
		if list, ok := value.([]any); ok && s.index < len(list) {
			return list[s.index]
		}
		return absent{}
	}
	object, ok := value.(map[string]any)
	if !ok {
		if a, gone := value.(absent); gone {
			return a // the first thing that is not there is the cause
		}
		return absent{}
	}
	if inner, there := object[s.key]; there {
		return inner
	}
	if near := nearest.Name(s.key, slices.Sorted(maps.Keys(object))); near != "" {
		return absent{fmt.Sprintf("there is no %s: did you mean %s?", s.key, near)}
	}
	return absent{}
}

// fits compares a single value.
func fits(n *yaml.Node, value any) bool {
	_, gone := value.(absent)
	switch n.ShortTag() {
	case "!!null":
		return gone || value == nil
	case "!any":
		return !gone && value != nil
	case "!re":
		re, err := regexp.Compile(n.Value)
		return err == nil && !gone && re.MatchString(plain(value))
	case "!!bool":
		b, ok := value.(bool)
		want, err := strconv.ParseBool(n.Value)
		return ok && err == nil && b == want
	case "!!int", "!!float":
		got, ok := value.(json.Number)
		return ok && sameNumber(n, got)
	}
	s, ok := value.(string)
	return ok && s == n.Value
}

func sameNumber(n *yaml.Node, got json.Number) bool {
	if a, ok := new(big.Rat).SetString(n.Value); ok {
		b, ok := new(big.Rat).SetString(got.String())
		return ok && a.Cmp(b) == 0
	}
	var f float64 // 1_000, 0x10, .inf
	g, err := got.Float64()
	return n.Decode(&f) == nil && err == nil && f == g
}

// plain is a value as a regular expression reads it.
func plain(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	b, _ := marshal(value) // decoded from JSON
	return string(b)
}

// shown is a value as JSON.
func shown(value any) string {
	if _, gone := value.(absent); gone {
		return "(not there)"
	}
	b, err := marshal(value)
	if err != nil {
		return "?"
	}
	return brief(string(b))
}

func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return bytes.TrimSpace(b.Bytes()), err
}

func hintOf(value any) string {
	if a, gone := value.(absent); gone {
		return a.hint
	}
	return ""
}

// wanted is a pattern in words.
func wanted(n *yaml.Node) string {
	switch n.ShortTag() {
	case "!re":
		return "matches " + n.Value
	case "!any":
		return "anything"
	case "!!null":
		return "(not there)"
	}
	w := &jsonWriter{left: 1000}
	w.value(n)
	return brief(w.out.String())
}

// brief is a value as far as a difference shows it.
func brief(s string) string {
	const most = 2000
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
