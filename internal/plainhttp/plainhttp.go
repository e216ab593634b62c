// Package plainhttp posts bodies over HTTP/1.1 without TLS in the goroutine of its caller, on connections that are kept: one write, one answer. net/http's
// Transport gives each connection two goroutines, and hands every request and answer over between them; that costs more than all else of a small POST.
//
// It is for the plain case alone, and Suits says which that is: TLS, HTTP/2, proxies, traces and large bodies stay with net/http. Answers are read by
// net/http's ReadResponse, so that where a body ends is decided by the code that everybody trusts with it.
package plainhttp

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

// maxBody is the largest body that is sent here, in bytes. It is copied behind its header, so that both leave in one write.
const maxBody = 128 << 10

// Transport is an http.RoundTripper for one host. It is safe for concurrent use; the body of an answer is for one goroutine.
type Transport struct {
	cfg     Config
	host    string // of the urls
	address string // to dial
	idle    pool
}

// Config is what New needs. Every field but MayBegin is required.
type Config struct {
	Dial           func(ctx context.Context, network, address string) (net.Conn, error) // of connections that have a descriptor, as TCP has
	IdleTimeout    time.Duration                                                        // after it an unused connection is closed
	MaxIdle        int                                                                  // unused connections that are kept at most
	MaxHeaderBytes int64                                                                // of an answer, with those of the 1xx answers before it
	MayBegin       func(ctx context.Context) error                                      // is asked last, right before a request is written; its error is RoundTrip's. nil: all may
}

// New makes a transport for the host of a url. It is nil for a url that is not for it (https, a name that is not ASCII, a zone), and where the system can't
// tell whether a kept connection was closed at its other end.
func New(base *url.URL, cfg Config) *Transport {
	name, port := base.Hostname(), base.Port()
	if !canLook || base.Scheme != "http" || name == "" || !httpguts.ValidHostHeader(base.Host) || strings.ContainsFunc(name, odd) {
		return nil
	}
	if port == "" {
		port = "80"
	}
	return &Transport{cfg: cfg, host: base.Host, address: net.JoinHostPort(name, port), idle: pool{most: cfg.MaxIdle, after: cfg.IdleTimeout}}
}

// odd are characters of a host that net/http writes in another way than they stand in the url.
func odd(r rune) bool { return r <= ' ' || r >= 0x7f || r == '%' }

// unusual are headers that ask for more than an answer to a request, or for another kind of it.
var unusual = []string{"Accept-Encoding", "Connection", "Expect", "Range"}

// Suits reports whether RoundTrip is for a request: a POST to the transport's host, with a body that is in memory, of a known length, and not large.
func (t *Transport) Suits(req *http.Request) bool {
	if req.Method != http.MethodPost || req.URL.Scheme != "http" || req.URL.Host != t.host || req.Host != t.host || req.URL.Opaque != "" {
		return false
	}
	if req.Body == nil || req.ContentLength <= 0 || req.ContentLength > maxBody || req.Close || len(req.TransferEncoding) > 0 || len(req.Trailer) > 0 {
		return false
	}
	for _, name := range unusual {
		if _, ok := req.Header[name]; ok {
			return false
		}
	}
	return httptrace.ContextClientTrace(req.Context()) == nil
}

// CloseIdleConnections closes what is kept and unused.
func (t *Transport) CloseIdleConnections() { t.idle.clear() }

// RoundTrip sends a request that Suits. Where a kept connection turns out to be closed it takes another one, as net/http does: if nothing of the request was
// written, or if no byte of an answer came and the request may be sent twice. The error of a context that ended is its cause.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	defer func() { _ = req.Body.Close() }()
	out, _ := buffers.Get().(*[]byte)
	defer buffers.Put(out)
	var err error
	if *out, err = appendRequest((*out)[:0], req); err != nil {
		return nil, err
	}
	ctx := req.Context()
	for ctx.Err() == nil {
		var c *conn
		if c, err = t.connection(ctx); err != nil {
			break
		}
		var res *http.Response
		if res, err = c.roundTrip(ctx, req, *out); err == nil {
			return res, nil
		}
		c.end()
		if !c.reused || !again(req, err) {
			break
		}
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return nil, err
}

// buffers hold requests while they are sent.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 8<<10); return &b }}

// connection is one that was kept, or a new one.
func (t *Transport) connection(ctx context.Context) (*conn, error) {
	if c := t.idle.take(); c != nil {
		c.reused = true
		return c, nil
	}
	dialled, err := t.cfg.Dial(ctx, "tcp", t.address)
	if err != nil {
		return nil, err
	}
	return newConn(t, dialled)
}
