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
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// selfSigned is a certificate for one host that is its own authority, and the authority's file.
func selfSigned(t *testing.T, host string) (pair tls.Certificate, caFile string) {
	t.Helper()
	return selfSignedUntil(t, host, time.Now().Add(time.Hour))
}

func selfSignedUntil(t *testing.T, host string, end time.Time) (pair tls.Certificate, caFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"}, NotBefore: end.Add(-48 * time.Hour), NotAfter: end,
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

// Each way in which TLS fails names the key that mends it.
func TestEachTLSFaultNamesItsKey(t *testing.T) {
	good, ca := selfSigned(t, "127.0.0.1")
	_, otherCA := selfSigned(t, "127.0.0.1")
	expired, expiredCA := selfSignedUntil(t, "127.0.0.1", time.Now().Add(-time.Hour))
	elsewhere, elsewhereCA := selfSigned(t, "other.example")
	clients := x509.NewCertPool()
	plain := httptest.NewServer(http.NotFoundHandler()) // it says HTTP to who says TLS
	defer plain.Close()
	plainServer := plain.Listener.Addr().String()
	for name, c := range map[string]struct {
		server *tls.Config
		ca     string
		want   string
	}{
		"good":                 {&tls.Config{Certificates: []tls.Certificate{good}}, ca, ""},
		"self-signed":          {&tls.Config{Certificates: []tls.Certificate{good}}, "", "set ssl.ca.location"},
		"another authority":    {&tls.Config{Certificates: []tls.Certificate{good}}, otherCA, "set ssl.ca.location"},
		"expired":              {&tls.Config{Certificates: []tls.Certificate{expired}}, expiredCA, "has expired"},
		"another host":         {&tls.Config{Certificates: []tls.Certificate{elsewhere}}, elsewhereCA, "ssl.endpoint.identification.algorithm"},
		"no TLS":               {nil, ca, "check security.protocol"},
		"asks for certificate": {&tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}, ca, "set ssl.certificate.location"},
	} {
		t.Run(name, func(t *testing.T) {
			address := plainServer
			if c.server != nil {
				cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"), kfake.TLS(c.server))
				if err != nil {
					t.Fatal(err)
				}
				defer cluster.Close()
				address = cluster.ListenAddrs()[0]
			}
			props := map[string]string{"bootstrap.servers": address, "security.protocol": "SSL"}
			if c.ca != "" {
				props["ssl.ca.location"] = c.ca
			}
			client := clientOf(t, props)
			err := CheckConnection(t.Context(), client, []string{"t"})
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func clientOf(t *testing.T, props map[string]string) *kgo.Client {
	t.Helper()
	opts, err := Opts(props)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}
