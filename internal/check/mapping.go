package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Mapper maps messages as the pipeline does.
type Mapper interface {
	// Preview is what becomes of a record before a destination is asked: its runs and how many of its results are left out, or the code and reason of its
	// dead letter.
	Preview(rec *kgo.Record) (runs []openlineage.Run, left int, code, reason string)

	// Decode reads a message that Preview has read.
	Decode(value []byte) (*gx.Message, error)
}

// mostNames is how many names a line tells.
const mostNames = 200

// tally is what became of the messages that were tried. Three checks tell of it: whichever comes first reads.
type tally struct {
	once sync.Once
	err  error // reading ended before its time

	read, mapped int
	left         int                         // results that the filter leaves out
	faults       map[string]*faults          // by code
	unnamed      map[string]*unnamed         // by datasource
	datasets     map[openlineage.Dataset]int // how many results name it
}

// faults are the messages of one code.
type faults struct {
	n     int
	first string // place and reason of the first
}

// unnamed is a datasource that no entry names.
type unnamed struct {
	results int
	files   bool // its results speak of files
}

// try maps the last messages of the input, once.
func (p *Plan) try(ctx context.Context) *tally {
	t := &p.tally
	t.once.Do(func() {
		t.faults, t.unnamed, t.datasets = map[string]*faults{}, map[string]*unnamed{}, map[openlineage.Dataset]int{}
		t.err = p.Messages(ctx, func(rec *kgo.Record) { t.take(rec, p.Mapper) })
	})
	return t
}

// take maps one record.
func (t *tally) take(rec *kgo.Record, m Mapper) {
	t.read++
	runs, left, code, reason := m.Preview(rec)
	t.left += left
	unnamed := make(map[string]bool) // parts of the message
	for _, run := range runs {
		for _, d := range run.Datasets {
			t.datasets[openlineage.Dataset{Namespace: strings.Clone(d.Namespace), Name: strings.Clone(d.Name)}]++
		}
		if slices.Contains(run.Warn, "unmapped_datasource") {
			unnamed[run.Part] = true
		}
	}
	if code == "" {
		t.mapped++
	} else {
		f := t.faults[code]
		if f == nil {
			f = &faults{first: fmt.Sprintf("%s[%d] at offset %d: %s", rec.Topic, rec.Partition, rec.Offset, reason)}
			t.faults[code] = f
		}
		f.n++
	}
	if len(unnamed) == 0 && code != "unmapped_dataset" {
		return
	}
	msg, err := m.Decode(rec.Value)
	if err != nil {
		return // Preview has read it, so this cannot be
	}
	defer msg.Release()
	for i := range msg.Validations {
		v := &msg.Validations[i]
		if unnamed[v.Part] || code == "unmapped_dataset" && (v.Part == "" || strings.HasPrefix(reason, v.Part+": ")) {
			t.lacks(v)
		}
	}
}

// lacks notes that nothing names a result's datasource.
func (t *tally) lacks(v *gx.Validation) {
	name := strings.Clone(v.Batch.Datasource) // the message's memory is used again
	u := t.unnamed[name]
	if u == nil {
		u = &unnamed{}
		t.unnamed[name] = u
	}
	u.results++
	u.files = u.files || v.Batch.Spec.Path != ""
}

