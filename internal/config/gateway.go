package config

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/internal/nearest"
	"github.com/gx-ol/gx-ol/internal/tlsfiles"
)

// Gateway is `gx-ol gateway`: HTTP in, Kafka out.
type Gateway struct {
	Listen           string            // host:port
	EventsTopic      string            // of OpenLineage events; off: not served
	ResultsTopic     string            // of validation results; off: not served
	MessageKey       string            // one key for all events; empty: OpenLineage's rule
	Tokens           map[string]string // name → token; empty: none is asked for
	Namespaces       map[string]string // name of a token → its job namespace
	OtherNamespace   string            // refuse or rewrite
	MaxRequestBytes  int
	MaxBytesInFlight int
	MaxBatchEvents   int
	MaxConnections   int
	AckTimeout       time.Duration
	ReadTimeout      time.Duration
	Certificate, Key string // PEM files; empty: no TLS
}

// tokenName is what a token is called. One that is longer may be the token itself, in the wrong place.
var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$`)

// shownTokenName is a name as a fault about its token may show it: whoever took the one for the other wrote the token there.
func shownTokenName(name string) string {
	if len(name) >= leastToken {
		return fmt.Sprintf("a name of %d characters (is that the token?)", len(name))
	}
	return strconv.Quote(name)
}

// leastToken is how long a token must be: what can be guessed is none.
const leastToken = 16

func gatewayFields() []field {
	g := func(at func(*Gateway) any) func(*Config) any { return func(c *Config) any { return at(&c.Gateway) } }
	return []field{
		{path: "gateway.listen", typ: "string", def: "127.0.0.1:5050", doc: "address of `gx-ol gateway`; another than loopback needs tokens", at: g(func(g *Gateway) any { return &g.Listen })},
		{path: "gateway.events_topic", typ: "string", def: "openlineage.events", doc: "topic of OpenLineage events; off: they are not taken", at: g(func(g *Gateway) any { return &g.EventsTopic })},
		{path: "gateway.results_topic", typ: "string", def: "gx.validation-results", doc: "topic of validation results; off: they are not taken", at: g(func(g *Gateway) any { return &g.ResultsTopic })},
		{path: "gateway.messageKey", typ: "string", doc: "one key for all events; default: OpenLineage's rule", aliases: []string{"gateway.message_key"}, at: g(func(g *Gateway) any { return &g.MessageKey })},
		{path: "gateway.tokens", typ: "map", secret: true, doc: "name to bearer token, best as ${file:…}, which is read again when it changes; a file of several lines holds several", at: g(func(g *Gateway) any { return &g.Tokens })},
		{path: "gateway.namespaces", typ: "map", doc: "name of a token to the only job namespace that it may write", at: g(func(g *Gateway) any { return &g.Namespaces })},
		{path: "gateway.other_namespace", typ: "string", def: "refuse", enum: []string{"refuse", "rewrite"}, doc: "what becomes of another job namespace than the token's", at: g(func(g *Gateway) any { return &g.OtherNamespace })},
		{path: "gateway.max_request_bytes", typ: "size", def: "8388608", doc: "largest body, after decompression", at: g(func(g *Gateway) any { return &g.MaxRequestBytes })},
		{path: "gateway.max_bytes_in_flight", typ: "size", def: "67108864", doc: "bodies that are read or wait for the brokers, over all requests; beyond it requests are answered 429", at: g(func(g *Gateway) any { return &g.MaxBytesInFlight })},
		{path: "gateway.max_batch_events", typ: "int", def: "1000", doc: "events of one batch", at: g(func(g *Gateway) any { return &g.MaxBatchEvents })},
		{path: "gateway.max_connections", typ: "int", def: "1000", doc: "connections at once; further ones wait", at: g(func(g *Gateway) any { return &g.MaxConnections })},
		{path: "gateway.ack_timeout", typ: "duration", def: "4s", doc: "how long a request waits for the brokers before 503; OpenLineage's clients wait 5s by default", at: g(func(g *Gateway) any { return &g.AckTimeout })},
		{path: "gateway.read_timeout", typ: "duration", def: "30s", doc: "how long a client may take to send a request", at: g(func(g *Gateway) any { return &g.ReadTimeout })},
		{path: "gateway.ssl.certificate.location", typ: "string", doc: "PEM file of the gateway's certificate, read again for each connection; with it the gateway speaks TLS only", at: g(func(g *Gateway) any { return &g.Certificate })},
		{path: "gateway.ssl.key.location", typ: "string", doc: "PEM file of its key", at: g(func(g *Gateway) any { return &g.Key })},
	}
}

// LoadForGateway is Load for `gx-ol gateway`. flags may hold brokers, events-topic, results-topic, listen, token-file ([NAME=]PATH, several with
// commas), log-level and log-format.
func LoadForGateway(path string, getenv func(string) (string, bool), flags map[string]string, names ...string) (*Config, error) {
	l := newLoader(getenv)
	l.names = names
	l.readForGateway(path, flags)
	return l.result()
}

// readForGateway takes and checks what the gateway needs; it delivers to no backend.
func (l *loader) readForGateway(path string, flags map[string]string) {
	l.files(path)
	l.environment()
	l.assignments(flags)
	l.gatewayFlags(flags)
	l.keepSecrets()
	l.openLineage()
	l.settle(false)
	l.checkGateway()
}

// gatewayFlags takes the flags of which the gateway means something else than the pipeline, and leaves the others to it.
func (l *loader) gatewayFlags(flags map[string]string) {
	others := map[string]string{}
	names := make([]string, 0, len(flags))
	for name := range flags {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		switch name {
		case "listen", "events-topic", "results-topic":
			l.set("gateway."+strings.ReplaceAll(name, "-", "_"), "--"+name, text{value: flags[name]})
		case "token-file":
			l.tokenFiles(flags[name])
		default:
			others[name] = flags[name]
		}
	}
	l.flags(others)
}

func (l *loader) tokenFiles(value string) {
	for item := range strings.SplitSeq(value, ",") {
		name, path, ok := strings.Cut(item, "=")
		if !ok {
			name, path = "token", item
		}
		if name == "" || path == "" {
			l.fault("--token-file", "must be PATH or NAME=PATH")
			continue
		}
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
		raw := "${file:" + path + "}"
		t, err := expand(raw, l.getenv)
		if err != nil {
			l.fault("--token-file", "%v", err)
			l.broken["gateway"] = true
			continue
		}
		if l.cfg.Gateway.Tokens == nil {
			l.cfg.Gateway.Tokens = map[string]string{}
		}
		l.cfg.Gateway.Tokens[name] = t.value
		l.cfg.files["gateway.tokens."+name] = raw
	}
}

// checkGateway checks what `gx-ol gateway` needs.
func (l *loader) checkGateway() {
	g := &l.cfg.Gateway
	if l.cfg.Kafka["bootstrap.servers"] == "" {
		l.lacks("kafka", l.place("kafka"), "no brokers: set kafka: bootstrap.servers or --brokers")
	}
	l.checkGatewayTopics(g)
	l.checkTokens(g)
	if g.MaxBytesInFlight <= g.MaxRequestBytes {
		l.fault(l.place("gateway.max_bytes_in_flight"), "gateway.max_bytes_in_flight must be above gateway.max_request_bytes")
	}
	if g.Certificate != "" || g.Key != "" {
		if _, err := tlsfiles.Server(g.Certificate, g.Key); err != nil && !l.mayBeAway(err) {
			l.fault(l.place("gateway.ssl.certificate.location"), "gateway.ssl: %v", err)
		}
	}
	if len(l.faults) == 0 {
		if err := l.checkProperties("kafka", l.cfg.Kafka); err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				l.fault(l.place("kafka"), "%s", line)
			}
		}
	}
}

func (l *loader) checkGatewayTopics(g *Gateway) {
	for _, topic := range []*string{&g.EventsTopic, &g.ResultsTopic} {
		if *topic == "off" {
			*topic = ""
		}
	}
	if g.EventsTopic == "" && g.ResultsTopic == "" {
		l.lacks("gateway", l.place("gateway.events_topic"), "nothing to take: set gateway.events_topic or gateway.results_topic")
	}
}

func (l *loader) checkTokens(g *Gateway) {
	names := make([]string, 0, len(g.Tokens))
	for name := range g.Tokens {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !tokenName.MatchString(name) {
			l.fault(l.place("gateway.tokens"), "gateway.tokens: a name of %d characters is none: at most 32 letters, digits, dots, dashes and underscores (the token stands behind its name)", len(name))
			continue
		}
		if l.unresolved["gateway.tokens."+name] {
			continue
		}
		n := 0
		for line := range strings.Lines(g.Tokens[name]) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			if n++; len(line) < leastToken {
				l.fault(l.place("gateway.tokens"), "gateway.tokens: that of %s has fewer than %d characters: make one with `openssl rand -hex 32`", shownTokenName(name), leastToken)
			}
		}
		if n == 0 {
			l.fault(l.place("gateway.tokens"), "gateway.tokens: that of %q is empty: make one with `openssl rand -hex 32`", name)
		}
	}
	for name := range g.Namespaces {
		if _, ok := g.Tokens[name]; !ok {
			text := ""
			if !tokenName.MatchString(name) {
				l.fault(l.place("gateway.namespaces"), "gateway.namespaces: a name of %d characters is none of gateway.tokens", len(name))
				continue
			}
			if near := nearest.Name(name, names); near != "" {
				text = ": did you mean \"" + near + "\"?"
			}
			l.fault(l.place("gateway.namespaces"), "gateway.namespaces names %q, which gateway.tokens does not%s", name, text)
		}
	}
	host, _, err := net.SplitHostPort(g.Listen)
	if err != nil {
		l.fault(l.place("gateway.listen"), "gateway.listen must be host:port such as 127.0.0.1:5050")
		return
	}
	if len(g.Tokens) == 0 && !loopback(host) {
		l.lacks("gateway", l.place("gateway.listen"),
			"gateway.listen is not a loopback address, and whoever reaches it could write to the topics: make a token (openssl rand -hex 32 > FILE) and name it with gateway.tokens or --token-file FILE")
	}
}

// loopback reports whether only this machine reaches a host to listen on.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	at, err := netip.ParseAddr(host)
	return err == nil && at.Unmap().IsLoopback()
}
