package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gx-ol/gx-ol/internal/lineage"
)

// exitFound is the exit code of an ask that found what failed.
const exitFound = 3

var (
	// errFound is that something failed: it was told as the answer.
	errFound = errors.New("something failed")
	// errNoDataset is that a name means no dataset, or several: it was told with the candidates.
	errNoDataset = errors.New("no dataset")
)

func newAskCommand(a *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "ask", Short: "ask the lineage what failed upstream, who reads bad data, and what failures have in common",
		Long: `Asks lineage that was written before, by gx-ol and everybody else: which assertions failed in what a dataset is made from, which jobs read data
whose latest check failed, and what failed assertions have in common. What failed is told by the assertions, not by the state of runs.

It asks the transport of the configuration: an HTTP backend (Marquez) by REST, a Kafka topic of events by reading it to its end, without a group.
--from asks something else: a url, kafka:TOPIC, or files and folders of events (- is stdin).

Exit codes: 0 nothing failed, 1 it could not be asked, 2 wrong use, or no such dataset, 3 something failed.`,
		Example: `  gx-ol ask upstream shop.fct_revenue || exit          a gate before a job
  gx-ol ask consumers                                  who reads data whose latest check failed
  gx-ol ask common --since 24h --from http://marquez:5000
  gx-ol ask upstream fct_revenue --from kafka:openlineage.events -o mermaid`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAskUpstreamCommand(a), newAskConsumersCommand(a), newAskCommonCommand(a))
	return cmd
}

// DATASET is how the help tells of a dataset's name.
const datasetHelp = `DATASET is "namespace name", a name, or any part of a name that only one dataset has; where none or several have it, the candidates are listed.`

func newAskUpstreamCommand(a *process) *cobra.Command {
	f := &askFlags{}
	cmd := &cobra.Command{
		Use: "upstream DATASET", Short: "failed assertions in all that a dataset is made from", Args: datasetArgs(1),
		Long: `Lists every failed assertion in the datasets that DATASET is made from, itself included, the nearest first: how many jobs away, the check, when, what was
expected and what was found, the check's parent run, and whether the data were written again since and not checked again.

` + datasetHelp,
		Example: `  gx-ol ask upstream shop.fct_revenue || exit
  gx-ol ask upstream fct_revenue --fail-on warn --max-age 24h -o json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.on(cmd, a, func(ctx context.Context, s *asked) error {
				d, err := s.dataset(ctx, args)
				if err != nil {
					return err
				}
				need := lineage.WrittenFailed
				if s.limit == lineage.Stale {
					need = lineage.WrittenAll
				}
				answer, err := lineage.Upstream(ctx, s.src, d, need, s.options)
				if err != nil {
					return err
				}
				return s.tell(answer, answer.Quality, answer.Notes, answer.Picture, func() { printUpstream(a.stdout, answer) })
			})
		},
	}
	f.add(cmd)
	return cmd
}

func newAskConsumersCommand(a *process) *cobra.Command {
	f := &askFlags{}
	cmd := &cobra.Command{
		Use: "consumers [DATASET]", Short: "jobs that read data whose latest check failed", Args: datasetArgs(0),
		Long: `Lists the jobs that read data whose latest check failed, directly or through other datasets, the nearest first, and what they write. Without DATASET it
looks at all datasets.

` + datasetHelp,
		Example: "  gx-ol ask consumers\n  gx-ol ask consumers raw.orders -o dot | dot -Tsvg > consumers.svg",
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.on(cmd, a, func(ctx context.Context, s *asked) error {
				var d *lineage.Dataset
				if len(args) > 0 {
					found, err := s.dataset(ctx, args)
					if err != nil {
						return err
					}
					d = &found
				}
				answer, err := lineage.Consumers(ctx, s.src, d, s.options)
				if err != nil {
					return err
				}
				return s.tell(answer, answer.Quality, answer.Notes, answer.Picture, func() { printConsumers(a.stdout, answer) })
			})
		},
	}
	f.add(cmd)
	return cmd
}

func newAskCommonCommand(a *process) *cobra.Command {
	f := &askFlags{}
	var since string
	cmd := &cobra.Command{
		Use: "common", Short: "what failed assertions have in common", Args: cobra.NoArgs,
		Long: `Groups the failed assertions of the latest run of every check by what they share: the nearest dataset that all of a group are made from, the column that
theirs are made from, the root run, the parent run, the column's name, the expectation, the suite, the minute. What explains most of them comes first.`,
		Example: "  gx-ol ask common\n  gx-ol ask common --since 24h -o json | jq '.groups[0]'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			age, err := parseAge("--since", since)
			if err != nil {
				return usageError{err}
			}
			return f.on(cmd, a, func(ctx context.Context, s *asked) error {
				s.options.Since = age
				answer, err := lineage.Common(ctx, s.src, s.options)
				if err != nil {
					return err
				}
				return s.tell(answer, answer.Quality, answer.Notes, answer.Picture, func() { printCommon(a.stdout, answer) })
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&since, "since", "", "only what failed so lately, such as 90m, 24h or 7d (default: all that failed in the latest run of its check)")
	return cmd
}

// datasetArgs takes a dataset as one argument, or as namespace and name.
func datasetArgs(least int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return errors.New("name the dataset: \"namespace name\", a name, or a part of a name")
		case len(args) > 2:
			return fmt.Errorf("%d arguments are too many: a dataset is one, or namespace and name", len(args))
		case strings.TrimSpace(strings.Join(args, " ")) == "" && len(args) > 0:
			return errors.New("the dataset's name is empty")
		}
		return nil
	}
}

