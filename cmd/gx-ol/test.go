package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/cases"
	"github.com/gx-ol/gx-ol/internal/config"
)

func newTestCommand(a *process) *cobra.Command {
	var flags configFlags
	t := tester{process: a}
	cmd := &cobra.Command{
		Use: "test FILE…", Short: "check cases of a configuration: inputs, and the fields of the events that must come out", Args: cobra.MinimumNArgs(1),
		Long: `Reads cases from YAML files: a message, a configuration, and what must become of it. Neither Kafka nor a destination is asked, and secrets may be missing.
A case's configuration stands in its file, over that of --config; the environment's GX_OL_* and OPENLINEAGE_* do not count, so that a case is the same everywhere.
Exit code 0: all passed, 1: some failed, 2: a file or a configuration is wrong, and nothing was checked.`,
		Example: `  gx-ol test cases.yaml
  gx-ol test --config gx-ol.yaml --junit report.xml cases.yaml`,
		RunE: func(cmd *cobra.Command, files []string) error {
			if t.output != "table" && t.output != "json" {
				return usageError{fmt.Errorf("-o %q must be table or json", t.output)}
			}
			t.flags = flags.set(cmd)
			if flags.path != "" {
				layers, err := config.ReadLayers(flags.path)
				if err != nil {
					return err
				}
				t.base = layers
			}
			return t.run(cmd, files)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&t.junit, "junit", "", "write a JUnit report, as CI systems read it, to this file")
	cmd.Flags().StringVarP(&t.output, "output", "o", "table", "table, or json (one case a line)")
	return cmd
}

// tester checks cases.
type tester struct {
	*process
	base          []config.Layer // of --config
	flags         map[string]string
	output, junit string

	told map[string]bool // warnings that were told
}

// verdict is a case and what is not as it must be.
type verdict struct {
	cases.Case
	failures []cases.Failure
	took     time.Duration
}

// prepared is a case with its mapping.
type prepared struct {
	cases.Case
	cfg *config.Config
	app.Mapping
}

// run checks all cases of all files, once all of them are known to be right.
func (t *tester) run(cmd *cobra.Command, files []string) error {
	ready, err := t.prepare(files)
	if err != nil {
		return err
	}
	var verdicts []verdict
	failed := 0
	for i := range ready {
		if cmd.Context().Err() != nil {
			return errStopped
		}
		v := check(&ready[i])
		if len(v.failures) > 0 {
			failed++
		}
		verdicts = append(verdicts, v)
	}
	if err := t.print(verdicts, failed); err != nil {
		return err
	}
	if t.junit != "" {
		if err := writeJUnit(t.junit, verdicts); err != nil {
			return err
		}
	}
	if failed > 0 {
		return errReported
	}
	return nil
}

// prepare reads the files and their configurations; the error holds all faults.
func (t *tester) prepare(files []string) (ready []prepared, err error) {
	var faults []config.Fault
	note := func(err error) {
		if wrong, ok := errors.AsType[*config.Errors](err); ok {
			for _, f := range wrong.Faults {
				if !containsFault(faults, f) { // cases share a configuration
					faults = append(faults, f)
				}
			}
			return
		}
		faults = append(faults, config.Fault{Message: err.Error()})
	}
	for _, file := range files {
		all, err := cases.Read(file)
		if err != nil {
			note(err)
			continue
		}
		var shared *prepared // what a file's cases have alike is made once
		for _, c := range all {
			p := prepared{Case: c}
			if shared != nil && !c.Own {
				p.cfg, p.Mapping = shared.cfg, shared.Mapping
			} else if p.cfg, p.Mapping, err = t.mapping(&c); err != nil {
				note(err)
				continue
			}
			if !c.Own {
				shared = &p
			}
			ready = append(ready, p)
		}
	}
	if len(faults) > 0 {
		return nil, &config.Errors{Faults: faults}
	}
	return ready, nil
}

func containsFault(all []config.Fault, f config.Fault) bool {
	for _, g := range all {
		if f == g {
			return true
		}
	}
	return false
}

// mapping makes what a case's configuration says.
func (t *tester) mapping(c *cases.Case) (*config.Config, app.Mapping, error) {
	getenv := func(name string) (string, bool) {
		if v, ok := c.Env[name]; ok {
			return v, true
		}
		return t.env(name)
	}
	cfg, err := config.ParseLayers(append(t.base[:len(t.base):len(t.base)], c.Layers...), t.flags, getenv)
	if err != nil {
		return nil, app.Mapping{}, err
	}
	warn := func(warning string) {
		if !t.told[warning] {
			say(t.stderr, "gx-ol: warning: %s\n", warning)
			t.told = with(t.told, warning)
		}
	}
	for _, w := range cfg.Warnings {
		warn(w)
	}
	m, err := app.NewMapping(cfg, app.Process{Version: version(), Getenv: getenv}, cfg.Transport.MaxEventBytes, warn)
	return cfg, m, err
}

func with(set map[string]bool, name string) map[string]bool {
	if set == nil {
		set = make(map[string]bool)
	}
	set[name] = true
	return set
}

// check maps a case's message as the pipeline would, and judges what comes of it.
func check(p *prepared) verdict {
	began := time.Now()
	rec := &kgo.Record{Topic: p.Topic, Value: p.Value, Timestamp: p.Received}
	if rec.Timestamp.IsZero() {
		rec.Timestamp = began
	}
	for name, value := range p.Headers {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	var o cases.Outcome
	runs, left, code, reason := p.Preview(p.cfg, rec)
	o.Filtered, o.Code, o.Reason = left, code, reason
	for _, run := range runs {
		o.Warnings = append(o.Warnings, run.Warn...)
		for _, ev := range run.Events {
			o.Events = append(o.Events, ev.Body)
		}
	}
	return verdict{Case: p.Case, failures: p.Judge(o), took: time.Since(began)}
}
