package config

import (
	"regexp"
	"sort"
	"strings"

	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/nearest"
)

// defaultFile is read if it is there and no other is named.
const defaultFile = "gx-ol.yaml"

// Load reads the configuration of a run: flags over GX_OL_* over the files over openlineage.yml over OPENLINEAGE_* over defaults. path is the file, or
// several as JoinFiles joins them; empty: GX_OL_CONFIG, else ./gx-ol.yaml if it exists, else none. flags may hold brokers, topic,
// group, to, listen, log-level, log-format, job-namespace, job-name, great-expectations, and SetFlag(key) for each --set. names are those of the environment's variables, so that one that sets nothing is told. The
// error is *Errors and holds all faults.
func Load(path string, getenv func(string) (string, bool), flags map[string]string, names ...string) (*Config, error) {
	return load(path, getenv, flags, true, names, nil)
}

// LoadForTopics is Load for commands that work on the brokers' topics: it does not ask for topics and a destination.
func LoadForTopics(path string, getenv func(string) (string, bool), flags map[string]string, names ...string) (*Config, error) {
	return load(path, getenv, flags, false, names, nil)
}

// LoadForMap is Load for commands that neither read nor deliver. Variables and files that only tell how to sign in somewhere may be missing.
func LoadForMap(path string, getenv func(string) (string, bool), flags map[string]string, names ...string) (*Config, error) {
	return load(path, getenv, flags, false, names, unneededToMap)
}

// Parse reads one file's text under the given name, with defaults and without environment or flags, as LoadForMap checks it.
func Parse(name string, data []byte, getenv func(string) (string, bool)) (*Config, error) {
	l := newLoader(getenv)
	l.parse(name, data)
	l.settle(false)
	return l.result()
}

func load(path string, getenv func(string) (string, bool), flags map[string]string, run bool, names []string, unneeded *regexp.Regexp) (*Config, error) {
	l := newLoader(getenv)
	l.names, l.unneeded = names, unneeded
	l.read(path, flags, run)
	l.settle(run)
	return l.result()
}

// read takes every source, the stronger over the weaker. run: the command wants a destination.
func (l *loader) read(path string, flags map[string]string, run bool) {
	l.files(path)
	l.environment()
	l.configured = l.cfg.Transport.URL
	l.assignments(flags)
	l.flags(flags)
	l.keepSecrets()
	l.openLineageClient(run)
	l.openLineage()
}

func (l *loader) result() (*Config, error) {
	if len(l.faults) > 0 {
		return nil, &Errors{Faults: l.faults}
	}
	return l.cfg, nil
}

func (l *loader) property(name, place, value string) {
	delete(l.cfg.files, "kafka."+name) // the file's value is not the one in use
	delete(l.unresolved, "kafka."+name)
	l.sources["kafka."+name] = source{place: place}
	if l.cfg.Kafka == nil {
		l.cfg.Kafka = map[string]string{}
	}
	l.cfg.Kafka[name] = value
}

func (l *loader) set(path, place string, t text) {
	l.places[path] = place
	l.sources[path] = source{place: place}
	delete(l.cfg.files, path) // the file's value is not the one in use
	delete(l.unresolved, path)
	if err := l.known[path].assign(l.cfg, t); err != nil {
		l.fault(place, "%v", err)
		l.breaks(path)
	} else if f := l.known[path]; f.template != nil {
		l.template(place, path, t, f.template)
	}
}

func (l *loader) flags(flags map[string]string) {
	paths := map[string]string{
		"topic": "input.topics", "group": "input.group", "listen": "telemetry.listen", "log-level": "log.level",
		"log-format": "log.format", "job-namespace": "job.namespace", "job-name": "job.name", "web-listen": "web.listen", "token-file": "web.token_file",
		"great-expectations": "great_expectations",
	}
	names := make([]string, 0, len(flags))
	for name := range flags {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		value := flags[name]
		switch path, ok := paths[name]; {
		case strings.HasPrefix(name, setFlag): // set already, below the other flags
		case ok:
			l.set(path, "--"+name, text{value: value})
		case name == "brokers":
			if err := kafkaclient.CheckValue("bootstrap.servers", value); err != nil {
				l.fault("--brokers", "%v", err)
				l.broken["kafka"] = true
				continue
			}
			l.property("bootstrap.servers", "--brokers", value)
		case name == "to":
			l.to(value)
		default:
			l.fault("--"+name, "is no flag of the configuration")
		}
	}
}

// to replaces the destination.
func (l *loader) to(value string) {
	t := &l.cfg.Transport
	place := "--to"
	for _, path := range []string{"transport.type", "transport.url", "transport.topic", "transport.log_file_path"} {
		l.places[path], l.sources[path] = place, source{place: place}
	}
	switch {
	case value == "-":
		t.Type = "console"
	case strings.HasPrefix(value, "http://"), strings.HasPrefix(value, "https://"):
		t.Type, t.URL = "http", value
	case strings.HasPrefix(value, "kafka:"):
		t.Type, t.Topic = "kafka", strings.TrimPrefix(value, "kafka:")
		t.Config = nil // "the same brokers", as the flag says
	case strings.HasPrefix(value, "file:"):
		t.Type, t.LogFilePath = "file", strings.TrimPrefix(value, "file:")
	default:
		l.fault(place, "must be http://…, https://…, kafka:TOPIC, file:PATH or - for the console%s", meantTo(value))
		l.broken["transport"] = true
	}
}

// hostAndPort is an address without its scheme, and without anything that may be a secret.
var hostAndPort = regexp.MustCompile(`^[A-Za-z0-9.-]+:\d{1,5}(/[A-Za-z0-9./_-]*)?$`)

// meantTo is the destination that a wrong one most likely means; empty: nobody can tell.
func meantTo(value string) string {
	kind, _, rest := strings.Cut(value, ":")
	near := nearest.Name(kind, []string{"http", "https", "kafka", "file"})
	switch {
	case value == "console" || value == "stdout":
		return ": did you mean -?"
	case near == "kafka" && !rest, near == "file" && !rest:
		return ": did you mean " + near + ":NAME?"
	case near != "" && rest:
		return ": did you mean " + near + ":…?"
	case hostAndPort.MatchString(value):
		return ": did you mean http://" + value + "?"
	}
	return ""
}

// NoFile is the place of what is missing where no file was read.
const NoFile = "configuration"

// place is where path was set, else the file or the command.
func (l *loader) place(path string) string {
	if p, ok := l.places[path]; ok {
		return p
	}
	if l.name != "" {
		return l.name
	}
	return NoFile
}