// outputs are the forms of an answer.
var outputs = []string{"table", "json", "dot", "mermaid"}

// limits are what --fail-on takes.
var limits = map[string]lineage.Quality{"error": lineage.Failed, "warn": lineage.Warned, "stale": lineage.Stale}

// parseAge reads how long ago; empty: 0.
func parseAge(flag, s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.ParseFloat(days, 64); err == nil && n > 0 && n < 100_000 {
			return time.Duration(n * float64(24*time.Hour)), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return d, nil
	}
	return 0, fmt.Errorf("%s %q must be a time span above 0, such as 90m, 24h or 7d", flag, s)
}

// asked is a source with how to ask it and how to tell.
type asked struct {
	a       *process
	src     lineage.Source
	options lineage.Options
	limit   lineage.Quality // from which on something counts as failed
	output  string
	talk    *askTalk
}

// dataset finds the dataset that arguments mean.
func (s *asked) dataset(ctx context.Context, args []string) (lineage.Dataset, error) {
	d, err := lineage.Resolve(ctx, s.src, strings.Join(args, " "))
	if c, ok := errors.AsType[*lineage.CandidatesError](err); ok {
		s.talk.end()
		say(s.a.stderr, "gx-ol: %s\n", block(c.Error()))
		return d, errNoDataset
	}
	return d, err
}

// tell prints an answer, and gives errFound where something failed.
func (s *asked) tell(answer any, quality lineage.Quality, notes []string, picture *lineage.Picture, table func()) error {
	s.talk.end()
	for _, note := range notes {
		say(s.a.stderr, "note: %s\n", note)
	}
	var err error
	switch s.output {
	case "json":
		err = printJSON(s.a.stdout, answer)
	case "dot":
		printDot(s.a.stdout, picture)
	case "mermaid":
		printMermaid(s.a.stdout, picture)
	default:
		table()
	}
	if err == nil && quality.Reaches(s.limit) {
		return errFound
	}
	return err
}

// outputOf checks -o.
func outputOf(o string) error {
	if !slices.Contains(outputs, o) {
		return usageError{fmt.Errorf("-o %q must be one of %s%s", o, strings.Join(outputs, ", "), didYouMean(o, outputs))}
	}
	return nil
}

// limitOf checks --fail-on.
func limitOf(on string) (lineage.Quality, error) {
	q, ok := limits[cmp.Or(on, "error")]
	if !ok {
		names := []string{"error", "warn", "stale"}
		return q, usageError{fmt.Errorf("--fail-on %q must be one of %s%s", on, strings.Join(names, ", "), didYouMean(on, names))}
	}
	return q, nil
}
