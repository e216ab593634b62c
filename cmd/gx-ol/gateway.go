package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/config"
)

func newGatewayCommand(a *process) *cobra.Command {
	var flags configFlags
	cmd := &cobra.Command{
		Use: "gateway", Short: "HTTP in, Kafka out: OpenLineage events and validation results", Args: cobra.NoArgs,
		Long: `Takes OpenLineage events (POST /api/v1/lineage, /api/v1/lineage/batch) and validation results (POST /v1/results) over HTTP and writes them to Kafka. 201 means that the
brokers have them (acks=all). Whatever speaks OpenLineage's HTTP gets a durable buffer in front of its backend by changing one URL: gx-ol run reads both topics.
SIGINT and SIGTERM stop it: what was taken is finished first.`,
		Example: `  gx-ol gateway --brokers localhost:9092
  gx-ol gateway --brokers localhost:9092 --events-topic openlineage.events --results-topic off
  gx-ol gateway --config gx-ol.yaml --listen :5050 --token-file airflow=airflow.token`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := config.LoadForGateway(flags.path, a.env, flags.set(cmd), a.variables...)
			if err != nil {
				return err
			}
			return ignoreStop(cmd.Context(), a.gateway(cmd.Context(), cfg))
		},
	}
	flags.add(cmd, "brokers", "events-topic", "results-topic", "listen", "token-file", "log-level", "log-format")
	cmd.Flag("listen").Usage = "address to listen on (default 127.0.0.1:5050); another than loopback needs a token"
	return cmd
}

// gateway takes requests until ctx ends.
func (a *process) gateway(ctx context.Context, cfg *config.Config) error {
	p, err := a.with(cfg.Log)
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		p.Log.Warn(w)
	}
	defer sayStopping(ctx, func() {
		p.Log.Info("gx-ol stops: requests that were taken are finished first, within some seconds; a second signal ends it at once")
	})()
	return app.Gateway(ctx, cfg, p, nil)
}
