package web

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/gx-ol/gx-ol/internal/seen"
)

// eventView is what is shown of a terminal event: read leniently, for one that passed through may hold anything.
type eventView struct {
	Type, Time, RunID    string
	JobNamespace, Job    string
	Parent, ParentRun    string
	Message              string
	Datasets             []datasetFacts
	Checks               []check // failed ones first
	Passed, Failed, Skip int
}

// datasetFacts are what an event says of a dataset.
type datasetFacts struct {
	Name    seen.Dataset
	Rows    string
	Bytes   string
	Columns []columnFacts
}

type columnFacts struct{ Name, Count, Nulls, Distinct, Sum, Min, Max string }

// check is one assertion, or one test.
type check struct {
	Name, Column, Expected, Actual, Severity, Description string
	Outcome                                               seen.Outcome
	Dataset                                               string // where there are several
}

type wireEvent struct {
	EventType string `json:"eventType"`
	EventTime string `json:"eventTime"`
	Run       struct {
		RunID  string `json:"runId"`
		Facets struct {
			ErrorMessage struct {
				Message string `json:"message"`
			} `json:"errorMessage"`
			Parent struct {
				Run struct {
					RunID string `json:"runId"`
				} `json:"run"`
				Job wireName `json:"job"`
			} `json:"parent"`
			Test struct {
				Tests []wireCheck `json:"tests"`
			} `json:"test"`
		} `json:"facets"`
	} `json:"run"`
	Job     wireName      `json:"job"`
	Inputs  []wireDataset `json:"inputs"`
	Outputs []wireDataset `json:"outputs"`
}

type wireName struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

type wireDataset struct {
	wireName
	Facets      wireFacets `json:"facets"`
	InputFacets wireFacets `json:"inputFacets"`
}

type wireFacets struct {
	Assertions struct {
		Assertions []wireCheck `json:"assertions"`
	} `json:"dataQualityAssertions"`
	Metrics struct {
		RowCount json.Number           `json:"rowCount"`
		Bytes    json.Number           `json:"bytes"`
		Columns  map[string]wireColumn `json:"columnMetrics"`
	} `json:"dataQualityMetrics"`
}

type wireColumn struct {
	Count    json.Number `json:"count"`
	Nulls    json.Number `json:"nullCount"`
	Distinct json.Number `json:"distinctCount"`
	Sum      json.Number `json:"sum"`
	Min      json.Number `json:"min"`
	Max      json.Number `json:"max"`
}

// wireCheck is an assertion of a dataset, or a test of a run: they name things differently.
type wireCheck struct {
	Assertion   string `json:"assertion"`
	Success     *bool  `json:"success"`
	Name        string `json:"name"`
	Status      string `json:"status"`
	Type        string `json:"type"`
	Column      string `json:"column"`
	Severity    string `json:"severity"`
	Expected    any    `json:"expected"`
	Actual      any    `json:"actual"`
	Description string `json:"description"`
}

// readEvent reads an event. What is not as it should be is left out; ok is false for what is no JSON object.
func readEvent(body []byte) (v eventView, ok bool) {
	var w wireEvent
	if err := json.Unmarshal(body, &w); err != nil {
		var wrong *json.UnmarshalTypeError
		if !asType(err, &wrong) { // a field of another type is only passed over
			return v, false
		}
	}
	v = eventView{Type: w.EventType, Time: w.EventTime, RunID: w.Run.RunID, JobNamespace: w.Job.Namespace, Job: w.Job.Name, Message: w.Run.Facets.ErrorMessage.Message,
		Parent: w.Run.Facets.Parent.Job.Name, ParentRun: w.Run.Facets.Parent.Run.RunID}
	several := len(w.Inputs)+len(w.Outputs) > 1
	for _, d := range append(w.Inputs, w.Outputs...) {
		v.dataset(&d, several)
	}
	for i := range w.Run.Facets.Test.Tests {
		v.add(&w.Run.Facets.Test.Tests[i], "")
	}
	slices.SortStableFunc(v.Checks, func(a, b check) int {
		return cmp.Compare(slices.Index(seen.Outcomes, a.Outcome), slices.Index(seen.Outcomes, b.Outcome))
	})
	return v, true
}

func asType(err error, wrong **json.UnmarshalTypeError) bool {
	e, ok := err.(*json.UnmarshalTypeError) //nolint:errorlint // json returns it as it is
	*wrong = e
	return ok
}

// dataset takes what an event says of a dataset, in whichever of the two places it says it.
func (v *eventView) dataset(d *wireDataset, several bool) {
	one := datasetFacts{Name: seen.Dataset{Namespace: d.Namespace, Name: d.Name}}
	for _, f := range []*wireFacets{&d.InputFacets, &d.Facets} {
		if f == &d.InputFacets || len(d.InputFacets.Assertions.Assertions) == 0 { // the same ones may stand in both places
			about := ""
			if several {
				about = d.Name
			}
			for i := range f.Assertions.Assertions {
				v.add(&f.Assertions.Assertions[i], about)
			}
		}
		one.Rows = cmp.Or(one.Rows, f.Metrics.RowCount.String())
		one.Bytes = cmp.Or(one.Bytes, f.Metrics.Bytes.String())
		if one.Columns != nil {
			continue
		}
		for name, c := range f.Metrics.Columns {
			one.Columns = append(one.Columns, columnFacts{name, c.Count.String(), c.Nulls.String(), c.Distinct.String(), c.Sum.String(), c.Min.String(), c.Max.String()})
		}
	}
	slices.SortFunc(one.Columns, func(a, b columnFacts) int { return cmp.Compare(a.Name, b.Name) })
	v.Datasets = append(v.Datasets, one)
}

func (v *eventView) add(w *wireCheck, dataset string) {
	c := check{Name: cmp.Or(w.Assertion, w.Type, w.Name), Column: w.Column, Expected: plain(w.Expected), Actual: plain(w.Actual), Severity: w.Severity,
		Description: w.Description, Dataset: dataset}
	switch {
	case w.Success != nil && *w.Success || w.Status == "pass":
		c.Outcome = seen.Passed
		v.Passed++
	case w.Success != nil || w.Status == "fail":
		c.Outcome = seen.Failed
		if w.Severity == "warn" {
			c.Outcome = seen.Warned
		}
		v.Failed++
	default:
		c.Outcome = seen.None
		v.Skip++
	}
	v.Checks = append(v.Checks, c)
}

// plain is a value as text.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	text, _ := json.Marshal(v) // it came from JSON
	return string(text)
}

// mostShown is how much of an event's text is shown in the page: the whole is behind a link.
const mostShown = 64 << 10

// pretty is an event for people; of a large one its beginning.
func pretty(body []byte) (text string, more bool) {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		b.Reset()
		b.Write(body)
	}
	if b.Len() > mostShown {
		return string(b.Bytes()[:mostShown]), true
	}
	return b.String(), false
}
