package config

// field is one configuration key. The table of fields checks files, applies the environment and is documented from: a key
// that is not here does not exist.
type field struct {
	path    string
	typ     string // string, int, size, number, bool, duration, list, map, properties, datasources, rules, filter, transports
	def     string
	doc     string
	enum    []string
	secret  bool
	aliases []string

	template []string // the fields that it sees, if it is a template
	at       func(c *Config) any
}

// table is every configuration key, in the order of the documentation.
func table() []field {
	all := append(inputFields(), filterFields()...)
	all = append(all, transportFields()...)
	all = append(all, jobFields()...)
	all = append(all, otherFields()...)
	all = append(all, webFields()...)
	return append(all, gatewayFields()...)
}

func inputFields() []field {
	return []field{
		{path: "kafka", typ: "properties", doc: "Kafka client properties by their standard names", at: func(c *Config) any { return &c.Kafka }},
		{path: "input.topics", typ: "list", doc: "topics to read, or one regular expression starting with ^", at: func(c *Config) any { return &c.Input.Topics }},
		{path: "input.group", typ: "string", def: "gx-ol", doc: "consumer group", at: func(c *Config) any { return &c.Input.Group }},
		{path: "input.max_message_bytes", typ: "size", def: "33554432", doc: "a larger message becomes a dead letter", at: func(c *Config) any { return &c.Input.MaxMessageBytes }},
		{path: "input.json_pointer", typ: "string", doc: "where the result stands in envelopes of your own, such as /payload/result", at: func(c *Config) any { return &c.Input.JSONPointer }},
		{path: "input.max_bytes_in_hand", typ: "size", def: "0", doc: "bytes of records in hand (fetched, waiting and in flight) over all partitions; 0: a twelfth of the container's memory, 12 MiB at most", at: func(c *Config) any { return &c.Input.MaxBytesInHand }},
		{path: "input.max_in_flight", typ: "int", def: "64", doc: "results of one partition that are delivered side by side, of different keys, and the most attempts at once at a destination", at: func(c *Config) any { return &c.Input.MaxInFlight }},
	}
}

