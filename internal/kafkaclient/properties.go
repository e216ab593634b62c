package kafkaclient

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/nearest"
)

// state collects what several properties decide together (TLS, SASL).
type state struct {
	opts []kgo.Opt
	tls  tlsSettings
	sasl saslSettings
	live func() string // the present value of the property that is being set; nil: it stays
	ssl  bool          // security.protocol asks for TLS
	auth bool          // security.protocol asks for SASL
}

// liveOrSame gives the present value of the property that is being set.
func (s *state) liveOrSame(v string) func() string {
	live := s.live
	return func() string {
		if live != nil {
			return cmp.Or(live(), v)
		}
		return v
	}
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
	for _, more := range []map[string]property{saslProperties(), tlsProperties(), javaProperties()} {
		maps.Copy(p, more)
	}
	for name, standard := range sameAs {
		p[name] = p[standard]
	}
	return p
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

// alreadySo takes the values that say what gx-ol does anyway, so that a file that other clients read can be used as it is.
func alreadySo(why string, values ...string) property {
	return property{set: func(_ *state, v string) error {
		if slices.Contains(values, strings.ToLower(v)) {
			return nil
		}
		return fmt.Errorf("only %s is supported: %s", strings.Join(values, " or "), why)
	}}
}

// oneOf does not repeat the value: it may have come from a secret file.
func oneOf(value string, allowed ...string) error {
	if near := nearest.Name(value, allowed); near != "" {
		return fmt.Errorf("must be one of %s: did you mean %q?", strings.Join(allowed, ", "), near)
	}
	return fmt.Errorf("must be one of %s", strings.Join(allowed, ", "))
}
