package kafkaclient

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
)

func TestPEMOnOneLineIsMended(t *testing.T) {
	const right = "-----BEGIN CERTIFICATE-----\nabc\ndef\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nghi\n-----END CERTIFICATE-----"
	for _, given := range []string{right, strings.ReplaceAll(right, "\n", `\n`), strings.ReplaceAll(right, "\n", " ")} {
		if got := strings.TrimSpace(pemLines(given)); got != right {
			t.Errorf("%q\nis %q", given, got)
		}
	}
}

func FuzzPEMLines(f *testing.F) {
	f.Add("-----BEGIN A----- b c -----END A-----")
	f.Fuzz(func(_ *testing.T, s string) { pemLines(s) })
}

func TestEachFormOfACertificateSignsIn(t *testing.T) {
	at := func(name string) string { return filepath.Join("..", "tlsfiles", "testdata", name) }
	read := func(name string) string {
		data, err := os.ReadFile(at(name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	oneLine := func(pem string) string { return strings.ReplaceAll(strings.TrimSpace(pem), "\n", " ") }
	broker, ca := selfSigned(t, "127.0.0.1")
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM([]byte(read("ca.pem")))
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{broker}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	trust, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	for name, more := range map[string][]string{
		"files":            {"ssl.ca.location", ca, "ssl.certificate.location", at("cert.pem"), "ssl.key.location", at("key.pem")},
		"text, librdkafka": {"ssl.ca.pem", string(trust), "ssl.certificate.pem", read("cert.pem"), "ssl.key.pem", read("key.pem")},
		"text, short":      {"ssl.ca", string(trust), "ssl.certificate", read("cert.pem"), "ssl.key", read("key.pem")},
		"text, Java": {"ssl.truststore.type", "PEM", "ssl.truststore.certificates", oneLine(string(trust)), "ssl.keystore.type", "PEM", "ssl.keystore.certificate.chain", oneLine(read("cert.pem")),
			"ssl.keystore.key", oneLine(read("encrypted.pem")), "ssl.key.password", "changeit"},
		"a store": {"ssl.truststore.location", ca, "ssl.truststore.type", "PEM", "ssl.keystore.location", at("client.keystore.p12"), "ssl.keystore.type", "PKCS12", "ssl.keystore.password", "changeit", "ssl.key.password", "changeit"},
	} {
		client := clientOf(t, with(nil, append(more, "security.protocol", "SSL", "bootstrap.servers", cluster.ListenAddrs()[0])...))
		if err := CheckConnection(t.Context(), client, []string{"t"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
