package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// gxol is how a measured gx-ol is configured; everything else is the default that users get.
type gxol struct {
	from, topic, group string
	to                 string // the transport, as YAML in one line
	bothEvents         bool   // START too; else one event a message, as the contenders send
	listen             string // where its telemetry listens, which can be profiled there; empty: off
	page               bool   // and the page with it
	kafka              string // more properties, as YAML in one line that begins with a comma
}

func (g gxol) yaml() string {
	lifecycle, telemetry := "end_only", `{listen: "off"}`
	if g.bothEvents {
		lifecycle = "start_and_end"
	}
	if g.listen != "" {
		telemetry = fmt.Sprintf("{listen: %q, pprof: true}", g.listen)
	}
	return fmt.Sprintf("kafka: {bootstrap.servers: %q%s}\ninput: {topics: [%s], group: %s}\ntransport: %s\nlifecycle: %s\ntelemetry: %s\nweb: {page: %t}\n",
		g.from, g.kafka, g.topic, g.group, g.to, lifecycle, telemetry, g.page)
}

func (e *estate) startGxol(ctx context.Context, g gxol) (*child, error) {
	path := filepath.Join(e.dir, e.name("gx-ol")+".yaml")
	if err := os.WriteFile(path, []byte(g.yaml()), 0o600); err != nil {
		return nil, err
	}
	return e.launch(ctx, nil, e.gxol, "run", "--config", path)
}

// freeAddr is a loopback address on which nobody listens.
func freeAddr(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
