package http

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Whatever answers, by both ways it is the same fault with the same words.
func TestAnAnswerIsTheSameFaultByEachWay(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, `{"message":"no such namespace"}`)
	_ = w.Close()
	for name, c := range map[string]struct{ answer, code, words string }{
		"201":              {"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", "", ""},
		"201, chunked":     {"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "", ""},
		"201, cut":         {"HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n{", "", ""},
		"204":              {"HTTP/1.1 204 No Content\r\n\r\n", "", ""},
		"HTTP/1.0":         {"HTTP/1.0 201 Created\r\n\r\n{}", "", ""},
		"100 and 201":      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", "", ""},
		"a web page":       {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", "not_openlineage", ""},
		"302":              {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "http_302", ""},
		"307":              {"HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", "http_307", ""},
		"422":              {"HTTP/1.1 422 No\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"message\":\"no\"}", "http_422", "no"},
		"422, packed":      {fmt.Sprintf("HTTP/1.1 422 No\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", packed.Len(), packed.String()), "http_422", "no such namespace"},
		"413, hangs up":    {"HTTP/1.1 413 Too Large\r\nConnection: close\r\n\r\n", "http_413", ""},
		"101":              {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "http_101", ""},
		"no HTTP":          {"SSH-2.0-OpenSSH_9.6\r\n", "connection", "malformed HTTP response"},
		"no HTTP, much":    {strings.Repeat("x", 900_000) + "\r\n", "connection", "malformed HTTP response"},
		"nothing":          {"", "connection", "EOF"},
		"half a header":    {"HTTP/1.1 201 Created\r\nX-", "connection", "missing colon"},
		"two lengths":      {"HTTP/1.1 201 Created\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", "connection", "Content-Length"},
		"an endless line":  {"HTTP/1.1 201 Created\r\nX-Pad: " + strings.Repeat("x", 3<<20), "connection", "1048576 bytes"},
		"endless lines":    {"HTTP/1.1 201 Created\r\n" + strings.Repeat("X-Pad: x\r\n", 300_000), "connection", "1048576 bytes"},
		"endless 1xx":      {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100_000), "connection", "1048576 bytes"},
		"a header that is": {"HTTP/1.1 201 Created\r\nX-Pad: " + strings.Repeat("x", 500_000) + "\r\nContent-Length: 0\r\n\r\n", "", ""},
	} {
		for _, way := range ways {
			_, err := deliverTo(t.Context(), t, way, Config{URL: raw(t, c.answer, false), Backend: Generic, Timeout: 10 * time.Second})
			code, words := "", ""
			if err != nil {
				code, words = fault.Of(err).Code, err.Error()
			}
			if code != c.code || !strings.Contains(words, c.words) || len(words) > 1000 {
				t.Errorf("%s, %s: %v, want %s %q", name, way, err, c.code, c.words)
			}
		}
	}
}

// One connection is used again and again, by each way, and Close gives it up.
func TestConnectionsAreKept(t *testing.T) {
	for _, way := range ways {
		var begun atomic.Int64
		gone := make(chan bool, 9)
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, strings.Repeat("x", 100_000)) // which is drained
		}))
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				begun.Add(1)
			case http.StateClosed:
				gone <- true
			}
		}
		s.Start()
		h := destinationOf(t, Config{URL: s.URL})
		if way == "net/http" {
			h.plain = nil
		}
		for range 5 {
			if err := h.Deliver(t.Context(), someEvent); err != nil {
				t.Error(err)
			}
		}
		if begun.Load() != 1 {
			t.Errorf("%s: %d connections", way, begun.Load())
		}
		closing := time.Now()
		_ = h.Close()
		if <-gone; time.Since(closing) > idleTimeout/2 {
			t.Errorf("%s: it was not Close that closed the connection", way)
		}
		s.Close()
	}
}

