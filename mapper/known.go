package mapper

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/gx-ol/gx-ol/mapper/naming"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// known is what a view remembers of other messages: a topic's results come from the same datasets and suites day after
// day. Each answer follows from its question and the settings alone, so that remembering one changes none.
type known struct {
	places  memo[[3]string, *location]
	jobs    memo[[3]string, namedJob]
	uris    memo[string, string]
	batches memo[string, batch]
}

// memo holds answers. A full one begins anew: that is seldom, and needs no order.
type memo[K comparable, V any] map[K]V

// Bounds of what a view remembers: how many answers of a kind, and how many bytes a question may have.
const (
	maxKnown    = 1024
	maxQuestion = 1 << 10
)

func (m *memo[K, V]) put(k K, v V) {
	if *m == nil || len(*m) >= maxKnown {
		*m = make(memo[K, V])
	}
	(*m)[k] = v
}

// location is where a batch's data lies: the batch, as far as naming asks, and the answer.
type location struct {
	batchID string
	spec    gx.BatchSpec
	src     *naming.Source
	dataset dataset
}

// locate finds out where the data lies. A location with a path, a connection or a query is not remembered: these may be others in each message.
func (m *Mapper) locate(w *view, v *gx.Validation) (*location, *Error) {
	b := &v.Batch
	id := "" // nobody reads it where datasource and asset are told, and it may be another in each message
	if b.Datasource == "" || b.Asset == "" {
		id = b.BatchID
	}
	key := [3]string{b.Datasource, b.Asset, b.Spec.Table}
	if q := w.known.places[key]; q != nil && q.batchID == id && q.spec == b.Spec {
		return q, nil
	}
	p := &location{batchID: id, spec: b.Spec}
	p.src = m.entries.Resolve(b)
	var fault *Error
	if p.dataset, fault = m.nameDataset(w, p.src, v.Part); fault != nil {
		return nil, fault
	}
	m.nameSymlink(&p.dataset, b)
	s := &b.Spec
	size := len(b.Datasource) + len(b.Asset) + len(p.batchID) + len(s.Type) + len(s.Table) + len(s.Schema) + len(s.QueryName) + len(s.ReaderMethod) +
		len(s.ReaderTable) + len(s.ReaderSchema) + len(s.Database) + len(s.SplitterMethod) + len(s.SplitterColumn)
	if size <= maxQuestion && s.Path == "" && s.Connection == "" && !s.HasQuery && s.Query == "" {
		w.known.places.put(key, p)
	}
	return p, nil
}

// namedJob is a job's name, the Kafka key of its runs, and what was changed or not known.
type namedJob struct {
	openlineage.Job
	key  string
	warn []string
}

// job names the job, and remembers the name that follows from suite, datasource and asset alone.
func (m *Mapper) job(w *view, v *gx.Validation, in Input, src *naming.Source) namedJob {
	key := [3]string{v.Suite, src.Datasource, src.Asset}
	plain := m.jobName == nil && len(m.jobRules) == 0 && in.JobName == "" && in.JobNamespace == ""
	if plain {
		if j, ok := w.known.jobs[key]; ok {
			return j
		}
	}
	var j namedJob
	j.Job, j.warn = m.nameJob(v, in, src)
	j.key, j.warn = openlineage.RunKey(openlineage.Job{}, openlineage.Job{}, j.Job), slices.Clip(j.warn)
	if plain && len(key[0])+len(key[1])+len(key[2]) <= maxQuestion {
		w.known.jobs.put(key, j)
	}
	return j
}

// uri is naming.URI.
func (w *view) uri(namespace string) string {
	uri, ok := w.known.uris[namespace]
	if !ok {
		if uri = naming.URI(namespace); len(namespace) <= maxQuestion {
			w.known.uris.put(strings.Clone(namespace), uri)
		}
	}
	return uri
}

// batchOf is the parts of the batch identifiers.
func (w *view) batchOf(identifiers json.RawMessage, all bool) batch {
	if len(identifiers) <= len("{}") {
		return batch{}
	}
	if all || len(identifiers) > maxQuestion { // they differ from message to message
		return newBatch(identifiers, all)
	}
	b, ok := w.known.batches[string(identifiers)]
	if !ok {
		b = newBatch(identifiers, false)
		w.known.batches.put(string(identifiers), b)
	}
	return b
}