func transportFields() []field {
	t := func(at func(*Transport) any) func(*Config) any {
		return func(c *Config) any { return at(&c.Transport) }
	}
	return append([]field{
		{path: "transport.type", typ: "string", enum: []string{"http", "kafka", "console", "file", "composite"}, doc: "kind of destination; http if only url is set", at: t(func(t *Transport) any { return &t.Type })},
		{path: "transport.url", typ: "string", aliases: []string{"openlineage_host"}, doc: "http: address of the backend", at: t(func(t *Transport) any { return &t.URL })},
		{path: "transport.endpoint", typ: "string", def: "api/v1/lineage", doc: "http: path below url", at: t(func(t *Transport) any { return &t.Endpoint })},
		{path: "transport.batch.size", typ: "int", def: "1", doc: "http: events a POST to lineage/batch, for a backend that has it; 1: one by one", at: t(func(t *Transport) any { return &t.Batch.Size })},
		{path: "transport.batch.linger", typ: "duration", def: "5ms", doc: "http: how long an event waits for others of its batch", at: t(func(t *Transport) any { return &t.Batch.Linger })},
		{path: "transport.batch.endpoint", typ: "string", def: "api/v1/lineage/batch", doc: "http: path of lineage/batch below url", at: t(func(t *Transport) any { return &t.Batch.Endpoint })},
		{path: "transport.ssl.ca.location", typ: "string", doc: "http: PEM file of who signs the backend's certificate; default: the system's", at: t(func(t *Transport) any { return &t.SSL.CA })},
		{path: "transport.ssl.certificate.location", typ: "string", doc: "http: PEM file of gx-ol's own certificate", at: t(func(t *Transport) any { return &t.SSL.Certificate })},
		{path: "transport.ssl.key.location", typ: "string", doc: "http: PEM file of its key", at: t(func(t *Transport) any { return &t.SSL.Key })},
		{path: "transport.ssl.key.password", typ: "string", secret: true, doc: "http: password of the key, if it is encrypted", at: t(func(t *Transport) any { return &t.SSL.KeyPassword })},
		{path: "transport.compression", typ: "string", enum: []string{"gzip", "none"}, doc: "http: gzip the bodies", at: t(func(t *Transport) any { return &t.Compression })},
		{path: "transport.custom_headers", typ: "map", secret: true, aliases: []string{"transport.headers"}, doc: "http: headers added to each request", at: t(func(t *Transport) any { return &t.CustomHeaders })},
		{path: "transport.timeout", typ: "duration", def: "60s", doc: "http: one request, as 5s or as seconds", at: t(func(t *Transport) any { return &t.Timeout })},
		{path: "transport.backend", typ: "string", def: "auto", enum: []string{"auto", "marquez", "datahub", "generic"}, doc: "http: what the backend is; auto asks it", at: t(func(t *Transport) any { return &t.Backend })},
		{path: "transport.guard", typ: "string", def: "on", enum: []string{"on", "off"}, doc: "http: hold back events that would break the backend", at: t(func(t *Transport) any { return &t.Guard })},
		{path: "transport.on_skipped", typ: "string", def: "count", enum: []string{"count", "bury"}, doc: "http: what to do with an event that the backend answers with 200 and skips", at: t(func(t *Transport) any { return &t.OnSkipped })},
		{path: "transport.max_event_bytes", typ: "size", def: "0", doc: "largest event; 0 is the destination's own limit", at: t(func(t *Transport) any { return &t.MaxEventBytes })},
		{path: "transport.topic", typ: "string", aliases: []string{"transport.topicName"}, doc: "kafka: topic for events", at: t(func(t *Transport) any { return &t.Topic })},
		{path: "transport.config", typ: "properties", aliases: []string{"transport.properties"}, doc: "kafka: client properties of the destination; default: those of kafka", at: t(func(t *Transport) any { return &t.Config })},
		{path: "transport.messageKey", typ: "string", aliases: []string{"transport.message_key"}, doc: "kafka: one key for all events; default: OpenLineage's rule", at: t(func(t *Transport) any { return &t.MessageKey })},
		{path: "transport.name", typ: "string", doc: "composite: name of a destination in a list; default: its type", at: t(func(t *Transport) any { return &t.Name })},
		{path: "transport.transports", typ: "transports", doc: "composite: name to the keys of transport, or a list of them; a record is settled when every destination has it", at: t(func(t *Transport) any { return &t.Transports })},
		{path: "transport.continue_on_failure", typ: "bool", def: "true", aliases: []string{"transport.continueOnFailure"}, doc: "composite: false is refused", at: t(func(t *Transport) any { return &t.ContinueOnFailure })},
		{path: "transport.continue_on_success", typ: "bool", def: "true", aliases: []string{"transport.continueOnSuccess"}, doc: "composite: false is refused", at: t(func(t *Transport) any { return &t.ContinueOnSuccess })},
		{path: "transport.sort_transports", typ: "bool", def: "false", doc: "composite: taken and without effect, as is priority: all destinations get events side by side", at: t(func(t *Transport) any { return &t.SortTransports })},
		{path: "transport.priority", typ: "string", doc: "composite: taken and without effect", at: t(func(t *Transport) any { return &t.Priority })},
		{path: "transport.log_file_path", typ: "string", aliases: []string{"transport.location"}, doc: "file: path to append to", at: t(func(t *Transport) any { return &t.LogFilePath })},
	}, authFields()...)
}

