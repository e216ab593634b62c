package check

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
)

// What takes a connection and answers nothing that a broker would is told for what it is.
func TestAnAddressWithoutABroker(t *testing.T) {
	serve := func(handle func(net.Conn)) string {
		t.Helper()
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				handle(conn)
				_ = conn.Close()
			}
		}()
		t.Cleanup(func() { _ = l.Close(); <-done })
		return l.Addr().String()
	}
	web := func(conn net.Conn) {
		if asked, _ := io.ReadAll(io.LimitReader(conn, 4)); string(asked) == "GET " {
			_, _ = io.WriteString(conn, "HTTP/1.0 404 Not Found\r\n\r\n")
		}
	}
	closing := func(net.Conn) {}
	for name, c := range map[string]struct {
		handle     func(net.Conn)
		text, hint string
	}{
		"web server": {web, "speaks HTTP, and is no Kafka broker", "9092"},
		"no words":   {closing, "does not answer as a broker does: timed out", "security.protocol"},
	} {
		addr := serve(c.handle)
		cluster := &Cluster{Key: "kafka", Addresses: []Address{{HostPort: addr, SignIn: func(context.Context) error { return context.DeadlineExceeded }}}}
		got := cluster.brokers(t.Context())
		if len(got) != 1 || got[0].Status != Fail || got[0].Key != "kafka.bootstrap.servers" || !strings.Contains(got[0].Text, c.text) || !strings.Contains(got[0].Hint, c.hint) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
