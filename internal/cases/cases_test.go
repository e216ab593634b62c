package cases

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

const started = `{"eventType":"START","job":{"namespace":"a","name":"orders"},"inputs":[{"name":"x"},{"name":"y.z","facets":{"a.b":1}}],"outputs":[],"run":{"facets":{"n":{"count":3,"half":0.50,"big":12345678901234567890,"ok":true,"none":null}}}}`

const failed = `{"eventType":"FAIL","job":{"namespace":"a","name":"orders"},"inputs":[]}`

func none(path string) ([]byte, error) {
	return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
}

func parse(t *testing.T, expect string) *Case {
	t.Helper()
	all, err := Parse("c.yaml", []byte("cases:\n- input: {}\n  expect: "+expect+"\n"), none)
	if err != nil {
		t.Fatal(err)
	}
	return &all[0]
}

// What a pattern names must be there; all else may be anything. Each line: a pattern, and how it differs.
func TestAPatternNamesWhatMustBeThere(t *testing.T) {
	for pattern, want := range map[string]string{
		`{eventType: START}`:                          "",
		`{job: {name: orders}}`:                       "",
		`{job.name: orders}`:                          "",
		`{job.name: order}`:                           `job.name "order" "orders"`,
		`{job: {name: order, namespace: b}}`:          `job.name "order" "orders"; job.namespace "b" "a"`,
		`{job.nme: orders}`:                           `job.nme "orders" (not there) there is no nme: did you mean name?`,
		`{jobb.name: orders}`:                         "fault",
		`{"inputs[0].name": x}`:                       "",
		`{"inputs[1].name": y.z}`:                     "",
		`{"inputs[2].name": x}`:                       `inputs[2].name "x" (not there)`,
		`{"inputs[].name": y.z}`:                      "",
		`{"inputs[].name": q}`:                        `inputs[].name "q" "x" none of the 2 elements fits`,
		`{"inputs[1].facets": {a.b: 1}}`:              "", // a key that is there as it is written
		`{inputs: [{name: x}, {}]}`:                   "",
		`{inputs: [{name: x}]}`:                       `inputs [{"name":"x"}] [{"name":"x"},{"facets":{"a.b":1},"name":"y.z"}]`,
		`{outputs: []}`:                               "",
		`{outputs: null}`:                             `outputs (not there) []`,
		`{run.facets.n.none: null}`:                   "",
		`{run.facets.gone: null}`:                     "",
		`{run.facets.n.count: 3}`:                     "",
		`{run.facets.n.count: 3.0}`:                   "",
		`{run.facets.n.count: 0x3}`:                   "",
		`{run.facets.n.count: "3"}`:                   `run.facets.n.count "3" 3`,
		`{run.facets.n.half: 0.5}`:                    "",
		`{run.facets.n.big: 12345678901234567890}`:    "",
		`{run.facets.n.big: 12345678901234567891}`:    `run.facets.n.big 12345678901234567891 12345678901234567890`,
		`{run.facets.n.ok: true}`:                     "",
		`{run.facets.n.ok: "true"}`:                   `run.facets.n.ok "true" true`,
		`{run.facets.n: !any }`:                       "",
		`{run.facets.m: !any }`:                       `run.facets.m anything (not there)`,
		`{job.name: !re "^ord"}`:                      "",
		`{job.name: !re "^rd"}`:                       `job.name matches ^rd "orders"`,
		`{run.facets.n.count: !re "^[0-9]+$"}`:        "",
		`{job.name.first: x}`:                         `job.name.first "x" (not there)`,
		`{eventTime: 2026-01-01T00:00:00Z}`:           `eventTime "2026-01-01T00:00:00Z" (not there) there is no eventTime: did you mean eventType?`,
		`{job.name: orders, eventType: FAIL, run: 1}`: `eventType "FAIL" "START"; run 1 {"facets":{"n":{"big":12345678901234567890,"count":3,"half":0.50,"none":null,"ok":true}}}`,
	} {
		all, err := Parse("c.yaml", []byte("cases: [{input: {}, expect: {each: "+pattern+"}}]"), none)
		if (err != nil) != (want == "fault") {
			t.Errorf("%s: %v", pattern, err)
		}
		if err != nil {
			continue
		}
		var got []string
		for _, f := range all[0].Judge(Outcome{Events: [][]byte{[]byte(started)}}) {
			got = append(got, strings.TrimSpace(strings.Join([]string{f.Field, f.Want, f.Got, f.Hint}, " ")))
		}
		if said := strings.Join(got, "; "); said != want {
			t.Errorf("%s:\ngot  %s\nwant %s", pattern, said, want)
		}
	}
}

