package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/nearest"
)

// configFlags are the flags that stand for configuration keys. Their values reach the configuration only if set.
type configFlags struct {
	path   string // of the configuration, or several
	names  []string
	values map[string]string // of --set, by key
}

// files is --config: each one adds a file.
type files struct{ path *string }

func (f files) String() string { return "" }
func (f files) Type() string   { return "FILE" }

func (f files) Set(path string) error {
	if path == "" {
		return errors.New("must name a file")
	}
	if *f.path != "" {
		path = config.JoinFiles(*f.path, path)
	}
	*f.path = path
	return nil
}

// assignments is --set: KEY=VALUE each.
type assignments struct{ flags *configFlags }

func (s assignments) String() string { return "" }
func (s assignments) Type() string   { return "KEY=VALUE" }

func (s assignments) Set(text string) error {
	key, value, ok := strings.Cut(text, "=")
	if key = strings.TrimSpace(key); !ok || key == "" {
		return errors.New("must be KEY=VALUE, such as job.namespace=analytics")
	}
	if s.flags.values == nil {
		s.flags.values = make(map[string]string)
	}
	s.flags.values[key] = value
	return nil
}

func (f *configFlags) add(cmd *cobra.Command, names ...string) {
	help := map[string]string{
		"brokers":            "Kafka bootstrap servers, host:port[,host:port]",
		"topic":              "topics of validation results, comma-separated, or one regular expression starting with ^",
		"group":              "consumer group",
		"to":                 "destination: http(s)://… an OpenLineage backend, kafka:TOPIC, file:PATH, or - for stdout",
		"listen":             "address of /metrics, /healthz and /readyz",
		"log-level":          "debug, info, warn or error",
		"log-format":         "auto, json or console",
		"job-namespace":      "OpenLineage job namespace",
		"job-name":           "job name: a constant or a template such as {{.Suite}}.{{.Asset}}",
		"events-topic":       "topic of OpenLineage events; off: they are not taken",
		"results-topic":      "topic of validation results; off: they are not taken",
		"token-file":         "file of a bearer token, [NAME=]PATH[,NAME=PATH…]",
		"great-expectations": "great_expectations.yml, or its folder, to name datasets by",
	}
	cmd.Flags().Var(files{&f.path}, "config", "configuration file (default: GX_OL_CONFIG, then ./gx-ol.yaml); of several the later wins")
	cmd.Flags().Var(assignments{f}, "set", "a key of the configuration, over the files and the environment")
	for _, name := range names {
		cmd.Flags().String(name, "", help[name])
	}
	f.names = names
}

// set gives the flags that the user set.
func (f *configFlags) set(cmd *cobra.Command) map[string]string {
	out := make(map[string]string)
	for _, name := range f.names {
		if flag := cmd.Flags().Lookup(name); flag.Changed {
			out[name] = flag.Value.String()
		}
	}
	for key, value := range f.values {
		out[config.SetFlag(key)] = value
	}
	return out
}

// nearestFlag suggests the flag that a misspelt one meant.
func nearestFlag(cmd *cobra.Command, err error) string {
	_, wrong, ok := strings.Cut(err.Error(), "unknown flag: --")
	if !ok {
		return ""
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := nearest.Name(wrong, names); near != "" {
		return fmt.Sprintf(": did you mean --%s?", near)
	}
	return ""
}
