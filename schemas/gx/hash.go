package gx

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"maps"
	"math"
	"slices"
	"time"
)

// factHash writes each fact with its length before it, so that no two lists of facts can run together. It gathers them:
// a hash takes few long texts sooner than many short ones.
type factHash struct {
	h   hash.Hash
	buf []byte
}

func newFactHash() *factHash { return &factHash{sha256.New(), make([]byte, 0, 4<<10)} }

func (f *factHash) length(n int) {
	if len(f.buf) > 3<<10 {
		f.flush()
	}
	f.buf = binary.BigEndian.AppendUint64(f.buf, uint64(n))
}

func (f *factHash) flush() {
	f.h.Write(f.buf)
	f.buf = f.buf[:0]
}

func (f *factHash) sum() (sum [sha256.Size]byte) {
	f.flush()
	f.h.Sum(sum[:0])
	return sum
}

func (f *factHash) bytes(b []byte) {
	f.length(len(b))
	f.buf = append(f.buf, b...)
}

func (f *factHash) texts(all ...string) {
	for _, t := range all {
		f.length(len(t))
		f.buf = append(f.buf, t...)
	}
}

func (f *factHash) int(n int64) {
	f.length(8)
	f.buf = binary.BigEndian.AppendUint64(f.buf, uint64(n))
}

func (f *factHash) count(n *int64) {
	if n == nil {
		f.bytes(nil)
		return
	}
	f.int(*n)
}

func (f *factHash) flags(all ...bool) {
	f.length(len(all))
	for _, v := range all {
		one := byte(0)
		if v {
			one = 1
		}
		f.buf = append(f.buf, one)
	}
}

func (f *factHash) maybe(v *bool) { f.flags(v != nil, v != nil && *v) }

func (f *factHash) time(t time.Time) {
	if t.IsZero() {
		f.bytes(nil)
		return
	}
	f.int(t.UnixMicro())
}

// FactsHash is the SHA-256 over the decoded facts in canonical order; it is part of the identity where run time and
// validation id are both absent. It covers the facts that every form of one result has: what only an envelope says (the
// checkpoint, the result's URL, its place in the message) stays out.
func (v *Validation) FactsHash() [sha256.Size]byte {
	f := newFactHash()
	f.texts(v.GXVersion, v.Suite, v.SuiteNotes, v.ValidationID, v.CheckpointID, v.RunName)
	f.maybe(v.Success)
	f.time(v.RunTime)
	f.time(v.ValidationTime)
	f.time(v.LoadTime)
	b, s := &v.Batch, &v.Batch.Spec
	f.texts(b.Datasource, b.DataConnector, b.Asset, b.BatchID, string(b.Identifiers))
	f.texts(s.Type, s.Table, s.Schema, s.Query, s.QueryName, s.Path, s.Connection, s.ReaderMethod, s.ReaderTable, s.ReaderSchema,
		s.Database, s.SplitterMethod, s.SplitterColumn)
	f.flags(s.Present, s.SchemaNull, s.HasQuery, s.InMemory, v.Partial)
	f.int(int64(v.ResultCount))
	f.count(v.Evaluated)
	f.int(int64(len(v.Params)))
	for _, k := range slices.Sorted(maps.Keys(v.Params)) {
		f.texts(k)
		f.bytes(v.Params[k])
	}
	f.int(int64(len(v.Results)))
	for i := range v.Results {
		f.expectation(&v.Results[i])
	}
	return f.sum()
}

func (f *factHash) expectation(e *Expectation) {
	f.texts(e.Type, e.ID, e.Description, e.Notes, e.Severity, e.Column, e.ExceptionClass)
	f.maybe(e.Success)
	f.flags(e.HasColumn, e.RowCondition, e.Raised)
	f.int(int64(len(e.Kwargs)))
	for _, k := range e.Kwargs {
		f.texts(k.Name)
		f.bytes(k.Value)
		f.int(int64(k.Count))
	}
	r := &e.Result
	f.count(r.ElementCount)
	f.count(r.UnexpectedCount)
	f.count(r.MissingCount)
	if r.UnexpectedPercent == nil {
		f.bytes(nil)
	} else {
		f.int(int64(math.Float64bits(*r.UnexpectedPercent)))
	}
	f.bytes(r.Observed)
	f.int(int64(r.ObservedCount))
	f.int(int64(r.ValueCounts))
	f.int(int64(len(r.MismatchMissing)))
	f.texts(r.MismatchMissing...)
	f.int(int64(len(r.MismatchUnexpected)))
	f.texts(r.MismatchUnexpected...)
}
