package kafkaclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// The ways to sign in.
const (
	mechanismPlain = "PLAIN"
	mechanismSHA2  = "SCRAM-SHA-256"
	mechanismSHA5  = "SCRAM-SHA-512"
	mechanismOAuth = "OAUTHBEARER"
	mechanismIAM   = "AWS_MSK_IAM"
)

var mechanisms = []string{mechanismPlain, mechanismSHA2, mechanismSHA5, mechanismOAuth, mechanismIAM}

// saslSettings is what all properties of SASL say together.
type saslSettings struct {
	mechanism, user, password string
	jaas                      jaasLine
	oauth                     oauthSettings
	iamHandler                bool                            // a callback handler of Amazon's is named: its tokens stand for its mechanism
	live                      func(name string) func() string // see OptsLive
}

// mechanism remembers its user, and which properties are about him, so that a refusal can name both.
type mechanism struct {
	sasl.Mechanism
	user, keys string
}

func saslProperties() map[string]property {
	setMechanism := property{set: func(s *state, v string) error {
		for _, m := range mechanisms {
			if strings.EqualFold(m, v) {
				s.sasl.mechanism = m
				return nil
			}
		}
		if strings.EqualFold(v, "GSSAPI") {
			return errors.New("Kerberos (GSSAPI) is not supported: " + strings.Join(mechanisms, ", ") + " are")
		}
		return oneOf(v, mechanisms...)
	}}
	p := map[string]property{
		"sasl.mechanism":   setMechanism,
		"sasl.mechanisms":  setMechanism,
		"sasl.username":    textOf(false, func(s *state) *string { return &s.sasl.user }),
		"sasl.password":    textOf(true, func(s *state) *string { return &s.sasl.password }),
		"sasl.jaas.config": {secret: true, set: setJAAS},
	}
	maps.Copy(p, oauthProperties())
	return p
}

// textOf is a property that is taken as it is.
func textOf(secret bool, field func(*state) *string) property {
	return property{secret: secret, set: func(s *state, v string) error { *field(s) = v; return nil }}
}

func setJAAS(s *state, v string) error {
	line, err := parseJAAS(v)
	if err == nil {
		err = line.checkOptions()
	}
	s.sasl.jaas = line
	return err
}

func (s saslSettings) opts(wanted bool, tls tlsSettings) ([]kgo.Opt, error) {
	s.mechanism = cmp.Or(s.mechanism, s.jaas.mechanism())
	if s.iamHandler && s.mechanism == mechanismOAuth {
		s.mechanism = mechanismIAM // Amazon's other way in; brokers of MSK take both at the same port
	}
	if !wanted {
		if s.mechanism != "" || s.user != "" || s.password != "" || s.oauth.set() {
			return nil, errors.New("sasl.* is set but security.protocol does not use it: set security.protocol to SASL_SSL or SASL_PLAINTEXT")
		}
		return nil, nil
	}
	if err := s.contradiction(); err != nil {
		return nil, err
	}
	var m sasl.Mechanism
	var user, keys string
	var err error
	switch s.mechanism {
	case "":
		err = errors.New("security.protocol asks for SASL: set sasl.mechanism to " + strings.Join(mechanisms, ", "))
		if s.user == "" && s.password == "" && s.jaas.module == "" {
			err = errors.New("security.protocol asks for SASL: set sasl.username and sasl.password, and sasl.mechanism to " + strings.Join(mechanisms, ", "))
		}
	case mechanismOAuth:
		m, user, err = s.oauthMechanism(tls)
		keys = "the client id and its rights at the token endpoint, sasl.oauthbearer.scope and the extensions"
	case mechanismIAM:
		m, user = s.iamMechanism()
		keys = "its IAM policy (kafka-cluster:Connect), and the clock of this machine"
	default:
		m, user, err = s.passwordMechanism()
		keys = "sasl.username and sasl.password"
	}
	if err != nil {
		return nil, err
	}
	return []kgo.Opt{kgo.SASL(mechanism{Mechanism: m, user: user, keys: keys})}, nil
}

// contradiction tells where sasl.jaas.config is for another mechanism than sasl.mechanism: Java would not start either.
func (s saslSettings) contradiction() error {
	is := s.jaas.mechanism()
	if is == "" && s.jaas.module == moduleScram && s.mechanism != "" && !strings.HasPrefix(s.mechanism, "SCRAM-") {
		is = "SCRAM-SHA-256 or SCRAM-SHA-512"
	}
	if is == "" || is == s.mechanism || s.mechanism == mechanismIAM && s.iamHandler {
		return nil
	}
	return fmt.Errorf("sasl.jaas.config names the %s, which is for %s, and sasl.mechanism is %s: make them agree", s.jaas.module, is, s.mechanism)
}

// passwordMechanism is PLAIN or SCRAM. User and password are asked for at each authentication: a renewed password needs no restart.
func (s saslSettings) passwordMechanism() (sasl.Mechanism, string, error) {
	now := s.now()
	user, password := now()
	if user == "" || password == "" {
		return nil, "", errors.New("security.protocol asks for SASL: set sasl.username and sasl.password")
	}
	switch s.mechanism {
	case mechanismSHA2:
		return scram.Sha256(func(context.Context) (scram.Auth, error) { u, p := now(); return scram.Auth{User: u, Pass: p}, nil }), user, nil
	case mechanismSHA5:
		return scram.Sha512(func(context.Context) (scram.Auth, error) { u, p := now(); return scram.Auth{User: u, Pass: p}, nil }), user, nil
	}
	return plain.Plain(func(context.Context) (plain.Auth, error) { u, p := now(); return plain.Auth{User: u, Pass: p}, nil }), user, nil
}

// now gives user and password as their files have them at the moment of the call.
func (s saslSettings) now() func() (user, password string) {
	line := s.lineNow()
	user, password := s.liveOf("sasl.username"), s.liveOf("sasl.password")
	return func() (string, string) {
		options := line()
		u, p := cmp.Or(s.user, options["username"]), cmp.Or(s.password, options["password"])
		if user != nil {
			u = cmp.Or(user(), u)
		}
		if password != nil {
			p = cmp.Or(password(), p)
		}
		return u, p
	}
}

// current gives what a property says at the moment of the call, else an option of sasl.jaas.config.
func (s saslSettings) current(property, set, option string) func() string {
	line, live := s.lineNow(), s.liveOf(property)
	return func() string {
		if live != nil {
			return cmp.Or(live(), set)
		}
		return cmp.Or(set, line()[option])
	}
}

// lineNow gives the options of sasl.jaas.config. A line that is being written leaves what was there at the start.
func (s saslSettings) lineNow() func() map[string]string {
	live := s.liveOf("sasl.jaas.config")
	if live == nil {
		return func() map[string]string { return s.jaas.options }
	}
	return func() map[string]string {
		if parsed, err := parseJAAS(live()); err == nil {
			return parsed.options
		}
		return s.jaas.options
	}
}

func (s saslSettings) liveOf(name string) func() string {
	if s.live == nil {
		return nil
	}
	return s.live(name)
}
