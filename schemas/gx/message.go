// Package gx knows the shapes a Great Expectations validation-result message can have, and decodes any of them into
// the facts that an OpenLineage event needs. Raw rows are skipped while scanning and never built.
package gx

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Shape is the kind of document a message was, by the letters of docs/mapping.md.
type Shape string

// The shapes that Decode knows.
const (
	ShapeSuite              Shape = "A" // suite result
	ShapeExpectation        Shape = "B" // one expectation result
	ShapeCheckpoint         Shape = "C" // checkpoint result 0.13.8 – 0.18
	ShapeOperator           Shape = "D" // validation-operator result 0.11 – 0.18
	ShapeRunResults         Shape = "E" // a run_results map alone
	ShapeDescribeCheckpoint Shape = "F" // CheckpointResult.describe() 1.x
	ShapeDescribeSuite      Shape = "G"
	ShapeDescribeOne        Shape = "H"
	ShapeAPIAction          Shape = "I" // APINotificationAction body
	ShapeArray              Shape = "J" // array of A (or of B: one validation)
	ShapeEvent              Shape = "N" // an OpenLineage event already
)

// Message is a decoded message: either Validations, or Events for shape N.
type Message struct {
	Shape       Shape // the innermost shape, after strings and envelopes were opened
	Size        int   // bytes of the value that was decoded
	Validations []Validation
	Events      []Passed // shape N: the events, in the message's order

	facts *facts // what the validations are made of; nil after Release
}

// Empty says whether the message holds nothing that becomes events.
func (m *Message) Empty() bool { return len(m.Validations) == 0 && len(m.Events) == 0 }

// Passed is an OpenLineage event that passes through: its own bytes, and what delivery must know.
type Passed struct {
	Event []byte
	Facts EventFacts
}

// EventFacts are the few fields of a passed-through OpenLineage event that delivery needs.
type EventFacts struct {
	Kind                          string // RunEvent, JobEvent, DatasetEvent
	Type                          string // eventType
	RunID                         string
	JobNamespace, JobName         string
	DatasetNamespace, DatasetName string    // DatasetEvent
	Datasets                      []Dataset // its inputs, then its outputs
	ParentNamespace, ParentName   string    // run.facets.parent.job
	RootNamespace, RootName       string    // run.facets.parent.root.job
}

// Dataset names a dataset of a passed-through event.
type Dataset struct{ Namespace, Name string }

// Validation holds the facts of one validation result: one suite run on one batch. Row values are not among them,
// except where a field says so.
type Validation struct {
	Part                       string // its place in the message: "" if alone, "[3]", "run_results[0]"
	GXVersion                  string // meta.great_expectations_version (or great_expectations.__version__)
	Success                    *bool
	Suite                      string // meta.expectation_suite_name, else top-level suite_name / test_suite_name
	SuiteNotes                 string
	Checkpoint                 string // meta.checkpoint_name, else checkpoint_config.name of the enclosing checkpoint result; not part of the identity
	ValidationID, CheckpointID string
	RunName                    string    // "" if absent or null; "__none__" is kept as is
	RunTime                    time.Time // zero if absent
	ValidationTime             time.Time
	LoadTime                   time.Time // batch_markers.ge_load_time
	ResultURL                  string    // validation_result_url of the checkpoint result, when it stands there

	Batch       Batch
	Results     []Expectation              // one per expectation result, in the document's order, duplicates by metric error merged
	ResultCount int                        // number of result objects before merging
	Single      bool                       // one expectation result that came alone: shapes B and H
	Partial     bool                       // holds fewer results than statistics evaluated, or statistics has a key "success"
	Evaluated   *int64                     // statistics.evaluated_expectations
	Failed      *int64                     // statistics.unsuccessful_expectations
	Params      map[string]json.RawMessage // evaluation_parameters / suite_parameters, scalars only (may hold PARAMVALUE: opt-in)

	raw  []byte // the validation's own JSON, which shares the message's memory: for Locate
	list string // its key of the results: results, expectations, validation_results; "" if it is the list or the one result itself
}

// Batch says which data was validated, as the message tells it.
type Batch struct {
	Datasource    string // active_batch_definition.datasource_name, else batch_kwargs.datasource
	DataConnector string
	Asset         string          // active_batch_definition.data_asset_name, else batch_kwargs.data_asset_name
	BatchID       string          // results' kwargs.batch_id (first seen); never part of the identity
	OtherIDs      []string        // further batch ids of the results, at most 8
	Identifiers   json.RawMessage // canonical JSON (keys sorted, nested too) of batch_identifiers, else of V2 batch_kwargs; nil if none. Holds row values
	Spec          BatchSpec
}

