// Package broker is a Kafka broker for measurements, in a process of its own so that its cost is not taken for a client's. It counts
// what it sends, because what a client fetches and throws away is seen nowhere else.
package broker

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Partitions that each topic has.
const Partitions = 4

// Up is what a broker says when it is ready.
type Up struct{ Kafka, Control string }

// Traffic is what went through a broker's connections, in bytes.
type Traffic struct{ Taken, Sent int64 }

// Serve runs a broker until in ends, which it does when the process that started it ends.
func Serve(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("broker", flag.ContinueOnError)
	topic := flags.String("topic", "", "the topic that there is")
	dir := flags.String("dir", "", "keep the log here: in memory, gigabytes are slow")
	discard := flags.Bool("discard", false, "throw away what is acknowledged")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var traffic counter
	opts := []kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(Partitions, *topic), kfake.DefaultNumPartitions(Partitions), kfake.AllowAutoTopicCreation(),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": "104857600", "group.initial.rebalance.delay.ms": "0"}),
		kfake.ListenFn(func(network, address string) (net.Listener, error) {
			l, err := net.Listen(network, address) //nolint:noctx // ends with the process
			return listener{l, &traffic}, err
		})}
	if *dir != "" {
		opts = append(opts, kfake.DataDir(*dir))
	}
	if *discard {
		opts = append(opts, kfake.BlackholeProduce())
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return fmt.Errorf("starting a broker: %w", err)
	}
	defer cluster.Close()
	control, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends with the process
	if err != nil {
		return err
	}
	defer func() { _ = control.Close() }()
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(Traffic{traffic.taken.Load(), traffic.sent.Load()})
	})}
	go func() { _ = server.Serve(control) }() // ends with the process
	if err := json.NewEncoder(out).Encode(Up{cluster.ListenAddrs()[0], "http://" + control.Addr().String()}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

type counter struct{ taken, sent atomic.Int64 }

// listener counts the bytes of its connections.
type listener struct {
	net.Listener
	traffic *counter
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return conn{c, l.traffic}, nil
}

type conn struct {
	net.Conn
	traffic *counter
}

func (c conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.traffic.taken.Add(int64(n))
	return n, err
}

func (c conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.traffic.sent.Add(int64(n))
	return n, err
}
