package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/store"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

// file is a file of a store that was read.
type file struct {
	store.Object
	sum    digest // of its bytes
	docs   []doc  // those to be published
	bad    []error
	broken bool      // a document is no whole JSON: the file may still be written
	run    time.Time // of its first document
}

// doc is one result of a file.
type doc struct {
	rec   *kgo.Record
	sum   digest // without the blanks around it: a file of one line may get more
	suite string
	run   time.Time
}

// bytes are what the records of a file take, about.
func (f *file) bytes() (n int) {
	for _, d := range f.docs {
		n += len(d.rec.Value) + len(d.rec.Key)
	}
	return n
}

// settled is the file's stamp if it can be relied on, else empty.
func (f *file) settled() string {
	if f.Young {
		return ""
	}
	return f.Stamp
}

// read reads a file and makes records of its documents. An error is one of the store.
func (p *Publisher) read(ctx context.Context, it item) (*file, error) {
	f := &file{Object: it.Object}
	value, err := p.Store.Read(ctx, it.Path, p.MaxBytes)
	switch {
	case errors.Is(err, store.ErrTooLarge), errors.Is(err, store.ErrLocked):
		f.bad = []error{err}
		return f, nil
	case err != nil:
		return nil, err
	}
	f.sum = sha256.Sum256(value)
	for _, part := range p.Split(value) {
		f.take(p, part, it.named)
	}
	return f, nil
}

// take makes a record of a document of the file. named is the run's time by the folder that the file lies in.
func (f *file) take(p *Publisher, part Part, named time.Time) {
	rec, of, err := p.Form.record(part.Value)
	if err != nil {
		if part.Line > 0 {
			err = fmt.Errorf("line %d: %w", part.Line, err)
		}
		if e, ok := errors.AsType[*gx.DecodeError](err); ok && (e.Code == "invalid_json" || e.Code == "empty_value") {
			f.broken = true
		}
		f.bad = append(f.bad, err)
		return
	}
	run := firstOf(named, of.run, f.Modified)
	received(rec, firstOf(of.clock, named, f.Modified))
	if f.run.IsZero() {
		f.run = run
	}
	f.docs = append(f.docs, doc{rec: rec, sum: sha256.Sum256(bytes.TrimSpace(part.Value)), suite: of.suite, run: run})
}

// firstOf is the first time that is one.
func firstOf(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// suffixes are those of files that may hold results.
var suffixes = []string{".json", ".ndjson", ".jsonl"}

// other says whether a file is none that holds a result, by its name: .ge_store_backend_id, index.json, the HTML of data docs, what an editor leaves.
func other(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return true
		}
	}
	base := strings.ToLower(path.Base(name))
	if base == "index.json" {
		return true
	}
	for _, s := range suffixes {
		if strings.HasSuffix(base, s) {
			return false
		}
	}
	return true
}

// runFolder is how Great Expectations names the folder of a run: <suite>/<run name>/20260102T030405.000006Z/<batch>.json.
var runFolder = regexp.MustCompile(`^\d{8}T\d{6}(?:\.\d{1,9})?Z$`)

// namedTime is the run's time by the folder that the file lies in; zero where that is not Great Expectations' own layout.
func namedTime(name string) time.Time {
	folder := path.Base(path.Dir(name))
	if !runFolder.MatchString(folder) {
		return time.Time{}
	}
	at, err := time.Parse("20060102T150405Z", folder) // takes a fraction too
	if err != nil {
		return time.Time{}
	}
	return at
}

// digest is a SHA-256.
type digest = [sha256.Size]byte

// fingerprint tells a file's content or its stamp apart from all others, in 16 bytes: a ledger may have millions.
type fingerprint [16]byte

func printOf(kind, name string, of []byte) (p fingerprint) {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(kind), []byte(name), of} {
		h.Write(part)
		h.Write([]byte{0})
	}
	copy(p[:], h.Sum(nil))
	return p
}

func contentOf(name string, sum digest) fingerprint { return printOf("content", name, sum[:]) }

func stampOf(o store.Object) fingerprint { return printOf("stamp", o.Path, []byte(o.Stamp)) }

// Part is one document of a file; Line is its line where there are several, else 0.
type Part struct {
	Line  int
	Value []byte
}
