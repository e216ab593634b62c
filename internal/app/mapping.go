package app

import (
	"fmt"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/gxproject"
	"github.com/gx-ol/gx-ol/mapper"
	"github.com/gx-ol/gx-ol/schemas/gx"
)

// Mapping is how messages become events.
type Mapping struct {
	gx.Decoder
	*mapper.Mapper
}

// NewMapping makes what the configuration says about mapping, for events of maxEventBytes at most (0: no limit). warn is told what a Great
// Expectations project does not tell.
func NewMapping(cfg *config.Config, p Process, maxEventBytes int, warn func(string)) (Mapping, error) {
	datasources, err := datasourceTable(cfg, p.Getenv, warn)
	if err != nil {
		return Mapping{}, err
	}
	m, err := mapper.New(mapperSettings(cfg, datasources, maxEventBytes, p.Version))
	if err != nil {
		return Mapping{}, err
	}
	decoder, err := gx.NewDecoder(cfg.Input.JSONPointer)
	return Mapping{decoder, m}, err
}

// mapperSettings are the configuration's choices about the mapping.
func mapperSettings(cfg *config.Config, datasources map[string]mapper.Datasource, maxEventBytes int, version string) mapper.Settings {
	s := mapper.Settings{
		JobNamespace: cfg.Job.Namespace, JobName: cfg.Job.Name, JobDescription: cfg.Job.Description,
		Datasources: datasources,
		FailedRun:   cfg.FailedRun, Lifecycle: cfg.Lifecycle, AssertionsIn: cfg.AssertionsIn, TestFacet: cfg.TestFacet, Unmapped: cfg.Unmapped,
		FileDatasets: cfg.FileDatasets, QueryAssertions: cfg.QueryAssertions, BatchValues: cfg.BatchValues, Compat: cfg.Compat, RowValues: mapper.RowValues(cfg.RowValues),
		MaxEventBytes: maxEventBytes, Version: version,
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
func datasourceTable(cfg *config.Config, getenv func(string) (string, bool), warn func(string)) (map[string]mapper.Datasource, error) {
	byHand := make(map[string]mapper.Datasource, len(cfg.Datasources))
	for name, d := range cfg.Datasources {
		byHand[name] = mapper.Datasource{Namespace: d.Namespace, Name: d.Name, Database: d.Database, Schema: d.Schema}
	}
	if cfg.GreatExpectations == "" {
		return byHand, nil
	}
	derived, warnings, err := readProject(cfg.GreatExpectations, getenv)
	if err != nil {
		return nil, fmt.Errorf("great_expectations: %w", err)
	}
	for _, w := range warnings {
		warn(w)
	}
	return mapper.MergeDatasources(byHand, derived)
}

// readProject gives what a great_expectations.yml tells, as the mapper takes it.
func readProject(path string, getenv func(string) (string, bool)) (map[string]mapper.Datasource, []string, error) {
	project, err := gxproject.Read(path, gxproject.Options{Getenv: getenv, DropCredentials: mapper.DropCredentials,
		Connect: func(url string) (namespace, database, schema string, ok bool) {
			ds, ok := mapper.NameConnection(url)
			return ds.Namespace, ds.Database, ds.Schema, ok
		}})
	if err != nil {
		return nil, nil, err
	}
	derived := make(map[string]mapper.Datasource, len(project.Datasources))
	for name, d := range project.Datasources {
		assets := make(map[string]mapper.Asset, len(d.Assets))
		for asset, a := range d.Assets {
			assets[asset] = mapper.Asset(a)
		}
		derived[name] = mapper.Datasource{Exact: true, Namespace: d.Namespace, Database: d.Database, Schema: d.Schema, Assets: assets}
	}
	return derived, project.Warnings, nil
}
