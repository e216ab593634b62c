package config

import (
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/gx-ol/gx-ol/internal/kafkaclient"
)

// defaultFile is read if it is there and no other is named.
const defaultFile = "gx-ol.yaml"

// Load reads the configuration of a run: flags over GX_OL_* over the file over OPENLINEAGE_* over defaults. path is the file;
// empty: GX_OL_CONFIG, else ./gx-ol.yaml if it exists, else none. flags may hold brokers, topic, group, to, listen, log-level,
// log-format, job-namespace, job-name and great-expectations. The error is *Errors and holds all faults.
func Load(path string, getenv func(string) (string, bool), flags map[string]string) (*Config, error) {
	return load(path, getenv, flags, true)
}

// LoadForMap is Load without asking for what only a run needs: brokers, topics, a destination.
func LoadForMap(path string, getenv func(string) (string, bool), flags map[string]string) (*Config, error) {
	return load(path, getenv, flags, false)
}

// Parse reads one file's text under the given name, with defaults and without environment or flags, as LoadForMap checks it.
func Parse(name string, data []byte, getenv func(string) (string, bool)) (*Config, error) {
	l := newLoader(getenv)
	l.parse(name, data)
	l.settle(false)
	return l.result()
}

func load(path string, getenv func(string) (string, bool), flags map[string]string, run bool) (*Config, error) {
	l := newLoader(getenv)
	l.file(path)
	l.environment()
	l.flags(flags)
	l.openLineage()
	l.settle(run)
	return l.result()
}

func (l *loader) result() (*Config, error) {
	if len(l.faults) > 0 {
		return nil, &Errors{l.faults}
	}
	return l.cfg, nil
}

func (l *loader) file(path string) {
	named := path != ""
	if !named {
		if env, ok := l.getenv("GX_OL_CONFIG"); ok && env != "" {
			path, named = env, true
		} else {
			path = defaultFile
		}
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return
	}
	if err != nil {
		l.fault(path, "cannot be read: %v", errors.Unwrap(err))
		return
	}
	l.cfg.Source = path
	l.parse(path, data)
}

func (l *loader) environment() {
	for _, f := range l.fields {
		if !scalar(f) {
			continue
		}
		if v, ok := l.getenv(envName(f.path)); ok {
			l.set(f.path, envName(f.path), text{v, true})
		}
	}
	for _, name := range kafkaclient.Names() {
		env := envName("kafka." + name)
		if v, ok := l.getenv(env); ok {
			if err := kafkaclient.CheckValue(name, v); err != nil {
				l.fault(env, "%s: %v", name, err)
				continue
			}
			l.property(name, v)
		}
	}
}

func (l *loader) property(name, value string) {
	if l.cfg.Kafka == nil {
		l.cfg.Kafka = map[string]string{}
	}
	l.cfg.Kafka[name] = value
}

func (l *loader) set(path, place string, t text) {
	l.places[path] = place
	if err := l.known[path].assign(l.cfg, t); err != nil {
		l.fault(place, "%v", err)
	}
}

func (l *loader) flags(flags map[string]string) {
	paths := map[string]string{
		"topic": "input.topics", "group": "input.group", "listen": "telemetry.listen", "log-level": "log.level",
		"log-format": "log.format", "job-namespace": "job.namespace", "job-name": "job.name",
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
		case ok:
			l.set(path, "--"+name, text{value: value})
		case name == "brokers":
			if err := kafkaclient.CheckValue("bootstrap.servers", value); err != nil {
				l.fault("--brokers", "%v", err)
				continue
			}
			l.property("bootstrap.servers", value)
		case name == "to":
			l.to(value)
		default:
			l.fault("--"+name, "is no flag of the configuration")
		}
	}
}

// to replaces the destination. Its key stays only if the host stays: a key is not for another host.
func (l *loader) to(value string) {
	t := &l.cfg.Transport
	place := "--to"
	for _, path := range []string{"transport.type", "transport.url", "transport.topic", "transport.log_file_path"} {
		l.places[path] = place
	}
	switch {
	case value == "-":
		t.Type = "console"
	case strings.HasPrefix(value, "http://"), strings.HasPrefix(value, "https://"):
		if !sameHost(t.URL, value) {
			t.Auth, t.CustomHeaders = Auth{}, nil
			delete(l.places, "transport.auth.apiKey")
		}
		t.Type, t.URL = "http", value
	case strings.HasPrefix(value, "kafka:"):
		t.Type, t.Topic = "kafka", strings.TrimPrefix(value, "kafka:")
		t.Config = nil // "the same brokers", as the flag says
	case strings.HasPrefix(value, "file:"):
		t.Type, t.LogFilePath = "file", strings.TrimPrefix(value, "file:")
	default:
		l.fault(place, "must be http://…, https://…, kafka:TOPIC, file:PATH or - for the console")
	}
}

func sameHost(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	return errX == nil && errY == nil && x.Scheme == y.Scheme && x.Host == y.Host
}

// openLineage fills in what the OpenLineage clients' own variables say, where nothing else did.
func (l *loader) openLineage() {
	if v, ok := l.getenv("OPENLINEAGE_DISABLED"); ok && strings.EqualFold(v, "true") {
		l.cfg.Disabled = true
	}
	_, typed := l.places["transport.type"]
	_, addressed := l.places["transport.url"]
	if !typed && !addressed {
		l.fill("transport.url", "OPENLINEAGE_URL")
	}
	if !typed || l.cfg.Transport.Type == "http" {
		l.fill("transport.endpoint", "OPENLINEAGE_ENDPOINT")
		l.fill("transport.auth.apiKey", "OPENLINEAGE_API_KEY")
	}
	l.fill("job.namespace", "OPENLINEAGE_NAMESPACE")
	l.fill("parent.id", "OPENLINEAGE_PARENT_ID")
	l.fill("parent.root_id", "OPENLINEAGE_ROOT_PARENT_ID")
}

