package app

import (
	"context"
	"maps"
	"os"
	"reflect"
	"slices"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/pipeline"
)

// Reload is how the mapping is replaced while the pipeline runs.
type Reload struct {
	Asked <-chan os.Signal               // each asks for it
	Load  func() (*config.Config, error) // reads the configuration again, as it was read at the start
}

// live is the mapping in use. A record is prepared by one mapping and settles with what that made of it; the next one may be prepared by another.
type live struct {
	now    atomic.Pointer[pipeline.Rules]
	mapped atomic.Pointer[Mapping] // the same, for whoever explains it

	// Of the goroutine that reloads alone.
	cfg           *config.Config // what is in use
	mapping       Mapping
	maxEventBytes int
}

func newLive(cfg *config.Config, m Mapping, maxEventBytes int) *live {
	l := &live{maxEventBytes: maxEventBytes}
	l.use(cfg, m)
	return l
}

func (l *live) rules() pipeline.Rules { return *l.now.Load() }

// mapper is the mapping in use. It may be asked for by many goroutines.
func (l *live) mapper() Mapping { return *l.mapped.Load() }

func (l *live) use(cfg *config.Config, m Mapping) {
	rules := m.rules()
	l.cfg, l.mapping = cfg, m
	l.now.Store(&rules)
	l.mapped.Store(&m)
}

// reloads replaces the mapping whenever that is asked for, until stop is called.
func (e *engine) reloads(ctx context.Context) (stop func()) {
	if e.p.Reload == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-e.p.Reload.Asked:
				e.reload()
			}
		}
	}()
	return func() { cancel(); <-done }
}

// reload takes the whole mapping or nothing: what is wrong anywhere in the configuration leaves everything as it was.
func (e *engine) reload() {
	changed, kept, err := e.replaceMapping()
	e.metrics.Reloaded(err == nil)
	if err != nil {
		e.p.Log.Error("the configuration was not reloaded: everything stays as it was", zap.Error(err))
		return
	}
	e.p.Log.Info("the configuration was reloaded: records are mapped by it from now on, those in hand settle as they are", zap.Strings("changed", changed))
	if len(kept) > 0 {
		e.p.Log.Warn("these keys cannot be reloaded and stay as they were: restart to change them", zap.Strings("keys", kept))
	}
}

// replaceMapping reads the configuration and takes its mapping. changed and kept are keys, as Config.Reload gives them.
func (e *engine) replaceMapping() (changed, kept []string, err error) {
	next, err := e.p.Reload.Load()
	if err != nil {
		return nil, nil, err
	}
	cfg, changed, kept := e.live.cfg.Reload(next)
	warnings := slices.Clone(next.Warnings)
	m, err := NewMapping(cfg, e.p, e.live.maxEventBytes, func(warning string) { warnings = append(warnings, warning) })
	if err != nil {
		return nil, nil, err
	}
	for _, w := range warnings {
		e.p.Log.Warn(w)
	}
	before := e.live.mapping.datasources
	e.live.use(cfg, m)
	all := maps.Clone(before)
	maps.Copy(all, m.datasources)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if key := "datasources." + name; cfg.GreatExpectations != "" && !slices.Contains(changed, key) && !reflect.DeepEqual(before[name], m.datasources[name]) {
			changed = append(changed, key+" (great_expectations)")
		}
	}
	return changed, kept, nil
}
