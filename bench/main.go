// Command bench measures gx-ol, the built binary in a process of its own, beside what the same work costs at least: a bare copy, a
// bare HTTP client, and the loop that one writes by hand. It prints a table of what was measured, the goal and the verdict:
//
//	go run ./bench                       all rows, 3 rounds (about half an hour)
//	go run ./bench -short                the same with less input, one round (minutes)
//	go run ./bench -rows small,http      some rows: medium, small, memory, http, kill, page
//	go run ./bench -rows small -profile DIR   and leaves profiles of gx-ol there; of page one without a page and one with it
//	go run ./bench -markdown             as docs/performance.md holds it
//
// Ratios are taken inside a round, in which the contenders run one after the other: the speed of a shared machine drifts, and
// absolute figures of two hours can't be compared.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/gx-ol/gx-ol/bench/backend"
	"github.com/gx-ol/gx-ol/bench/broker"
	"github.com/gx-ol/gx-ol/bench/contender"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := act(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// act runs the part that the first argument names: the bench starts itself again as broker, backend or contender.
func act(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "broker":
			return broker.Serve(args[1:], os.Stdin, os.Stdout)
		case "backend":
			return backend.Serve(args[1:], os.Stdin, os.Stdout)
		case "copy":
			return contender.Copy(ctx, args[1:], os.Stdin)
		case "handwritten":
			return contender.Handwritten(ctx, args[1:], os.Stdin)
		case "post":
			return contender.Post(args[1:])
		}
	}
	return measure(ctx, args, os.Stdout)
}

// settings are the flags.
type settings struct {
	rounds   int
	short    bool
	profile  string
	markdown bool
	rows     []string
}

func (s settings) parse(args []string) (settings, error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&s.rounds, "rounds", 0, "rounds of each row (default 3, with -short 1)")
	flags.BoolVar(&s.short, "short", false, "less input: minutes instead of half an hour, and less to rely on")
	flags.StringVar(&s.profile, "profile", "", "leave CPU and allocation profiles of gx-ol in this folder, from a run that is not measured")
	flags.BoolVar(&s.markdown, "markdown", false, "print Markdown")
	rows := flags.String("rows", "medium,small,memory,http,kill,page", "which rows")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.rows = strings.Split(*rows, ",")
	if s.rounds == 0 {
		s.rounds = 3
		if s.short {
			s.rounds = 1
		}
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("%q is no flag", flags.Arg(0))
	}
	return s, nil
}

// group of rows that are measured together.
type group struct {
	name string
	run  func(ctx context.Context, e *estate) ([]row, error)
}

func groups() []group {
	return []group{{"medium", relayMedium}, {"small", relaySmall}, {"memory", largeResults}, {"http", overHTTP}, {"kill", killed}, {"page", withPage}}
}

func measure(ctx context.Context, args []string, out io.Writer) error {
	set, err := settings{}.parse(args)
	if err != nil {
		return err
	}
	all := groups()
	for _, name := range set.rows {
		if !slices.ContainsFunc(all, func(g group) bool { return g.name == name }) {
			return fmt.Errorf("-rows %s: there are medium, small, memory, http, kill, page", name)
		}
	}
	e, err := newEstate(ctx, set)
	if err != nil {
		return err
	}
	defer e.close()
	var rows []row
	for _, g := range all {
		if !slices.Contains(set.rows, g.name) {
			continue
		}
		measured, err := g.run(ctx, e)
		if err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		rows = append(rows, measured...)
	}
	return report(out, set, e.load, rows, e.details)
}
