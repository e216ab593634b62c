package main

import (
	"fmt"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/gxproject"
	"github.com/gx-ol/gx-ol/mapper"
)

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
