package tlsfiles

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key}
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// issue gives a certificate and its key for name, as PEM.
func (a *authority) issue(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &k.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// serve starts a server with a certificate of signer that asks clients for one of clients, and tells who called last.
func serve(t *testing.T, signer, clients *authority) (url string, caller *string) {
	t.Helper()
	cert, key := signer.issue(t, "server")
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(clients.cert)
	caller = new(string)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { *caller = r.TLS.PeerCertificates[0].Subject.CommonName }))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	s.Config.ErrorLog = nil
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, caller
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// get makes one request on a connection of its own.
func get(t *testing.T, cfg *tls.Config, url string) error {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: cfg, DisableKeepAlives: true}}
	res, err := client.Get(url)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func TestRenewedFilesAreUsedByTheNextConnection(t *testing.T) {
	first, second, clients := newAuthority(t, "first"), newAuthority(t, "second"), newAuthority(t, "clients")
	dir := t.TempDir()
	f := Files{CA: filepath.Join(dir, "ca.pem"), Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	write(t, f.CA, first.pem())
	cert, key := clients.issue(t, "old")
	write(t, f.Cert, cert)
	write(t, f.Key, key)
	cfg, err := Config(f)
	if err != nil {
		t.Fatal(err)
	}
	old, caller := serve(t, first, clients)
	renewed, _ := serve(t, second, clients)
	if err := get(t, cfg, old); err != nil || *caller != "old" {
		t.Fatalf("%v, as %q", err, *caller)
	}
	if err := get(t, cfg, renewed); err == nil {
		t.Fatal("a server of an unknown authority was believed")
	}

	write(t, f.CA, append(first.pem(), second.pem()...))
	if err := get(t, cfg, renewed); err != nil {
		t.Errorf("the renewed authority is not used: %v", err)
	}
	cert, key = clients.issue(t, "new")
	write(t, f.Cert, cert)
	if err := get(t, cfg, old); err != nil || *caller != "old" {
		t.Errorf("a half renewed pair: %v, as %q; want the old one to stay", err, *caller)
	}
	write(t, f.Key, key)
	if err := get(t, cfg, old); err != nil || *caller != "new" {
		t.Errorf("%v, as %q; want the renewed certificate", err, *caller)
	}
	write(t, f.CA, []byte("half"))
	if err := get(t, cfg, old); err != nil {
		t.Errorf("a broken file took the last good authority away: %v", err)
	}
}

func TestWhatIsVerified(t *testing.T) {
	known, unknown, clients := newAuthority(t, "known"), newAuthority(t, "unknown"), newAuthority(t, "clients")
	dir := t.TempDir()
	ca, certFile, keyFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert, key := clients.issue(t, "client")
	write(t, ca, known.pem())
	write(t, certFile, cert)
	write(t, keyFile, key)
	good, _ := serve(t, known, clients)
	bad, _ := serve(t, unknown, clients)
	otherHost := "https://localhost" + good[len("https://127.0.0.1"):] // the certificate is for 127.0.0.1
	for name, c := range map[string]struct {
		files Files
		url   string
		ok    bool
	}{
		"right":                       {Files{CA: ca}, good, true},
		"unknown authority":           {Files{CA: ca}, bad, false},
		"the system's roots":          {Files{}, good, false},
		"another host":                {Files{CA: ca}, otherHost, false},
		"another host, allowed":       {Files{CA: ca, AnyHost: true}, otherHost, true},
		"any host is not any signer":  {Files{CA: ca, AnyHost: true}, bad, false},
		"any certificate, by request": {Files{AnyCert: true}, bad, true},
	} {
		c.files.Cert, c.files.Key = certFile, keyFile
		cfg, err := Config(c.files)
		if err != nil {
			t.Fatal(err)
		}
		if err := get(t, cfg, c.url); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWrongFilesShowAtTheStart(t *testing.T) {
	for name, f := range map[string]Files{"no such file": {CA: "/nowhere"}, "half a pair": {Cert: "c"}, "no such pair": {Cert: "/nowhere", Key: "/nowhere"}} {
		if _, err := Config(f); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
