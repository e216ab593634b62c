package tlsfiles

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func text(s string) Text { return func() string { return s } }

func fixture(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Each way in which people have certificates and keys leads to the same pair; each that cannot be read is told with the way out, and without the password.
func TestEachFormOfAPairIsRead(t *testing.T) {
	at := func(name string) string { return filepath.Join("testdata", name) }
	password, wrong := text("changeit"), text("SECRETPW")
	for name, c := range map[string]struct {
		files Files
		want  string // in the error; empty: works
	}{
		"files":                     {Files{Cert: at("cert.pem"), Key: at("key.pem")}, ""},
		"text":                      {Files{CertText: text(fixture(t, "cert.pem")), KeyText: text(fixture(t, "key.pem"))}, ""},
		"a file and a text":         {Files{Cert: at("cert.pem"), KeyText: text(fixture(t, "key.pem"))}, ""},
		"one file":                  {Files{KeyStore: at("both.pem")}, ""},
		"encrypted":                 {Files{Cert: at("cert.pem"), Key: at("encrypted.pem"), KeyPassword: password}, ""},
		"encrypted text":            {Files{CertText: text(fixture(t, "cert.pem")), KeyText: text(fixture(t, "encrypted.pem")), KeyPassword: password}, ""},
		"encrypted the old way":     {Files{Cert: at("cert.pem"), Key: at("old.pem"), KeyPassword: password}, ""},
		"PKCS12":                    {Files{KeyStore: at("client.keystore.p12"), StorePassword: password}, ""},
		"encrypted, no password":    {Files{Cert: at("cert.pem"), Key: at("encrypted.pem")}, "its password (ssl.key.password) is missing"},
		"encrypted, wrong password": {Files{Cert: at("cert.pem"), Key: at("encrypted.pem"), KeyPassword: wrong}, "check ssl.key.password"},
		"old, wrong password":       {Files{Cert: at("cert.pem"), Key: at("old.pem"), KeyPassword: wrong}, "check ssl.key.password"},
		"PKCS12, wrong password":    {Files{KeyStore: at("client.keystore.p12"), StorePassword: wrong}, "the password is not that of the store"},
		"JKS":                       {Files{KeyStore: at("real.jks"), StorePassword: password}, "keytool -importkeystore -srckeystore testdata/real.jks -destkeystore testdata/real.jks.p12 -deststoretype PKCS12"},
		"neither":                   {Files{KeyStore: at("make.sh")}, "can't be read as PKCS#12 or PEM"},
		"half, as text":             {Files{CertText: text("x")}, "go together"},
		"a folder":                  {Files{KeyStore: "testdata"}, "not a file"},
	} {
		s, err := Read(c.files)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "SECRETPW") || strings.Contains(err.Error(), "changeit") {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		pair, err := s.own()
		if err != nil || pair.Leaf.Subject.CommonName != "client" {
			t.Errorf("%s: %v, %v", name, pair, err)
		}
	}
}

// keytool has made PKCS#12 for years, also of a file that is called .jks: what a store holds counts, not its name.
func TestEachFormOfTrustIsRead(t *testing.T) {
	at := func(name string) string { return filepath.Join("testdata", name) }
	cert, err := x509.ParseCertificate(pemBytes(t, fixture(t, "cert.pem")))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		files Files
		want  string
	}{
		"file":              {Files{CA: at("ca.pem")}, ""},
		"text":              {Files{CAText: text(fixture(t, "ca.pem"))}, ""},
		"beside system's":   {Files{CA: at("ca.pem"), SystemToo: true}, ""},
		"PEM as a store":    {Files{TrustStore: at("ca.pem")}, ""},
		"PKCS12 by keytool": {Files{TrustStore: at("client.truststore.jks"), TrustPassword: text("changeit")}, ""},
		"wrong password":    {Files{TrustStore: at("client.truststore.jks"), TrustPassword: text("SECRETPW")}, "the password is not that of the store"},
		"JKS":               {Files{TrustStore: at("real.jks"), TrustPassword: text("changeit")}, "keytool -importkeystore"},
		"no PEM":            {Files{CAText: text("x")}, "the text holds no PEM certificate"},
	} {
		s, err := Read(c.files)
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "SECRETPW") {
				t.Errorf("%s: %v, want %s", name, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		pool, err := s.roots.now()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cert.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An expired certificate is told here: the other side would refuse it with less clear words.
func TestAnExpiredCertificateOfOursIsTold(t *testing.T) {
	a := newAuthority(t, "a")
	cert, key := a.issueUntil(t, "client", time.Now().Add(-time.Hour))
	_, err := Read(Files{CertText: text(string(cert)), KeyText: text(string(key))})
	if err == nil || !strings.Contains(err.Error(), "the certificate of this client expired at ") {
		t.Errorf("%v", err)
	}
}