func (l *loader) fill(path, env string) {
	if _, set := l.places[path]; set {
		return
	}
	if v, ok := l.getenv(env); ok && v != "" {
		l.set(path, env, text{v, true})
	}
}

// place is where path was set, else the file or the command.
func (l *loader) place(path string) string {
	if p, ok := l.places[path]; ok {
		return p
	}
	if l.name != "" {
		return l.name
	}
	return "configuration"
}

// settle derives what follows from other values and checks them against each other.
func (l *loader) settle(run bool) {
	c := l.cfg
	if c.Transport.Type == "" && c.Transport.URL != "" {
		c.Transport.Type = "http"
	}
	if c.Transport.Compression == "none" {
		c.Transport.Compression = ""
	}
	if c.Transport.Auth.APIKey != "" && c.Transport.Auth.Type == "" {
		c.Transport.Auth.Type = "api_key"
	}
	l.checkNotYet()
	l.checkTransport(run)
	l.checkTopics(run)
	l.checkRest(run)
	l.checkJob()
}

func (l *loader) checkNotYet() {
	if l.cfg.Delivery == "exactly_once" {
		l.fault(l.place("delivery"), "delivery: exactly_once is not built yet: use at_least_once")
	}
	if l.cfg.Transport.Type == "composite" {
		l.fault(l.place("transport.type"), "transport.type: composite is not supported yet: name one destination (http, kafka, console or file)")
	}
}

func (l *loader) checkTransport(run bool) {
	t := l.cfg.Transport
	place := l.place("transport.type")
	switch t.Type {
	case "":
		if run && !l.cfg.Disabled {
			l.fault(place, "no destination: set transport.type and transport.url, --to or OPENLINEAGE_URL")
		}
	case "http":
		if t.URL == "" {
			l.fault(place, "transport.type http needs transport.url")
		} else if u, err := url.Parse(t.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			l.fault(l.place("transport.url"), "transport.url must be an address such as http://localhost:5000")
		} else if u.User != nil {
			l.fault(l.place("transport.url"), "transport.url must not hold a user or password: use transport.auth")
		}
		if t.Auth.Type != "" && t.Auth.APIKey == "" {
			l.fault(l.place("transport.auth.type"), "transport.auth.type api_key needs transport.auth.apiKey")
		}
	case "kafka":
		if t.Topic == "" {
			l.fault(place, "transport.type kafka needs transport.topic")
		}
		if len(t.Config) > 0 && t.Config["bootstrap.servers"] == "" {
			l.fault(l.place("transport.config"), "transport.config needs bootstrap.servers (leave transport.config out to use those of kafka)")
		}
	case "file":
		if t.LogFilePath == "" {
			l.fault(place, "transport.type file needs transport.log_file_path")
		}
	}
}

func (l *loader) checkTopics(run bool) {
	c := l.cfg
	place := l.place("input.topics")
	if run && len(c.Input.Topics) == 0 {
		l.fault(place, "nothing to read: set input.topics or --topic")
	}
	matches := func(topic string) bool { return slices.Contains(c.Input.Topics, topic) }
	for _, topic := range c.Input.Topics {
		if !strings.HasPrefix(topic, "^") {
			continue
		}
		if len(c.Input.Topics) > 1 {
			l.fault(place, "input.topics must be names or one regular expression, not both")
			return
		}
		re, err := regexp.Compile(topic)
		if err != nil {
			l.fault(place, "input.topics is no valid regular expression")
			return
		}
		matches = re.MatchString
	}
	out := ""
	if c.Transport.Type == "kafka" && len(c.Transport.Config) == 0 {
		out = c.Transport.Topic
	}
	if out != "" && matches(out) {
		l.fault(l.place("transport.topic"), "transport.topic is also read by input.topics: gx-ol would read its own events")
	}
	dead := c.DeadLetters.Topic
	if dead != "" && matches(dead) {
		l.fault(l.place("dead_letters.topic"), "dead_letters.topic is also read by input.topics: gx-ol would read its own dead letters")
	}
	if dead != "" && dead == out {
		l.fault(l.place("dead_letters.topic"), "dead_letters.topic is also transport.topic: keep events and dead letters apart")
	}
}

func (l *loader) checkRest(run bool) {
	c := l.cfg
	if run && c.Kafka["bootstrap.servers"] == "" {
		l.fault(l.place("kafka"), "no brokers: set kafka: bootstrap.servers or --brokers")
	}
	if run && c.Input.Group == "" {
		l.fault(l.place("input.group"), "input.group must not be empty")
	}
	if c.Telemetry.Listen != "" && c.Telemetry.Listen != "off" {
		if _, _, err := net.SplitHostPort(c.Telemetry.Listen); err != nil {
			l.fault(l.place("telemetry.listen"), "telemetry.listen must be host:port such as 127.0.0.1:9464, or off")
		}
	}
	if c.Retry.Initial > c.Retry.Max {
		l.fault(l.place("retry.initial"), "retry.initial must not be above retry.max")
	}
}
