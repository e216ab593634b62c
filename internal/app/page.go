package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/consumer"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/desk"
	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/outage"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/internal/seen"
	"github.com/gx-ol/gx-ol/internal/telemetry"
	"github.com/gx-ol/gx-ol/internal/web"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// page is what the page shows of this process. A nil one is none.
type page struct {
	cfg     *config.Config
	p       Process
	memory  *seen.Memory
	flow    *seen.Flow
	record  *recordReader
	what    string // it is about
	source  func() []web.Source
	desk    *desk.Desk // the dead letters
	lineage *pageLineage
}

const (
	usualSeen = 24 << 20 // bytes of what is remembered: 30 results of each of some 3,600 datasets with a dozen null counts each, as docs/web.md says
	leastSeen = 4 << 20
	seenShare = 12 // the part of a container's memory that it gets
)

// newPage prepares the page; nil where the configuration wants none.
func newPage(cfg *config.Config, p Process, memory int64) *page {
	if !cfg.Web.Page || cfg.Telemetry.Listen == "" || cfg.Telemetry.Listen == "off" {
		return nil
	}
	m := seen.New(seenBytes(cfg, memory))
	return &page{cfg: cfg, p: p, memory: m, what: cfg.Input.Group, lineage: newPageLineage(cfg, p)}
}

// seenBytes is how much is remembered.
func seenBytes(cfg *config.Config, memory int64) int {
	switch {
	case cfg.Web.MaxBytes > 0:
		return cfg.Web.MaxBytes
	case memory > 0:
		return int(min(max(memory/seenShare, leastSeen), usualSeen))
	}
	return usualSeen
}

// settled takes each record when it is settled; mapping is how records are mapped now.
func (g *page) settled(mapping func() Mapping) pipeline.Settled {
	if g == nil {
		return nil
	}
	g.record = &recordReader{cfg: g.cfg, mapping: mapping}
	t := told{g.memory, g.lineage.seen}
	return func(rec *kgo.Record, runs []openlineage.Run, buried bool) {
		t.settled(seen.Place{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset}, runs, buried)
	}
}

// sees takes whom to ask how the pipeline does.
func (g *page) sees(e *engine, s settler) {
	if g == nil {
		return
	}
	g.record.client = e.client
	g.desk = newDesk(g.cfg, g.p, e.client)
	g.flow = seen.NewFlow(func() seen.Reading {
		t := e.metrics.Totals()
		r := seen.Reading{Records: t.Records, Events: t.Events, Buried: t.Buried, Skipped: t.Skipped, Lost: t.Lost, Delays: e.metrics.Delays(),
			InHand: e.metrics.BytesInHand(), Limits: s.limits(), Partitions: partitions(e.watch.Lags()), Holds: holds(s.holds()), Letters: letters(e.metrics)}
		if err := e.watch.Ready(); err != nil {
			r.Trouble = strings.Split(err.Error(), "\n")
		}
		return r
	}, g.p.paces.read())
}

// paces are how often a page's process asks how things are; the zero value is for people, others for tests.
type paces struct{ reading, asking time.Duration }

func (p paces) read() time.Duration { return cmp.Or(p.reading, seen.Step) }

func (p paces) ask() time.Duration { return cmp.Or(p.asking, 5*time.Second) }

// follow lets the flow be read until stop is called.
func (g *page) follow(ctx context.Context) (stop func()) {
	if g == nil {
		return func() {}
	}
	stopFlow, stopDesk, stopMeeting := goes(ctx, g.flow.Run), goes(ctx, g.desk.Run), goes(ctx, g.lineage.run)
	return func() { stopMeeting(); stopDesk(); stopFlow(); g.lineage.close() }
}

// goes lets something run until stop is called, which waits for it.
func goes(ctx context.Context, run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	all.Go(func() { run(ctx) })
	return func() { cancel(); all.Wait() }
}

// maker makes the page when it is known where it listens.
func (g *page) maker() pageMaker {
	if g == nil {
		return nil
	}
	return func(open bool) (*web.Server, error) {
		o := web.Options{Version: g.p.Version, Name: g.what, Open: open, Hosts: g.cfg.Web.Hosts, Log: g.p.Log, Runs: g.memory, Records: g.record, Sources: g.source}
		if g.flow != nil {
			o.Flow = g.flow
		}
		if g.desk != nil {
			o.Letters = g.desk
		}
		o.Lineage = g.lineage.source
		if l := linksOf(g.cfg); l != nil {
			o.Links = l
		}
		if path := g.cfg.Web.TokenFile; path != "" {
			o.Token = web.TokenFile(path)
			if _, err := o.Token(); errors.Is(err, os.ErrNotExist) {
				g.p.Log.Warn("nobody can sign in to the page until the file is there", zap.Error(err))
			} else if err != nil {
				return nil, config.Wrong(err)
			}
		} else if !open {
			g.p.Log.Warn("the page is not offered: telemetry.listen is no loopback address, and web.token_file is not set; /metrics is served")
		}
		return web.New(o)
	}
}