func TestAnOutcomeIsJudged(t *testing.T) {
	two := Outcome{Events: [][]byte{[]byte(started), []byte(failed)}, Warnings: []string{"trimmed", "trimmed"}}
	refused := Outcome{Code: "invalid_json", Reason: "it ends"}
	filtered := Outcome{Filtered: 3}
	for _, c := range []struct {
		expect string
		o      Outcome
		want   string
	}{
		{"{count: 2, warnings: [trimmed]}", two, ""},
		{"{events: [{eventType: START}, {eventType: FAIL}]}", two, ""},
		{"{events: [{eventType: FAIL}]}", two, ""},
		{"{events: [{eventType: FAIL}, {eventType: START}]}", two, `events {"eventType":"START"} no event, or none behind those that fit what stands before`},
		{"{events: [{eventType: FAIL, job.name: x}]}", two, `job.name "x" "orders"`}, // the event of that type is meant
		{"{count: 1}", two, "count 1 event 2 events"},
		{"{warnings: []}", two, "warnings none trimmed"},
		{"{each: {eventType: START}}", two, `eventType "START" "FAIL"`},
		{"{refused: invalid_json}", refused, ""},
		{"{refused: tombstone}", refused, "refused tombstone invalid_json: it ends"},
		{"{refused: tombstone}", two, "refused tombstone it gives 2 events"},
		{"{count: 0}", refused, "refused (not refused) invalid_json: it ends"}, // no events for another reason than was meant
		{"{filtered: true}", filtered, ""},
		{"{filtered: 3, count: 0}", filtered, ""},
		{"{filtered: 2}", filtered, "filtered 2 results left out 3 results left out, 0 events"},
		{"{filtered: false}", filtered, "filtered 0 results left out 3 results left out, 0 events"},
		{"{filtered: true}", two, "filtered all results left out 0 results left out, 2 events"},
		{"{each: {}}", filtered, "each an event no event"},
		{"{events: [{}]}", filtered, "events {} no event, or none behind those that fit what stands before"},
	} {
		var got []string
		for _, f := range parse(t, c.expect).Judge(c.o) {
			if !strings.HasPrefix(f.Place, "c.yaml:3:") && !strings.HasPrefix(f.Place, "c.yaml:2") {
				t.Errorf("%s: place %s", c.expect, f.Place)
			}
			got = append(got, strings.Join([]string{f.Field, f.Want, f.Got}, " "))
		}
		if said := strings.Join(got, "; "); said != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.expect, said, c.want)
		}
	}
}

// An input is a file, the message as YAML, or text.
func TestInputsAreWhatTheyMean(t *testing.T) {
	read := func(path string) ([]byte, error) { return fmt.Appendf(nil, "read %s", path), nil }
	for yaml, want := range map[string]string{
		"results/a.json": "read dir/results/a.json",
		"/abs.json":      "read /abs.json",
		`'{"a": NaN}'`:   `{"a": NaN}`,
		"|\n    broken":  "broken\n",
		"null":           "",
		"{a: 1, b: [1.50, yes, .nan, -.inf, 1_000, 2026-01-01, ~, \"x<\"], 3: {}}": `{"a":1,"b":[1.50,"yes",NaN,-Infinity,1000,"2026-01-01",null,"x\u003c"],"3":{}}`,
	} {
		all, err := Parse("dir/c.yaml", []byte("cases:\n- expect: {count: 1}\n  input: "+yaml+"\n"), read)
		if err != nil || string(all[0].Value) != want {
			t.Errorf("%s: %+v, %v, want %q", yaml, all, err, want)
		}
	}
}

