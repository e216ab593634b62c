// Package devkafka is the Kafka inside `gx-ol dev`: a broker in memory, for trying things out, gone with the process.
package devkafka

import (
	"context"
	"fmt"
	"net"
	"slices"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Broker is a running broker.
type Broker struct{ cluster *kfake.Cluster }

// Start starts a broker on 127.0.0.1 with the topics, of so many partitions each. Port 0 means a free one.
func Start(ctx context.Context, port int, partitions int32, topics ...string) (*Broker, error) {
	if port == 0 {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("finding a free port: %w", err)
		}
		port = l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			return nil, err
		}
	}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1), kfake.Ports(port), kfake.SeedTopics(partitions, slices.Clone(topics)...),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
	)
	if err != nil {
		return nil, fmt.Errorf("starting the embedded broker on port %d: %w", port, err)
	}
	return &Broker{cluster: cluster}, nil
}

// Addr is the bootstrap server.
func (b *Broker) Addr() string { return b.cluster.ListenAddrs()[0] }

// Close stops the broker; what it held is gone.
func (b *Broker) Close() { b.cluster.Close() }
