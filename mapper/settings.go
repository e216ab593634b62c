package mapper

import (
	"time"

	"github.com/gx-ol/gx-ol/mapper/naming"
)

// Settings is what an operator may choose about the mapping. The zero value is the default of every field.
type Settings struct {
	JobNamespace    string                // job.namespace; empty: "default"
	JobName         string                // job.name: constant or template over .Checkpoint .Suite .Datasource .Asset .Batch .RunName .Topic; empty: <suite>.<datasource>.<asset>
	JobDescription  string                // job.description: constant or template like JobName; empty: the suite's notes, else which suite checks which asset
	JobRules        []JobRule             // the first that fits names the job, before JobNamespace and JobName
	JobTags         map[string]string     // tags of the job
	JobOwners       map[string]string     // owner (such as team:data-platform) → kind of ownership, may be empty
	SourceCode      SourceCode            // where the checkpoint's code lies
	RunTags         map[string]string     // tags of every run
	Parent, Root    ParentRun             // of every run whose message names none
	CheckpointRun   bool                  // the checkpoint's own run is the parent of runs that have no other, where a message holds it whole
	Datasources     map[string]Datasource // GX datasource name (glob allowed) → OpenLineage naming
	ProjectFolder   string                // of the Great Expectations project: relative paths of files begin there; empty: not known
	EscapeHash      bool                  // write # in a dataset's name as %23, for a Marquez, which takes it for a version
	FailedRun       string                // "FAIL" (default) or "COMPLETE"
	Lifecycle       string                // "start_and_end" (default) or "end_only"
	AssertionsIn    []string              // "inputFacets" (default), "facets"
	TestFacet       string                // "auto" (default), "always" or "never"
	SingleResults   string                // "test" (default): a result of one expectation alone is told in the run facet test only; "dataset": like others
	SchemaFacet     string                // "off" or "on": the columns, without types, of a result that observed all of them; empty: on with Compat only
	Symlinks        string                // "off" (default) or "on": datasource and asset as a second name of the dataset
	Unmapped        string                // "name" (default) or "error": bury a result whose dataset is not known
	FileDatasets    string                // "file" (default) or "asset"
	QueryAssertions string                // "asset" (default) or "tables": which dataset carries the assertions of a query
	BatchValues     string                // "dates" (default) or "all": batch identifiers in facets and templates
	Compat          string                // "" (default) or "reference": the reference action's facets beside ours
	RowValues       RowValues
	MaxEventBytes   int    // 0: no cap; the smallest of all destinations
	Brief           bool   // runs of validation results have a Brief: for who shows them
	Version         string // of gx-ol, for producer and processing_engine
}

// RowValues are the opt-ins for what may hold row values; all off by default.
type RowValues struct {
	ExceptionText bool // exception_text: the exception's message in actual and errorMessage
	Params        bool // sets, regexes and queries in params, queries without their values in content
	Queries       bool // queries with their values, in the sql facet and in content
}

// JobRule names the jobs of some results. Each pattern is a glob; an empty one fits everything.
type JobRule struct {
	Suite, Datasource, Asset, Checkpoint, Topic string
	DatasourceNamespace                         string // of the datasource's tables or files, as postgres://db.example.com:5432
	Namespace                                   string // empty: as without the rule
	Name                                        string // as Settings.JobName; empty: as without the rule
}

// SourceCode is the place of code in a version control system. It is told only if URL is an absolute URI.
type SourceCode struct {
	Type, URL, RepoURL, Path, Version, Branch string
}

// ParentRun names a run that started another: by Airflow's namespace/name/runId in ID, else by its parts.
type ParentRun struct {
	ID                     string
	Namespace, Name, RunID string
}

// Datasource is one entry of the datasources: table.
type Datasource = naming.Datasource

// Asset is what is known of one asset of a datasource.
type Asset = naming.Asset

// Input is what Map is told besides the message.
type Input struct {
	Received     time.Time // the record's timestamp (a replayed record's original one), a file's modification time
	NoTime       bool      // the record's timestamp cannot be, and Received is the clock's
	Topic        string
	JobNamespace string    // header openlineage-job-namespace
	JobName      string    // header openlineage-job-name
	Context      string    // header openlineage-context: OPENLINEAGE_CONTEXT's JSON, before the other headers
	Parent       ParentRun // headers openlineage-parent-id, or -parent-run-id, -parent-job-namespace and -parent-job-name
	Root         ParentRun // headers openlineage-root-parent-…
}

// Error says why a message could not be mapped. Its text holds neither secrets nor row values.
type Error struct {
	Code   string // stable slug: unmapped_dataset, oversize, …
	Part   string // which validation result
	Reason string
}

// Error is one clear sentence that names the place.
func (e *Error) Error() string {
	if e.Part == "" {
		return e.Reason
	}
	return e.Part + ": " + e.Reason
}
