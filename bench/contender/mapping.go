package contender

import (
	"crypto/sha1" //nolint:gosec // a name, not a secret
	"encoding/json"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

const (
	whoMadeIt = "https://github.com/gx-ol/gx-ol/bench"
	spec      = "https://openlineage.io/spec/"
)

// result is what the hand-written mapping needs of a validation result.
type result struct {
	Success    bool   `json:"success"`
	Suite      string `json:"suite_name"`
	Statistics struct {
		Evaluated  int `json:"evaluated_expectations"`
		Successful int `json:"successful_expectations"`
	} `json:"statistics"`
	Meta struct {
		Version      string            `json:"great_expectations_version"`
		Run          map[string]string `json:"run_id"`
		Time         string            `json:"validation_time"`
		ValidationID string            `json:"validation_id"`
		Checkpoint   string            `json:"checkpoint_name"`
		Active       struct {
			Datasource string `json:"datasource_name"`
			Asset      string `json:"data_asset_name"`
		} `json:"active_batch_definition"`
		Spec struct {
			Schema string `json:"schema_name"`
			Table  string `json:"table_name"`
		} `json:"batch_spec"`
	} `json:"meta"`
	Results []struct {
		Success bool `json:"success"`
		Config  struct {
			Type   string `json:"type"`
			Kwargs struct {
				Column string `json:"column"`
			} `json:"kwargs"`
		} `json:"expectation_config"`
		Result struct {
			Unexpected *float64        `json:"unexpected_count"`
			Observed   json.RawMessage `json:"observed_value"`
		} `json:"result"`
	} `json:"results"`
}

type facet struct {
	Producer  string `json:"_producer"`
	SchemaURL string `json:"_schemaURL"`
}

type assertion struct {
	Assertion string `json:"assertion"`
	Success   bool   `json:"success"`
	Column    string `json:"column,omitempty"`
}

type metrics struct {
	facet
	RowCount *float64           `json:"rowCount,omitempty"`
	Columns  map[string]*column `json:"columnMetrics"`
}

type assertions struct {
	facet
	Assertions []assertion `json:"assertions"`
}

type input struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Facets    struct {
		Metrics    metrics    `json:"dataQualityMetrics"`
		Assertions assertions `json:"dataQualityAssertions"`
	} `json:"inputFacets"`
}

type event struct {
	EventType string            `json:"eventType"`
	EventTime string            `json:"eventTime"`
	Producer  string            `json:"producer"`
	SchemaURL string            `json:"schemaURL"`
	Run       run               `json:"run"`
	Job       map[string]string `json:"job"`
	Inputs    []input           `json:"inputs"`
	Outputs   []input           `json:"outputs"`
}

type run struct {
	RunID  string `json:"runId"`
	Facets struct {
		GX struct {
			facet
			Version    string `json:"version"`
			Suite      string `json:"suiteName"`
			Checkpoint string `json:"checkpointName"`
			Success    bool   `json:"success"`
			Evaluated  int    `json:"evaluated"`
			Successful int    `json:"successful"`
		} `json:"great_expectations"`
	} `json:"facets"`
}

type column struct {
	Nulls    *float64 `json:"nullCount,omitempty"`
	Distinct *float64 `json:"distinctCount,omitempty"`
	Sum      *float64 `json:"sum,omitempty"`
	Min      *float64 `json:"min,omitempty"`
	Max      *float64 `json:"max,omitempty"`
}

// mapByHand makes the terminal event of a result, with the two facets that a first version has.
func mapByHand(value []byte) ([]byte, error) {
	var r result
	if err := json.Unmarshal(value, &r); err != nil {
		return nil, err
	}
	ev := event{EventType: "COMPLETE", EventTime: r.Meta.Time, Producer: whoMadeIt, SchemaURL: spec + "2-0-2/OpenLineage.json#/$defs/RunEvent",
		Job: map[string]string{"namespace": "default", "name": r.Suite + "." + r.Meta.Active.Asset}, Outputs: []input{}}
	h := sha1.Sum([]byte(r.Meta.ValidationID + r.Meta.Run["run_time"])) //nolint:gosec // a name, not a secret
	ev.Run.RunID = uuid.UUID(h[:16]).String()
	g := &ev.Run.Facets.GX
	g.facet = facet{whoMadeIt, spec + "2-0-2/OpenLineage.json#/$defs/RunFacet"}
	g.Version, g.Suite, g.Checkpoint, g.Success = r.Meta.Version, r.Suite, r.Meta.Checkpoint, r.Success
	g.Evaluated, g.Successful = r.Statistics.Evaluated, r.Statistics.Successful
	ev.Inputs = []input{r.dataset()}
	return json.Marshal(ev)
}

func (r *result) dataset() input {
	in := input{Namespace: "postgres://warehouse:5432", Name: r.Meta.Spec.Schema + "." + r.Meta.Spec.Table}
	a, m := &in.Facets.Assertions, &in.Facets.Metrics
	a.facet = facet{whoMadeIt, spec + "facets/1-1-0/DataQualityAssertionsDatasetFacet.json"}
	m.facet = facet{whoMadeIt, spec + "facets/1-0-3/DataQualityMetricsInputDatasetFacet.json"}
	m.Columns = map[string]*column{}
	a.Assertions = make([]assertion, 0, len(r.Results))
	for i := range r.Results {
		e := &r.Results[i]
		a.Assertions = append(a.Assertions, assertion{e.Config.Type, e.Success, e.Config.Kwargs.Column})
		if strings.HasSuffix(e.Config.Type, "_not_be_null") {
			m.column(e.Config.Kwargs.Column).Nulls = e.Result.Unexpected
			continue
		}
		if value, err := strconv.ParseFloat(string(e.Result.Observed), 64); err == nil {
			m.observed(e.Config.Type, e.Config.Kwargs.Column, &value)
		}
	}
	return in
}

func (m *metrics) column(name string) *column {
	c := m.Columns[name]
	if c == nil {
		c = new(column)
		m.Columns[name] = c
	}
	return c
}

func (m *metrics) observed(kind, name string, value *float64) {
	switch kind {
	case "expect_table_row_count_to_be_between":
		m.RowCount = value
	case "expect_column_min_to_be_between":
		m.column(name).Min = value
	case "expect_column_max_to_be_between":
		m.column(name).Max = value
	case "expect_column_sum_to_be_between":
		m.column(name).Sum = value
	case "expect_column_unique_value_count_to_be_between":
		m.column(name).Distinct = value
	}
}
