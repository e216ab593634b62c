package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/netutil"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/telemetry"
	"github.com/gx-ol/gx-ol/internal/web"
)

// mostConnections bounds how many others may be connected at once: each takes a file, of which a process has few.
const mostConnections = 64

// serveTelemetry serves h at the configured address until stop is called, and says where: a port may have been left to the system. An
// empty address or off means none.
func serveTelemetry(ctx context.Context, cfg config.Telemetry, h http.Handler, page pageMaker) (address string, stop func(), err error) {
	if cfg.Listen == "" || cfg.Listen == "off" {
		return "", func() {}, nil
	}
	if cfg.Pprof {
		h = telemetry.WithProfiles(h)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return "", nil, fmt.Errorf("telemetry.listen: %w (choose another address with --listen, or --listen off)", err)
	}
	return serve(l, cfg, h, page)
}

// serve serves h and beside it the page, until stop is called; it takes the listener.
func serve(l net.Listener, cfg config.Telemetry, h http.Handler, page pageMaker) (address string, stop func(), err error) {
	address = l.Addr().String()
	at, err := netip.ParseAddrPort(address)
	open := err == nil && at.Addr().IsLoopback()
	if open {
		h = loopbackOnly(h)
	}
	ended := func() {}
	if page != nil {
		p, err := page(open)
		if err != nil {
			_ = l.Close()
			return "", nil, err
		}
		h, ended = beside(h, p), p.Close
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 3 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: writeWithin(cfg),
		IdleTimeout: 15 * time.Second, MaxHeaderBytes: 16 << 10}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(netutil.LimitListener(l, mostConnections)) // it ends when stop closes it
	}()
	return address, func() {
		_ = server.Close()
		<-done
		ended()
	}, nil
}

// pageMaker makes the page; open: it listens on a loopback address.
type pageMaker func(open bool) (*web.Server, error)

// beside serves what belongs to telemetry, and the page at all other paths.
func beside(h http.Handler, page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.Path; p == "/metrics" || p == "/healthz" || p == "/readyz" || strings.HasPrefix(p, "/debug/pprof") {
			h.ServeHTTP(w, r)
			return
		}
		page.ServeHTTP(w, r)
	})
}

// writeWithin bounds an answer. A profile takes as long as it was asked to.
func writeWithin(cfg config.Telemetry) time.Duration {
	if cfg.Pprof {
		return 2 * time.Minute
	}
	return 10 * time.Second
}

// loopbackOnly answers only those who ask for a name or an address of this machine: a web page whose name was made to resolve to it is not
// to read what its owner's browser can.
func loopbackOnly(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.Host) {
			http.Error(w, "this address answers to localhost, 127.0.0.1 and [::1] only: set telemetry.listen to another to be asked by other names", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// isLoopback reports whether a Host header names this machine as seen from itself.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(host), "["), "]"), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	at, err := netip.ParseAddr(host)
	return err == nil && at.Unmap().IsLoopback()
}
