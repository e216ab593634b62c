package gx

// Key is the Kafka key that keeps one dataset's results in order: <datasource>.<asset> of the first validation result,
// or what of it is known. It is empty if neither is, and for OpenLineage events.
func (m *Message) Key() string {
	if len(m.Validations) == 0 {
		return ""
	}
	b := m.Validations[0].Batch
	switch {
	case b.Datasource == "":
		return b.Asset
	case b.Asset == "":
		return b.Datasource
	}
	return b.Datasource + "." + b.Asset
}