// What is sent is the same by each way, whatever the configuration has put into it.
func TestTheSameIsSentByEachWay(t *testing.T) {
	for name, c := range map[string]Config{
		"plain":   {},
		"key":     {APIKey: "k", Version: "1.2"},
		"user":    {URL: "http://user:p%40ss@", Headers: map[string]string{"X-A": "b", "x-lower": "c"}},
		"query":   {URL: "?key=a%20b", Endpoint: "a%2Fb/c"},
		"packed":  {Gzip: true},
		"agent":   {Headers: map[string]string{"User-Agent": "another"}},
		"close":   {Headers: map[string]string{"Connection": "close"}},
		"expect":  {Headers: map[string]string{"Expect": "100-continue"}},
		"basic":   {Basic: func() (string, string) { return "u", "p" }},
		"nothing": {Headers: map[string]string{"X-A": "", "User-Agent": ""}},
	} {
		var got [2]string
		for i, way := range ways {
			s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				r.Header.Del("Accept-Encoding")
				got[i] = fmt.Sprintf("%s %s %v %x %v %d %v", r.Method, r.RequestURI, r.Header, body, err, r.ContentLength, r.TransferEncoding)
				if !strings.HasPrefix(r.Host, "127.0.0.1:") {
					t.Errorf("%s: Host %q", name, r.Host)
				}
			}))
			c.Backend = Generic
			cfg := c
			switch {
			case strings.HasPrefix(c.URL, "http"):
				cfg.URL = c.URL + strings.TrimPrefix(s.URL, "http://")
			default:
				cfg.URL = s.URL + c.URL
			}
			if _, err := deliverTo(t.Context(), t, way, cfg); err != nil {
				t.Errorf("%s, %s: %v", name, way, err)
			}
			s.Close()
		}
		if got[0] != got[1] || got[0] == "" {
			t.Errorf("%s:\n%s\n%s", name, got[0], got[1])
		}
	}
}

// A header of the configuration can add no line, by neither way, and does not show.
func TestAHeaderOfTheConfigurationAddsNoLine(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	defer s.Close()
	for _, way := range ways {
		_, err := deliverTo(t.Context(), t, way, Config{URL: s.URL, Backend: Generic, Headers: map[string]string{"X-A": "secret\r\nX-B: c"}})
		if f := fault.Of(err); f.Kind != fault.Backend || f.Code != "connection" || strings.Contains(f.Error(), "secret") {
			t.Errorf("%s: %v", way, err)
		}
	}
}

// TLS, and whatever goes through a proxy, is net/http's; a proxy that can't be found out is no reason to go without.
func TestWhichWayIsTaken(t *testing.T) {
	for raw, plain := range map[string]bool{"http://h": true, "http://[::1]:5000/x": true, "https://h": false, "http://bücher.example": false} {
		if h := destinationOf(t, Config{URL: raw}); (h.plain != nil) != plain {
			t.Errorf("%s: %v", raw, h.plain)
		}
	}
	var arrived atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	defer s.Close()
	lost := errors.New("no file with the proxy")
	h := destinationOf(t, Config{URL: s.URL, Proxy: func() (*url.URL, error) { return nil, lost }})
	if err := h.Deliver(t.Context(), someEvent); err == nil || !strings.Contains(err.Error(), lost.Error()) || arrived.Load() != 0 {
		t.Errorf("%v, %d arrived", err, arrived.Load())
	}
	h.cfg.Proxy = func() (*url.URL, error) { return nil, nil }
	for _, size := range []int{1, 128 << 10, 128<<10 + 1, 1 << 20} {
		if err := h.Deliver(t.Context(), openlineage.Event{Body: bytes.Repeat([]byte("x"), size)}); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if arrived.Load() != 4 {
		t.Errorf("%d arrived", arrived.Load())
	}
}

// A backend that closes what is idle loses no event: the request goes at once over another connection, as often as it must.
func TestABackendThatClosesIdleConnectionsCostsNothing(t *testing.T) {
	for _, way := range ways {
		var arrived atomic.Int64
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			arrived.Add(1)
			w.WriteHeader(http.StatusCreated)
		}))
		h := destinationOf(t, Config{URL: s.URL})
		if way == "net/http" {
			h.plain = nil
		}
		for range 20 {
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					if err := h.Deliver(t.Context(), someEvent); err != nil {
						t.Errorf("%s: %v", way, err)
					}
				})
			}
			all.Wait()
			s.CloseClientConnections()
		}
		if way == "plainhttp" && arrived.Load() != 160 {
			t.Errorf("%d arrived of 160", arrived.Load())
		}
		_ = h.Close()
		s.Close()
	}
}
