package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// The stages of the journey, as dead letters name them.
const (
	stageDecode  = "decode"
	stageMap     = "map"
	stageDeliver = "deliver"
)

// item is a record on its journey. Only one goroutine at a time has it; while several destinations are delivered to,
// each has its leg.
type item struct {
	rec      *kgo.Record
	key      string // records of one key settle in order
	prepared bool   // decoded, mapped and checked, or found bad
	runs     []openlineage.Run
	bad      *fault.Error       // the message's fault, or a bug: to be buried
	stage    string             // where bad was found
	part     string             // which validation results were refused
	legs     []leg              // one a destination
	lanes    map[string][]*item // all that is in hand of its partition, by key; read only
	settled  bool
}

// leg is an item's journey to one destination.
type leg struct {
	done  bool                // its events were delivered, or refused
	bad   *fault.Error        // the destination's verdict on the message
	part  string              // which validation results it refused
	close []openlineage.Event // terminal events without facets, for runs whose own was refused after START was taken
	tries tries
}

// tries counts a record's failed attempts at one destination.
type tries struct {
	attempts  int       // all of them
	first     time.Time // the first failed attempt
	witnessed int       // those since whose predecessor another record succeeded
	from      time.Time // the first witnessed failure
	seen      uint64    // successes at the destination when the last attempt failed
}

// attempts is how often the item was tried at all, and when that first failed; zero if it never did.
func (it *item) attempts() (n int, first time.Time) {
	for _, l := range it.legs {
		n = max(n, l.tries.attempts)
		if at := l.tries.first; !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return n, first
}

func (p *Pipeline) newItem(rec *kgo.Record) *item {
	return &item{rec: rec, key: string(rec.Key), legs: make([]leg, len(p.outlets))}
}

// prepare decodes, maps and checks a record: everything that can be found wrong before the first event is sent. It
// reports false only when ctx ended.
func (p *Pipeline) prepare(ctx context.Context, it *item) bool {
	if it.prepared {
		return true
	}
	p.decode(it)
	if it.bad == nil && !p.check(ctx, it) {
		return false
	}
	it.prepared = true
	return true
}

// decode fills in the item's runs, or what is wrong with its record.
func (p *Pipeline) decode(it *item) {
	if it.bad != nil || it.runs != nil {
		return
	}
	rec := it.rec
	if size := recordBytes(rec); size > p.MaxMessageBytes {
		it.stage = stageDecode
		it.bad = fault.MessageError(fault.Oversize, "oversize",
			"the record has %d bytes, more than input.max_message_bytes (%d)", size, p.MaxMessageBytes)
		return
	}
	it.stage, it.bad = p.decodeAndMap(it)
	if rec.Key == nil && len(it.runs) > 0 && len(it.runs[0].Events) > 0 {
		it.key = it.runs[0].Events[0].Key
	}
	for _, run := range it.runs {
		for _, code := range run.Warn {
			p.Observer.Warned(code)
		}
	}
}

// check asks the destinations that can tell, before the first event is sent to any, whether they would refuse one.
func (p *Pipeline) check(ctx context.Context, it *item) bool {
	for _, o := range p.outlets {
		if o.checker == nil {
			continue
		}
		for i := range it.runs {
			run := &it.runs[i]
			for _, ev := range run.Events {
				bad, err := o.attempt(ctx, it, run, func() error { return o.checker.Check(ctx, ev) }, false)
				if err != nil {
					return false
				}
				if bad != nil {
					it.bad, it.part = p.named(o, bad), run.Part
					return true
				}
			}
		}
	}
	return true
}

// decodeAndMap fills in the item's runs. A panic is our bug, and this record's end, not the process's.
func (p *Pipeline) decodeAndMap(it *item) (stage string, bad *fault.Error) {
	stage = stageDecode
	defer func() {
		if r := recover(); r != nil {
			it.runs = nil
			bad = panicked(r)
		}
	}()
	if it.rec.Value == nil {
		return stage, fault.MessageError(fault.Poison, "tombstone", "the record is a tombstone: it has no value")
	}
	msg, err := p.Decode(it.rec.Value)
	if err != nil {
		return stage, blame(err)
	}
	stage = stageMap
	it.runs, err = p.Mapper.Map(msg, InputOf(it.rec))
	if err != nil {
		it.runs = nil
		return stage, blame(err)
	}
	return stageDeliver, nil
}

// panicked is a panic as a fault. The panic's own text may quote the message; its type and the stack name only code.
func panicked(r any) *fault.Error {
	return &fault.Error{Kind: fault.Bug, Disposition: fault.BugFound, Code: "panic",
		Err: fmt.Errorf("panic (%T) at %s", r, debug.Stack())}
}

// blame makes what Decode and Map return the message's fault.
func blame(err error) *fault.Error {
	var decode *gx.DecodeError
	var mapping *mapper.Error
	switch {
	case errors.As(err, &decode):
		return &fault.Error{Kind: fault.Message, Disposition: fault.Poison, Code: decode.Code, Err: err}
	case errors.As(err, &mapping):
		d := fault.Poison
		if mapping.Code == "oversize" {
			d = fault.Oversize
		}
		return &fault.Error{Kind: fault.Message, Disposition: d, Code: mapping.Code, Err: err}
	default:
		return fault.Of(err)
	}
}

// InputOf is what Map is told of the record: a replayed one counts as received when it was first.
func InputOf(rec *kgo.Record) mapper.Input {
	in := mapper.Input{Received: deadletter.OriginOf(rec).Timestamp, Topic: rec.Topic}
	for _, h := range rec.Headers {
		switch h.Key {
		case "openlineage-job-namespace":
			in.JobNamespace = string(h.Value)
		case "openlineage-job-name":
			in.JobName = string(h.Value)
		case "openlineage-parent-id":
			in.Parent.ID = string(h.Value)
		case "openlineage-parent-run-id":
			in.Parent.RunID = string(h.Value)
		case "openlineage-parent-job-namespace":
			in.Parent.Namespace = string(h.Value)
		case "openlineage-parent-job-name":
			in.Parent.Name = string(h.Value)
		case "openlineage-root-parent-id":
			in.Root.ID = string(h.Value)
		case "openlineage-root-parent-run-id":
			in.Root.RunID = string(h.Value)
		case "openlineage-root-parent-job-namespace":
			in.Root.Namespace = string(h.Value)
		case "openlineage-root-parent-job-name":
			in.Root.Name = string(h.Value)
		}
	}
	return in
}

// recordBytes is the size of key, value and headers.
func recordBytes(rec *kgo.Record) int {
	n := len(rec.Key) + len(rec.Value)
	for _, h := range rec.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}
