// Package lineage answers three questions over OpenLineage: which assertions failed in what a dataset is made from (Upstream), which jobs read data that is
// known to be bad (Consumers), and what failed assertions have in common (Common); and it gives the neighbourhood of a dataset with the quality of each
// (Around).
//
// Where the answers come from is a Source: a Marquez, an OpenLineage topic, or files of events; each has a room of its own below. Answers are data, made for
// JSON; what they look like is the affair of whoever asked.
package lineage

import (
	"cmp"
	"slices"
	"time"
)

// Dataset names a dataset.
type Dataset struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// String is "namespace name".
func (d Dataset) String() string { return d.Namespace + " " + d.Name }

// Compare orders datasets by name, then by namespace.
func (d Dataset) Compare(e Dataset) int {
	return cmp.Or(cmp.Compare(d.Name, e.Name), cmp.Compare(d.Namespace, e.Namespace))
}

// Job names a job.
type Job struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// String is "namespace name".
func (j Job) String() string { return j.Namespace + " " + j.Name }

// Compare orders jobs by name, then by namespace.
func (j Job) Compare(k Job) int {
	return cmp.Or(cmp.Compare(j.Name, k.Name), cmp.Compare(j.Namespace, k.Namespace))
}

// Run names a run of a job: the parent of a check, or its root.
type Run struct {
	Job
	ID string `json:"run"`
}

// Column is a column of a dataset.
type Column struct {
	Dataset Dataset `json:"dataset"`
	Column  string  `json:"column"`
}

// Compare orders columns by dataset and name.
func (c Column) Compare(d Column) int {
	return cmp.Or(c.Dataset.Compare(d.Dataset), cmp.Compare(c.Column, d.Column))
}

// Severity of an assertion. What no producer names is an error.
type Severity string

// The severities of the facet dataQualityAssertions.
const (
	Error Severity = "error"
	Warn  Severity = "warn"
)

// Assertion is a failed assertion, as the facet dataQualityAssertions has it.
type Assertion struct {
	Type     string   `json:"assertion"`
	Column   string   `json:"column,omitempty"`
	Severity Severity `json:"severity"`
	Expected string   `json:"expected,omitempty"`
	Actual   string   `json:"actual,omitempty"`
	Name     string   `json:"name,omitempty"`
}

// Compare orders errors before warnings, then by type, column and name.
func (a Assertion) Compare(b Assertion) int {
	return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Name, b.Name))
}

// Check is what the latest run with assertions of a job says of a dataset. What failed is told by the assertions, never by the state of the run: a warning
// fails in a run that is COMPLETED.
type Check struct {
	Job     Job         `json:"job"`
	Dataset Dataset     `json:"dataset"`
	Run     string      `json:"run"`
	At      time.Time   `json:"at"`              // when the run ended; while it has not, the event that brought the assertions
	Suite   string      `json:"suite,omitempty"` // the expectation suite
	Parent  *Run        `json:"parent,omitempty"`
	Root    *Run        `json:"root,omitempty"`
	Passed  int         `json:"passed"` // assertions that hold
	Failed  []Assertion `json:"failed"`
}

// Worst is the quality that the check alone gives its dataset: Failed, Warned or Passed.
func (c *Check) Worst() Quality {
	switch {
	case slices.ContainsFunc(c.Failed, func(a Assertion) bool { return a.Severity != Warn }):
		return Failed
	case len(c.Failed) > 0:
		return Warned
	}
	return Passed
}

// Quality is what is known of a dataset's data.
type Quality string

// The qualities, the worst first.
const (
	Failed       Quality = "failed"        // an assertion of severity error fails
	Warned       Quality = "warned"        // only warnings fail
	Stale        Quality = "stale"         // all held, but the data were written again since, or the checks are older than what is asked for
	Passed       Quality = "passed"        // all held
	NeverChecked Quality = "never checked" // no check is known
)

// Reaches says whether a quality is as bad as the limit or worse. NeverChecked never is.
func (q Quality) Reaches(limit Quality) bool {
	order := []Quality{Failed, Warned, Stale}
	at := slices.Index(order, q)
	return at >= 0 && at <= slices.Index(order, limit)
}
