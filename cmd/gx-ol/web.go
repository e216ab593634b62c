package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/config"
)

func newWebCommand(a *process) *cobra.Command {
	var flags configFlags
	var since time.Duration
	var listen, tokenFile string
	var noOpen bool
	cmd := &cobra.Command{
		Use: "web", Short: "serve the page without a pipeline: results, datasets, lag and dead letters of a whole deployment", Args: cobra.NoArgs,
		Long: `Serves the page for a deployment of any number of processes: it reads the results of the last hours from the input's topics by itself, as no member of
any group, maps them as the pipeline does, goes on with what comes, and asks the brokers how far the group is behind. It delivers and commits nothing.
What is away is said in the page, and is there when it comes back.`,
		Example: `  gx-ol web --config gx-ol.yaml
  gx-ol web --brokers localhost:9092 --topic gx.validation-results --group gx-ol --since 24h`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since <= 0 {
				return usageError{errors.New("--since must be above zero, such as 6h")}
			}
			set := flags.set(cmd)
			if cmd.Flags().Changed("listen") {
				set["web-listen"] = listen
			}
			if cmd.Flags().Changed("token-file") {
				set["token-file"] = tokenFile
			}
			cfg, err := config.LoadForTopics(flags.path, a.env, set, a.variables...)
			if err != nil {
				return err
			}
			if len(cfg.Input.Topics) == 0 {
				return config.Wrong(errors.New("nothing to read: set input.topics or --topic"))
			}
			a.told(cfg)
			return ignoreStop(cmd.Context(), a.web(cmd.Context(), cfg, since, !noOpen))
		},
	}
	flags.add(cmd, "brokers", "topic", "group", "to", "log-level", "log-format", "job-namespace", "job-name", "great-expectations")
	cmd.Flags().StringVar(&listen, "listen", "", "address of the page (default: web.listen, 127.0.0.1:9465)")
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "file with the token that signs in (web.token_file)")
	cmd.Flags().DurationVar(&since, "since", 6*time.Hour, "how far back results are read")
	cmd.Flags().BoolVar(&noOpen, "no-open", false, "do not open the page in a browser")
	return cmd
}

// web serves the page until ctx ends.
func (a *process) web(ctx context.Context, cfg *config.Config, since time.Duration, open bool) error {
	p, err := a.with(cfg.Log)
	if err != nil {
		return err
	}
	wait := func() {}
	defer func() { wait() }()
	return app.RunWeb(ctx, cfg, since, p, func(address string) {
		say(a.stderr, "gx-ol web: http://%s/\n", address)
		if open {
			wait = a.openPage(ctx, address)
		}
	})
}
