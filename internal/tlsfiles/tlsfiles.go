// Package tlsfiles makes TLS settings of PEM files that may be renewed while they are in use: each new connection is made with
// what the files hold then. A file that can't be read, or is half written, leaves the last good one in use.
package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
)

// Files are the paths of PEM files; each may be empty.
type Files struct {
	CA        string // who signs the servers' certificates; empty: the system's roots
	Cert, Key string // the client's own, both or none
	AnyHost   bool   // take a certificate of another host
	AnyCert   bool   // take any certificate
}

// Config reads the files once, so that a wrong path shows at the start, and gives the settings that read them again. Its errors
// name the part: CA, or certificate and key.
func Config(f Files) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if (f.Cert == "") != (f.Key == "") {
		return nil, &Error{Part: Pair, Err: errors.New("they go together: set both or none")}
	}
	if f.Cert != "" {
		pair := &latest[tls.Certificate]{read: func() (*tls.Certificate, error) {
			c, err := tls.LoadX509KeyPair(f.Cert, f.Key)
			return &c, err
		}}
		if _, err := pair.now(); err != nil {
			return nil, &Error{Part: Pair, Err: err}
		}
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.now() }
	}
	roots := &latest[x509.CertPool]{read: func() (*x509.CertPool, error) { return readPool(f.CA) }}
	if f.CA != "" {
		if _, err := roots.now(); err != nil {
			return nil, &Error{Part: CA, Err: err}
		}
	}
	if f.CA == "" && !f.AnyHost && !f.AnyCert {
		return cfg, nil // the standard library's own verification
	}
	cfg.InsecureSkipVerify = true // verified below, with the roots of the moment; or the operator asked for it by its standard name
	if !f.AnyCert {
		cfg.VerifyConnection = func(cs tls.ConnectionState) error { return verify(cs, f, roots) }
	}
	return cfg, nil
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

// verify is what the standard library does, with the roots as they are now.
func verify(cs tls.ConnectionState, f Files, roots *latest[x509.CertPool]) error {
	if len(cs.PeerCertificates) == 0 {
		return errors.New("the server sent no certificate")
	}
	opts := x509.VerifyOptions{Intermediates: x509.NewCertPool()}
	if f.CA != "" {
		pool, err := roots.now()
		if err != nil {
			return err
		}
		opts.Roots = pool
	}
	if !f.AnyHost {
		opts.DNSName = cs.ServerName
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