func partitions(all []consumer.Lag) []seen.Partition {
	out := make([]seen.Partition, len(all))
	for i, l := range all {
		out[i] = seen.Partition{Topic: l.Topic, Partition: l.Partition, Lag: l.Records, Retained: l.Retained}
	}
	return out
}

func holds(all []outage.Hold) []seen.Hold {
	out := make([]seen.Hold, len(all))
	for i, h := range all {
		out[i] = seen.Hold(h)
	}
	return out
}

// letters are the dead letters as they were counted last; nil: they are not counted.
func letters(m *telemetry.Metrics) []seen.Letters {
	all, known := m.Depths()
	if !known {
		return nil
	}
	return lettersOf(all)
}

func lettersOf(all []telemetry.Depth) []seen.Letters {
	out := []seen.Letters{}
	for _, d := range all {
		one := seen.Letters{Topic: d.Topic, Oldest: d.Oldest}
		for _, c := range d.Causes {
			one.Letters += c.Letters
		}
		out = append(out, one)
	}
	return out
}

// recordReader reads a record of the input again, and says what becomes of it: web.Records.
type recordReader struct {
	cfg     *config.Config
	client  *kgo.Client
	mapping func() Mapping // now
}

// Read reads and maps a record.
func (r *recordReader) Read(ctx context.Context, at seen.Place) (m web.Mapped, err error) {
	if !inputs(r.cfg)(at.Topic) {
		return m, web.ErrNoInput
	}
	topic, err := dlq.Open(ctx, r.client, at.Topic, dlq.Config{MaxMessageBytes: r.cfg.Input.MaxMessageBytes})
	if errors.Is(err, dlq.ErrNoTopic) {
		return m, web.ErrGone
	}
	if err != nil {
		return m, explain(r.cfg)(err)
	}
	rec, err := topic.Record(ctx, dlq.Position{Partition: at.Partition, Offset: at.Offset})
	if err != nil {
		return m, explain(r.cfg)(err)
	}
	if rec == nil || rec.Offset != at.Offset {
		return m, web.ErrGone
	}
	return r.mapped(rec)
}

// mapped maps as the pipeline does; a panic is our bug, and no more than this answer's end.
func (r *recordReader) mapped(rec *kgo.Record) (m web.Mapped, err error) {
	defer fault.Recover(&err)
	mapping := r.mapping()
	msg, err := mapping.Decode(rec.Value)
	if err != nil {
		return m, fmt.Errorf("%w: %w", web.ErrUnmapped, err)
	}
	if mapping.Filter != nil {
		mapping.Filter.Choose(msg, rec)
	}
	in := pipeline.InputOf(rec)
	m.Received = in.Received
	if msg.Shape != gx.ShapeEvent {
		if m.Origins, err = mapping.Explain(msg, in); err != nil {
			return m, fmt.Errorf("%w: %w", web.ErrUnmapped, err)
		}
	}
	if m.Runs, err = mapping.Map(msg, in); err != nil {
		return m, fmt.Errorf("%w: %w", web.ErrUnmapped, err)
	}
	m.Runs = briefed(m.Runs)
	return m, nil
}

// marquezPage are the pages of Marquez' own web application: web.Links.
type marquezPage struct{ at string }

// linksOf are the backend's own pages; nil: none is known.
func linksOf(cfg *config.Config) *marquezPage {
	at := cfg.Web.BackendURL
	if at == "off" {
		return nil
	}
	if at == "" {
		for _, t := range cfg.Destinations() {
			u, err := url.Parse(t.URL)
			if t.Type == "http" && err == nil && u.Port() == "5000" && isLoopback(u.Host) && (t.Backend == "auto" || t.Backend == "marquez") {
				at = u.Scheme + "://" + u.Hostname() + ":3000"
			}
		}
	}
	u, err := url.Parse(at)
	if at == "" || err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil
	}
	return &marquezPage{strings.TrimRight(addressOf(at), "/")}
}

// Job is a job's page.
func (p *marquezPage) Job(namespace, name string) string { return p.node("job", namespace, name) }

// Dataset is a dataset's page.
func (p *marquezPage) Dataset(namespace, name string) string {
	return p.node("dataset", namespace, name)
}

func (p *marquezPage) node(kind, namespace, name string) string {
	if name == "" {
		return ""
	}
	return p.at + "/lineage/" + kind + "/" + url.PathEscape(namespace) + "/" + url.PathEscape(name)
}
