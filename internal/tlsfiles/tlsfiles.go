// Package tlsfiles makes TLS settings of PEM files that may be renewed while they are in use: each new connection is made with
// what the files hold then. A file that can't be read, or is half written, leaves the last good one in use.
package tlsfiles

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// Files are the paths of PEM files; each may be empty.
type Files struct {
	CA        string // who signs the servers' certificates; empty: the system's roots
	Cert, Key string // the client's own, both or none
	AnyHost   bool   // take a certificate of another host
	AnyCert   bool   // take any certificate
}

// Source is the settings of Files, for whichever host is dialled.
type Source struct {
	files Files
	pair  *latest[tls.Certificate] // nil: no certificate of the client's own
	roots *latest[x509.CertPool]   // nil: the system's
}

// Read reads the files once, so that a wrong path shows at the start; For reads them again. Its errors name the part: CA, or
// certificate and key.
func Read(f Files) (*Source, error) {
	s := &Source{files: f}
	if (f.Cert == "") != (f.Key == "") {
		return nil, &Error{Part: Pair, Err: errors.New("they go together: set both or none")}
	}
	if f.Cert != "" {
		s.pair = &latest[tls.Certificate]{read: func() (*tls.Certificate, error) {
			c, err := tls.LoadX509KeyPair(f.Cert, f.Key)
			return &c, err
		}}
		if _, err := s.pair.now(); err != nil {
			return nil, &Error{Part: Pair, Err: err}
		}
	}
	if f.CA != "" {
		s.roots = &latest[x509.CertPool]{read: func() (*x509.CertPool, error) { return readPool(f.CA) }}
		if _, err := s.roots.now(); err != nil {
			return nil, &Error{Part: CA, Err: err}
		}
	}
	return s, nil
}

// For gives the settings of connections to host, a name or an address without a port: the server must show a certificate for it.
// They are good for one host only. The state of a handshake knows the name that was asked for, but never an address, which no
// client may ask for by SNI; so without the host a certificate of any server would do for an address.
func (s *Source) For(host string) *tls.Config {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.pair != nil {
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return s.pair.now() }
	}
	if s.roots == nil && !s.files.AnyHost && !s.files.AnyCert {
		return cfg // the standard library's own verification, of names and addresses
	}
	cfg.InsecureSkipVerify = true // verified below, with the roots of the moment; or the operator asked for it by its standard name
	if !s.files.AnyCert {
		cfg.VerifyConnection = func(cs tls.ConnectionState) error { return s.verify(cs, host) }
	}
	return cfg
}

// Dialer dials host:port over TLS, within timeout together with the handshake.
func (s *Source) Dialer(timeout time.Duration) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		cfg := s.For(host)
		cfg.ServerName = host
		return (&tls.Dialer{NetDialer: &net.Dialer{Timeout: timeout}, Config: cfg}).DialContext(ctx, network, addr)
	}
}

// The parts that an Error names.
const (
	CA   = "ca"
	Pair = "certificate and key"
)

// Error is a fault of a file.
type Error struct {
	Part string
	Err  error
}

func (e *Error) Error() string { return e.Part + ": " + e.Err.Error() }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

func readPool(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", path)
	}
	return pool, nil
}

// verify is what the standard library does, with the roots as they are now. The name that was asked for goes first: over a proxy
// with TLS the same settings also serve the connection to the proxy.
func (s *Source) verify(cs tls.ConnectionState, host string) error {
	if len(cs.PeerCertificates) == 0 {
		return errors.New("the server sent no certificate")
	}
	opts := x509.VerifyOptions{Intermediates: x509.NewCertPool()}
	if s.roots != nil {
		pool, err := s.roots.now()
		if err != nil {
			return err
		}
		opts.Roots = pool
	}
	if !s.files.AnyHost {
		opts.DNSName = cmp.Or(cs.ServerName, host)
		if opts.DNSName == "" { // x509 takes an empty name for one that need not be verified
			return errors.New("the server's certificate can't be verified: it is not known which host was dialled")
		}
	}
	for _, c := range cs.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	_, err := cs.PeerCertificates[0].Verify(opts)
	return err
}

// latest is the last good reading of something. It reads at every call: a handshake costs far more.
type latest[T any] struct {
	read func() (*T, error)

	mu   sync.Mutex // guards good
	good *T
}

func (l *latest[T]) now() (*T, error) {
	v, err := l.read()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.good = v
	}
	if l.good == nil {
		return nil, err
	}
	return l.good, nil
}
