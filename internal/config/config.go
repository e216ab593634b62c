// Package config reads gx-ol's configuration: one strict YAML file, the environment and flags. Every fault is found at once and
// carries its place and the nearest right key; no fault shows a secret or a value that came from a variable or a file.
package config

import (
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/internal/topicnames"
)

// Config is the effective configuration: defaults applied, aliases resolved.
type Config struct {
	Source            string            // the file that was read; empty: none
	Disabled          bool              // OPENLINEAGE_DISABLED=true: read and map, deliver nothing
	Kafka             map[string]string // client properties by their standard names
	Input             Input
	Transport         Transport
	DeadLetters       DeadLetters
	Delivery          string // at_least_once, exactly_once
	Job               Job
	RunTags           map[string]string
	Parent            Parent
	Datasources       map[string]Datasource
	GreatExpectations string   // file or folder to derive datasources from; what Datasources says wins
	FailedRun         string   // FAIL or COMPLETE
	Lifecycle         string   // start_and_end or end_only
	AssertionsIn      []string // inputFacets, facets
	TestFacet         string   // auto, always or never
	SingleResults     string   // test, dataset
	SchemaFacet       string   // off, on; empty: on with Compat only
	Symlinks          string   // off, on
	Unmapped          string   // name or error
	FileDatasets      string   // file or asset
	QueryAssertions   string   // asset or tables
	BatchValues       string   // dates or all
	Compat            string   // empty or reference
	RowValues         RowValues
	Telemetry         Telemetry
	Web               Web
	Gateway           Gateway
	Log               Log
	Retry             Retry
	Warnings          []string // what was dropped or has no effect, to be told
	Unresolved        []string // keys whose value is not known here, sorted: see LoadForCheck
	Notes             []string // what was decided between several sources, to be told
	OpenLineageSource string   // the openlineage.yml that was read; empty: none

	files  map[string]string // keys whose value comes from a file → their text in the configuration
	getenv func(string) (string, bool)
}

// Input is where validation results come from.
type Input struct {
	Topics          []string // names, or one regular expression starting with ^
	Group           string
	MaxMessageBytes int
	MaxInFlight     int
	MaxBytesInHand  int    // 0: chosen from the memory that the container gives
	JSONPointer     string // RFC 6901; empty: the result is the message
	Filter          Filter
}

// Regex says whether Topics is a regular expression.
func (i Input) Regex() bool { return len(i.Topics) > 0 && strings.HasPrefix(i.Topics[0], "^") }

// Transport is where events go; which fields matter depends on Type.
type Transport struct {
	Name          string // of a composite's destination; else empty
	Type          string // http, kafka, console, file, composite
	URL           string
	Endpoint      string
	Auth          Auth
	Compression   string // "" or gzip
	CustomHeaders map[string]string
	Timeout       time.Duration
	Backend       string            // auto, marquez, datahub, generic
	Guard         string            // on, off
	OnSkipped     string            // count, bury
	MaxEventBytes int               // 0: the destination's own limit
	Topic         string            // kafka
	Config        map[string]string // kafka: client properties; empty: those of Kafka
	MessageKey    string            // kafka; empty: OpenLineage's rule
	LogFilePath   string            // file
	SSL           SSL               // http
	Batch         Batch             // http
	Proxy         string            // http; off: none; empty: as the environment says
	Verify        bool              // http: check certificates
	RateLimit     float64           // http: events a second; 0: no limit
	RateBurst     int               // http; 0: the events of a second

	Transports        []*Transport // composite: the destinations
	ContinueOnFailure bool         // composite: always true
	ContinueOnSuccess bool         // composite: always true
	SortTransports    bool         // composite: without effect
	Priority          string       // composite: without effect
}

// Batch is how events are gathered for lineage/batch; a Size of 1 is off.
type Batch struct {
	Size     int
	Linger   time.Duration
	Endpoint string
}

// SSL are the PEM files of an HTTPS destination; each may be empty.
type SSL struct{ CA, Certificate, Key, KeyPassword string }

// DeadLetters is where refused records go.
type DeadLetters struct {
	Topic          string
	ConnectHeaders bool // Kafka Connect's headers beside ours
}

// Datasource is the OpenLineage naming of one GX datasource.
type Datasource struct{ Namespace, Name, Database, Schema string }

// RowValues are opt-ins for what may hold row values.
type RowValues struct{ ExceptionText, Params, Queries bool }

// Telemetry is the address of /metrics, /healthz and /readyz (empty: none), and what is counted for it.
type Telemetry struct {
	Listen      string
	DeadLetters bool // count the dead letters that are not settled
	Pprof       bool // serve Go's profiles too
}

// Log says how much is logged and how it looks.
type Log struct{ Level, Format string }

// Retry is the backoff, and when a 5xx is the message's own fault.
type Retry struct {
	Initial         time.Duration
	Max             time.Duration
	ExhaustAttempts int
	ExhaustAfter    time.Duration
}

// DeadLetterTopic is the topic for letters about records of source.
func (c *Config) DeadLetterTopic(source string) string {
	if c.DeadLetters.Topic != "" {
		return c.DeadLetters.Topic
	}
	return source + topicnames.DeadLettersSuffix
}

// Destinations are where events go: the transports of a composite, else the one transport.
func (c *Config) Destinations() []*Transport {
	if c.Transport.Type == "composite" {
		return c.Transport.Transports
	}
	return []*Transport{&c.Transport}
}

// Path is the path of a destination's keys: transport, or that of its part of a composite.
func (c *Config) Path(t *Transport) string {
	if t == &c.Transport {
		return "transport"
	}
	return "transport.transports." + t.Name
}

// DestinationKafka is the client properties of a Kafka destination: its own, else the input's.
func (c *Config) DestinationKafka(t *Transport) map[string]string {
	if len(t.Config) > 0 {
		return t.Config
	}
	return c.Kafka
}

// Fault is one thing wrong with the configuration.
type Fault struct {
	Place   string // file:line:column, a variable or a flag
	Message string
}

// Errors is everything wrong with the configuration, in the order it was found.
type Errors struct {
	Faults []Fault
	cause  error
}

// Wrong makes an error that only the configuration can have caused one of the configuration, which is told with its own exit code. nil stays nil.
func Wrong(err error) error {
	if err == nil {
		return nil
	}
	return &Errors{Faults: []Fault{{Message: err.Error()}}, cause: err}
}

// Unwrap is what Wrong was given.
func (e *Errors) Unwrap() error { return e.cause }

// Error has one line per fault.
func (e *Errors) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.Message
		if f.Place != "" {
			lines[i] = f.Place + ": " + f.Message
		}
	}
	return strings.Join(lines, "\n")
}
