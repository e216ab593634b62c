package main

import (
	"fmt"
	"slices"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/gxproject"
	"github.com/gx-ol/gx-ol/mapper/naming"
)

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
