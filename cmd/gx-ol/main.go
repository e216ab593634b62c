// Command gx-ol brings Great Expectations validation results into OpenLineage, reliably.
//
// Only main reads the process: arguments, environment, signals. Everything else takes them from a process.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/stopsignal"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx := untilSignal(context.Background(), stopsignal.Heard(), func(sig os.Signal) {
		code := exitFailed
		if n, ok := sig.(syscall.Signal); ok {
			code = 128 + int(n)
		}
		os.Exit(code)
	})
	a := &process{env: os.LookupEnv, variables: variables(os.Environ()), self: os.Args[0], stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		asks: isTerminal(os.Stdin) && isTerminal(os.Stderr), who: operator(), hangups: hangups, browser: browse(os.LookupEnv)}
	os.Exit(run(ctx, os.Args[1:], a))
}

// hangups tells of SIGHUP until quiet is called. Several that come while one is heeded are one.
func hangups() (asked <-chan os.Signal, quiet func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// variables are the names of the environment's variables.
func variables(environ []string) (names []string) {
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		names = append(names, name)
	}
	return names
}

// operator is who runs the process, for the audit of what is done by hand.
func operator() string {
	name := cmp.Or(os.Getenv("USER"), os.Getenv("LOGNAME"), os.Getenv("USERNAME"), "unknown")
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

// process is what a command may use of the process.
type process struct {
	env       func(string) (string, bool)
	variables []string // the names of the environment's variables
	self      string   // how it was called
	stdin     io.Reader
	stdout    io.Writer // results
	stderr    io.Writer // talk
	asks      bool      // somebody at a terminal can answer
	who       string    // the operator, user@host

	hangups func() (asked <-chan os.Signal, quiet func()) // asks to be told of SIGHUP, which ends a process that does not; nil: nobody tells
	browser func(ctx context.Context, url string)         // opens a page; nil: there is none
}

// told says what the configuration's warnings are.
func (a *process) told(cfg *config.Config) {
	for _, w := range cfg.Warnings {
		say(a.stderr, "gx-ol: warning: %s\n", w)
	}
}

// with is what the things of package app may use of it, with a log as the configuration says.
func (a *process) with(cfg config.Log) (app.Process, error) {
	log, err := app.NewLogger(cfg, a.stderr, isTerminal(a.stderr))
	return app.Process{Version: version(), Getenv: a.env, Stdout: a.stdout, Log: log}, err
}

func isTerminal(w any) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// usageError is wrong use: exit code 2.
type usageError struct{ error }

// run runs one command line and returns the exit code.
func run(ctx context.Context, args []string, a *process) int {
	root := newRootCommand(a) //nolint:contextcheck // commands take the context that ExecuteContext gives them
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	_, usage := errors.AsType[usageError](err)
	switch {
	case errors.Is(err, errFound):
		return exitFound
	case errors.Is(err, errNoDataset):
		return exitUsage
	case errors.Is(err, errReported):
	case usage:
		say(a.stderr, "%s: %v\n", cmd.CommandPath(), err)
	default:
		say(a.stderr, "gx-ol: %v\n", err)
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Hint != "" {
		say(a.stderr, "hint: %s\n", f.Hint)
	}
	if usage {
		say(a.stderr, "Run '%s --help' for usage.\n", cmd.CommandPath())
		return exitUsage
	}
	if _, ok := errors.AsType[*config.Errors](err); ok {
		return exitUsage
	}
	return exitFailed
}

// errReported is a failure that a command has told already.
var errReported = errors.New("failed")

func newRootCommand(a *process) *cobra.Command {
	root := &cobra.Command{
		Use:   "gx-ol",
		Short: "Great Expectations results into OpenLineage, reliably",
		Long: `gx-ol reads Great Expectations validation results from Kafka, turns each into OpenLineage run events, and delivers
them to an OpenLineage HTTP backend (Marquez, DataHub, …) or a Kafka topic. What cannot be delivered for its own fault goes
to a dead-letter topic; while the backend is away, nothing is lost and nothing is buried.`,
		Example: `  gx-ol dev                                    try it: broker, samples, pipeline and receiver in one process
  gx-ol config init --to marquez               a commented configuration to begin with
  gx-ol map result.json                        one result in, its OpenLineage events out
  gx-ol test cases.yaml                        do datasources and job.rules still say what they should?
  gx-ol publish --brokers localhost:9092 --topic gx.validation-results results/
  gx-ol run --brokers localhost:9092 --topic gx.validation-results --group gx-ol --to http://localhost:5000
  gx-ol run --config gx-ol.yaml`,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.Version = version()
	root.SetVersionTemplate("gx-ol {{.Version}}\n")
	root.SuggestionsMinimumDistance = 2
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{flagFault(cmd, err)}
	})
	root.AddCommand(newRunCommand(a), newCheckCommand(a), newMapCommand(a), newTestCommand(a), newConfigCommand(a), newPublishCommand(a), newDLQCommand(a), newAskCommand(a),
		newDevCommand(a), newWebCommand(a), newGatewayCommand(a), newVersionCommand(a))
	wrapUsage(root)
	return root
}

// unknownCommand suggests the command that a misspelt one meant.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		text += fmt.Sprintf(": did you mean %q?", near[0])
	}
	return usageError{errors.New(text)}
}

// wrapUsage makes a command's complaints about its arguments wrong use, and those of the commands below it.
func wrapUsage(c *cobra.Command) {
	for _, sub := range c.Commands() {
		wrapUsage(sub)
	}
	check := c.Args
	switch {
	case c.HasSubCommands():
		c.SuggestionsMinimumDistance = 2
		c.Args = unknownCommand
	case check != nil:
		c.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
}
