package yamlfault

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestAFaultHasItsPlaceAndAHint(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\nt: {timeout: ${T}}\nb: 2":        "2:1: did not find expected ',' or '}': a value within {…} that",
		"t: {timeout: ${T}}":                    "1:1: did not find expected ',' or '}': a value within {…} that",
		"a: 1\nt: {h: {b: c}\nj: {n: x}\n":      "2:1: did not find expected ',' or '}': ",
		"a: 1\nb: [1\n":                         "2:1: did not find expected ',' or ']': ",
		"v:\n- [A,":                             "2:1: did not find expected node content",
		"a: [\n":                                "1:1: did not find expected node content",
		"a:\n  t: x\n u: y\n":                   "3:1: did not find expected key: the keys of one mapping begin in one column",
		"a: 1\nu: \"x\nb: 2\n":                  "2:1: found unexpected end of stream: a quote that is not closed",
		"a: 1\nd:\n  *: {n: x}\n":               "3:1: did not find expected alphabetic or numeric character: what begins with * or & must stand in quotes",
		"a: 1\nk: @x\n":                         "2:1: found character that cannot start any token: what begins with @, % or ` must stand in quotes",
		"a: 1\nk: b: c\n":                       "2:1: mapping values are not allowed in this context: a value that holds \": \" must",
		"a: 1\nk\nb: 1\n":                       "could not find expected ':': a line of a mapping is",
		"a: 1\nk: \"\\d\"\n":                    "2:1: found unknown escape character: within",
		"a:\n\tb: 1":                            "2:1: a tab in the indentation: use spaces",
		"a: {b: 1,\n \tc: 2":                    "2:2: a tab in the indentation: use spaces",
		"a: 1\nb: *SECRET\n":                    "2:4: an alias without its anchor: a value that begins with * must stand in quotes",
		"a: &SECRET {b: *SECRET}\nc: *SECRET\n": "",
		"a: !!int SECRET\n":                     "",
		"%SECRET x\n":                           "",
		"a: !<SECRET 1":                         "",
		"\xffSECRET":                            "1:1: invalid leading UTF-8 octet: is this a text, and UTF-8?",
	} {
		var v map[string]any
		err := yaml.Unmarshal([]byte(text), &v)
		if err == nil {
			t.Errorf("%q is YAML", text)
			continue
		}
		line, column, message := Of([]byte(text), err)
		got := fmt.Sprintf("%d:%d: %s", line, column, message)
		if !strings.Contains(got, want) || strings.Contains(got, "SECRET") || line < 1 || line > strings.Count(text, "\n")+1 {
			t.Errorf("%q:\ngot  %s\nwant %s\nof   %v", text, got, want, err)
		}
	}
}

func FuzzOf(f *testing.F) {
	for _, text := range []string{"a: [", "a:\n\t- b", "a: *b", "a: &a *a", "\"", "%", "a: b: c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var n yaml.Node
		err := yaml.Unmarshal([]byte(text), &n)
		if err == nil {
			return
		}
		line, column, message := Of([]byte(text), err)
		if line < 1 || line > strings.Count(text, "\n")+1 || column < 1 || message == "" {
			t.Errorf("%q: %d:%d: %q", text, line, column, message)
		}
	})
}
