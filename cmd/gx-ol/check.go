package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/gx-ol/gx-ol/internal/app"
	findings "github.com/gx-ol/gx-ol/internal/check"
	"github.com/gx-ol/gx-ol/internal/config"
)

// checkOptions are the flags of check.
type checkOptions struct {
	configOnly, print, gateway bool
	messages                   int
	timeout                    time.Duration
	output                     string
}

func newCheckCommand(a *process) *cobra.Command {
	var flags configFlags
	var o checkOptions
	cmd := &cobra.Command{
		Use: "check", Short: "try for real, and changing nothing, what run will need", Args: cobra.NoArgs,
		Long: `Looks at the configuration as the pipeline would see it, then asks for real: brokers, TLS, login, topics, each right that run needs, the
dead-letter topic, the destination, the clocks, and how the last messages of the topic would map. Nothing is made, joined, committed or sent.

One line a finding: ok, warn (run works, and somebody should know; or it cannot be told without changing something), fail. All checks are done;
what depends on one that failed says "not tried".
With --config-only the configuration alone, without network; variables and files of secrets may be missing.
With --print the effective value of every key, without secrets, and where it came from.
With --gateway what gx-ol gateway will need, instead of run: its topics and rights, its tokens, its address.

Exit codes: 0 no failure, 1 a failure, 2 wrong use or a fault of the configuration.`,
		Example: `  gx-ol check
  gx-ol check --config gx-ol.yaml --messages 1000
  gx-ol check --brokers localhost:9092 --topic gx.validation-results --to http://localhost:5000
  gx-ol check --config-only -o json
  gx-ol check --print
  gx-ol check --gateway`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.output != "text" && o.output != "json":
				return usageError{fmt.Errorf("-o %q must be text or json", o.output)}
			case o.messages < 0:
				return usageError{errors.New("--messages must not be below 0")}
			case o.timeout <= 0:
				return usageError{errors.New("--timeout must be above 0")}
			}
			cfg, values, err := config.LoadForCheck(flags.path, a.env, flags.set(cmd), config.CheckOptions{Lenient: o.configOnly, Gateway: o.gateway}, a.variables...)
			switch {
			case err != nil:
				return a.badConfiguration(err, o)
			case o.print:
				a.told(cfg)
				return a.printValues(values, o.output)
			}
			return a.check(cmd.Context(), cfg, o)
		},
	}
	flags.add(cmd, "brokers", "topic", "group", "to", "listen", "job-namespace", "job-name", "great-expectations")
	cmd.Flags().BoolVar(&o.configOnly, "config-only", false, "look at the configuration alone: no network, no secrets")
	cmd.Flags().BoolVar(&o.gateway, "gateway", false, "look at what gx-ol gateway will need, instead of run; --listen is its address")
	cmd.Flags().BoolVar(&o.print, "print", false, "print the effective value of every key and where it came from, and check nothing else")
	cmd.Flags().IntVar(&o.messages, "messages", 100, "how many of the topic's last messages are mapped; 0: none")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 10*time.Second, "bound of each check")
	cmd.Flags().StringVarP(&o.output, "output", "o", "text", "form of the findings: text, json")
	return cmd
}

// check finds out and tells.
func (a *process) check(ctx context.Context, cfg *config.Config, o checkOptions) error {
	p, err := a.with(config.Log{Level: "error", Format: cfg.Log.Format})
	if err != nil {
		return err
	}
	var results []findings.Result
	if o.configOnly {
		results, err = app.CheckConfiguration(cfg, p)
	} else {
		results, err = a.find(ctx, cfg, p, o)
	}
	if _, wrong := errors.AsType[*config.Errors](err); wrong {
		return a.badConfiguration(err, o)
	}
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errStopped
	}
	if err := a.printFindings(results, o.output); err != nil {
		return err
	}
	if findings.Worst(results) == findings.Fail {
		return errReported
	}
	return nil
}

