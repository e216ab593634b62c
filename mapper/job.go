package mapper

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"text/template"

	"github.com/gx-ol/gx-ol/mapper/naming"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Limits of names that a real Marquez was seen to take, with some room (bytes, and bytes of namespace and name together).
const (
	maxJobBytes     = 1200
	maxDatasetBytes = 2500
	maxNameBytes    = 255
)

// jobFields is what a job.name template sees.
type jobFields struct {
	Checkpoint, Suite, Datasource, Asset, Batch, RunName, Topic string
}

func compileJobName(text string) (*template.Template, error) {
	if text == "" {
		return nil, nil
	}
	t, err := template.New("job.name").Option("missingkey=error").Funcs(naming.Functions).Parse(text)
	if err != nil {
		return nil, err
	}
	return t, t.Execute(new(strings.Builder), jobFields{})
}

// jobRule is a compiled JobRule.
type jobRule struct {
	JobRule
	name *template.Template // nil: the rule names no job
}

func compileJobRules(rules []JobRule) (out []jobRule, err error) {
	var faults []error
	for i, r := range rules {
		name, err := compileJobName(r.Name)
		if err != nil {
			faults = append(faults, fmt.Errorf("job.rules[%d]: name: %w", i, err))
		}
		for _, glob := range []string{r.Suite, r.Datasource, r.DatasourceNamespace, r.Asset, r.Checkpoint, r.Topic} {
			if _, err := path.Match(glob, ""); err != nil {
				faults = append(faults, fmt.Errorf("job.rules[%d]: %q is not a pattern: %w", i, glob, err))
			}
		}
		out = append(out, jobRule{r, name})
	}
	return out, errors.Join(faults...)
}

func (r *jobRule) fits(f jobFields, src *naming.Source) bool {
	for _, c := range [...]struct{ glob, text string }{
		{r.Suite, f.Suite}, {r.Datasource, f.Datasource}, {r.Asset, f.Asset}, {r.Checkpoint, f.Checkpoint}, {r.Topic, f.Topic},
		{r.DatasourceNamespace, src.Namespace()},
	} {
		if ok, err := path.Match(c.glob, c.text); c.glob != "" && (err != nil || !ok) {
			return false
		}
	}
	return true
}

func (m *Mapper) jobFields(v *gx.Validation, in Input, src *naming.Source) jobFields {
	batch := ""
	if m.jobName != nil || m.jobText != nil || len(m.jobRules) > 0 { // else nobody reads it
		batch = batchText(v, m.settings.BatchValues)
	}
	return jobFields{Checkpoint: v.Checkpoint, Suite: v.Suite, Datasource: src.Datasource, Asset: src.Asset,
		RunName: v.RunName, Topic: in.Topic, Batch: batch}
}

// SourceOf is the datasource and the asset of a validation result, as its job's name has them.
func (m *Mapper) SourceOf(v *gx.Validation) (datasource, asset string) {
	src := m.entries.Resolve(&v.Batch)
	return src.Datasource, src.Asset
}

// nameJob names the job: by header, else by the first rule that fits, else by the setting, else
// <suite>.<datasource>.<asset> of what is known.
func (m *Mapper) nameJob(v *gx.Validation, in Input, src *naming.Source) (job openlineage.Job, warn []string) {
	f := m.jobFields(v, in, src)
	ruled, name := "", m.jobName
	for i := range m.jobRules {
		if r := &m.jobRules[i]; r.fits(f, src) {
			ruled = r.Namespace
			if r.name != nil {
				name = r.name
			}
			break
		}
	}
	job.Namespace = firstOf(in.JobNamespace, ruled, m.settings.JobNamespace, "default")
	job.Name = strings.TrimSpace(in.JobName)
	if job.Name == "" && name != nil {
		var b strings.Builder
		// The template ran once on an empty value in New: what fails here can only be empty.
		if name.Execute(&b, f) == nil {
			job.Name = strings.TrimSpace(b.String())
		}
	}
	if job.Name == "" {
		job.Name = joinParts(v.Suite, src.Datasource, src.Asset)
	}
	if job.Name == "" {
		job.Name = "great_expectations"
		warn = append(warn, "unnamed_job")
	}
	var changed, cut bool
	job.Namespace, changed = safeName(job.Namespace, 512)
	job.Name, cut = safeName(job.Name, maxJobBytes-len(job.Namespace))
	if changed || cut {
		warn = append(warn, "name_changed")
	}
	return job, warn
}

// describeJob is what is told of the job: the setting, else the suite's notes; "" where neither says a word.
func (m *Mapper) describeJob(v *gx.Validation, in Input, src *naming.Source) string {
	if m.jobText != nil {
		var b strings.Builder
		if m.jobText.Execute(&b, m.jobFields(v, in, src)) == nil && strings.TrimSpace(b.String()) != "" {
			return b.String()
		}
	}
	if strings.TrimSpace(v.SuiteNotes) == "" {
		return ""
	}
	return v.SuiteNotes
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if s := strings.TrimSpace(t); s != "" {
			return s
		}
	}
	return ""
}

// joinParts joins the non-empty parts with dots.
func joinParts(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, ".")
}

// batchText is the batch as templates see it. Batch identifiers hold row values, so only date parts show unless opted in.
func batchText(v *gx.Validation, values string) string {
	return joinIdentifiers(v.Batch.Identifiers, values == "all")
}
