package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/consumer"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/producer/deadletters"
	"github.com/gx-ol/gx-ol/producer/kafka"
)

// transactions is delivery: exactly_once. One client consumes and produces, so it makes the destination and the dead
// letters anew for each client that the consumer makes.
type transactions struct {
	cfg     *config.Config
	letters *deadletters.Topics
	p       *pipeline.Pipeline
}

// newTransactions checks what only the brokers can tell: that events and offsets are of one cluster. client is one of the input's.
func newTransactions(ctx context.Context, cfg *config.Config, client *kgo.Client, letters *deadletters.Topics) (*transactions, error) {
	t := &cfg.Transport
	if len(t.Config) > 0 {
		if err := sameCluster(ctx, cfg, client); err != nil {
			return nil, err
		}
	}
	if err := kafkaclient.CheckConnection(ctx, client, []string{t.Topic}); err != nil {
		return nil, fmt.Errorf("destination: %w", err)
	}
	return &transactions{cfg: cfg, letters: letters}, nil
}

func sameCluster(ctx context.Context, cfg *config.Config, input *kgo.Client) error {
	output, err := newProducerClient(cfg.Transport.Config, liveProperties(cfg, "transport.config"), kafka.EventOpts(cfg.Input.MaxMessageBytes))
	if err != nil {
		return err
	}
	defer output.Close()
	in, err := kadm.NewClient(input).BrokerMetadata(ctx)
	if err != nil {
		return kafkaclient.Diagnose(err, cfg.Kafka["bootstrap.servers"])
	}
	out, err := kadm.NewClient(output).BrokerMetadata(ctx)
	if err != nil {
		return fmt.Errorf("destination: %w", kafkaclient.Diagnose(err, cfg.Transport.Config["bootstrap.servers"]))
	}
	if in.Cluster != out.Cluster || in.Cluster == "" {
		return errors.New("delivery: exactly_once needs input and destination on one Kafka cluster, since a transaction is of one cluster: " +
			"drop transport.config, or use delivery: at_least_once")
	}
	return nil
}

// run settles each poll in one transaction until ctx ends.
func (t *transactions) run(ctx context.Context, cfg consumer.Config) error {
	cfg.Client = append(kafka.LargeOpts(t.cfg.Input.MaxMessageBytes), cfg.Client...)
	// A static member's id is stable, and its next life ends the transaction that the last one left open at once.
	id := cfg.Group + "." + cmp.Or(t.cfg.Kafka["group.instance.id"], uuid.NewString())
	return consumer.RunTransactions(ctx, cfg, id, func(client *kgo.Client) consumer.TransactHandler {
		w := kafka.NewTransactionWriter(client)
		return t.p.Transactions(together{kafka.Over(w, t.cfg.Transport.Topic, t.cfg.Transport.MessageKey)}, t.letters.InTransaction(w))
	})
}
