package tlsfiles

import (
	"crypto/tls"
	"errors"
)

// Server is the settings of a server that shows the certificate of two PEM files. They are read once here, so that a wrong path shows at the
// start, and again for each connection.
func Server(cert, key string) (*tls.Config, error) {
	if cert == "" || key == "" {
		return nil, &Error{Part: Pair, Err: errors.New("they go together: set both or none")}
	}
	pair := &latest[tls.Certificate]{read: func() (*tls.Certificate, error) {
		c, err := tls.LoadX509KeyPair(cert, key)
		return &c, err
	}}
	if _, err := pair.now(); err != nil {
		return nil, &Error{Part: Pair, Err: err}
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.now() }}, nil
}
