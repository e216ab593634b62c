package config

import (
	"errors"
	"net"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/gx-ol/gx-ol/internal/tlsfiles"
)

// settle derives what follows from other values and checks them against each other.
func (l *loader) settle(run bool) {
	for _, d := range l.destinations() {
		d.normalize()
	}
	l.checkComposite()
	l.checkExactlyOnce()
	for _, d := range l.destinations() {
		l.checkTransport(d.path, d.Transport, run)
	}
	l.checkTopics(run)
	l.checkRest(run)
	l.checkJob()
	l.checkEffects()
}

// normalize fills in what other values imply.
func (t *Transport) normalize() {
	if t.Type == "" && t.URL != "" {
		t.Type = "http"
	}
	if t.Compression == "none" {
		t.Compression = ""
	}
	t.Auth.normalize()
}

// checkTransport checks one destination, whose keys lie below path.
func (l *loader) checkTransport(path string, t *Transport, run bool) {
	at := func(key string) string {
		if p, ok := l.places[path+"."+key]; ok {
			return p
		}
		if p, ok := l.starts[t.Name]; ok {
			return p
		}
		return l.place(path + "." + key)
	}
	place := at("type")
	switch t.Type {
	case "":
		if path != "transport" {
			l.lacks("transport", place, "%s has no type: set http, kafka, console or file", path)
		} else if run && !l.cfg.Disabled {
			l.lacks("transport", place, "no destination: set transport.type and transport.url, --to or OPENLINEAGE_URL")
		}
	case "http":
		if t.URL == "" {
			l.lacks("transport", place, "%s.type http needs %s.url", path, path)
		} else if u, err := url.Parse(t.URL); l.unresolved[path+".url"] {
			break // it is not needed
		} else if err != nil || !webAddress(u) {
			l.fault(at("url"), "%s.url must be an address such as http://localhost:5000", path)
		} else if u.User != nil {
			l.fault(at("url"), "%s.url must not hold a user or password: use %s.auth: {type: basic, username: …, password: …}", path, path)
		}
		l.checkAuth(path, t, at)
	case "kafka":
		if t.Topic == "" {
			l.lacks("transport", place, "%s.type kafka needs %s.topic", path, path)
		}
		if len(t.Config) > 0 && t.Config["bootstrap.servers"] == "" {
			l.lacks("transport", at("config"), "%s.config needs bootstrap.servers (leave %s.config out to use those of kafka)", path, path)
		}
	case "file":
		if t.LogFilePath == "" {
			l.lacks("transport", place, "%s.type file needs %s.log_file_path", path, path)
		} else if strings.Contains(t.LogFilePath, "://") {
			l.fault(at("log_file_path"), "%s.log_file_path must be a path of this machine, and not an address", path)
		}
	}
}

// webAddress says whether a request can be sent there: scheme and host are named.
func webAddress(u *url.URL) bool {
	return u.Hostname() != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// topicName is what Kafka takes for the name of a topic.
var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

func isTopicName(name string) bool { return topicName.MatchString(name) && name != "." && name != ".." }

const topicNames = "letters, digits, ., _ and -, at most 249 of them"

// checkTopicName tells of what can be no topic. Empty is for others to judge.
func (l *loader) checkTopicName(path, name string) {
	if name != "" && !l.unresolved[path] && !isTopicName(name) {
		l.fault(l.place(path), "%s must be the name of a topic: %s", path, topicNames)
	}
}

// inputTopics is which topics are read; ok: that can be told.
func (l *loader) inputTopics() (matches func(topic string) bool, ok bool) {
	topics, place := l.cfg.Input.Topics, l.place("input.topics")
	for _, topic := range topics {
		switch {
		case !strings.HasPrefix(topic, "^"):
			if !l.unresolved["input.topics"] && !isTopicName(topic) {
				l.fault(place, "input.topics must be names of topics (%s), or one regular expression that begins with ^, such as ^gx\\..*", topicNames)
				return nil, false
			}
			continue
		case len(topics) > 1:
			l.fault(place, "input.topics must be names or one regular expression, not both")
			return nil, false
		}
		re, err := regexp.Compile(topic)
		if wrong, is := errors.AsType[*syntax.Error](err); is {
			l.fault(place, "input.topics is no valid regular expression: %s", wrong.Code)
			return nil, false
		}
		return re.MatchString, true
	}
	return func(topic string) bool { return slices.Contains(topics, topic) }, true
}

// once leaves each name one time: several files, or a list that was pasted together, may say one twice.
func once(names []string) (out []string) {
	for _, name := range names {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func (l *loader) checkTopics(run bool) {
	c := l.cfg
	c.Input.Topics = once(c.Input.Topics)
	if run && len(c.Input.Topics) == 0 {
		l.lacks("input", l.place("input.topics"), "nothing to read: set input.topics or --topic")
	}
	dead := c.DeadLetters.Topic
	l.checkTopicName("dead_letters.topic", dead)
	for _, d := range l.destinations() {
		if d.Type == "kafka" {
			l.checkTopicName(d.path+".topic", d.Topic)
		}
	}
	matches, ok := l.inputTopics()
	if !ok {
		return
	}
	if dead != "" && !c.Input.Regex() && matches(dead) { // a regular expression never takes in topics of ours
		l.fault(l.place("dead_letters.topic"), "dead_letters.topic is also read by input.topics: gx-ol would read its own dead letters")
	}
	for _, d := range l.destinations() {
		if d.Type != "kafka" || len(d.Config) > 0 || d.Topic == "" {
			continue
		}
		if matches(d.Topic) {
			l.fault(l.place(d.path+".topic"), "%s.topic is also read by input.topics: gx-ol would read its own events", d.path)
		}
		if d.Topic == dead {
			l.fault(l.place("dead_letters.topic"), "dead_letters.topic is also %s.topic: keep events and dead letters apart", d.path)
		}
	}
}

func (l *loader) checkRest(run bool) {
	c := l.cfg
	if run && c.Kafka["bootstrap.servers"] == "" {
		l.lacks("kafka", l.place("kafka"), "no brokers: set kafka: bootstrap.servers or --brokers")
	}
	if run {
		l.checkClients()
	}
	if run && c.Input.Group == "" {
		l.lacks("input", l.place("input.group"), "input.group must not be empty")
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

// checkClients tells, before anybody is asked, what is wrong with how to sign in: properties that belong together, and files of certificates.
func (l *loader) checkClients() {
	check := func(place, path string, props map[string]string) {
		if props["bootstrap.servers"] == "" || len(l.faults) > 0 {
			return // told already, or perhaps a consequence
		}
		if err := l.checkProperties(path, props); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				l.fault(place, "%s", line)
			}
		}
	}
	check(l.place("kafka"), "kafka", l.cfg.Kafka)
	for _, d := range l.destinations() {
		check(l.place(d.path+".config"), d.path+".config", d.Config)
		if d.Type != "http" || d.SSL == (SSL{}) {
			continue
		}
		if _, err := tlsfiles.Read(tlsfiles.Files{CA: d.SSL.CA, Cert: d.SSL.Certificate, Key: d.SSL.Key, KeyPassword: func() string { return d.SSL.KeyPassword }}); err != nil && !l.mayBeAway(err) {
			l.fault(l.place(d.path+".ssl.ca.location"), "%s.ssl: %v", d.path, err)
		}
	}
}