func otherFields() []field {
	return []field{
		{path: "dead_letters.topic", typ: "string", doc: "topic for dead letters; default: <input topic>.dlq", at: func(c *Config) any { return &c.DeadLetters.Topic }},
		{path: "dead_letters.connect_headers", typ: "bool", def: "false", doc: "letters carry Kafka Connect's __connect.errors.* headers too, which most viewers of topics show", at: func(c *Config) any { return &c.DeadLetters.ConnectHeaders }},
		{path: "delivery", typ: "string", def: "at_least_once", enum: []string{"at_least_once", "exactly_once"}, doc: "exactly_once: for a Kafka transport on the input's cluster, events, dead letters and offsets in one transaction", at: func(c *Config) any { return &c.Delivery }},
		{path: "datasources", typ: "datasources", doc: "GX datasource (glob) to {namespace, name, database, schema}", at: func(c *Config) any { return &c.Datasources }},
		{path: "great_expectations", typ: "string", doc: "a great_expectations.yml, or its folder, to derive datasources from", at: func(c *Config) any { return &c.GreatExpectations }},
		{path: "failed_run", typ: "string", def: "FAIL", enum: []string{"FAIL", "COMPLETE"}, doc: "run state of a validation that failed", at: func(c *Config) any { return &c.FailedRun }},
		{path: "lifecycle", typ: "string", def: "start_and_end", enum: []string{"start_and_end", "end_only"}, doc: "which events a run has", at: func(c *Config) any { return &c.Lifecycle }},
		{path: "assertions_in", typ: "list", def: "inputFacets", enum: []string{"inputFacets", "facets"}, doc: "where the assertions facet goes", at: func(c *Config) any { return &c.AssertionsIn }},
		{path: "test_facet", typ: "string", def: "auto", enum: []string{"auto", "always", "never"}, doc: "the run facet test; auto: for results without a dataset, and for expectations that were never evaluated", at: func(c *Config) any { return &c.TestFacet }},
		{path: "single_results", typ: "string", def: "test", enum: []string{"test", "dataset"}, doc: "a message that is one expectation result: in the run facet test alone, or on the dataset, whose list of assertions it replaces", at: func(c *Config) any { return &c.SingleResults }},
		{path: "schema_facet", typ: "string", enum: []string{"off", "on"}, doc: "columns of a result that observed all of them, by name only: beside a producer that knows their types it harms (docs/marquez.md); default: off, with compat: reference on", at: func(c *Config) any { return &c.SchemaFacet }},
		{path: "symlinks", typ: "string", def: "off", enum: []string{"off", "on"}, doc: "GX datasource and asset as a second name of a dataset: it must mean one dataset for all who send to the backend (docs/marquez.md)", at: func(c *Config) any { return &c.Symlinks }},
		{path: "unmapped", typ: "string", def: "name", enum: []string{"name", "error"}, doc: "a dataset that is not known: name it as well as possible, or bury the result", at: func(c *Config) any { return &c.Unmapped }},
		{path: "file_datasets", typ: "string", def: "file", enum: []string{"file", "asset"}, doc: "name file datasets by file or by asset", at: func(c *Config) any { return &c.FileDatasets }},
		{path: "query_assertions", typ: "string", def: "asset", enum: []string{"asset", "tables"}, doc: "what carries the assertions of a SQL query: the asset itself, or each table that the query reads", at: func(c *Config) any { return &c.QueryAssertions }},
		{path: "batch_values", typ: "string", def: "dates", enum: []string{"dates", "all"}, doc: "batch identifiers in facets and templates", at: func(c *Config) any { return &c.BatchValues }},
		{path: "compat", typ: "string", enum: []string{"reference"}, doc: "reference: add the facets of OpenLineage's own GX action, for consumers that read them", at: func(c *Config) any { return &c.Compat }},
		{path: "row_values.exception_text", typ: "bool", def: "false", doc: "send the text of exceptions, which may hold row values", at: func(c *Config) any { return &c.RowValues.ExceptionText }},
		{path: "row_values.params", typ: "bool", def: "false", doc: "send sets, regular expressions and queries of expectations", at: func(c *Config) any { return &c.RowValues.Params }},
		{path: "row_values.queries", typ: "bool", def: "false", doc: "send SQL of query assets and query expectations with its values, which otherwise show as ?", at: func(c *Config) any { return &c.RowValues.Queries }},
		{path: "telemetry.listen", typ: "string", def: "127.0.0.1:9464", doc: "address of /metrics, /healthz and /readyz; off: none", at: func(c *Config) any { return &c.Telemetry.Listen }},
		{path: "telemetry.dead_letters", typ: "bool", def: "true", doc: "count the dead letters that are not settled, for /metrics: reads the dead-letter topics, once whole at the start", at: func(c *Config) any { return &c.Telemetry.DeadLetters }},
		{path: "telemetry.pprof", typ: "bool", def: "false", doc: "serve Go's profiles at /debug/pprof/ there too", at: func(c *Config) any { return &c.Telemetry.Pprof }},
		{path: "log.level", typ: "string", def: "info", enum: []string{"debug", "info", "warn", "error"}, doc: "least level that is logged", at: func(c *Config) any { return &c.Log.Level }},
		{path: "log.format", typ: "string", def: "auto", enum: []string{"auto", "json", "console"}, doc: "auto: console on a terminal, else json", at: func(c *Config) any { return &c.Log.Format }},
		{path: "retry.initial", typ: "duration", def: "500ms", doc: "first wait of the backoff", at: func(c *Config) any { return &c.Retry.Initial }},
		{path: "retry.max", typ: "duration", def: "30s", doc: "longest wait of the backoff", at: func(c *Config) any { return &c.Retry.Max }},
		{path: "retry.exhaust_attempts", typ: "int", def: "8", doc: "attempts after which a 5xx may be the message's fault", at: func(c *Config) any { return &c.Retry.ExhaustAttempts }},
		{path: "retry.exhaust_after", typ: "duration", def: "2m", doc: "pauses of the record, in all, while others are taken, after which a 5xx may be the message's fault", at: func(c *Config) any { return &c.Retry.ExhaustAfter }},
	}
}
