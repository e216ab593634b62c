package app

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/lineage"
	"github.com/gx-ol/gx-ol/internal/lineage/marquez"
	"github.com/gx-ol/gx-ol/internal/web"
	destination "github.com/gx-ol/gx-ol/producer/http"
)

// pageLineage is where the page's lineage comes from: what gx-ol ask asks too, and where there is nothing that can be asked, what this process has seen.
type pageLineage struct {
	cfg  *config.Config
	p    Process
	seen *seenLineage

	mu      sync.Mutex     // guards all below, and is held while a topic is read: nobody reads it twice at once
	kept    lineage.Source // a Marquez for good; what was read of a topic for readFor
	keptAt  time.Time
	closing func()
	mute    bool // the backend answers no questions: it is no Marquez
}

func newPageLineage(cfg *config.Config, p Process) *pageLineage {
	l := &pageLineage{cfg: cfg, p: p, seen: newSeenLineage()}
	if !cfg.Disabled && !l.has("http") && (l.has("kafka") || l.has("file")) {
		l.seen.end() // the topic or the file is read instead
	}
	return l
}

func (l *pageLineage) has(kind string) bool {
	return slices.ContainsFunc(l.cfg.Destinations(), func(t *config.Transport) bool { return t.Type == kind })
}

var _ web.Lineage = (*pageLineage)(nil).source

// readFor is how long what was read of a topic or a file counts as of now: to read it again takes seconds.
const readFor = time.Minute

// meetAgain is how long after no answer the backend is asked again whether it is one that answers.
const meetAgain = 15 * time.Second

// source gives what to ask.
func (l *pageLineage) source(ctx context.Context) (lineage.Source, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, forGood := l.kept.(*marquez.Source)
	if l.kept != nil && (forGood || time.Since(l.keptAt) < readFor) {
		return l.kept, nil
	}
	if l.mute || l.cfg.Disabled {
		return l.seen.source(ctx)
	}
	if l.has("http") {
		if err := l.meet(ctx); err != nil {
			return nil, err
		}
		if l.mute {
			return l.seen.source(ctx)
		}
	}
	src, closing, err := NewLineageSource(ctx, l.cfg, l.p, LineageOptions{})
	if errors.Is(err, ErrNoLineage) {
		return l.seen.source(ctx)
	}
	if err != nil {
		return nil, explain(l.cfg)(err)
	}
	l.close()
	l.kept, l.keptAt, l.closing = src, time.Now(), closing
	return src, nil
}

// meet asks the backend whether it answers questions. Of one that does, what this process sees need not be remembered. The caller holds mu.
func (l *pageLineage) meet(ctx context.Context) error {
	answers, err := l.answers(ctx)
	if err != nil {
		return err
	}
	if l.mute = !answers; answers {
		l.seen.end()
	}
	return nil
}

// run meets the backend before anybody looks: until then events are remembered for nothing where it answers. It ends when the backend is known, or with ctx.
func (l *pageLineage) run(ctx context.Context) {
	if l.cfg.Disabled || !l.has("http") {
		return
	}
	again := time.NewTicker(meetAgain)
	defer again.Stop()
	for {
		l.mu.Lock()
		err := l.meet(ctx)
		l.mu.Unlock()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// answers says whether the backend answers questions as a Marquez does: others take events, and know no search.
func (l *pageLineage) answers(ctx context.Context) (bool, error) {
	backends, err := NewBackends(l.cfg, l.p)
	if err != nil {
		return false, err
	}
	defer backends.Close()
	all := backends.Backends()
	if len(all) == 0 || slices.Contains([]string{destination.DataHub, destination.Generic}, all[0].Backend()) {
		return false, nil
	}
	status, _, err := all[0].Get(ctx, []string{"search"}, url.Values{"q": {"a"}, "limit": {"1"}}, 1<<20)
	return err == nil && status != http.StatusNotFound && status != http.StatusMethodNotAllowed, err
}

// close frees what was kept. The caller holds mu, or nobody asks any more.
func (l *pageLineage) close() {
	if l.closing != nil {
		l.closing()
	}
	l.kept, l.closing = nil, nil
}
