package app

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/internal/config"
)

func served(t *testing.T) (address string) {
	t.Helper()
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "seen") })
	address, stop, err := serveTelemetry(t.Context(), config.Telemetry{Listen: "127.0.0.1:0"}, h, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return address
}

func ask(t *testing.T, address, host string) (status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		req.Host = host
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestALoopbackAddressAnswersToItsOwnNamesOnly(t *testing.T) {
	address := served(t)
	for host, want := range map[string]int{
		"": 200, "localhost": 200, "localhost:9464": 200, "LOCALHOST.:1": 200, "gx.localhost": 200, "127.0.0.1": 200, "127.0.0.53:9464": 200, "[::1]:9464": 200, "[::1]": 200,
		"evil.example": 403, "evil.example:9464": 403, "127.0.0.1.evil.example": 403, "10.0.0.1:9464": 403, "localhost.evil.example": 403, "0.0.0.0": 403,
	} {
		if got := ask(t, address, host); got != want {
			t.Errorf("Host %q: %d, not %d", host, got, want)
		}
	}
}

// silent are connections on which nothing is said.
func silent(t *testing.T, address string, n int) (idle []net.Conn) {
	t.Helper()
	for range n {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	return idle
}

// ends says whether the other side ends a connection in time.
func ends(c net.Conn, within time.Duration) bool {
	_ = c.SetReadDeadline(time.Now().Add(within))
	_, err := c.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// Connections that say nothing take neither all files of the process nor, for long, the way of others.
func TestIdleConnectionsAreBoundedAndEnd(t *testing.T) {
	address := served(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 500 * time.Millisecond}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	for shown := false; !shown; {
		idle := silent(t, address, mostConnections)
		resp, err := client.Do(req)
		shown = err != nil
		switch {
		case shown && !ends(idle[0], time.Minute):
			t.Fatal("a connection that says nothing stays")
		case !shown && !ends(idle[0], 100*time.Millisecond): // else this machine stood still until they had had their time, and it has shown nothing
			t.Fatal("one connection more than the limit was answered")
		case !shown:
			_ = resp.Body.Close()
		}
		for _, c := range idle {
			_ = c.Close()
		}
	}
	if got := ask(t, address, ""); got != http.StatusOK {
		t.Errorf("then: %d", got)
	}
}
