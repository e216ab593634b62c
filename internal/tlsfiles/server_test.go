package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
)

func TestAServerNeedsBothFilesAndReadsThemAtTheStart(t *testing.T) {
	for _, files := range [][2]string{{"", ""}, {"cert.pem", ""}, {"", "key.pem"}, {"nowhere.pem", "nowhere.pem"}} {
		if _, err := Server(files[0], files[1]); err == nil {
			t.Errorf("%q: no error", files)
		}
	}
}

func TestAServerShowsTheCertificateThatItsFilesHoldNow(t *testing.T) {
	dir, ca := t.TempDir(), newAuthority(t, "ca")
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	renew := func(name string) {
		cert, key := ca.issue(t, name)
		write(t, certFile, cert)
		write(t, keyFile, key)
	}
	renew("first")
	settings, err := Server(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", settings)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	_ = s.Listener.Close()
	s.Listener = l
	s.Start()
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	shown := func() string {
		conn, err := tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{RootCAs: roots})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if got := shown(); got != "first" {
		t.Errorf("shown %s", got)
	}
	renew("second")
	if got := shown(); got != "second" {
		t.Errorf("after it was renewed: shown %s", got)
	}
	write(t, keyFile, []byte("half written"))
	if got := shown(); got != "second" {
		t.Errorf("while a file is half written: shown %s", got)
	}
}
