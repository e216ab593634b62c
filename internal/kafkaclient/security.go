package kafkaclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

type tlsSettings struct {
	ca, cert, key    string
	anyHost, anyCert bool
}

type saslSettings struct {
	mechanism, user, password string
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
		if s != (saslSettings{}) {
			return nil, errors.New("sasl.* is set but security.protocol does not use it: set security.protocol to SASL_SSL or SASL_PLAINTEXT")
		}
		return nil, nil
	}
	if s.user == "" || s.password == "" {
		return nil, errors.New("security.protocol asks for SASL: set sasl.username and sasl.password")
	}
	var m sasl.Mechanism
	switch s.mechanism {
	case "":
		return nil, errors.New("security.protocol asks for SASL: set sasl.mechanism to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	case "SCRAM-SHA-256":
		m = scram.Auth{User: s.user, Pass: s.password}.AsSha256Mechanism()
	case "SCRAM-SHA-512":
		m = scram.Auth{User: s.user, Pass: s.password}.AsSha512Mechanism()
	default:
		m = plain.Auth{User: s.user, Pass: s.password}.AsMechanism()
	}
	return []kgo.Opt{kgo.SASL(mechanism{Mechanism: m, user: s.user})}, nil
}

func (t tlsSettings) opts(wanted bool) ([]kgo.Opt, error) {
	if !wanted {
		if t.ca != "" || t.cert != "" || t.key != "" {
			return nil, errors.New("ssl.* is set but security.protocol does not use it: set security.protocol to SSL or SASL_SSL")
		}
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.ca != "" {
		pem, err := os.ReadFile(t.ca)
		if err != nil {
			return nil, fmt.Errorf("ssl.ca.location: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ssl.ca.location: %s holds no PEM certificate", t.ca)
		}
	}
	if (t.cert == "") != (t.key == "") {
		return nil, errors.New("ssl.certificate.location and ssl.key.location go together: set both or none")
	}
	if t.cert != "" {
		read := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(t.cert, t.key)
			return &pair, err
		}
		if _, err := read(nil); err != nil {
			return nil, fmt.Errorf("ssl.certificate.location, ssl.key.location: %w", err)
		}
		cfg.GetClientCertificate = read // read at each handshake: a renewed certificate needs no restart
	}
	if t.anyHost || t.anyCert {
		cfg.InsecureSkipVerify = true // the operator asked for it, by its standard name
	}
	if t.anyHost && !t.anyCert {
		cfg.VerifyConnection = chainOnly(cfg.RootCAs)
	}
	return []kgo.Opt{kgo.DialTLSConfig(cfg)}, nil
}

// chainOnly verifies who signed the certificate, not for which host, as an empty
// ssl.endpoint.identification.algorithm asks.
func chainOnly(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(cs tls.ConnectionState) error {
		if len(cs.PeerCertificates) == 0 {
			return errors.New("the broker sent no certificate")
		}
		between := x509.NewCertPool()
		for _, c := range cs.PeerCertificates[1:] {
			between.AddCert(c)
		}
		_, err := cs.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
		return err
	}
}
