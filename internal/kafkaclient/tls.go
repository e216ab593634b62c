package kafkaclient

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/tlsfiles"
)

type tlsSettings struct {
	files       tlsfiles.Files
	dialTimeout time.Duration // 0: franz-go's own default
}

func tlsProperties() map[string]property {
	file := func(field func(*tlsfiles.Files) *string) property {
		return textOf(false, func(s *state) *string { return field(&s.tls.files) })
	}
	// A text may come from a file: then its present value counts.
	text := func(secret bool, field func(*tlsfiles.Files) *tlsfiles.Text) property {
		return property{secret: secret, set: func(s *state, v string) error {
			now := s.liveOrSame(v)
			*field(&s.tls.files) = func() string { return pemLines(now()) }
			return nil
		}}
	}
	password := func(field func(*tlsfiles.Files) *tlsfiles.Text) property {
		return property{secret: true, set: func(s *state, v string) error { *field(&s.tls.files) = s.liveOrSame(v); return nil }}
	}
	ca := text(false, func(f *tlsfiles.Files) *tlsfiles.Text { return &f.CAText })
	certificate := text(false, func(f *tlsfiles.Files) *tlsfiles.Text { return &f.CertText })
	key := text(true, func(f *tlsfiles.Files) *tlsfiles.Text { return &f.KeyText })
	return map[string]property{
		"ssl.ca.location": {set: func(s *state, v string) error {
			if v != "probe" { // librdkafka's word for the system's authorities
				s.tls.files.CA = v
			}
			return nil
		}},
		"ssl.ca":                                ca,
		"ssl.ca.pem":                            ca,
		"ssl.truststore.certificates":           ca,
		"ssl.truststore.location":               file(func(f *tlsfiles.Files) *string { return &f.TrustStore }),
		"ssl.truststore.password":               password(func(f *tlsfiles.Files) *tlsfiles.Text { return &f.TrustPassword }),
		"ssl.truststore.type":                   {set: setStoreType},
		"ssl.certificate.location":              file(func(f *tlsfiles.Files) *string { return &f.Cert }),
		"ssl.certificate":                       certificate,
		"ssl.certificate.pem":                   certificate,
		"ssl.keystore.certificate.chain":        certificate,
		"ssl.key.location":                      file(func(f *tlsfiles.Files) *string { return &f.Key }),
		"ssl.key":                               key,
		"ssl.key.pem":                           key,
		"ssl.keystore.key":                      key,
		"ssl.key.password":                      password(func(f *tlsfiles.Files) *tlsfiles.Text { return &f.KeyPassword }),
		"ssl.keystore.location":                 file(func(f *tlsfiles.Files) *string { return &f.KeyStore }),
		"ssl.keystore.password":                 password(func(f *tlsfiles.Files) *tlsfiles.Text { return &f.StorePassword }),
		"ssl.keystore.type":                     {set: setStoreType},
		"ssl.endpoint.identification.algorithm": {set: setIdentification},
		"enable.ssl.certificate.verification":   {set: setVerification},
	}
}

// setIdentification says whether a certificate must name the host.
func setIdentification(s *state, v string) error {
	switch strings.ToLower(v) {
	case "https":
	case "", "none":
		s.tls.files.AnyHost = true
	default:
		return oneOf(v, "https", "none")
	}
	return nil
}

// setVerification says whether a certificate must be an authority's.
func setVerification(s *state, v string) error {
	switch strings.ToLower(v) {
	case "true":
	case "false":
		s.tls.files.AnyCert = true
	default:
		return oneOf(v, "true", "false")
	}
	return nil
}

// setStoreType only checks: what a store is, its content says. Java's own JKS also stands in front of PKCS#12.
func setStoreType(_ *state, v string) error {
	switch strings.ToUpper(v) {
	case "JKS", "PKCS12", "PEM":
		return nil
	}
	return oneOf(v, "PKCS12", "PEM")
}

// pemLines mends PEM that stands on one line, as .properties files have it: with \n written out, or with spaces for the ends of lines.
func pemLines(s string) string {
	s = strings.ReplaceAll(s, `\n`, "\n")
	if strings.Contains(strings.TrimSpace(s), "\n") {
		return s
	}
	var b strings.Builder
	for _, part := range strings.SplitAfter(s, "-----") {
		if strings.HasSuffix(part, "-----") && (strings.HasPrefix(part, "BEGIN ") || strings.HasPrefix(part, "END ")) {
			b.WriteString(part)
			continue
		}
		body, dashes := strings.CutSuffix(part, "-----")
		if words := strings.Fields(body); len(words) > 0 {
			b.WriteString("\n" + strings.Join(words, "\n"))
		}
		if dashes {
			b.WriteString("\n-----")
		}
	}
	return strings.TrimSpace(b.String()) + "\n"
}

func (t tlsSettings) opts(wanted bool) ([]kgo.Opt, error) {
	f := t.files
	if !wanted {
		if f.CA != "" || f.Cert != "" || f.Key != "" || f.TrustStore != "" || f.KeyStore != "" || f.CAText != nil || f.CertText != nil || f.KeyText != nil {
			return nil, errors.New("ssl.* is set but security.protocol does not use it: set security.protocol to SSL or SASL_SSL")
		}
		return nil, nil
	}
	if err := t.onceEach(); err != nil {
		return nil, err
	}
	files, err := tlsfiles.Read(f)
	if fault, ok := errors.AsType[*tlsfiles.Error](err); ok {
		return nil, fmt.Errorf("%s: %w", t.names(fault.Part), fault.Err)
	}
	if err != nil {
		return nil, err
	}
	return []kgo.Opt{kgo.Dialer(files.Dialer(cmp.Or(t.dialTimeout, 10*time.Second)))}, nil
}

// onceEach refuses a part that is said in two ways: nobody knows which was meant.
func (t tlsSettings) onceEach() error {
	f := t.files
	count := func(given ...bool) (n int) {
		for _, g := range given {
			if g {
				n++
			}
		}
		return n
	}
	switch {
	case count(f.CA != "", f.CAText != nil, f.TrustStore != "") > 1:
		return errors.New("set one of ssl.ca.location, ssl.ca.pem and ssl.truststore.*")
	case count(f.Cert != "", f.CertText != nil, f.KeyStore != "") > 1, count(f.Key != "", f.KeyText != nil, f.KeyStore != "") > 1:
		return errors.New("set certificate and key once: as files (ssl.certificate.location, ssl.key.location), as text (ssl.certificate.pem, ssl.key.pem) or as ssl.keystore.location")
	}
	return nil
}

// names are the properties that a part came from.
func (t tlsSettings) names(part string) string {
	f := t.files
	switch {
	case part == tlsfiles.CA && f.TrustStore != "":
		return "ssl.truststore.location"
	case part == tlsfiles.CA && f.CAText != nil:
		return "ssl.ca.pem"
	case part == tlsfiles.CA:
		return "ssl.ca.location"
	case f.KeyStore != "":
		return "ssl.keystore.location"
	case f.CertText != nil || f.KeyText != nil:
		return "ssl.certificate.pem, ssl.key.pem"
	}
	return "ssl.certificate.location, ssl.key.location"
}
