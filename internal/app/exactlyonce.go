package app

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
	"github.com/gx-ol/gx-ol/producer/kafka"
)

// exactlyOnce settles in transactions. One client consumes and produces, so it makes the destination and the dead letters anew for
// each client that the consumer makes.
func (e *engine) exactlyOnce(ctx context.Context) (settler, error) {
	t := &e.cfg.Transport
	if len(t.Config) > 0 {
		if err := sameCluster(ctx, e.cfg, e.client); err != nil {
			return settler{}, err
		}
	}
	if err := kafkaclient.CheckWritable(ctx, e.client, []string{t.Topic}); err != nil {
		return settler{}, fmt.Errorf("destination: %w", err)
	}
	settings, err := e.settings(0)
	if err != nil {
		return settler{}, err
	}
	x := pipeline.NewExactlyOnce(settings, DestinationName(t))
	none := func() map[string]int { return nil }
	return settler{limits: none, holds: x.Holds, close: func() {}, run: func(ctx context.Context, members consumer.Config) error {
		// The operator's properties win over ours, as everywhere.
		members.Client = append(kafka.LargeOpts(e.cfg.Input.MaxMessageBytes), members.Client...)
		// A static member's id is stable, and its next life ends the transaction that the last one left open at once.
		id := members.Group + "." + cmp.Or(e.cfg.Kafka["group.instance.id"], uuid.NewString())
		return consumer.RunTransactions(ctx, members, id, func(client *kgo.Client) consumer.TransactHandler {
			w := kafka.NewTransactionWriter(client)
			return transactions{x.With(kafka.Over(w, t.Topic, t.MessageKey), e.letters.InTransaction(w)), w}
		})
	}}, nil
}

// transactions tells the writer too how a transaction ended.
type transactions struct {
	*pipeline.Transactions
	writer *kafka.Writer
}

// End tells both.
func (t transactions) End(committed bool) {
	t.Transactions.End(committed)
	if committed {
		t.writer.Committed()
	}
}

// sameCluster checks what only the brokers can tell: that events and offsets are of one cluster. input is a client of the input's.
func sameCluster(ctx context.Context, cfg *config.Config, input *kgo.Client) error {
	opts, err := kafkaclient.OptsLive(cfg.Transport.Config, liveProperties(cfg, "transport.config"))
	if err != nil {
		return err
	}
	output, err := kgo.NewClient(opts...)
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
