package mapper

import "time"

// Settings is what an operator may choose about the mapping. The zero value is the default of every field.
type Settings struct {
	JobNamespace   string // job.namespace; empty: "default"
	JobName        string // job.name: constant or template over .Checkpoint .Suite .Datasource .Asset .Batch .RunName .Topic; empty: <suite>.<datasource>.<asset>
	JobDescription string
	Datasources    map[string]Datasource // GX datasource name (glob allowed) → OpenLineage naming
	FailedRun      string                // "FAIL" (default) or "COMPLETE"
	Lifecycle      string                // "start_and_end" (default) or "end_only"
	AssertionsIn   []string              // "inputFacets" (default), "facets"
	Unmapped       string                // "name" (default) or "error": bury a result whose dataset is not known
	FileDatasets   string                // "file" (default) or "asset"
	BatchValues    string                // "dates" (default) or "all": batch identifiers in facets and templates
	Compat         string                // "" (default) or "reference": the reference action's facets beside ours
	RowValues      RowValues
	MaxEventBytes  int    // 0: no cap; the smallest of all destinations
	Version        string // of gx-ol, for producer and processing_engine
}

// RowValues are the opt-ins for what may hold row values; all off by default.
type RowValues struct {
	ExceptionText bool // exception_text: the exception's message in actual and errorMessage
	Params        bool // sets, regexes and queries in params and content
}

// Datasource is one entry of the datasources: table.
type Datasource struct {
	Namespace string // e.g. postgres://db.example.com:5432
	Database  string // default database
	Schema    string // default schema
	Name      string // template over .Database .Schema .Table .Asset .Path .Datasource; empty: by the scheme of Namespace
}

// Input is what Map is told besides the message.
type Input struct {
	Received     time.Time // the record's timestamp (a replayed record's original one), a file's modification time
	Topic        string
	JobNamespace string // header openlineage-job-namespace
	JobName      string // header openlineage-job-name
	Parent       string // header openlineage-parent-id: Airflow's namespace/name/runId
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