// BatchSpec is what meta.batch_spec (or V2 batch_kwargs) tells of the data's place. Credentials may stand in Path and
// Connection: the mapper strips them.
type BatchSpec struct {
	Present        bool
	Type           string // batch_spec.type: "table", …
	Table          string // table_name, else table (V2)
	Schema         string // schema_name, else schema (V2)
	SchemaNull     bool   // schema_name was there and null
	Query          string // SQL text; "" for the literal SQLQuery placeholder
	HasQuery       bool   // a query asset, even where the text is lost
	QueryName      string
	Path           string // path, else s3 (V2), else reader_options' filepath_or_buffer / path / io
	Connection     string // reader_options.con
	ReaderMethod   string // read_csv, table, …
	ReaderTable    string // reader_options.table_name / name, when reader is a SQL table reader
	ReaderSchema   string
	InMemory       bool   // batch_data, or V2 in-memory markers
	Database       string // Glue: database_name
	SplitterMethod string // splitter_method / partitioner_method
	SplitterColumn string // splitter_kwargs.column_name / partitioner_kwargs.column_name
}

// Expectation holds the facts of one expectation result.
type Expectation struct {
	Config         *Config // where all that is known of its configuration came before; else nil
	Index          int     // its place in the list of results
	Type           string  // type (1.x) or expectation_type (0.x)
	ID             string  // id or ge_cloud_id
	Description    string
	Notes          string
	Severity       string // critical, warning, info or ""
	Success        *bool  // nil: never evaluated
	Column         string // kwargs.column if a string or a number
	HasColumn      bool
	RowCondition   bool    // kwargs.row_condition is there and not null or ""
	Kwargs         []Kwarg // by name, without batch_id, result_format, column; values bounded (see Kwarg)
	Raised         bool
	ExceptionClass string // class name only, never the text (which quotes row values and SQL); "" if not known
	ExceptionText  string // bounded to 2 KiB; holds row values: opt-in only
	Result         Result
}

// Kwarg is one keyword argument of an expectation. Sets, regexes, queries are PARAMVALUEs: opt-in only.
type Kwarg struct {
	Name  string
	Value json.RawMessage // compact JSON; nil if larger than 16 KiB (then only Count is known)
	Count int             // number of members if an array, else -1
}

// fewKwargs are looked through one by one sooner than by halves.
const fewKwargs = 8

// Kwarg finds a keyword argument by its name, nil if there is none.
func (e *Expectation) Kwarg(name string) *Kwarg {
	if len(e.Kwargs) <= fewKwargs {
		for i := range e.Kwargs {
			if e.Kwargs[i].Name == name {
				return &e.Kwargs[i]
			}
		}
		return nil
	}
	i, found := slices.BinarySearchFunc(e.Kwargs, name, func(k Kwarg, name string) int { return strings.Compare(k.Name, name) })
	if !found {
		return nil
	}
	return &e.Kwargs[i]
}

// Result holds the numbers of expectation_config's result. Counts are nil where absent or null.
type Result struct {
	ElementCount, UnexpectedCount, MissingCount *int64
	UnexpectedPercent                           *float64        // 0..100
	Observed                                    json.RawMessage // observed_value as JSON if a scalar or an object/array up to 64 KiB; arrays hold row values; nil if absent. NaN and Infinity stand as the strings "NaN", "Infinity", "-Infinity"
	ObservedCount                               int             // number of members if observed_value is an array, else -1
	ValueCounts                                 int             // number of entries in details.value_counts, else -1
	MismatchMissing, MismatchUnexpected         []string        // details.mismatched of expect_table_columns_to_match_set (column names)
}

// DecodeError says where in the message Decode stopped, and why. Its text holds no row values.
type DecodeError struct {
	Code   string // stable slug: empty_value, invalid_json, invalid_base64, unknown_shape, not_a_result, unreadable_value, too_deep, too_many_results, too_many_validations, too_many_keys
	Offset int64  // byte offset in the value; -1 where it does not apply
	Path   string // e.g. results[3].expectation_config; may be empty
	Reason string // in words
}

// Error is one clear sentence that names the place.
func (e *DecodeError) Error() string {
	s := e.Reason
	if e.Path != "" {
		s += " at " + e.Path
	}
	if e.Offset >= 0 {
		s += fmt.Sprintf(" (byte %d)", e.Offset)
	}
	return s
}
