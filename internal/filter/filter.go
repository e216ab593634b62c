// Package filter chooses which validation results are taken. What it leaves out is settled without an event and without a dead letter.
package filter

import (
	"fmt"
	"path"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/schemas/gx"
)

// Settings are lists of rules. A result is taken if a rule of Include fits it, or there is none, and no rule of Exclude does.
type Settings struct{ Include, Exclude []Rule }

// Rule fits a result if all that it says does. Texts are globs, as path.Match reads them; an empty one says nothing.
type Rule struct {
	Suite, Datasource, Asset, Checkpoint, Topic string
	Header                                      map[string]string // name → glob that one of the record's headers of that name fits
	Success                                     *bool             // nil: either
}

// ofRecord says whether the rule asks for nothing of a result: then it is known before the message is read.
func (r *Rule) ofRecord() bool {
	return r.Suite == "" && r.Datasource == "" && r.Asset == "" && r.Checkpoint == "" && r.Success == nil
}

// Filter chooses by its settings, for many goroutines at once. The zero value and nil take everything.
type Filter struct {
	settings Settings
	source   func(*gx.Validation) (datasource, asset string)
}

// New gives nil for settings without a rule. source tells the datasource and asset of a result as the mapping knows them. The error names a glob that is none.
func New(s Settings, source func(*gx.Validation) (datasource, asset string)) (*Filter, error) {
	for _, r := range slices.Concat(s.Include, s.Exclude) {
		globs := []string{r.Suite, r.Datasource, r.Asset, r.Checkpoint, r.Topic}
		for _, glob := range r.Header {
			globs = append(globs, glob)
		}
		for _, glob := range globs {
			if _, err := path.Match(glob, ""); err != nil {
				return nil, fmt.Errorf("input.filter: %q is not a pattern: %w", glob, err)
			}
		}
	}
	if len(s.Include) == 0 && len(s.Exclude) == 0 {
		return nil, nil
	}
	return &Filter{s, source}, nil
}

// Takes says whether anything of the record can be taken, by its topic and headers alone: what is left out by these need not even be a result.
func (f *Filter) Takes(rec *kgo.Record) bool {
	if f == nil {
		return true
	}
	if slices.ContainsFunc(f.settings.Exclude, func(r Rule) bool { return r.ofRecord() && r.fitsRecord(rec) }) {
		return false
	}
	return len(f.settings.Include) == 0 || slices.ContainsFunc(f.settings.Include, func(r Rule) bool { return r.fitsRecord(rec) })
}

// Choose takes the results out of the record's message that are left out, each by itself, and gives their number. OpenLineage events are no results: rules that
// ask for a part of one do not fit them.
func (f *Filter) Choose(msg *gx.Message, rec *kgo.Record) (left int) {
	if f == nil {
		return 0
	}
	include := fitting(f.settings.Include, rec)
	exclude := fitting(f.settings.Exclude, rec)
	if msg.Shape == gx.ShapeEvent {
		if len(f.settings.Include) == 0 || slices.ContainsFunc(include, func(r *Rule) bool { return r.ofRecord() }) {
			return 0
		}
		left = len(msg.Events)
		msg.Events = nil
		return left
	}
	before := len(msg.Validations)
	msg.Validations = slices.DeleteFunc(msg.Validations, func(v gx.Validation) bool {
		datasource, asset := f.source(&v)
		fits := func(r *Rule) bool { return r.fitsResult(&v, datasource, asset) }
		return len(f.settings.Include) > 0 && !slices.ContainsFunc(include, fits) || slices.ContainsFunc(exclude, fits)
	})
	if left = before - len(msg.Validations); left > 0 {
		msg.Shape = gx.ShapeArray // what is left is no whole checkpoint, and claims no run of it
	}
	return left
}

// fitting are the rules whose part about the record fits it.
func fitting(rules []Rule, rec *kgo.Record) (out []*Rule) {
	for i := range rules {
		if rules[i].fitsRecord(rec) {
			out = append(out, &rules[i])
		}
	}
	return out
}

func (r *Rule) fitsRecord(rec *kgo.Record) bool {
	for name, glob := range r.Header {
		if !slices.ContainsFunc(rec.Headers, func(h kgo.RecordHeader) bool { return h.Key == name && fits(glob, string(h.Value)) }) {
			return false
		}
	}
	return r.Topic == "" || fits(r.Topic, rec.Topic)
}

func (r *Rule) fitsResult(v *gx.Validation, datasource, asset string) bool {
	for _, c := range [...]struct{ glob, text string }{{r.Suite, v.Suite}, {r.Datasource, datasource}, {r.Asset, asset}, {r.Checkpoint, v.Checkpoint}} {
		if c.glob != "" && !fits(c.glob, c.text) {
			return false
		}
	}
	if r.Success == nil {
		return true
	}
	passed, known := succeeded(v)
	return known && passed == *r.Success
}

// succeeded is what the result says of itself; a list of expectation results that says nothing has passed if all of them have.
func succeeded(v *gx.Validation) (passed, known bool) {
	if v.Success != nil {
		return *v.Success, true
	}
	failed := slices.ContainsFunc(v.Results, func(e gx.Expectation) bool { return e.Raised || e.Success != nil && !*e.Success })
	return !failed, len(v.Results) > 0
}

func fits(glob, text string) bool {
	ok, err := path.Match(glob, text)
	return ok && err == nil
}
