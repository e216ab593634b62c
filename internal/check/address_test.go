package check

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/test/process"
)

// What takes a connection and answers nothing that a broker would is told for what it is.
func TestAnAddressWithoutABroker(t *testing.T) {
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
		addr := process.Answering(t, c.handle)
		cluster := &Cluster{Key: "kafka", Addresses: []Address{{HostPort: addr, SignIn: func(context.Context) error { return context.DeadlineExceeded }}}}
		got := cluster.brokers(t.Context())
		if len(got) != 1 || got[0].Status != Fail || got[0].Key != "kafka.bootstrap.servers" || !strings.Contains(got[0].Text, c.text) || !strings.Contains(got[0].Hint, c.hint) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
