package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/config"
)

func newRunCommand(a *process) *cobra.Command {
	var flags configFlags
	cmd := &cobra.Command{
		Use: "run", Short: "run the pipeline: topics in, OpenLineage out", Args: cobra.NoArgs,
		Long: `Reads validation results as a member of a consumer group, maps and delivers them, and commits only what is settled.
SIGINT and SIGTERM stop it cleanly; a second one, half a second later or more, at once. SIGHUP reads the configuration again and takes its mapping.`,
		Example: `  gx-ol run --brokers localhost:9092 --topic gx.validation-results --group gx-ol --to http://localhost:5000
  gx-ol run --config gx-ol.yaml --to kafka:openlineage.events`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			load := func() (*config.Config, error) {
				return config.Load(flags.path, a.env, flags.set(cmd), a.variables...)
			}
			cfg, err := load()
			if err != nil {
				return err
			}
			reload := &app.Reload{Load: load}
			if a.hangups != nil {
				asked, quiet := a.hangups()
				defer quiet()
				reload.Asked = asked
			}
			return ignoreStop(cmd.Context(), a.run(cmd.Context(), cfg, reload))
		},
	}
	flags.add(cmd, "brokers", "topic", "group", "to", "listen", "log-level", "log-format", "job-namespace", "job-name",
		"great-expectations")
	return cmd
}

// run runs the pipeline until ctx ends.
func (a *process) run(ctx context.Context, cfg *config.Config, reload *app.Reload) error {
	p, err := a.with(cfg.Log)
	if err != nil {
		return err
	}
	p.Reload = reload
	for _, w := range cfg.Warnings {
		p.Log.Warn(w)
	}
	for _, n := range cfg.Notes {
		p.Log.Info(n)
	}
	defer sayStopping(ctx, func() {
		p.Log.Info("gx-ol stops: what is under way is finished, for some seconds at most, then its offsets are committed and the group is left; a second signal ends it at once")
	})()
	return app.Run(ctx, cfg, p)
}
