package mapper

import "github.com/gx-ol/gx-ol/schemas/openlineage"

// ready are the beginnings of the facets that nearly every event has, made once: they are a third of a small event.
type ready struct {
	processingEngine, parent, nominalTime, meta, test, errorMessage, runTags openlineage.Ready
	jobType, documentation                                                   openlineage.Ready
	dataSource, symlinks, schema, assertions, metrics, statistics            openlineage.Ready
	referenceMetrics, referenceAssertions                                    openlineage.Ready
	tail                                                                     openlineage.Ready // what every event ends with
}

func newReady(producer string) ready {
	of := func(key, version, name string) openlineage.Ready {
		return openlineage.NewReady(key, producer, facetURL(version, name))
	}
	var tail openlineage.Encoder
	tail.Key("outputs")
	tail.Open('[')
	tail.Close(']')
	tail.Member("producer", producer)
	tail.Member("schemaURL", openlineage.SchemaURL)
	return ready{
		processingEngine:    of("processing_engine", "1-1-1", "ProcessingEngineRunFacet"),
		parent:              of("parent", "1-2-0", "ParentRunFacet"),
		nominalTime:         of("nominalTime", "1-0-1", "NominalTimeRunFacet"),
		meta:                openlineage.NewReady("great_expectations_meta", producer, baseRunFacet),
		test:                of("test", "1-0-1", "TestRunFacet"),
		errorMessage:        of("errorMessage", "1-0-1", "ErrorMessageRunFacet"),
		runTags:             of("tags", "1-0-0", "TagsRunFacet"),
		jobType:             of("jobType", "2-0-4", "JobTypeJobFacet"),
		documentation:       of("documentation", "1-1-0", "DocumentationJobFacet"),
		dataSource:          of("dataSource", "1-0-1", "DatasourceDatasetFacet"),
		symlinks:            of("symlinks", "1-0-1", "SymlinksDatasetFacet"),
		schema:              of("schema", "1-2-0", "SchemaDatasetFacet"),
		assertions:          of("dataQualityAssertions", "1-1-0", "DataQualityAssertionsDatasetFacet"),
		metrics:             of("dataQualityMetrics", "1-0-3", "DataQualityMetricsInputDatasetFacet"),
		statistics:          of("inputStatistics", "1-0-0", "InputStatisticsInputDatasetFacet"),
		referenceMetrics:    of("dataQuality", "1-0-3", "DataQualityMetricsInputDatasetFacet"),
		referenceAssertions: openlineage.NewReady("greatExpectations_assertions", producer, baseInputFacet),
		tail:                openlineage.Ready(tail.Bytes()),
	}
}
