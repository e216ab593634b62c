package store

import (
	"crypto/x509"
	"errors"
	"net"
	"syscall"
)

// unreachable makes one sentence of a transport's error. The error's own text is not shown: it quotes the address, which may hold a token.
func (a address) unreachable(err error) error {
	text := "the provider does not answer: check the network and its proxy"
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &dns):
		text = "the host " + dns.Name + " is not known: check the bucket's name, the region and the endpoint"
	case errors.Is(err, syscall.ECONNREFUSED):
		text = "nobody listens there (connection refused): check the endpoint"
	case errors.As(err, &unknown):
		text = "the server shows a certificate of an unknown authority"
	}
	return &Fault{Store: a.String(), Text: text, cause: err}
}
