package openlineage

// Facet opens a facet with its _producer and _schemaURL; the caller closes it.
func (e *Encoder) Facet(name, producer, schemaURL string) {
	e.Key(name)
	e.Open('{')
	e.Member("_producer", producer)
	e.Member("_schemaURL", schemaURL)
}

// Ready is the beginning of a facet that is the same in every event, as JSON.
type Ready string

// NewReady makes what Facet writes.
func NewReady(name, producer, schemaURL string) Ready {
	var e Encoder
	e.Facet(name, producer, schemaURL)
	return Ready(e.buf)
}

// Begin opens a facet as Facet does.
func (e *Encoder) Begin(facet Ready) {
	e.next()
	e.buf = append(e.buf, facet...)
}

// Members are members of an object that are the same in many events, as JSON.
type Members string

// Taken gives what was written since the last Reset, and forgets it.
func (e *Encoder) Taken() Members {
	m := Members(e.buf)
	e.Reset(0)
	return m
}

// Members writes them.
func (e *Encoder) Members(m Members) {
	if m != "" {
		e.next()
		e.buf = append(e.buf, m...)
	}
}
