package http

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

var someEvent = openlineage.Event{Body: []byte(`{"eventType":"COMPLETE"}`)}

func destinationOf(t *testing.T, cfg Config) *Destination {
	t.Helper()
	cfg.Backend = Generic
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// A token that the backend refuses is renewed once and the same bytes are sent again; one that is refused again is the backend's fault, and no event's.
func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	var good string
	var bodies []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body))
		if r.Header.Get("Authorization") != "Bearer "+good {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte("not " + r.Header.Get("Authorization")))
		}
	}))
	defer s.Close()
	var asked []string
	held := "token-the-first"
	h := destinationOf(t, Config{URL: s.URL, Token: func(_ context.Context, refused string) (string, error) {
		asked = append(asked, refused)
		if refused == held {
			held = "token-the-second"
		}
		return held, nil
	}})
	good = "token-the-second"
	if err := h.Deliver(t.Context(), someEvent); err != nil {
		t.Fatal(err)
	}
	if strings.Join(asked, ",") != ",token-the-first" || len(bodies) != 2 || bodies[0] != string(someEvent.Body) || bodies[1] != bodies[0] {
		t.Errorf("asked %q, sent %q", asked, bodies)
	}
	good = "another"
	bodies = nil
	err := h.Deliver(t.Context(), someEvent)
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind != fault.Backend || f.Code != "http_401" || f.Unclear || len(bodies) != 2 || strings.Contains(err.Error(), "token-the") {
		t.Errorf("%v, %d requests", err, len(bodies))
	}
}

// Without a token nothing can be delivered: that is an outage, and never what an event is buried for.
func TestATokenEndpointThatIsAwayIsAnOutage(t *testing.T) {
	h := destinationOf(t, Config{URL: "http://127.0.0.1:1", Token: func(context.Context, string) (string, error) {
		return "", errors.New("the token endpoint https://idp/token answered 503")
	}})
	for range 3 {
		f, ok := errors.AsType[*fault.Error](h.Deliver(t.Context(), someEvent))
		if !ok || f.Kind != fault.Backend || f.Code != "no_token" || f.Unclear || !strings.Contains(f.Error(), "answered 503") || f.Hint == "" {
			t.Errorf("%+v", f)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	h.cfg.Token = func(ctx context.Context, _ string) (string, error) { cancel(); return "", ctx.Err() }
	if err := h.Deliver(ctx, someEvent); !errors.Is(err, context.Canceled) {
		t.Errorf("a stop: %v", err)
	}
}

func TestBasicAuthenticationIsSentAndNotShown(t *testing.T) {
	var user, password string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ = r.BasicAuth()
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(password + " and " + r.Header.Get("Authorization")))
	}))
	defer s.Close()
	now := "SECRETPW-one"
	h := destinationOf(t, Config{URL: s.URL, Basic: func() (string, string) { return "gx", now }})
	for _, want := range []string{"SECRETPW-one", "SECRETPW-two"} {
		now = want
		err := h.Deliver(t.Context(), someEvent)
		if user != "gx" || password != want || err == nil || strings.Contains(err.Error(), "SECRETPW") || strings.Contains(err.Error(), "Z3g6U0VDUkVUUFc") {
			t.Errorf("%s:%s, %v", user, password, err)
		}
	}
}

// proxyDouble forwards what it is asked to, if it knows who asks.
type proxyDouble struct {
	*httptest.Server
	user               string // Proxy-Authorization that is wanted; empty: anybody
	connects, forwards atomic.Int64
}

func startProxy(t *testing.T, user string) *proxyDouble {
	t.Helper()
	p := &proxyDouble{user: user}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.user != "" && r.Header.Get("Proxy-Authorization") != p.user {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		if r.Method == http.MethodConnect {
			p.connects.Add(1)
			tunnel(w, r.Host)
			return
		}
		p.forwards.Add(1)
		if r.Header.Get("Authorization") != "Bearer of-the-backend" {
			t.Errorf("the backend's key: %q", r.Header.Get("Authorization"))
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer func() { _ = res.Body.Close() }()
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body)
	}))
	t.Cleanup(func() {
		p.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return p
}

// tunnel joins the connection with one to host.
func tunnel(w http.ResponseWriter, host string) {
	up, err := net.Dial("tcp", host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	down, rest, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(up, bufio.NewReader(rest)); _ = up.Close() })
	both.Go(func() { _, _ = io.Copy(down, up); _ = down.Close() })
	both.Wait()
}

