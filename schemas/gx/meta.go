package gx

import "strings"

// places are members of meta that are read when all of it is known.
type places struct {
	spec, kwargs, identifiers span
	source, asset             string // of 0.7 – 0.10
}

// meta reads what a validation result says about its run and its batch.
func (s *scanner) meta(val *Validation) {
	var at places
	s.object(func(key []byte) { s.metaMember(val, &at, key) })
	s.batch(val, &at)
}

func (s *scanner) metaMember(val *Validation, at *places, key []byte) {
	switch string(key) {
	case "great_expectations_version", "great_expectations.__version__":
		if v := s.name(); v != "" {
			val.GXVersion = strings.TrimPrefix(v, "v")
		}
	case "expectation_suite_name":
		val.Suite = s.name()
	case "checkpoint_name":
		val.Checkpoint = s.name()
	case "validation_id":
		val.ValidationID = s.text()
	case "checkpoint_id":
		val.CheckpointID = s.text()
	case "notes":
		val.SuiteNotes = s.notes()
	case "run_id":
		runID(s, val)
	case "validation_time":
		val.ValidationTime = s.time()
	case "batch_markers":
		s.object(func(k []byte) {
			if string(k) == "ge_load_time" {
				val.LoadTime = s.time()
			} else {
				s.skip()
			}
		})
	case "active_batch_definition":
		at.identifiers = s.batchDefinition(&val.Batch)
	case "batch_spec":
		at.spec = s.objectHere()
	case "batch_kwargs":
		at.kwargs = s.objectHere()
	case "data_asset_name":
		at.source, at.asset = s.legacyAsset()
	default:
		s.skip()
	}
}

// batch reads what meta tells of the batch.
func (s *scanner) batch(val *Validation, at *places) {
	keys := s.mem.keys
	if at.identifiers.end != 0 {
		val.Batch.Identifiers = s.at(at.identifiers).canonical(maxIdentifiers)
	}
	if at.spec.end != 0 {
		s.at(at.spec).batchSpec(&val.Batch, false)
	}
	if at.kwargs.end != 0 {
		if val.Batch.Identifiers == nil {
			val.Batch.Identifiers = s.at(at.kwargs).canonical(maxIdentifiers)
		}
		if told := val.Batch.Spec; at.spec.end == 0 || told == (BatchSpec{Present: true}) { // absent, or without a word of the data's place
			s.at(at.kwargs).batchSpec(&val.Batch, true)
		}
	}
	s.keepIdentifiers(keys)
	first(&val.Batch.Datasource, at.source)
	first(&val.Batch.Asset, at.asset)
}

// objectHere consumes a value and gives its place if it is an object.
func (s *scanner) objectHere() span {
	c := s.next()
	p := s.here()
	if c != '{' {
		return span{}
	}
	return p
}

// notes reads a text, an array of texts, or {format, content}.
func (s *scanner) notes() string {
	switch s.next() {
	case '[':
		return strings.Join(s.strings(), "\n")
	case '{':
		content := ""
		s.object(func(k []byte) {
			if string(k) == "content" && s.next() != '{' {
				content = s.notes()
			} else {
				s.skip()
			}
		})
		return content
	}
	return s.text()
}

// runID reads {run_name, run_time}, or the text of 0.10 and before.
func runID(s *scanner, val *Validation) {
	if s.next() == '"' {
		val.RunName = s.text()
		val.RunTime = parseTime([]byte(val.RunName))
		return
	}
	s.object(func(k []byte) {
		switch string(k) {
		case "run_name":
			val.RunName = s.text()
		case "run_time":
			val.RunTime = s.time()
		default:
			s.skip()
		}
	})
}

func (s *scanner) batchDefinition(b *Batch) (identifiers span) {
	s.object(func(k []byte) {
		switch string(k) {
		case "datasource_name":
			b.Datasource = s.name()
		case "data_connector_name":
			b.DataConnector = s.name()
		case "data_asset_name":
			b.Asset = s.name()
		case "batch_identifiers":
			identifiers = s.objectHere()
		default:
			s.skip()
		}
	})
	return identifiers
}

// legacyAsset reads meta.data_asset_name of 0.7 – 0.10: a name, or {datasource, generator, generator_asset}.
func (s *scanner) legacyAsset() (source, asset string) {
	if s.next() == '"' {
		return "", s.text()
	}
	s.object(func(k []byte) {
		switch string(k) {
		case "datasource":
			source = s.text()
		case "generator_asset":
			asset = s.text()
		default:
			s.skip()
		}
	})
	return source, asset
}
