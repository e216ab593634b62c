package pipeline

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/outage"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// preparer makes events of records: all that settling at least once and exactly once have alike.
type preparer struct{ Config }

// prepared is a record with its events, or with what is wrong with it. While several destinations are delivered to, each has its leg.
type prepared struct {
	rec   *kgo.Record
	runs  []openlineage.Run
	lanes []uint64
	bytes int

	bad   *fault.Error // the message's fault, or a bug: to be buried
	stage string       // where bad was found
	part  string       // which validation results were refused
	left  int          // how many of its results the filter leaves out

	legs []leg // one a destination
	pass passing

	sending *sending     // by which Start has begun, until Settle goes on with it
	turn    Started      // of a record that was started
	flight  atomic.Int32 // grounded, flying, landed or caught

	// Most records have one destination, and few lanes: room that needs no allocation.
	oneLeg   [1]leg
	fewLanes [4]uint64
}

// leg is a record's journey to one destination.
type leg struct {
	at    outage.Holder
	while context.Context //nolint:containedctx // see Turn.While
	owner outage.Owner    // the record's Turn
	begun bool            // an attempt was made
	bad   *fault.Error    // what the destination said of the message
	part  string          // which validation results it refused
}

// refuse notes that the destination refused a run, and how.
func (l *leg) refuse(f *fault.Error, part string) {
	if l.bad == nil {
		l.bad, l.part = f, part
		return
	}
	l.part += "," + part
}

func holder(rec *kgo.Record) outage.Holder {
	return outage.Holder{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset}
}

// begin makes the legs.
func (r *prepared) begin(p *Pipeline, turn Turn) {
	r.legs = r.oneLeg[:]
	if len(p.outlets) != 1 {
		r.legs = make([]leg, len(p.outlets))
	}
	for i := range r.legs {
		r.legs[i].at, r.legs[i].while, r.legs[i].owner = holder(r.rec), turn.While(), turn
	}
	r.pass.unsent.Store(int32(p.senders))
}

// Lanes are hashes of the record's key and of the datasets that its events name.
func (r *prepared) Lanes() []uint64 { return r.lanes }

// Bytes is the size of its events.
func (r *prepared) Bytes() int { return r.bytes }

// prepare decodes and maps a record: everything that can be found wrong without asking a destination.
func (p *preparer) prepare(rec *kgo.Record) *prepared {
	r := &prepared{rec: rec}
	rules := p.Rules()
	if rules.Filter != nil && !rules.Filter.Takes(rec) {
		r.left = 1
	} else if size := deadletter.SizeOf(rec); size > p.MaxMessageBytes {
		r.stage = deadletter.StageDecode
		r.bad = fault.MessageError(fault.Oversize, deadletter.CodeOversize,
			"the record has %d bytes, more than input.max_message_bytes (%d)", size, p.MaxMessageBytes)
	} else if err := p.decodeAndMap(r, rules); err != nil {
		r.bad = blame(err)
	}
	r.stand()
	return r
}

// Preview is what becomes of a record before any destination is asked: its runs and how many of its results are left out, or why it would be buried.
func Preview(cfg Config, rec *kgo.Record) (runs []openlineage.Run, left int, bad *fault.Error) {
	p := preparer{cfg.withDefaults()}
	r := p.prepare(rec)
	return r.runs, r.left, r.bad
}

// unread is a record that was not read, since its compressed batch inflates to more than is read. more is how many further records of
// the batch it stands for.
func (p *preparer) unread(rec *kgo.Record, more int64) *prepared {
	text := "its compressed batch inflates to more than is read (twice input.max_message_bytes)"
	if more > 0 {
		text += fmt.Sprintf("; this letter stands for it and the %d offsets behind it", more)
	}
	r := &prepared{rec: rec, stage: deadletter.StageDecode,
		bad: fault.MessageError(fault.Oversize, deadletter.CodeOversizeBatch, "the record was not read: %s", text)}
	r.stand()
	return r
}

// decodeAndMap fills in the runs. A panic is our bug, and this record's end, not the process's.
func (p *preparer) decodeAndMap(r *prepared, rules Rules) (err error) {
	defer fault.Recover(&err)
	r.stage = deadletter.StageDecode
	if r.rec.Value == nil {
		return fault.MessageError(fault.Poison, deadletter.CodeTombstone, "the record is a tombstone: it has no value")
	}
	msg, err := rules.Decode(r.rec.Value)
	if err != nil {
		return err
	}
	r.stage = deadletter.StageMap
	if rules.Filter != nil {
		if r.left = rules.Filter.Choose(msg, r.rec); r.left > 0 && msg.Empty() {
			msg.Release()
			return nil
		}
	}
	runs, err := rules.Mapper.Map(msg, InputOf(r.rec))
	msg.Release() // what was made of it holds texts of it at most
	if err != nil {
		return err
	}
	r.stage, r.runs = deadletter.StageDeliver, runs
	return nil
}

