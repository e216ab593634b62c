package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/gx-ol/gx-ol/internal/app"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/lineage/events"
	"github.com/gx-ol/gx-ol/internal/lineage/marquez"
)

// gcPercent makes a topic cost half as much memory beside its graph: events come and go, and only the graph stays.
const gcPercent = 40

// askFlags are the flags of every ask.
type askFlags struct {
	configFlags
	from     []string
	output   string
	failOn   string
	maxAge   string
	rate     float64
	parallel int
	verbose  bool
}

func (f *askFlags) add(cmd *cobra.Command) {
	f.configFlags.add(cmd, "brokers")
	flags := cmd.Flags()
	flags.StringArrayVar(&f.from, "from", nil, "what to ask: http(s)://… a Marquez, kafka:TOPIC a topic of events, or files and folders of events, - for stdin; files may be given again (default: the configuration's transport)")
	flags.StringVarP(&f.output, "output", "o", "table", "table, json, dot or mermaid")
	flags.StringVar(&f.failOn, "fail-on", "error", "exit code 3 from which on: error, warn (also where only warnings fail), or stale (also where data were written after their checks, or the checks are older than --max-age)")
	flags.StringVar(&f.maxAge, "max-age", "", "a check that is older says nothing, neither bad nor good: 90m, 24h, 7d")
	flags.Float64Var(&f.rate, "rate", 0, "requests to a Marquez in a second, at most; 0: no limit")
	flags.IntVar(&f.parallel, "parallel", 4, "requests to a Marquez under way at once")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "say what is asked for, and how much it was")
}

