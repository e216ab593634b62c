package mapper

import (
	"cmp"
	"strings"

	"github.com/gx-ol/gx-ol/mapper/naming"
	"github.com/gx-ol/gx-ol/schemas/gx"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// dataset is what was validated, or a table that a query reads, in names that every backend can take.
type dataset struct {
	namespace, name       string
	sourceName, sourceURI string              // dataSource facet; "" none
	known                 bool                // where it lies is known
	second                openlineage.Dataset // datasource and asset, where they are another name of it
	warn                  []string
	none                  bool   // no datasource or asset at all: no input
	file                  string // the file that was validated, where the dataset is all files of an asset
}

// nameDataset names what was validated. The error's code is unmapped_dataset.
func (m *Mapper) nameDataset(w *view, src *naming.Source, part string) (dataset, *Error) {
	named, known := src.Dataset(m.settings.FileDatasets == "asset")
	var warn []string
	switch {
	case known && named.Relative:
		warn = append(warn, "relative_path")
	case !known && src.Datasource == "" && src.Asset == "":
		return dataset{none: true}, nil
	case !known && m.settings.Unmapped == "error":
		return dataset{}, &Error{Code: "unmapped_dataset", Part: part, Reason: "the dataset is not known: no entry of datasources names it"}
	case !known:
		warn = append(warn, "unmapped_datasource")
		named = naming.Dataset{Namespace: "great_expectations://" + cmp.Or(src.Datasource, "default"),
			Name: cmp.Or(src.Asset, src.Datasource)}
		if table := cmp.Or(src.Spec.Table, src.Spec.ReaderTable); src.Asset == "" && table != "" && !src.Spec.HasQuery { // a query's table is temporary
			named.Name = table
		}
	}
	d, changed := m.safeDataset(w, named, src.Datasource)
	if d.warn = warn; changed {
		d.warn = append(d.warn, "name_changed")
	}
	d.file = named.File
	d.known = known && src.Datasource != "" && src.Asset != ""
	return d, nil
}

// nameSymlink gives the dataset its GX name as a second one.
func (m *Mapper) nameSymlink(d *dataset, b *gx.Batch) {
	if !d.known || b.Datasource == "" || b.Asset == "" {
		return
	}
	namespace, _ := safeNamespace("great_expectations://" + b.Datasource)
	name, _ := safeName(b.Asset, maxDatasetBytes-len(namespace))
	if namespace != d.namespace || name != d.name {
		d.second = openlineage.Dataset{Namespace: namespace, Name: name}
	}
}

// safeDataset makes a dataset's names ones that a backend can take; true says that they were changed.
func (m *Mapper) safeDataset(w *view, named naming.Dataset, datasource string) (d dataset, changed bool) {
	namespace, a := safeNamespace(named.Namespace)
	name := named.Name
	if m.settings.EscapeHash {
		name = strings.ReplaceAll(name, "#", "%23")
	}
	name, b := safeName(name, maxDatasetBytes-len(namespace))
	d.namespace, d.name = namespace, name
	if datasource != "" {
		d.sourceName, _ = safeName(datasource, maxNameBytes)
		if d.sourceURI = w.uri(named.Namespace); len(d.sourceURI) > maxDatasetBytes {
			d.sourceURI = ""
		}
	}
	return d, a || b
}