func (a *process) find(ctx context.Context, cfg *config.Config, p app.Process, o checkOptions) ([]findings.Result, error) {
	if o.gateway {
		plan, end, err := app.GatewayCheckPlan(cfg)
		if err != nil {
			return nil, err
		}
		defer end()
		return findings.Run(ctx, plan.Checks(), o.timeout), nil
	}
	plan, end, err := app.CheckPlan(cfg, p, o.messages)
	if err != nil {
		return nil, err
	}
	defer end()
	return findings.Run(ctx, plan.Checks(), o.timeout), nil
}

// badConfiguration tells every fault as a finding. It ends with the exit code that such faults have everywhere.
func (a *process) badConfiguration(err error, o checkOptions) error {
	bad, ok := errors.AsType[*config.Errors](err)
	if !ok {
		return err
	}
	var results []findings.Result
	for _, f := range bad.Faults {
		r := findings.Result{Check: findings.Configuration, Of: f.Place, Status: findings.Fail, Text: f.Message}
		if f.Place == config.NoFile {
			r.Of = ""
		}
		results = append(results, r)
	}
	if last := len(results) - 1; last >= 0 && bad.Faults[last].Place == config.NoFile {
		results[last].Hint = "no configuration file was found or named: gx-ol config init writes one; or name one with --config, or use flags (gx-ol check --help)"
	}
	if !o.configOnly && !o.print {
		results = append(results, findings.Result{Check: findings.Brokers, Status: findings.Warn, Text: "not tried: configuration failed (nor was anything else)"})
	}
	if err := a.printFindings(results, o.output); err != nil {
		return err
	}
	return errors.Join(errReported, err)
}

// mostDetails is how many details people are shown below a finding.
const mostDetails = 50

// checkReport is the document of -o json.
type checkReport struct {
	Status findings.Status   `json:"status"` // the worst
	Checks []findings.Result `json:"checks"`
}

// printFindings prints one line a finding, with what to do below it.
func (a *process) printFindings(results []findings.Result, form string) error {
	if form == "json" {
		return printJSON(a.stdout, checkReport{findings.Worst(results), results})
	}
	width, counts := 0, map[findings.Status]int{}
	for _, r := range results {
		width = max(width, len(r.Check))
		counts[r.Status]++
	}
	colours := map[findings.Status]ours{findings.OK: "\x1b[32m", findings.Warn: "\x1b[33m", findings.Fail: "\x1b[31m"}
	reset := ours("\x1b[0m")
	if !isTerminal(a.stdout) {
		clear(colours)
		reset = ""
	}
	for _, r := range results {
		text := r.Text
		if r.Of != "" {
			text = r.Of + ": " + text
		}
		say(a.stdout, "%s%-4s%s  %-*s  %s\n", colours[r.Status], string(r.Status), reset, width, r.Check, text)
		if hint := r.Hint; hint != "" || r.Key != "" {
			if hint != "" && r.Key != "" {
				hint += " "
			}
			if r.Key != "" {
				hint += "[" + r.Key + "]"
			}
			say(a.stdout, "      %-*s  %s\n", width, "", "→ "+hint)
		}
		for i, line := range r.Details {
			if i == mostDetails {
				say(a.stdout, "      %-*s    and %d more: -o json has them\n", width, "", len(r.Details)-i)
				break
			}
			say(a.stdout, "      %-*s    %s\n", width, "", line)
		}
	}
	say(a.stderr, "%d ok, %s, %s\n", counts[findings.OK], plural(counts[findings.Warn], "warning"), plural(counts[findings.Fail], "failure"))
	return nil
}

// printValues prints every key that has a value.
func (a *process) printValues(values []config.Value, form string) error {
	if form == "json" {
		return printJSON(a.stdout, values)
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	say(table, "KEY\tVALUE\tFROM\n")
	for _, v := range values {
		if v.Value != "" || v.From != "default" {
			say(table, "%s\t%s\t%s\n", v.Key, cmp.Or(v.Value, `""`), v.From)
		}
	}
	return table.Flush()
}
