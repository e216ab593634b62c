package http

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/lease"
	"github.com/gx-ol/gx-ol/internal/plainhttp"
)

// connectionLimit is how much is told of why there is no answer, in bytes: who speaks no HTTP is quoted.
const connectionLimit = 500

// newPlain sends what suits it without the goroutines of net/http; nil where nothing can.
func newPlain(base *url.URL, dial func(context.Context, string, string) (net.Conn, error)) *plainhttp.Transport {
	return plainhttp.New(base, plainhttp.Config{Dial: dial, IdleTimeout: idleTimeout, MaxIdle: maxIdle, MaxHeaderBytes: maxHeader, MayBegin: lease.Check})
}

// roundTrip is one request and its answer, in the cheapest way that can do it. Whether there is a proxy is asked each time: one that is found goes by net/http.
func (h *Destination) roundTrip(req *http.Request) (*http.Response, error) {
	if h.plain != nil && h.plain.Suits(req) {
		if proxy, err := h.transport.Proxy(req); err == nil && proxy == nil {
			return h.plain.RoundTrip(req)
		}
	}
	if err := lease.Check(req.Context()); err != nil {
		return nil, err
	}
	return h.transport.RoundTrip(req)
}

// newTransport keeps the connections to one host.
func newTransport(settings *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:        settings,
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    maxIdle, // above any number in flight: a connection is not made anew for each event
		MaxResponseHeaderBytes: maxHeader,
		WriteBufferSize:        16 << 10, // most events and their header leave in one write
		ForceAttemptHTTP2:      true,
	}
}

// transportFault names an error without an answer. ctx is the caller's: its end is nobody's fault.
func (h *Destination) transportFault(ctx, attempt context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f
	}
	if errors.Is(err, lease.ErrOver) {
		return fault.BackendError("connection", "%w", lease.ErrOver)
	}
	timeout, ok := errors.AsType[net.Error](err)
	if errors.Is(context.Cause(attempt), errTimeout) || ok && timeout.Timeout() {
		f := fault.BackendError("timeout", "no answer within %s", h.cfg.Timeout)
		f.Hint = "is the backend overloaded, or its timeout too short?"
		return f
	}
	if code, hint := tlsFault(err); code != "" {
		f := fault.BackendError(code, "%s", h.secrets.cut(err.Error()))
		f.Hint = hint
		return f
	}
	f := fault.BackendError("connection", "%s", cut(h.secrets.cut(steady(err)), connectionLimit))
	f.Hint = "is the backend running, and its url right?"
	return f
}

// tlsFault names what is wrong with a certificate, and the key of the configuration that is about it.
func tlsFault(err error) (code, hint string) {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "tls", "the certificate is of an unknown authority, or self-signed: set transport.ssl.ca.location"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "tls", "the certificate is for another host: check transport.url"
	}
	if _, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return "tls", "the certificate of the backend is not valid (expired?): renew it, or check transport.ssl.ca.location"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "tls", "the backend does not speak TLS at this port: check transport.url"
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return "tls", "the backend refuses the connection: does it ask for a certificate? set transport.ssl.certificate.location and transport.ssl.key.location"
	}
	return "", ""
}

// steady is the text of err without the port that this side happens to have, so that the same error has the same text each time.
func steady(err error) string {
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Source == nil || op.Err == nil {
		return err.Error()
	}
	text := op.Op + " " + op.Net
	if op.Addr != nil {
		text += " " + op.Addr.String()
	}
	return text + ": " + op.Err.Error()
}
