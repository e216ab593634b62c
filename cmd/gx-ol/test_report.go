package main

import (
	"encoding/xml"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/gx-ol/gx-ol/internal/cases"
)

// caseLine is a case as JSON tells it.
type caseLine struct {
	File     string          `json:"file"`
	Line     int             `json:"line"`
	Name     string          `json:"name"`
	Passed   bool            `json:"passed"`
	Failures []cases.Failure `json:"failures,omitempty"`
}

// print prints the verdicts: as JSON one a line, or as a table, with what differs behind it.
func (t *tester) print(verdicts []verdict, failed int) error {
	if t.output == "json" {
		for _, v := range verdicts {
			if err := printJSON(t.stdout, caseLine{v.File, v.Line, v.Name, len(v.failures) == 0, v.failures}); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
	for _, v := range verdicts {
		say(table, "%s\t%s:%d\t%s\n", word(&v), v.File, v.Line, v.Name)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, v := range verdicts {
		if len(v.failures) == 0 {
			continue
		}
		say(t.stdout, "\n%s\n", v.Name)
		for _, f := range v.failures {
			say(t.stdout, "%s", block(difference(f)))
		}
	}
	say(t.stdout, "\n%s, %d failed\n", plural(len(verdicts), "case"), failed)
	return nil
}

func word(v *verdict) string {
	if len(v.failures) > 0 {
		return "FAIL"
	}
	return "ok"
}

// difference shows the place of what was expected, the field, and both values.
func difference(f cases.Failure) string {
	var b strings.Builder
	b.WriteString("  " + f.Place + "  ")
	if f.Event != "" {
		b.WriteString("event " + f.Event + "  ")
	}
	b.WriteString(f.Field + "\n    - " + f.Want + "\n    + " + f.Got + "\n")
	if f.Hint != "" {
		b.WriteString("    " + f.Hint + "\n")
	}
	return b.String()
}

// The form of a JUnit report, as far as CI systems read it.
type (
	junitReport struct {
		XMLName  xml.Name      `xml:"testsuites"`
		Tests    int           `xml:"tests,attr"`
		Failures int           `xml:"failures,attr"`
		Suites   []*junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
		seconds  float64
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// writeJUnit writes a report: a suite for each file.
func writeJUnit(path string, verdicts []verdict) error {
	report := junitReport{Tests: len(verdicts)}
	var suite *junitSuite
	for _, v := range verdicts {
		if suite == nil || suite.Name != v.File {
			suite = &junitSuite{Name: v.File}
			report.Suites = append(report.Suites, suite)
		}
		suite.Tests++
		suite.seconds += v.took.Seconds()
		suite.Time = fmt.Sprintf("%.3f", suite.seconds)
		c := junitCase{Name: v.Name, Class: v.File, File: v.File, Line: v.Line, Time: fmt.Sprintf("%.3f", v.took.Seconds())}
		if len(v.failures) > 0 {
			suite.Failures++
			report.Failures++
			c.Failure = &junitFailure{Message: v.failures[0].Field + ": " + v.failures[0].Got}
			for _, f := range v.failures {
				c.Failure.Text += difference(f)
			}
		}
		suite.Cases = append(suite.Cases, c)
	}
	text, err := xml.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append([]byte(xml.Header), append(text, '\n')...), 0o644) //nolint:gosec // a report is for others to read
}
