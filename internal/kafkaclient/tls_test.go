package kafkaclient

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// selfSigned is a certificate for one host that is its own authority, and the authority's file.
func selfSigned(t *testing.T, host string) (pair tls.Certificate, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, caFile
}

// A broker's password goes to whoever has a certificate for the broker's own address or name, and to no other host of the same authority.
func TestTheBrokersCertificateIsForTheBroker(t *testing.T) {
	for _, c := range []struct {
		signed, dialled string
		ok              bool
	}{
		{"127.0.0.1", "127.0.0.1", true},
		{"localhost", "localhost", true},
		{"other.example", "127.0.0.1", false},
		{"127.0.0.2", "127.0.0.1", false},
		{"other.example", "localhost", false},
	} {
		pair, ca := selfSigned(t, c.signed)
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}}), kfake.SeedTopics(1, "t"))
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(cluster.ListenAddrs()[0])
		opts, err := Opts(map[string]string{"bootstrap.servers": net.JoinHostPort(c.dialled, port), "security.protocol": "SSL", "ssl.ca.location": ca,
			"socket.connection.setup.timeout.ms": "5000"})
		if err != nil {
			t.Fatal(err)
		}
		client, err := kgo.NewClient(opts...)
		if err != nil {
			t.Fatal(err)
		}
		err = client.Ping(t.Context())
		_, otherHost := errors.AsType[x509.HostnameError](err)
		if c.ok && err != nil || !c.ok && !otherHost {
			t.Errorf("certificate for %s, dialled %s: %v", c.signed, c.dialled, err)
		}
		client.Close()
		cluster.Close()
	}
}
