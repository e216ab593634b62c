// Package tlsfiles makes TLS settings of files (PEM, PKCS#12) that may be renewed while they are in use: each new connection is made with
// what the files hold then. A file that can't be read, or is half written, leaves the last good one in use.
package tlsfiles

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"time"
)

// Files are where the parts of TLS settings stand: PEM in files or as text, or stores that hold several parts; each may be empty.
type Files struct {
	CA        string // file of who signs the servers' certificates; empty: the system's roots
	Cert, Key string // files of the client's own, both or none; a file may hold both
	AnyHost   bool   // take a certificate of another host
	AnyCert   bool   // take any certificate
	SystemToo bool   // the system's roots count beside CA

	CAText, CertText, KeyText Text // PEM instead of a file

	TrustStore, KeyStore                      string // PKCS#12, or PEM, instead of CA, and of Cert and Key
	TrustPassword, StorePassword, KeyPassword Text
}

// Text gives the present text of what is no file of its own, such as a password; nil: none. It is asked each time that files are read.
type Text func() string

func (t Text) now() string {
	if t == nil {
		return ""
	}
	return t()
}

// Source is the settings of Files, for whichever host is dialled.
type Source struct {
	files Files
	pair  *latest[tls.Certificate] // nil: no certificate of the client's own
	roots *latest[x509.CertPool]   // nil: the system's
}

// Read reads the files once, so that a wrong path shows at the start, and a certificate of the client's own that has expired; For reads
// them again. Its errors are *Error, and name the part. They hold no password and nothing of a key.
func Read(f Files) (*Source, error) {
	s := &Source{files: f}
	read, err := f.pair()
	if err != nil {
		return nil, &Error{Part: Pair, Err: err}
	}
	if read != nil {
		s.pair = &latest[tls.Certificate]{read: read}
		if _, err := s.own(); err != nil {
			return nil, &Error{Part: Pair, Err: err}
		}
	}
	if f.CA != "" || f.CAText != nil || f.TrustStore != "" {
		s.roots = &latest[x509.CertPool]{read: f.pool}
		if _, err := s.roots.now(); err != nil {
			return nil, &Error{Part: CA, Err: err}
		}
	}
	return s, nil
}

// ExpiredError says that the client's own certificate is not good any more: the other side would refuse it with less clear words.
type ExpiredError struct{ At time.Time }

func (e *ExpiredError) Error() string {
	return "the certificate of this client expired at " + e.At.UTC().Format(time.RFC3339) + ": renew it"
}

// own is the client's certificate of this moment.
func (s *Source) own() (*tls.Certificate, error) {
	c, err := s.pair.now()
	if err == nil && c.Leaf != nil && time.Now().After(c.Leaf.NotAfter) {
		return nil, &ExpiredError{At: c.Leaf.NotAfter}
	}
	return c, err
}

// For gives the settings of connections to host, a name or an address without a port: the server must show a certificate for it.
// They are good for one host only. The state of a handshake knows the name that was asked for, but never an address, which no
// client may ask for by SNI; so without the host a certificate of any server would do for an address.
func (s *Source) For(host string) *tls.Config {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.pair != nil {
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return s.own() }
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