// mapping tells how many of the messages would become events.
func (p *Plan) mapping(ctx context.Context) []Result {
	t := p.try(ctx)
	const key = "input.topics"
	switch {
	case tooLarge(t.err) && t.read == 0:
		return []Result{{Status: Warn, Key: "input.max_message_bytes", Text: "the last messages lie in a compressed batch that inflates to more than twice input.max_message_bytes: they would become dead letters"}}
	case t.read == 0 && t.err != nil:
		return []Result{{Status: Fail, Key: key, Text: "no message could be read: " + p.Kafka.diagnose(t.err)}}
	case t.read == 0:
		return []Result{{Status: OK, Text: "there is no message yet to try", Hint: "gx-ol publish puts one there, and gx-ol map maps a file"}}
	}
	r := Result{Status: OK, Text: fmt.Sprintf("%d of the last %s would become events", t.mapped, count(t.read, "message"))}
	if t.mapped < t.read {
		r.Status = Warn
		var parts []string
		for _, code := range slices.SortedFunc(maps.Keys(t.faults), func(a, b string) int { return cmp.Or(t.faults[b].n-t.faults[a].n, cmp.Compare(a, b)) }) {
			parts = append(parts, fmt.Sprintf("%d %s", t.faults[code].n, code))
			r.Details = append(r.Details, code+": "+t.faults[code].first)
		}
		r.Text = fmt.Sprintf("%d of the last %s would become events, the others dead letters: %s", t.mapped, count(t.read, "message"), strings.Join(parts, ", "))
		if t.mapped == 0 {
			r.Status, r.Key, r.Hint = Fail, key, "is this the topic of validation results? gx-ol map --explain tells more of a message; input.json_pointer opens envelopes"
		}
	}
	if t.left > 0 {
		r.Text += fmt.Sprintf("; input.filter leaves %s out", count(t.left, "result"))
	}
	switch {
	case r.Status == Fail:
	case tooLarge(t.err):
		r.Text += "; not all could be read: a compressed batch inflates to more than twice input.max_message_bytes, and its messages would become dead letters"
	case t.err != nil:
		r.Text += "; not all could be read: " + p.Kafka.diagnose(t.err)
	}
	return []Result{r}
}

// tooLarge says whether messages could not be read since their batch is too large in memory.
func tooLarge(err error) bool { return errors.Is(err, kgo.ErrMaxDecompress) }

// datasources tells which of them no entry names, and how one would.
func (p *Plan) datasources(ctx context.Context) []Result {
	t := p.try(ctx)
	switch {
	case t.read == 0:
		return []Result{{Status: OK, Text: "there is no message yet that names one"}}
	case len(t.unnamed) == 0:
		return []Result{{Status: OK, Text: "every datasource of these messages is named"}}
	}
	names := slices.Sorted(maps.Keys(t.unnamed))
	r := Result{Status: Warn, Key: "datasources", Text: fmt.Sprintf("no entry of datasources names %s: its datasets would not be those of other tools", strings.Join(quoted(names), ", ")),
		Hint: "add to the configuration, with your host and database in it (or set great_expectations):"}
	if len(names) > 1 {
		r.Text = strings.Replace(r.Text, "its datasets", "their datasets", 1)
	}
	if len(names) > mostNames {
		names = names[:mostNames]
	}
	r.Details = append(r.Details, "datasources:")
	for _, name := range names {
		r.Details = append(r.Details, "  "+entry(name, t.unnamed[name].files))
	}
	return []Result{r}
}

// entry is what names a datasource, in YAML.
func entry(name string, files bool) string {
	key := yamlString(patternOf(name))
	if files {
		return key + `: {namespace: "s3://BUCKET"}`
	}
	return key + `: {namespace: "postgres://HOST:5432", database: DATABASE}`
}

// longestKey is what a key may have: YAML takes 1024 characters on one line, escapes counted.
const longestKey = 100

// patternOf is a pattern that fits a name: itself, unless it holds what means something else in a pattern, or is too long.
func patternOf(name string) string {
	runes, more := []rune(name), ""
	if len(runes) > longestKey {
		runes, more = runes[:longestKey], "*"
	}
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(string(runes)) + more
}

// yamlString is a name in double quotes, as YAML reads it: the name is from a message and may hold anything.
func yamlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f || r >= 0x80 && r <= 0x9f || r == 0x2028 || r == 0x2029 || r == 0xfeff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func quoted(names []string) (out []string) {
	for i, name := range names {
		if i == many {
			return append(out, fmt.Sprintf("and %d more", len(names)-i))
		}
		out = append(out, yamlString(name))
	}
	return out
}

// datasets tells which names would come out.
func (p *Plan) datasets(ctx context.Context) []Result {
	t := p.try(ctx)
	if len(t.datasets) == 0 {
		return []Result{{Status: OK, Text: "no message names a dataset yet"}}
	}
	all := slices.SortedFunc(maps.Keys(t.datasets), func(a, b openlineage.Dataset) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	r := Result{Status: OK, Text: fmt.Sprintf("these messages name %s", count(len(all), "dataset"))}
	for i, d := range all {
		if i == mostNames {
			r.Details = append(r.Details, fmt.Sprintf("and %d more", len(all)-i))
			break
		}
		r.Details = append(r.Details, d.Namespace+" "+d.Name)
	}
	return []Result{r}
}
