package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func newMapCommand(a *process) *cobra.Command {
	var flags configFlags
	var received string
	var validate, explain bool
	var output string
	cmd := &cobra.Command{
		Use: "map [FILE|DIR|-…]", Short: "map results to events, without Kafka",
		Long: `Reads validation results from files, folders (every *.json, *.ndjson and *.jsonl below them) or stdin, and prints their OpenLineage events, one a line.
A file of several JSON documents, such as the messages that kcat or kafka-console-consumer print, is as many results.
A result that carries no time of its own takes --received, else its file's modification time.
With --validate nothing of a message is printed of which an event breaks gx-ol's JSON Schema; an OpenLineage event that only
passes through is checked for what every event has.
With --explain it prints, instead of the events, where each of their fields came from: a JSON Pointer in the result, a header,
a key of the configuration, or the rule.`,
		Example: `  gx-ol map result.json
  gx-ol map --great-expectations ./gx result.json
  kubectl logs job/checkpoint | gx-ol map --received 2026-01-01T00:00:00Z -
  gx-ol map great_expectations/uncommitted/validations/ > events.ndjson
  gx-ol map --validate validations/*.json > events.ndjson
  gx-ol map --explain result.json`,
		RunE: func(cmd *cobra.Command, files []string) error {
			switch {
			case output != "table" && output != "json":
				return usageError{fmt.Errorf("-o %q must be table or json", output)}
			case !explain && cmd.Flags().Changed("output"):
				return usageError{errors.New("-o is the form of --explain: events are printed as JSON, one a line")}
			case explain && validate:
				return usageError{errors.New("--explain prints no events that --validate could check: use one of them")}
			}
			var at time.Time
			if received != "" {
				var err error
				if at, err = time.Parse(time.RFC3339, received); err != nil {
					return usageError{fmt.Errorf("--received %q is no RFC 3339 time, such as 2026-01-01T00:00:00Z", received)}
				}
			}
			cfg, err := config.LoadForMap(flags.path, a.env, flags.set(cmd), a.variables...)
			if err != nil {
				return err
			}
			a.told(cfg)
			warn := func(warning string) { say(a.stderr, "gx-ol: %s\n", warning) }
			m, err := app.NewMapping(cfg, app.Process{Version: version(), Getenv: a.env}, cfg.Transport.MaxEventBytes, warn)
			if err != nil {
				return err
			}
			if !explain {
				output = ""
			}
			return mapFiles(cmd.Context(), mapping{Mapping: m, received: at, validate: validate, explain: output}, files, a)
		},
	}
	flags.add(cmd, "job-namespace", "job-name", "great-expectations")
	cmd.Flags().StringVar(&received, "received", "", "when the results were received (RFC 3339)")
	cmd.Flags().BoolVar(&validate, "validate", false, "check each event against gx-ol's JSON Schema before it is printed")
	cmd.Flags().BoolVar(&explain, "explain", false, "print where each field of the events came from, instead of the events")
	cmd.Flags().StringVarP(&output, "output", "o", "table", "form of --explain: table, or json (one field a line)")
	return cmd
}

// mapFiles maps every document of every file and tells of each bad one; the others are mapped all the same.
func mapFiles(ctx context.Context, m mapping, args []string, a *process) error {
	if len(args) == 0 {
		args = []string{"-"}
	}
	all, bad := 0, 0
	tell := func(name string, err error) {
		all, bad = all+1, bad+1
		for line := range strings.SplitSeq(err.Error(), "\n") {
			say(a.stderr, "gx-ol: %s: %s\n", name, line)
		}
	}
	end := func() {
		if all > 1 {
			say(a.stderr, "%d of %d mapped\n", all-bad, all)
		}
	}
	for _, arg := range args {
		files, err := expand([]string{arg})
		if err != nil {
			tell(arg, err)
			continue
		}
		for _, name := range files {
			docs, err := documents(ctx, name, a.stdin)
			if err != nil && !errors.Is(err, errStopped) {
				tell(name, err)
			}
			m.date(docs, a)
			for _, d := range docs {
				if ctx.Err() != nil {
					break
				}
				if err := m.document(d, a); err != nil {
					tell(d.name, err)
					continue
				}
				all++
			}
			if ctx.Err() != nil {
				end()
				return errStopped
			}
		}
	}
	end()
	if bad > 0 {
		return errReported
	}
	return nil
}

// mapping is how files are mapped.
type mapping struct {
	app.Mapping
	received time.Time // zero: each file's modification time
	validate bool
	explain  string // table, json; empty: print the events
}

// date gives what stdin holds, which has no time of its own, that of now, and says so once.
func (m mapping) date(docs []document, a *process) {
	if !m.received.IsZero() || len(docs) == 0 || !docs[0].modified.IsZero() {
		return
	}
	now := time.Now()
	say(a.stderr, "gx-ol: stdin counts as received now, %s; --received makes it repeatable\n", now.UTC().Format(time.RFC3339))
	for i := range docs {
		docs[i].modified = now
	}
}

// document maps one document and prints what comes of it.
func (m mapping) document(d document, a *process) error {
	at := m.received
	if at.IsZero() {
		at = d.modified
	}
	rec := &kgo.Record{} // a file has no headers
	if !m.Filter.Takes(rec) {
		leftOut(a, d.name, 1)
		return nil
	}
	msg, err := m.Decode(d.value)
	if err != nil {
		return err
	}
	if left := m.Filter.Choose(msg, rec); left > 0 {
		leftOut(a, d.name, left)
		if msg.Empty() {
			return nil
		}
	}
	if m.explain != "" {
		if msg.Shape == gx.ShapeEvent {
			say(a.stderr, "gx-ol: %s: an OpenLineage event: it passes through as it is\n", d.name)
			return nil
		}
		origins, err := m.Explain(msg, mapper.Input{Received: at})
		if err != nil {
			return err
		}
		return printOrigins(a.stdout, d.name, origins, m.explain)
	}
	runs, err := m.Map(msg, mapper.Input{Received: at})
	if err != nil {
		return err
	}
	if m.validate {
		if err := checkEvents(runs); err != nil {
			return err
		}
	}
	var line bytes.Buffer
	for _, run := range runs {
		for _, ev := range run.Events {
			line.Reset()
			if err := json.Compact(&line, ev.Body); err != nil {
				return err
			}
			line.WriteByte('\n')
			if err := printDocument(a.stdout, line.Bytes()); err != nil {
				return err
			}
		}
	}
	return nil
}

// leftOut tells what input.filter left out.
func leftOut(a *process, name string, results int) {
	say(a.stderr, "gx-ol: %s: %s left out by input.filter\n", name, plural(results, "result"))
}

// checkEvents says which rules of the schema the events of a message break, each finding on its own line.
func checkEvents(runs []openlineage.Run) error {
	var found []error
	for _, run := range runs {
		for _, ev := range run.Events {
			check := openlineage.Validate
			if ev.PassThrough {
				check = openlineage.ValidatePassedThrough
			}
			err := check(ev.Body)
			var invalid *openlineage.InvalidEvent
			if !errors.As(err, &invalid) {
				found = append(found, err)
				continue
			}
			place := strings.TrimSpace(run.Part + " " + cmp.Or(string(ev.Type), "event"))
			for _, b := range invalid.Breaks {
				found = append(found, fmt.Errorf("%s: %s: %s", place, cmp.Or(b.Pointer, "/"), b.Rule))
			}
		}
	}
	return errors.Join(found...)
}
