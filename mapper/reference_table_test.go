package mapper

import "strings"

const (
	meta    = "run.facets.great_expectations_meta"
	inputs  = "inputs[].inputFacets"
	metricP = inputs + ".dataQuality*"
)

// rules are the table of docs/reference-action.md; the first that matches and holds explains a leaf.
var rules = []rule{
	{"event time", differs, []string{"eventTime"},
		"the time of the validation itself, UTC with `Z`; theirs is the clock of the sender, before 1.54 without a zone, and a replay changes it", func(l leaf) bool {
			_, ours := both(l)
			return strings.HasSuffix(ours, "Z")
		}},
	{"event type", differs, []string{"eventType"},
		"`FAIL` where an expectation of severity error failed or one raised; theirs is `COMPLETE` always (`failed_run: COMPLETE` gives that)", func(l leaf) bool {
			return l.theirs == "COMPLETE" && l.ours == "FAIL"
		}},
	{"producer", differs, []string{"producer", "*._producer"},
		"gx-ol made the event; theirs holds `$VERSION` literally before 1.54", oursBegins("https://github.com/gx-ol/gx-ol/tree/")},
	{"run id", differs, []string{"run.runId"},
		"derived from the validation, so a redelivery is the same run; theirs is random or one constant for all validations of the action", func(l leaf) bool {
			_, ours := both(l)
			return len(ours) == 36
		}},
	{"job name", differs, []string{"job.name"},
		"`<suite>.<datasource>.<asset>`; theirs ends in a hash of the batch or in its id, so each batch makes a new job", func(l leaf) bool {
			theirs, ours := both(l)
			suite := l.result.Suite
			return suite != "" && strings.HasPrefix(theirs, suite) && strings.HasPrefix(ours, suite+".")
		}},
	{"job facets", differs, []string{"job.facets"},
		"`jobType` too, which backends need to show a test", func(l leaf) bool {
			ours, _ := l.ours.(map[string]any)
			return ours["jobType"] != nil
		}},
	{"source code location", differs, []string{"job.facets.sourceCodeLocation.*"},
		"`job.source_code.url` is `code_location`; its `type` is `git` unless set, and empty in theirs", func(l leaf) bool {
			_, ours := both(l)
			return ours != ""
		}},
	{"schema versions", differs, []string{"*._schemaURL"},
		"a version of the standard facet, and for facets that it does not name the base schema; theirs points to a page of a repository, which is no schema", oursBegins("https://openlineage.io/spec/")},
	{"column list and types", unknown, []string{"inputs[].facets.schema.*"},
		"reflected from the database. Names are in ours where an expectation observed the whole list; types are in no result", absent},
	{"no input", differs, []string{"inputs"},
		"the file or frame that was validated; theirs has no input at all for pandas in V3, and so no results", trueDataset},
	{"dataset name", differs, []string{"inputs[].namespace", "inputs[].name"},
		"what the facts or the batch's own path, table or query name say, by OpenLineage's naming; theirs keeps the driver, drops the port, the database or the schema, loses the folder of a file (namespace `\"\"`), and says a query's tables instead of the query", trueDataset},
	{"data source", differs, []string{"inputs[].facets.dataSource.*"},
		"the datasource's name in GX, and the address without driver, credentials and options; none where the namespace is no URI, as that of a file (Marquez leaves such a run half written)", address},
	{"empty quantiles", differs, []string{metricP + ".quantiles"},
		"left out where no quantile is known, or the median; theirs is an empty object on each column, also on one that does not exist", func(l leaf) bool {
			ours, _ := l.ours.(map[string]any)
			return absent(l) || len(ours) > 0
		}},
	{"empty metrics", differs, []string{metricP + ".columnMetrics"},
		"what the results tell of a column: distinct values, nulls beside other expectations; where nothing is told, no facet", func(l leaf) bool {
			ours, _ := l.ours.(map[string]any)
			return absent(l) || len(ours) > 0
		}},
	{"filtered metrics", differs, []string{metricP + ".rowCount", metricP + ".*Count", metricP + ".max", metricP + ".min", metricP + ".sum"},
		"of the whole table, or none; theirs come from an expectation with a `row_condition`, which sees the rows that it selects, or from one that raised", func(l leaf) bool {
			return filtered(l) && trueMetric(l)
		}},
	{"count with nulls", differs, []string{metricP + ".count"},
		"the values that are not null, as the facet defines it; theirs (V2) counts all rows", trueMetric},
	{"repeated assertions", differs, []string{inputs + ".greatExpectations_assertions.assertions[].*"},
		"one assertion an expectation; GX 0.13.35 - 0.18.9 repeats one that raised for each of its metrics, and so does theirs", merged},
	{"success that is no boolean", differs, []string{inputs + ".greatExpectations_assertions.assertions[].success"},
		"a boolean; theirs is a text such as `<<non-serializable: bool_>>` for what is none of JSON's, numpy's booleans above all", func(l leaf) bool {
			_, is := l.ours.(bool)
			theirs, _ := both(l)
			return is && strings.HasPrefix(theirs, "<<non-serializable: ")
		}},
	{"time format", differs, []string{meta + "*.run_time", meta + "*.validation_time", meta + "*.ge_load_time"},
		"the same instant in RFC 3339; theirs is as GX wrote it, most often in its compact form, and before GX 0.16 local time labelled as UTC", sameInstant},
	{"batch spec", forbidden, []string{meta + "*.batch_spec*", meta + "*.batch_kwargs*"},
		"may hold credentials, SQL with literals and row values; what names the dataset is in the input's name", absent},
	{"batch identifiers", forbidden, []string{meta + "*.batch_identifiers*", meta + "*.batch_parameters*", meta + "*.batching_regex"},
		"may be row values; parts of a date are there, all of them with `batch_values: all`, regexes never", absent},
	{"data fingerprint", forbidden, []string{meta + "*_data_fingerprint"},
		"a hash over the rows; it names nothing", absent},
	{"client tag", differs, []string{"run.facets.tags.tags[].value", "run.facets.tags.tags[].source"},
		"the same key with gx-ol's version and source `GX_OL`", func(l leaf) bool {
			_, ours := both(l)
			return ours == "GX_OL" || ours == "1.0.0"
		}},
}
