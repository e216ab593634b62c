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
	"net/url"
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

// issue gives a certificate and its key for name, as PEM; for servers at 127.0.0.1, or at the hosts that are given.
func (a *authority) issue(t *testing.T, name string, hosts ...string) (cert, key []byte) {
	t.Helper()
	return a.issueUntil(t, name, time.Now().Add(time.Hour), hosts...)
}

func (a *authority) issueUntil(t *testing.T, name string, end time.Time, hosts ...string) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotAfter: end,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if len(hosts) == 0 {
		hosts = []string{"127.0.0.1"}
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
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
func get(t *testing.T, files *Source, target string) error {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: files.For(u.Hostname()), DisableKeepAlives: true}}
	res, err := client.Get(target)
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
	cfg, err := Read(f)
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
		cfg, err := Read(c.files)
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
		if _, err := Read(f); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// An authority of a company signs for all of its hosts: a certificate for another one must not do, also where an address was dialled.
func TestTheCertificateIsForTheHostThatWasDialled(t *testing.T) {
	known := newAuthority(t, "known")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	write(t, ca, known.pem())
	files, err := Read(Files{CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		signed  []string
		dialled string
		ok      bool
	}{
		{[]string{"127.0.0.1"}, "127.0.0.1", true},
		{[]string{"localhost"}, "localhost", true},
		{[]string{"localhost", "127.0.0.1"}, "127.0.0.1", true},
		{[]string{"127.0.0.2"}, "127.0.0.1", false},
		{[]string{"other.example"}, "127.0.0.1", false},
		{[]string{"localhost"}, "127.0.0.1", false},
		{[]string{"other.example"}, "localhost", false},
		{[]string{"127.0.0.1"}, "localhost", false},
	} {
		cert, key := known.issue(t, "server", c.signed...)
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan []byte, 2) // what clients send after the handshake: a key, perhaps
		go func() {
			defer close(got)
			for range 2 {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				b := make([]byte, 6)
				n, _ := conn.Read(b)
				got <- b[:n]
				_ = conn.Close()
			}
		}()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		addr := net.JoinHostPort(c.dialled, port)
		for way, dial := range map[string]func() (net.Conn, error){
			"Dialer": func() (net.Conn, error) { return files.Dialer(5*time.Second)(t.Context(), "tcp", addr) },
			"For": func() (net.Conn, error) { // as net/http uses it
				cfg := files.For(c.dialled)
				cfg.ServerName = c.dialled
				return tls.Dial("tcp", addr, cfg)
			},
		} {
			conn, err := dial()
			if err == nil {
				_, _ = conn.Write([]byte("SECRET"))
				_ = conn.Close()
			}
			if sent := string(<-got); (err == nil) != c.ok || (sent != "") != c.ok {
				t.Errorf("%s: certificate for %v, dialled %s: %v, sent %q", way, c.signed, c.dialled, err, sent)
			}
		}
		_ = l.Close()
		for range got { // until the server has ended
		}
	}
}

func TestWithoutAHostNothingIsBelieved(t *testing.T) {
	known := newAuthority(t, "known")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	write(t, ca, known.pem())
	files, err := Read(Files{CA: ca})
	if err != nil {
		t.Fatal(err)
	}
	if err := files.verify(tls.ConnectionState{PeerCertificates: []*x509.Certificate{known.cert}}, ""); err == nil {
		t.Error("a certificate was believed for nobody")
	}
}

func pemBytes(t *testing.T, text string) []byte {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no PEM")
	}
	return block.Bytes
}