// on runs a question over the source that the flags and the configuration name.
func (f *askFlags) on(cmd *cobra.Command, a *process, question func(context.Context, *asked) error) error {
	if err := outputOf(f.output); err != nil {
		return err
	}
	limit, err := limitOf(f.failOn)
	if err != nil {
		return err
	}
	age, err := parseAge("--max-age", f.maxAge)
	if err == nil && f.rate < 0 {
		err = fmt.Errorf("--rate %v must be 0 or more", f.rate)
	}
	if err == nil && (f.parallel < 1 || f.parallel > 64) {
		err = fmt.Errorf("--parallel %d must be 1 to 64", f.parallel)
	}
	if err != nil {
		return usageError{err}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	talk := newAskTalk(a, f.verbose)
	defer talk.end()
	ctx := cmd.Context()
	src, closing, err := f.source(ctx, cmd, a, talk)
	if err != nil {
		return stopped(ctx, err)
	}
	defer closing()
	talk.source(src)
	err = question(ctx, &asked{a: a, src: src, limit: limit, output: f.output, talk: talk, options: lineage.Options{Now: time.Now(), MaxAge: age, Drawn: f.output == "dot" || f.output == "mermaid"}})
	talk.sum()
	return stopped(ctx, err)
}

// source opens what is asked.
func (f *askFlags) source(ctx context.Context, cmd *cobra.Command, a *process, talk *askTalk) (lineage.Source, func(), error) {
	o := app.LineageOptions{SideBySide: f.parallel, PerSecond: f.rate, OnRequest: talk.request, Progress: talk.progress}
	flags := f.set(cmd)
	for _, from := range f.from {
		switch {
		case strings.Contains(from, "://") || strings.HasPrefix(from, "kafka:"):
			if len(f.from) > 1 {
				return nil, nil, usageError{errors.New("--from takes one url or topic; only files may be several")}
			}
			if from == "kafka:" {
				return nil, nil, usageError{errors.New("--from kafka: needs the topic's name behind it, such as kafka:openlineage.events")}
			}
			flags["to"] = from
		case from == "":
			return nil, nil, usageError{errors.New("--from is empty: a url, kafka:TOPIC, or files of events")}
		}
	}
	if len(f.from) > 0 && flags["to"] == "" {
		files, err := expand(f.from)
		if err != nil {
			return nil, nil, notThere(f.from, err)
		}
		src, err := awaited(ctx, func() (lineage.Source, error) { return app.ReadLineage(ctx, files, a.stdin, o) })
		return src, func() {}, err
	}
	cfg, err := config.LoadForTopics(f.path, a.env, flags, a.variables...)
	if err != nil {
		return nil, nil, err
	}
	a.told(cfg)
	if cfg.Kafka["bootstrap.servers"] == "" {
		cfg.Kafka = maps.Clone(cfg.Kafka)
		if cfg.Kafka == nil {
			cfg.Kafka = make(map[string]string)
		}
		cfg.Kafka["bootstrap.servers"] = "localhost:9092"
	}
	p, err := a.with(cfg.Log)
	if err != nil {
		return nil, nil, err
	}
	src, closing, err := app.NewLineageSource(ctx, cfg, p, o)
	if errors.Is(err, app.ErrNoLineage) {
		return nil, nil, usageError{fmt.Errorf("%w. Name what to ask with --from http://marquez:5000, --from kafka:TOPIC or --from FILE, or the configuration of gx-ol run with --config", err)}
	}
	return src, closing, err
}

// notThere says what a --from that is no file may have meant.
func notThere(from []string, err error) error {
	for _, f := range from {
		if strings.Contains(f, ":") && !strings.ContainsAny(f, `/\`) {
			return fmt.Errorf("%w (a topic is --from kafka:TOPIC, a Marquez --from http://%s)", err, f)
		}
	}
	return err
}

// askTalk tells on stderr how a question goes on: a bar on a terminal, each request with -v.
type askTalk struct {
	a       *process
	verbose bool
	begin   time.Time

	mu       sync.Mutex // guards all below
	bar      *progressbar.ProgressBar
	ended    bool
	drawn    time.Time
	requests int
	bytes    int64
	read     int64
}

func newAskTalk(a *process, verbose bool) *askTalk {
	t := &askTalk{a: a, verbose: verbose, begin: time.Now()}
	if isTerminal(a.stderr) && !verbose {
		t.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(a.stderr), progressbar.OptionClearOnFinish(), progressbar.OptionShowCount(),
			progressbar.OptionSetDescription("asking"))
	}
	return t
}

// request is told of a request.
func (t *askTalk) request(r marquez.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests++
	t.bytes += int64(r.Bytes)
	if t.verbose {
		say(t.a.stderr, "GET %s: %d, %s, %d ms\n", r.Path, r.Status, bytesText(int64(r.Bytes)), r.Took.Milliseconds())
	}
	t.draw(int64(t.requests), 0)
}

// progress is told of what was read.
func (t *askTalk) progress(done, all int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.read = done
	t.draw(done, all)
}

// draw moves the bar, a few times in a second at most.
func (t *askTalk) draw(done, all int64) {
	if t.bar == nil || t.ended || time.Since(t.drawn) < 100*time.Millisecond {
		return
	}
	t.drawn = time.Now()
	if all > 0 && t.bar.GetMax64() != all {
		t.bar.ChangeMax64(all)
	}
	_ = t.bar.Set64(done) // a bar that cannot be drawn stops nothing
}

// source says which source it is, once it is there.
func (t *askTalk) source(src lineage.Source) {
	if !t.verbose {
		return
	}
	say(t.a.stderr, "asking %s\n", src)
	if t.read > 0 {
		say(t.a.stderr, "read %d records or events in %s; kept are at most %d jobs and datasets and %d failed assertions\n", t.read,
			time.Since(t.begin).Round(time.Millisecond), events.DefaultBound.Things, events.DefaultBound.Facts)
	}
}

// end takes the bar away.
func (t *askTalk) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bar != nil && !t.ended {
		_ = t.bar.Finish()
	}
	t.ended = true
}

// sum says how much was asked.
func (t *askTalk) sum() {
	if t.verbose && t.requests > 0 {
		say(t.a.stderr, "%s, %s, in %s\n", plural(t.requests, "request"), bytesText(t.bytes), time.Since(t.begin).Round(time.Millisecond))
	}
}
