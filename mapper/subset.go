package mapper

import (
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// maxDimensions bounds what a subset tells: it is never trimmed.
const maxDimensions = 32

// subset says which part of the dataset was validated: the partition that the batch identifiers name, else the file of an
// asset that stands for all of its files.
func (m *Mapper) subset(e *openlineage.Encoder, w *view, file string) {
	parts := w.batch.parts[:min(len(w.batch.parts), maxDimensions)]
	if len(parts) == 0 && file == "" {
		return
	}
	e.Facet("subset", m.producer, "https://openlineage.io/spec/facets/1-0-0/BaseSubsetDatasetFacet.json#/$defs/InputSubsetInputDatasetFacet")
	e.Key("inputCondition")
	e.Open('{')
	if len(parts) > 0 {
		e.Member("type", "partition")
		e.Key("partitions")
		e.Open('[')
		e.Open('{')
		e.Key("dimensions")
		e.Open('{')
		for _, p := range parts {
			e.Key(bound(p.name, maxNameBytes))
			e.String(bound(p.value, maxNameBytes))
		}
		e.Close('}')
		e.Close('}')
		e.Close(']')
	} else {
		e.Member("type", "location")
		e.Key("locations")
		e.Open('[')
		e.String(file)
		e.Close(']')
	}
	e.Close('}')
	e.Close('}')
}
