package kafkaclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/gx-ol/gx-ol/internal/tlsfiles"
)

type tlsSettings struct {
	ca, cert, key    string
	anyHost, anyCert bool
	dialTimeout      time.Duration // 0: franz-go's own default
}

type saslSettings struct {
	mechanism, user, password string
	live                      func(name string) func() string // see OptsLive
}

// mechanism remembers its user, so that a refusal can name it.
type mechanism struct {
	sasl.Mechanism
	user string
}

func securityProperties() map[string]property {
	setMechanism := property{set: func(s *state, v string) error {
		switch m := strings.ToUpper(v); m {
		case "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512":
			s.sasl.mechanism = m
			return nil
		}
		return oneOf(v, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
	}}
	text := func(secret bool, field func(*state) *string) property {
		return property{secret: secret, set: func(s *state, v string) error { *field(s) = v; return nil }}
	}
	return map[string]property{
		"sasl.mechanism":           setMechanism,
		"sasl.mechanisms":          setMechanism,
		"sasl.username":            text(false, func(s *state) *string { return &s.sasl.user }),
		"sasl.password":            text(true, func(s *state) *string { return &s.sasl.password }),
		"sasl.jaas.config":         {secret: true, set: setJAAS},
		"ssl.ca.location":          text(false, func(s *state) *string { return &s.tls.ca }),
		"ssl.certificate.location": text(false, func(s *state) *string { return &s.tls.cert }),
		"ssl.key.location":         text(false, func(s *state) *string { return &s.tls.key }),
		"ssl.endpoint.identification.algorithm": {set: func(s *state, v string) error {
			switch strings.ToLower(v) {
			case "https":
			case "", "none":
				s.tls.anyHost = true
			default:
				return oneOf(v, "https", "none")
			}
			return nil
		}},
		"enable.ssl.certificate.verification": {set: func(s *state, v string) error {
			switch strings.ToLower(v) {
			case "true":
			case "false":
				s.tls.anyCert = true
			default:
				return oneOf(v, "true", "false")
			}
			return nil
		}},
	}
}

// setJAAS takes username and password out of Java's login module line.
func setJAAS(s *state, v string) error {
	quoted := regexp.MustCompile(`\b(username|password)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')`)
	escape := regexp.MustCompile(`\\(.)`)
	found := map[string]string{}
	for _, m := range quoted.FindAllStringSubmatch(v, -1) {
		found[m[1]] = escape.ReplaceAllString(m[2]+m[3], "$1")
	}
	if found["username"] == "" || found["password"] == "" {
		return errors.New(`must hold username="…" and password="…" in quotes`)
	}
	s.sasl.user, s.sasl.password = found["username"], found["password"]
	return nil
}

func (s saslSettings) opts(wanted bool) ([]kgo.Opt, error) {
	if !wanted {
		if s.mechanism != "" || s.user != "" || s.password != "" {
			return nil, errors.New("sasl.* is set but security.protocol does not use it: set security.protocol to SASL_SSL or SASL_PLAINTEXT")
		}
		return nil, nil
	}
	if s.user == "" || s.password == "" {
		return nil, errors.New("security.protocol asks for SASL: set sasl.username and sasl.password")
	}
	// Asked at each authentication: a renewed password needs no restart.
	now := s.now()
	var m sasl.Mechanism
	switch s.mechanism {
	case "":
		return nil, errors.New("security.protocol asks for SASL: set sasl.mechanism to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	case "SCRAM-SHA-256":
		m = scram.Sha256(func(context.Context) (scram.Auth, error) { u, p := now(); return scram.Auth{User: u, Pass: p}, nil })
	case "SCRAM-SHA-512":
		m = scram.Sha512(func(context.Context) (scram.Auth, error) { u, p := now(); return scram.Auth{User: u, Pass: p}, nil })
	default:
		m = plain.Plain(func(context.Context) (plain.Auth, error) { u, p := now(); return plain.Auth{User: u, Pass: p}, nil })
	}
	return []kgo.Opt{kgo.SASL(mechanism{Mechanism: m, user: s.user})}, nil
}

// now gives user and password as their files have them at the moment of the call.
func (s saslSettings) now() func() (user, password string) {
	var user, password, jaas func() string
	if s.live != nil {
		user, password, jaas = s.live("sasl.username"), s.live("sasl.password"), s.live("sasl.jaas.config")
	}
	return func() (string, string) {
		u, p := s.user, s.password
		if jaas != nil {
			var parsed state
			if setJAAS(&parsed, jaas()) == nil { // a line that is being written leaves what was
				u, p = parsed.sasl.user, parsed.sasl.password
			}
		}
		if user != nil {
			u = cmp.Or(user(), u)
		}
		if password != nil {
			p = cmp.Or(password(), p)
		}
		return u, p
	}
}

func (t tlsSettings) opts(wanted bool) ([]kgo.Opt, error) {
	if !wanted {
		if t.ca != "" || t.cert != "" || t.key != "" {
			return nil, errors.New("ssl.* is set but security.protocol does not use it: set security.protocol to SSL or SASL_SSL")
		}
		return nil, nil
	}
	files, err := tlsfiles.Read(tlsfiles.Files{CA: t.ca, Cert: t.cert, Key: t.key, AnyHost: t.anyHost, AnyCert: t.anyCert})
	if f, ok := errors.AsType[*tlsfiles.Error](err); ok {
		name := "ssl.ca.location"
		if f.Part == tlsfiles.Pair {
			name = "ssl.certificate.location, ssl.key.location"
		}
		return nil, fmt.Errorf("%s: %w", name, f.Err)
	}
	if err != nil {
		return nil, err
	}
	return []kgo.Opt{kgo.Dialer(files.Dialer(cmp.Or(t.dialTimeout, 10*time.Second)))}, nil
}
