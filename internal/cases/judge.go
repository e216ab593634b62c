package cases

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Judge says what is not as the case wants it; nothing: it passes.
func (c *Case) Judge(o Outcome) (failures []Failure) {
	e := &c.Expect
	fail := func(field, want, got string) {
		failures = append(failures, Failure{Place: c.place(field), Field: field, Want: want, Got: got})
	}
	got := "it gives " + count(len(o.Events), "event")
	if o.Code != "" {
		got = o.Code + ": " + o.Reason
	}
	switch {
	case e.Refused != nil && o.Code != *e.Refused:
		fail("refused", *e.Refused, got)
	case e.Refused == nil && o.Code != "":
		fail("refused", "(not refused)", got)
		return failures // all else follows from it
	}
	if n := e.Filtered; n != nil && (*n >= 0 && o.Filtered != *n || *n < 0 && (o.Filtered == 0 || len(o.Events) > 0)) {
		want := count(max(0, *n), "result")
		if *n < 0 {
			want = "all results"
		}
		fail("filtered", want+" left out", fmt.Sprintf("%s left out, %s", count(o.Filtered, "result"), count(len(o.Events), "event")))
	}
	if e.Count != nil && *e.Count != len(o.Events) {
		fail("count", count(*e.Count, "event"), count(len(o.Events), "event"))
	}
	if e.Warnings != nil && !sameSet(*e.Warnings, o.Warnings) {
		fail("warnings", list(*e.Warnings), list(o.Warnings))
	}
	return append(failures, c.judgeEvents(o)...)
}

// place is where an expectation stands, or the case.
func (c *Case) place(field string) string {
	if p := c.Expect.places[field]; p != "" {
		return p
	}
	return fmt.Sprintf("%s:%d", c.File, c.Line)
}

func (c *Case) at(n *yaml.Node) string { return fmt.Sprintf("%s:%d:%d", c.File, n.Line, n.Column) }

// event is a decoded event.
type event struct {
	name string // 2 (COMPLETE)
	kind string
	body any
}

func (c *Case) judgeEvents(o Outcome) (failures []Failure) {
	events := make([]event, len(o.Events))
	for i, body := range o.Events {
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		_ = dec.Decode(&events[i].body) // our own, or one that Decode has read
		object, _ := events[i].body.(map[string]any)
		events[i].kind, _ = object["eventType"].(string)
		events[i].name = fmt.Sprintf("%d (%s)", i+1, strings.TrimSpace(events[i].kind))
	}
	if c.Expect.Each != nil {
		if len(events) == 0 {
			failures = append(failures, Failure{Place: c.place("each"), Field: "each", Want: "an event", Got: "no event"})
		}
		for i := range events {
			failures = append(failures, c.differences(c.Expect.Each, &events[i])...)
		}
	}
	from := 0
	for _, pattern := range c.Expect.Events {
		next, differs := c.find(pattern, events[from:])
		if next < 0 {
			failures = append(failures, differs...)
			continue
		}
		from += next + 1
	}
	return failures
}

// find is the first event that fits; -1: none, and how the nearest one differs.
func (c *Case) find(pattern *yaml.Node, events []event) (int, []Failure) {
	if len(events) == 0 {
		return -1, []Failure{{Place: c.at(pattern), Field: "events", Want: wanted(pattern), Got: "no event, or none behind those that fit what stands before"}}
	}
	var nearest []Failure
	for i := range events {
		differs := c.differences(pattern, &events[i])
		if len(differs) == 0 {
			return i, nil
		}
		if i == 0 || distance(differs) < distance(nearest) {
			nearest = differs
		}
	}
	return -1, nearest
}

// distance is how far an event is from a pattern: one of another type is not meant.
func distance(differs []Failure) int {
	n := len(differs)
	for _, f := range differs {
		if f.Field == "eventType" {
			n += 1000
		}
	}
	return n
}

func (c *Case) differences(pattern *yaml.Node, e *event) []Failure {
	m := &matcher{at: c.at}
	m.match(pattern, e.body, "")
	for i := range m.found {
		m.found[i].Event = e.name
	}
	return m.found
}

func sameSet(a, b []string) bool {
	a, b = slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b)))
	return slices.Equal(a, b)
}

func list(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(all))), ", ")
}

func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}
