package app

import (
	"context"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/gx-ol/gx-ol/internal/outage"
	"github.com/gx-ol/gx-ol/internal/telemetry"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// summaryEvery is how often the log says what happened.
const summaryEvery = time.Minute

// mostNames bounds how many unmapped datasources are told by name: names come from messages.
const mostNames = 100

// summary observes the pipeline: it counts for the metrics, and tells the log in a few lines what happened. A record that goes well
// costs it nothing but the counting.
type summary struct {
	*telemetry.Metrics
	log   *zap.Logger
	holds func() []outage.Hold
	lag   func() (records int64, known bool)

	mu       sync.Mutex // guards all below
	buried   map[string]*burial
	unmapped map[string]bool
}

// burial is what a code buried since it was last told.
type burial struct {
	first deadletter.Letter
	more  int // beside the first, which is in the log
}

func newSummary(m *telemetry.Metrics, log *zap.Logger) *summary {
	return &summary{Metrics: m, log: log, holds: func() []outage.Hold { return nil }, lag: func() (int64, bool) { return 0, false },
		buried: make(map[string]*burial), unmapped: make(map[string]bool)}
}

// Buried counts a letter, and tells the first of a code and a minute.
func (s *summary) Buried(l deadletter.Letter) {
	s.Metrics.Buried(l.Disposition, l.Code)
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.buried[l.Code]; b != nil {
		b.more++
		return
	}
	s.buried[l.Code] = &burial{first: l}
	s.log.Log(levelOf(l), "record buried: it lies in the dead letters", zap.String("code", l.Code), zap.String("disposition", l.Disposition),
		zap.String("topic", l.Topic), zap.Int32("partition", l.Partition), zap.Int64("offset", l.Offset), zap.String("error", l.Error))
}

// levelOf makes our own mistakes louder than those of messages.
func levelOf(l deadletter.Letter) zapcore.Level {
	if l.Disposition == deadletter.DispositionBug {
		return zapcore.ErrorLevel
	}
	return zapcore.WarnLevel
}

// Warned counts a result, and names a datasource that no entry names, once.
func (s *summary) Warned(code string, run *openlineage.Run) {
	s.Metrics.Warned(code)
	if code != "unmapped_datasource" {
		return
	}
	for _, d := range run.Datasets {
		if name, ok := strings.CutPrefix(d.Namespace, "great_expectations://"); ok {
			s.nameUnmapped(name)
		}
	}
}

func (s *summary) nameUnmapped(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unmapped[name] || len(s.unmapped) > mostNames {
		return
	}
	s.unmapped[name] = true
	if len(s.unmapped) > mostNames {
		s.log.Warn("more datasources have no entry; they are not told by name any more")
		return
	}
	s.log.Warn("no entry of datasources names this datasource: its datasets get names of their own, which join with nobody else's", zap.String("datasource", name))
}

// follow tells every minute in which something happened, until stop is called, which tells the rest.
func (s *summary) follow(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(summaryEvery)
		defer tick.Stop()
		var before telemetry.Totals
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
			before = s.tell(before)
		}
	}()
	return func() { cancel(); <-done }
}

// tell says what happened since before, and returns the counts of now.
func (s *summary) tell(before telemetry.Totals) telemetry.Totals {
	s.tellBuried()
	now, held := s.Totals(), heldPartitions(s.holds())
	if now == before && held == 0 {
		return now
	}
	fields := []zap.Field{zap.Int64("records", now.Records-before.Records), zap.Int64("events", now.Events-before.Events),
		zap.Int64("buried", now.Buried-before.Buried), zap.Int("held", held)}
	if n := now.Skipped - before.Skipped; n > 0 {
		fields = append(fields, zap.Int64("skipped", n))
	}
	if n := now.Filtered - before.Filtered; n > 0 {
		fields = append(fields, zap.Int64("filtered", n))
	}
	if n := now.Lost - before.Lost; n > 0 {
		fields = append(fields, zap.Int64("lost", n))
	}
	if lag, known := s.lag(); known {
		fields = append(fields, zap.Int64("lag", lag))
	}
	s.log.Info("the last minute", fields...)
	return now
}

// tellBuried tells of each code how much was buried beside the first, and begins anew.
func (s *summary) tellBuried() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for code, b := range s.buried {
		if b.more > 0 {
			s.log.Log(levelOf(b.first), "more records buried in the last minute", zap.String("code", code), zap.Int("records", b.more),
				zap.String("topic", b.first.Topic), zap.Int32("partition", b.first.Partition), zap.Int64("first_offset", b.first.Offset))
		}
	}
	clear(s.buried)
}

// heldPartitions is how many partitions are among holds.
func heldPartitions(holds []outage.Hold) int {
	type place struct {
		topic     string
		partition int32
	}
	all := make(map[place]bool)
	for _, h := range holds {
		all[place{h.Topic, h.Partition}] = true
	}
	return len(all)
}
