package app

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/filter"
	"github.com/gx-ol/gx-ol/internal/gxproject"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/mapper/naming"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Mapping is how messages become events, and which results of theirs are taken.
type Mapping struct {
	gx.Decoder
	*mapper.Mapper
	Filter *filter.Filter // nil: every result is taken

	datasources map[string]naming.Datasource // of the configuration and the project
}

// rules are the mapping, as the pipeline takes it.
func (m Mapping) rules() pipeline.Rules {
	r := pipeline.Rules{Decode: m.Decode, Mapper: m}
	if m.Filter != nil {
		r.Filter = m.Filter
	}
	return r
}

// NewMapping makes what the configuration says about mapping, for events of maxEventBytes at most (0: no limit). warn is told what a Great
// Expectations project does not tell.
func NewMapping(cfg *config.Config, p Process, maxEventBytes int, warn func(string)) (Mapping, error) {
	datasources, err := datasourceTable(cfg, p.Getenv, warn)
	if err != nil {
		return Mapping{}, config.Wrong(err)
	}
	m, err := mapper.New(mapperSettings(cfg, datasources, maxEventBytes, p))
	if err != nil {
		return Mapping{}, config.Wrong(err)
	}
	decoder, err := gx.NewDecoder(cfg.Input.JSONPointer)
	if err != nil {
		return Mapping{}, config.Wrong(err)
	}
	chosen, err := filter.New(filterSettings(cfg.Input.Filter), m.SourceOf)
	return Mapping{decoder, m, chosen, datasources}, config.Wrong(err)
}

// Preview is what becomes of a record before a destination is asked: its runs and how many of its results are left out, or the code and the reason of its dead letter.
func (m Mapping) Preview(cfg *config.Config, rec *kgo.Record) (runs []openlineage.Run, left int, code, reason string) {
	runs, left, bad := pipeline.Preview(PipelineConfig(cfg, m, Process{}), rec)
	if bad != nil {
		return nil, left, bad.Code, bad.Error()
	}
	return runs, left, "", ""
}

// filterSettings are the configuration's choices about which results are taken.
func filterSettings(f config.Filter) filter.Settings {
	var s filter.Settings
	for _, r := range f.Include {
		s.Include = append(s.Include, filter.Rule(r))
	}
	for _, r := range f.Exclude {
		s.Exclude = append(s.Exclude, filter.Rule(r))
	}
	return s
}

// mapperSettings are the configuration's choices about the mapping.
func mapperSettings(cfg *config.Config, datasources map[string]naming.Datasource, maxEventBytes int, p Process) mapper.Settings {
	s := mapper.Settings{
		JobNamespace: cfg.Job.Namespace, JobName: cfg.Job.Name, JobDescription: cfg.Job.Description,
		Datasources: datasources, ProjectFolder: projectFolder(cfg), EscapeHash: mayBeMarquez(&cfg.Transport),
		FailedRun: cfg.FailedRun, Lifecycle: cfg.Lifecycle, AssertionsIn: cfg.AssertionsIn, TestFacet: cfg.TestFacet, SingleResults: cfg.SingleResults, SchemaFacet: cfg.SchemaFacet, Symlinks: cfg.Symlinks, Unmapped: cfg.Unmapped,
		FileDatasets: cfg.FileDatasets, QueryAssertions: cfg.QueryAssertions, BatchValues: cfg.BatchValues, Compat: cfg.Compat, RowValues: mapper.RowValues(cfg.RowValues),
		MaxEventBytes: maxEventBytes, Version: p.Version, Brief: p.brief,
		JobTags: cfg.Job.Tags, JobOwners: cfg.Job.Owners, SourceCode: mapper.SourceCode(cfg.Job.SourceCode), RunTags: cfg.RunTags,
		Parent: mapper.ParentRun{ID: cfg.Parent.ID}, Root: mapper.ParentRun{ID: cfg.Parent.RootID}, CheckpointRun: cfg.Parent.Checkpoint,
	}
	for _, r := range cfg.Job.Rules {
		s.JobRules = append(s.JobRules, mapper.JobRule(r))
	}
	return s
}

// datasourceTable is how the configuration names datasources. What a Great Expectations project tells is added, and what
// is written by hand wins; warn is told what the project does not tell.
func datasourceTable(cfg *config.Config, getenv func(string) (string, bool), warn func(string)) (map[string]naming.Datasource, error) {
	byHand := make(map[string]naming.Datasource, len(cfg.Datasources))
	for name, d := range cfg.Datasources {
		byHand[name] = naming.Datasource{Namespace: d.Namespace, Name: d.Name, Database: d.Database, Schema: d.Schema}
	}
	if cfg.GreatExpectations == "" {
		return byHand, nil
	}
	project, err := gxproject.Read(cfg.GreatExpectations, gxproject.Options{Getenv: getenv})
	if err != nil {
		return nil, fmt.Errorf("great_expectations: %w", err)
	}
	for _, w := range project.Warnings {
		warn(w)
	}
	return naming.Merge(byHand, project.Datasources)
}

// projectFolder is where relative paths of files begin; "" where no project is configured. One that cannot be read was
// told when its datasources were.
func projectFolder(cfg *config.Config) string {
	if cfg.GreatExpectations == "" {
		return ""
	}
	folder, _ := gxproject.Folder(cfg.GreatExpectations)
	return folder
}

// mayBeMarquez reports whether a destination is a Marquez, or may turn out to be one.
func mayBeMarquez(t *config.Transport) bool {
	if t.Type == "http" && t.URL != "" && (t.Backend == "auto" || t.Backend == "marquez") {
		return true
	}
	return slices.ContainsFunc(t.Transports, mayBeMarquez)
}