// noEvents reports whether there is nothing to deliver: a checkpoint that validated nothing is only counted.
func noEvents(runs []openlineage.Run) bool {
	return len(runs) == 0 || len(runs) == 1 && len(runs[0].Events) == 0
}

// seed makes the hashes of one process comparable.
var seed = maphash.MakeSeed()

// stand finds the lanes in which the record stands, and what it holds in memory.
func (r *prepared) stand() {
	lanes := r.fewLanes[:0]
	if r.rec.Key != nil {
		lanes = append(lanes, maphash.Bytes(seed, r.rec.Key))
	}
	for i := range r.runs {
		run := &r.runs[i]
		if r.rec.Key == nil && len(run.Events) > 0 { // of an array of events, each has its own
			lanes = append(lanes, maphash.String(seed, run.Events[0].Key))
		}
		for _, d := range run.Datasets {
			lanes = append(lanes, 31*maphash.String(seed, d.Namespace)+maphash.String(seed, d.Name))
		}
		for j := range run.Events {
			r.bytes += len(run.Events[j].Body)
		}
	}
	slices.Sort(lanes)
	r.lanes = slices.Compact(lanes)
}

// warn counts what was left out, and what was changed or not known.
func (p *preparer) warn(r *prepared) {
	if r.left > 0 {
		p.Observer.Filtered(r.rec.Topic, r.left)
	}
	for i := range r.runs {
		for _, code := range r.runs[i].Warn {
			p.Observer.Warned(code, &r.runs[i])
		}
	}
}

// blame makes what Decode and Map return the message's fault.
func blame(err error) *fault.Error {
	var decode *gx.DecodeError
	var mapping *mapper.Error
	switch {
	case errors.As(err, &decode):
		d := fault.Poison
		if decode.Code == deadletter.CodeOversize {
			d = fault.Oversize
		}
		return &fault.Error{Kind: fault.Message, Disposition: d, Code: decode.Code, Err: err}
	case errors.As(err, &mapping):
		d := fault.Poison
		if mapping.Code == deadletter.CodeOversize {
			d = fault.Oversize
		}
		return &fault.Error{Kind: fault.Message, Disposition: d, Code: mapping.Code, Err: err}
	default:
		return fault.Of(err)
	}
}

// HeaderReceived is when a result was made, RFC 3339: whoever publishes old results says it there, since brokers delete records with old times or refuse them.
const HeaderReceived = "gx-ol.received"

// longestTime bounds what is read as a time: RFC 3339 needs half of it.
const longestTime = 64

// receivedAt is when a record was made, by what it says of itself. A header that holds no time that can be is passed over: anybody may write it, and the record
// has a time of its own, by which it has the same run id at each delivery.
func receivedAt(rec *kgo.Record) time.Time {
	for _, h := range rec.Headers {
		if h.Key != HeaderReceived || len(h.Value) > longestTime {
			continue
		}
		if at, err := time.Parse(time.RFC3339, string(h.Value)); err == nil && canBe(at, time.Now()) {
			return at
		}
	}
	return deadletter.OriginOf(rec).Timestamp
}

// canBe says whether a record can have been received then: clocks differ by hours at most.
func canBe(at, now time.Time) bool { return mapper.Likely(at) && at.Sub(now) <= 24*time.Hour }

// InputOf is what Map is told of the record: a replayed one counts as received when it was first. Where its timestamp cannot be, the clock
// stands in: only a result that has no time of its own then has another run id with each delivery.
func InputOf(rec *kgo.Record) mapper.Input {
	in := mapper.Input{Received: receivedAt(rec), Topic: rec.Topic}
	if now := time.Now(); !canBe(in.Received, now) {
		in.Received, in.NoTime = now, true // written in another unit, or none: 0, -1
	}
	for _, h := range rec.Headers {
		switch h.Key {
		case "openlineage-job-namespace":
			in.JobNamespace = string(h.Value)
		case "openlineage-job-name":
			in.JobName = string(h.Value)
		case "openlineage-context":
			in.Context = string(h.Value)
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