func TestEventsGoThroughTheProxy(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	secure := httptest.NewTLSServer(plain.Config.Handler)
	defer plain.Close()
	defer secure.Close()
	tls := secure.Client().Transport.(*http.Transport).TLSClientConfig
	for name, c := range map[string]struct {
		backend, wanted, user string
		connects, forwards    int64
		code                  string
	}{
		"http":                  {plain.URL, "", "", 0, 1, ""},
		"https, CONNECT":        {secure.URL, "", "", 1, 0, ""},
		"http, user":            {plain.URL, "Basic Z3g6U0VDUkVUUFc=", "gx:SECRETPW@", 0, 1, ""},
		"https, user":           {secure.URL, "Basic Z3g6U0VDUkVUUFc=", "gx:SECRETPW@", 1, 0, ""},
		"http, wrong password":  {plain.URL, "Basic x", "gx:SECRETPW@", 0, 0, "http_407"},
		"https, wrong password": {secure.URL, "Basic x", "gx:SECRETPW@", 0, 0, "proxy_407"},
	} {
		p := startProxy(t, c.wanted)
		h := destinationOf(t, Config{URL: c.backend, APIKey: "of-the-backend", Proxy: func() (*url.URL, error) {
			return url.Parse(strings.Replace(p.URL, "http://", "http://"+c.user, 1))
		}})
		h.transport.TLSClientConfig = tls
		err := h.Deliver(t.Context(), someEvent)
		f, _ := errors.AsType[*fault.Error](err)
		switch {
		case c.code == "" && err != nil, c.code != "" && (f == nil || f.Code != c.code || f.Kind != fault.Backend || f.Hint != "check the credentials for the proxy" || strings.Contains(err.Error(), "SECRETPW")):
			t.Errorf("%s: %v", name, err)
		case p.connects.Load() != c.connects || p.forwards.Load() != c.forwards:
			t.Errorf("%s: %d connects, %d forwards", name, p.connects.Load(), p.forwards.Load())
		}
		_ = h.Close()
	}
}

func TestAProxyThatIsAwayIsAnOutage(t *testing.T) {
	h := destinationOf(t, Config{URL: "http://backend.example", Proxy: func() (*url.URL, error) { return url.Parse("http://gx:SECRETPW@127.0.0.1:1") }})
	f, ok := errors.AsType[*fault.Error](h.Deliver(t.Context(), someEvent))
	if !ok || f.Kind != fault.Backend || strings.Contains(f.Error(), "SECRETPW") || !strings.Contains(f.Error(), "127.0.0.1:1") {
		t.Errorf("%v", f)
	}
}

// The rate is that of all who deliver at the same time, and whoever waits for his turn is let go at once by a stop.
func TestTheRateBoundsAllDeliveriesTogether(t *testing.T) {
	for name, batch := range map[string]int{"one by one": 0, "batches": 10} {
		arrived := make(chan int, 10)
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			arrived <- strings.Count(string(body), "COMPLETE")
		}))
		h := destinationOf(t, Config{URL: s.URL, Rate: 1e-6, Burst: 3, BatchSize: batch})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 8)
		for range 8 {
			go func() {
				err := h.Pace(ctx)
				if err == nil {
					err = h.Deliver(ctx, someEvent)
				}
				done <- err
			}()
		}
		sum := 0
		for sum < 3 {
			sum += <-arrived
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		stop()
		for range 5 {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(arrived) > 0 {
			t.Errorf("%s: more than three events arrived", name)
		}
		s.Close()
	}
}
