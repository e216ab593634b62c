// Package kafkaclient turns Kafka client properties under their standard names (bootstrap.servers, sasl.username, …) into
// franz-go options, and turns connection errors into one sentence that a person can act on. What it does not support is an
// error: a property that is silently ignored is a surprise in production.
package kafkaclient

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// state collects what several properties decide together (TLS, SASL).
type state struct {
	opts []kgo.Opt
	tls  tlsSettings
	sasl saslSettings
	ssl  bool // security.protocol asks for TLS
	auth bool // security.protocol asks for SASL
}

type property struct {
	secret bool
	set    func(s *state, value string) error
}

func properties() map[string]property {
	p := map[string]property{
		"bootstrap.servers": {set: setServers},
		"client.id":         plainOpt(func(v string) kgo.Opt { return kgo.ClientID(v) }),
		"client.rack":       plainOpt(func(v string) kgo.Opt { return kgo.Rack(v) }),
		"group.instance.id": plainOpt(func(v string) kgo.Opt { return kgo.InstanceID(v) }),
		"security.protocol": {set: setProtocol},

		"session.timeout.ms":                 millisOpt(func(d time.Duration) kgo.Opt { return kgo.SessionTimeout(d) }),
		"heartbeat.interval.ms":              millisOpt(func(d time.Duration) kgo.Opt { return kgo.HeartbeatInterval(d) }),
		"max.poll.interval.ms":               millisOpt(func(d time.Duration) kgo.Opt { return kgo.RebalanceTimeout(d) }),
		"request.timeout.ms":                 millisOpt(func(d time.Duration) kgo.Opt { return kgo.RequestTimeoutOverhead(d) }),
		"socket.connection.setup.timeout.ms": {set: setDialTimeout},
		"connections.max.idle.ms":            millisOpt(func(d time.Duration) kgo.Opt { return kgo.ConnIdleTimeout(d) }),
		"metadata.max.age.ms":                {set: setMetadataAge},
		"fetch.max.wait.ms":                  millisOpt(func(d time.Duration) kgo.Opt { return kgo.FetchMaxWait(d) }),
		"delivery.timeout.ms":                millisOpt(func(d time.Duration) kgo.Opt { return kgo.RecordDeliveryTimeout(d) }),
		"linger.ms":                          millisOpt(func(d time.Duration) kgo.Opt { return kgo.ProducerLinger(d) }),
		"transaction.timeout.ms":             millisOpt(func(d time.Duration) kgo.Opt { return kgo.TransactionTimeout(d) }),
		"fetch.max.bytes":                    bytesOpt(func(n int32) kgo.Opt { return kgo.FetchMaxBytes(n) }),
		"fetch.min.bytes":                    bytesOpt(func(n int32) kgo.Opt { return kgo.FetchMinBytes(n) }),
		"max.partition.fetch.bytes":          bytesOpt(func(n int32) kgo.Opt { return kgo.FetchMaxPartitionBytes(n) }),
		"max.request.size":                   {set: setRequestSize},
		"auto.offset.reset":                  {set: setOffsetReset},
		"group.protocol":                     {set: setGroupProtocol},
		"acks":                               alreadySo("gx-ol always waits for all replicas", "all", "-1"),
		"enable.auto.commit":                 alreadySo("gx-ol commits what is settled and nothing else", "false"),
		"enable.idempotence":                 alreadySo("gx-ol's producer is always idempotent", "true"),
		"isolation.level":                    {set: setIsolation},
		"compression.type":                   {set: setCompression},
	}
	for name, prop := range securityProperties() {
		p[name] = prop
	}
	return p
}

// unsupported names properties that people bring along, with the way that works here.
func unsupported() map[string]string {
	return map[string]string{
		"group.id":                            "set input.group",
		"ssl.truststore.location":             "set ssl.ca.location to a PEM file",
		"ssl.truststore.password":             "set ssl.ca.location to a PEM file",
		"ssl.keystore.location":               "set ssl.certificate.location and ssl.key.location to PEM files",
		"ssl.keystore.password":               "set ssl.certificate.location and ssl.key.location to PEM files",
		"ssl.key.password":                    "encrypted keys are not supported: store the key without a password in a file that only gx-ol may read",
		"sasl.oauthbearer.token.endpoint.url": "gx-ol signs in with PLAIN or SCRAM",
		"sasl.login.callback.handler.class":   "gx-ol signs in with PLAIN or SCRAM",
		"sasl.kerberos.service.name":          "gx-ol signs in with PLAIN or SCRAM",
		"key.deserializer":                    "gx-ol reads bytes",
		"value.deserializer":                  "gx-ol reads bytes",
	}
}