func TestFaultsOfCasesNameTheirPlaceAndWhatWasMeant(t *testing.T) {
	for yaml, want := range map[string]string{
		"":                                       "c.yaml: holds no cases",
		"cases: []":                              "c.yaml:1:8: holds no cases",
		"config: {}":                             `c.yaml:1:1: a file of cases needs the key "cases"`,
		"caess: []":                              `c.yaml:1:1: unknown key "caess": did you mean "cases"?`,
		"cases: {}":                              "c.yaml:1:8: cases must be a list",
		"cases:\n\t- a":                          "c.yaml:2:1: not valid YAML: a tab in the indentation: use spaces",
		"cases: [{input: {}}]":                   `c.yaml:1:9: a case needs the key "expect"`,
		"cases: [{expect: {count: 1}}]":          "c.yaml:1:9: a case needs an input: a file, or the message itself",
		"cases: [{inptu: {}}]":                   `c.yaml:1:10: unknown key "inptu": did you mean "input"?`,
		"cases: [{input: , expect: {count: 1}}]": "c.yaml:1:17: input must name a file, or be the message itself",
		"cases: [{input: a.json, expect: {count: 1}}]":                                                "c.yaml:1:17: a.json cannot be read: file does not exist",
		"cases: [{input: {}, expect: {}}]":                                                            "c.yaml:1:29: expect must say something: events, each, count, refused, filtered or warnings",
		"cases: [{input: {}, expect: {evnts: []}}]":                                                   `c.yaml:1:30: unknown key "evnts": did you mean "events"?`,
		"cases: [{input: {}, expect: {count: -1}}]":                                                   "c.yaml:1:37: count must be a whole number",
		"cases: [{input: {}, expect: {filtered: some}}]":                                              "c.yaml:1:40: filtered must be true (all of the message), false, or how many results",
		"cases: [{input: {}, expect: {each: {eventTyp: a}}}]":                                         `c.yaml:1:37: an event has no "eventTyp": did you mean "eventType"?`,
		"cases: [{input: {}, expect: {each: {\"inputs[x]\": a}}}]":                                    `c.yaml:1:37: "inputs[x]" is no path: between [ and ] stands a number, or nothing for any element`,
		"cases: [{input: {}, expect: {each: {job: !re \"(\"}}}]":                                      "c.yaml:1:42: !re is no regular expression: error parsing regexp: missing closing ): `(`",
		"cases: [{input: {}, expect: {each: {job: !er a}}}]":                                          `c.yaml:1:42: unknown tag "!er": there are !re and !any`,
		"cases: [{input: {}, expect: {refused: a, count: 1}}]":                                        "c.yaml:1:29: a message that is refused gives no events: expect one or the other",
		"cases: [{input: {}, input: {}, expect: {count: 1}}]":                                         `c.yaml:1:21: key "input" is there twice: first in line 1`,
		"received: noon\ncases: [{input: {}, expect: {count: 1}}]":                                    "c.yaml:1:11: received must be an RFC 3339 time such as 2026-01-01T00:00:00Z",
		"config: c/d.yaml\ncases: [{input: {}, expect: {count: 1}}]":                                  "c.yaml:1:9: c/d.yaml cannot be read: file does not exist",
		"cases: [{name: a, input: {}, expect: {count: 1}}, {name: a, input: {}, expect: {count: 1}}]": `c.yaml:1:51: a case is called "a" already: in line 1`,
		"a: 1\n---\nb: 2": "c.yaml: holds more than one YAML document: keep one",
	} {
		if _, err := Parse("c.yaml", []byte(yaml), none); err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", yaml, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("cases: [{input: {a: .nan}, expect: {each: {job: {a: [1, !re x, null]}, inputs[].b: 2}}}]")
	f.Add("a: &a [1]\ncases: [{input: &b [*a, *a], expect: {events: [{run: *b}]}}]")
	f.Add("cases: &x [{input: *x}]")
	f.Fuzz(func(t *testing.T, s string) {
		all, err := Parse("c", []byte(s), func(string) ([]byte, error) { return nil, errors.New("no files") })
		if err != nil && err.Error() == "" {
			t.Error("a fault without a word")
		}
		for i := range all {
			all[i].Judge(Outcome{Events: [][]byte{[]byte(started), []byte(failed)}})
		}
	})
}
