package plainhttp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend runs a script for each connection that it gets, and counts.
type backend struct {
	*url.URL
	conns, requests atomic.Int64
}

// served is one connection of a backend.
type served struct {
	net.Conn
	in *bufio.Reader
	b  *backend
}

// request reads one whole request; false: there is none any more.
func (s *served) request() (body string, ok bool) {
	req, err := http.ReadRequest(s.in)
	if err != nil {
		return "", false
	}
	raw, err := io.ReadAll(req.Body)
	s.b.requests.Add(1)
	return string(raw), err == nil
}

func (s *served) say(answer string) { _, _ = io.WriteString(s, answer) }

// start runs a backend until the test ends. A script's connection is closed when it returns.
func start(t *testing.T, script func(*served)) *backend {
	t.Helper()
	return startWith(t, nil, script)
}

// startWith is start with options of the sockets.
func startWith(t *testing.T, control func(network, address string, raw syscall.RawConn) error, script func(*served)) *backend {
	t.Helper()
	l, err := (&net.ListenConfig{Control: control}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &backend{URL: &url.URL{Scheme: "http", Host: l.Addr().String(), Path: "/"}}
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.conns.Add(1)
			mu.Lock()
			open[c] = true
			mu.Unlock()
			all.Go(func() {
				script(&served{c, bufio.NewReader(c), b})
				_ = c.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	return b
}

// always answers each request of a connection alike.
func always(answer string) func(*served) {
	return func(s *served) {
		for {
			if _, ok := s.request(); !ok {
				return
			}
			s.say(answer)
		}
	}
}

type closer interface {
	http.RoundTripper
	CloseIdleConnections()
}

// ways are the two transports that must be alike.
var ways = map[string]func(t *testing.T, b *backend, change func(*Config)) closer{
	"net/http": func(t *testing.T, _ *backend, change func(*Config)) closer {
		cfg := defaults(change)
		std := &http.Transport{DialContext: cfg.Dial, MaxResponseHeaderBytes: cfg.MaxHeaderBytes, MaxIdleConnsPerHost: cfg.MaxIdle, IdleConnTimeout: cfg.IdleTimeout}
		t.Cleanup(std.CloseIdleConnections)
		return std
	},
	"plainhttp": func(t *testing.T, b *backend, change func(*Config)) closer { return plain(t, b, change) },
}

// plain is a transport for b, with what change says; nil: nothing.
func plain(t *testing.T, b *backend, change func(*Config)) *Transport {
	t.Helper()
	if !canLook {
		t.Skip("this system has no such transport: net/http sends all")
	}
	tr := New(b.URL, defaults(change))
	if tr == nil {
		t.Fatalf("no transport for %s", b.URL)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func defaults(change func(*Config)) Config {
	cfg := Config{Dial: (&net.Dialer{}).DialContext, IdleTimeout: time.Minute, MaxIdle: 8, MaxHeaderBytes: 1 << 20}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

func post(ctx context.Context, t *testing.T, to *url.URL, body string, header ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", "test")
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	return req
}

// outcome is what a request brought, in words that are the same for both ways.
func outcome(rt http.RoundTripper, req *http.Request) string {
	if tr, ok := rt.(*Transport); ok && !tr.Suits(req) {
		return "does not suit"
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		return "error" + why(err)
	}
	defer func() { _ = res.Body.Close() }()
	said := fmt.Sprintf("%d %q %d", res.StatusCode, res.Header.Get("X-Said"), res.ContentLength)
	if res.StatusCode == http.StatusSwitchingProtocols {
		return said
	}
	body, err := io.ReadAll(res.Body)
	said += fmt.Sprintf(" %q", body)
	if err != nil {
		said += " broken" + why(err)
	}
	if len(res.Trailer) > 0 {
		said += fmt.Sprintf(" %v", res.Trailer)
	}
	return said
}

// why names the errors that somebody may ask for.
func why(err error) string {
	for _, known := range []error{context.Canceled, context.DeadlineExceeded, errCause, io.ErrUnexpectedEOF} {
		if errors.Is(err, known) {
			return ": " + known.Error()
		}
	}
	return ""
}

var errCause = errors.New("the cause of a cancel")
