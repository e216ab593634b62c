package app

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
)

// Brokers that cannot assign partitions are no fault, and whoever asked for it hears it at the start.
func TestAGroupProtocolThatTheBrokersDoNotOfferIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		brokers  *kversion.Versions
		protocol string
		said     int
	}{
		"old brokers":             {kversion.V3_6_0(), "consumer", 1},
		"new brokers":             {nil, "consumer", 0},
		"old brokers, not wanted": {kversion.V3_6_0(), "classic", 0},
	} {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "results"), kfake.MaxVersions(c.brokers))
		if err != nil {
			t.Fatal(err)
		}
		client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
		if err != nil {
			t.Fatal(err)
		}
		cfg := &config.Config{Kafka: map[string]string{"group.protocol": c.protocol}, Input: config.Input{Topics: []string{"results"}, Group: "g"}}
		core, logged := observer.New(zapcore.WarnLevel)
		if err := checkInput(t.Context(), client, cfg, zap.New(core)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := logged.FilterMessage(kafkaclient.BrokersDoNotAssign).Len(); got != c.said || logged.Len() != got {
			t.Errorf("%s: said %d times, of %d", name, got, logged.Len())
		}
		client.Close()
		cluster.Close()
	}
}