// Names are all supported properties, sorted.
func Names() []string {
	all := properties()
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Secret says whether the property's value must never be shown. Unknown names count as secret.
func Secret(name string) bool {
	p, ok := properties()[name]
	return !ok || p.secret
}

// CheckName is nil for a supported property, else an error with the reason or the nearest supported name.
func CheckName(name string) error {
	if _, ok := properties()[name]; ok {
		return nil
	}
	if why, ok := unsupported()[name]; ok {
		return fmt.Errorf("Kafka property %q is not supported: %s", name, why) //nolint:staticcheck // Kafka is a name
	}
	if near := Nearest(name, Names()); near != "" {
		return fmt.Errorf("unknown Kafka property %q: did you mean %q?", name, near)
	}
	return fmt.Errorf("unknown Kafka property %q", name)
}

// Meant says whether a name is known, supported or not, or so near to one that CheckName tells which was meant.
func Meant(name string) (near string, ok bool) {
	if _, known := unsupported()[name]; known {
		return name, true
	}
	near = Nearest(name, Names())
	return near, near != ""
}

// CheckValue checks one supported property's value by itself, without what depends on other properties or on files. Its
// errors never hold the value of a secret property.
func CheckValue(name, value string) error {
	p, ok := properties()[name]
	if !ok {
		return CheckName(name)
	}
	return p.set(&state{}, value)
}

// Opts maps client properties, by their standard names, to franz-go options. All faults are joined into one error; no error
// holds a secret. Certificate files are read once to check them, and again at each handshake.
func Opts(props map[string]string) ([]kgo.Opt, error) { return OptsLive(props, nil) }

// OptsLive is Opts with values that change: live gives, for the name of a property, what to ask for its present value, and nil for
// one that stays. User and password are asked for at each authentication.
func OptsLive(props map[string]string, live func(name string) func() string) ([]kgo.Opt, error) {
	s := state{sasl: saslSettings{live: live}}
	var faults []error
	known := properties()
	names := make([]string, 0, len(props))
	for name := range props {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if err := CheckName(name); err != nil {
			faults = append(faults, err)
			continue
		}
		if err := known[name].set(&s, props[name]); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
	}
	if props["bootstrap.servers"] == "" {
		faults = append(faults, errors.New("bootstrap.servers is missing: name at least one broker as host:port"))
	}
	if err := s.finish(); err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return s.opts, nil
}

// Check says what is wrong with properties together, without asking a broker: all that Opts finds, and what the client itself refuses.
func Check(props map[string]string) error {
	opts, err := Opts(props)
	if err != nil {
		return err
	}
	return kgo.ValidateOpts(opts...)
}

func (s *state) finish() error {
	secure, err := s.tls.opts(s.ssl)
	if err != nil {
		return err
	}
	auth, err := s.sasl.opts(s.auth)
	if err != nil {
		return err
	}
	s.opts = append(append(s.opts, secure...), auth...)
	return nil
}

func plainOpt(opt func(string) kgo.Opt) property {
	return property{set: func(s *state, v string) error {
		if v == "" {
			return errors.New("must not be empty")
		}
		s.opts = append(s.opts, opt(v))
		return nil
	}}
}

func millisOpt(opt func(time.Duration) kgo.Opt) property {
	return property{set: func(s *state, v string) error {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil || n < 0 {
			return errors.New("must be a whole number of milliseconds")
		}
		s.opts = append(s.opts, opt(time.Duration(n)*time.Millisecond))
		return nil
	}}
}

func bytesOpt(opt func(int32) kgo.Opt) property {
	return property{set: func(s *state, v string) error {
		n, err := strconv.ParseInt(v, 10, 32)
		if err != nil || n < 1 || n > math.MaxInt32 {
			return errors.New("must be a whole number of bytes, at least 1")
		}
		s.opts = append(s.opts, opt(int32(n)))
		return nil
	}}
}

func setServers(s *state, v string) error {
	var seeds []string
	for server := range strings.SplitSeq(v, ",") {
		server = strings.TrimSpace(server)
		if server == "" {
			continue
		}
		if err := checkServer(server); err != nil {
			return err
		}
		seeds = append(seeds, server)
	}
	if len(seeds) == 0 {
		return errors.New("must name at least one broker as host:port")
	}
	s.opts = append(s.opts, kgo.SeedBrokers(seeds...))
	return nil
}

// checkServer never repeats the server: people bring along addresses with a password.
func checkServer(server string) error {
	if strings.Contains(server, "@") {
		return errors.New("must be host:port without user and password: set sasl.username and sasl.password")
	}
	host := server
	if at := strings.LastIndexByte(server, ':'); at > strings.LastIndexByte(server, ']') {
		host = server[:at]
		if n, err := strconv.Atoi(server[at+1:]); err != nil || n < 1 || n > 65535 {
			return errors.New("must be host:port, several separated by commas, the port from 1 to 65535")
		}
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.ContainsAny(bare, "/ \t[]?#;=") || bare == host && strings.Contains(host, ":") {
		return errors.New("must be host:port, several separated by commas, without a scheme; an IPv6 address in brackets")
	}
	return nil
}

func setProtocol(s *state, v string) error {
	switch strings.ToUpper(v) {
	case "PLAINTEXT":
	case "SSL":
		s.ssl = true
	case "SASL_PLAINTEXT":
		s.auth = true
	case "SASL_SSL":
		s.ssl, s.auth = true, true
	default:
		return oneOf(v, "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
	}
	return nil
}

// setMetadataAge also lowers the least age, which the client else refuses a small one by.
func setMetadataAge(s *state, v string) error {
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 100 {
		return errors.New("must be a whole number of milliseconds, 100 at least")
	}
	d := time.Duration(n) * time.Millisecond
	s.opts = append(s.opts, kgo.MetadataMaxAge(d), kgo.MetadataMinAge(min(5*time.Second, d)))
	return nil
}

// setDialTimeout is for both ways to dial: franz-go's own, and ours over TLS, to which it does not apply.
func setDialTimeout(s *state, v string) error {
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 0 {
		return errors.New("must be a whole number of milliseconds")
	}
	s.tls.dialTimeout = time.Duration(n) * time.Millisecond
	s.opts = append(s.opts, kgo.DialTimeout(s.tls.dialTimeout))
	return nil
}

// alreadySo takes the values that say what gx-ol does anyway, so that a file that other clients read can be used as it is.
func alreadySo(why string, values ...string) property {
	return property{set: func(_ *state, v string) error {
		if slices.Contains(values, strings.ToLower(v)) {
			return nil
		}
		return fmt.Errorf("only %s is supported: %s", strings.Join(values, " or "), why)
	}}
}

// setRequestSize also makes room for a request with one such batch.
func setRequestSize(s *state, v string) error {
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 512 || n > 1<<29 {
		return fmt.Errorf("must be a whole number of bytes, from 512 to %d", 1<<29)
	}
	s.opts = append(s.opts, kgo.ProducerBatchMaxBytes(int32(n)), kgo.BrokerMaxWriteBytes(int32(max(n+1<<20, 100<<20))))
	return nil
}

func setCompression(s *state, v string) error {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	codec, ok := codecs[v]
	if !ok {
		return oneOf(v, "none", "gzip", "snappy", "lz4", "zstd")
	}
	s.opts = append(s.opts, kgo.ProducerBatchCompression(codec))
	return nil
}

// oneOf does not repeat the value: it may have come from a secret file.
func oneOf(value string, allowed ...string) error {
	if near := Nearest(value, allowed); near != "" {
		return fmt.Errorf("must be one of %s: did you mean %q?", strings.Join(allowed, ", "), near)
	}
	return fmt.Errorf("must be one of %s", strings.Join(allowed, ", "))
}
