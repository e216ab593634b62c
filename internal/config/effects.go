package config

import "strings"

// checkEffects tells of keys that are right and have no effect beside the others.
func (l *loader) checkEffects() {
	for _, d := range l.destinations() {
		switch {
		case d.Type != "http":
		case d.Batch.Size > 1 && d.Backend == "marquez":
			l.warn("%s.batch has no effect: Marquez has no lineage/batch, and events go one by one", d.path)
		case d.Batch.Size <= 1 && l.either(d.path+".batch.linger", d.path+".batch.endpoint"):
			l.warn("%s.batch has no effect without a size above 1", d.path)
		}
		if d.Type == "http" && !d.Verify {
			l.warn("%s.verify is false: the backend's certificate is not checked, so whoever stands between can read what is sent, and the key", d.path)
		}
		l.checkKind(d)
	}
	if l.cfg.Telemetry.Listen == "off" && l.cfg.Telemetry.Pprof {
		l.warn("telemetry.pprof has no effect: telemetry.listen is off")
	}
}

// checkKind tells of keys for another kind of destination. Those of a destination that --to replaced are not meant.
func (l *loader) checkKind(d destination) {
	if d.Type == "" || d.Type == "composite" || strings.HasPrefix(l.places[d.path+".type"], "--") {
		return
	}
	for _, f := range transportFields() {
		kind, _, ok := strings.Cut(f.doc, ": ")
		key := strings.TrimPrefix(f.path, "transport.")
		place, isSet := l.places[d.path+"."+key]
		if !ok || !isSet || kind == d.Type || kind != "http" && kind != "kafka" && kind != "file" || strings.HasPrefix(place, "OPENLINEAGE_") {
			continue
		}
		l.warn("%s: %s.%s has no effect: it is for %s, and %s.type is %s", place, d.path, key, kind, d.path, d.Type)
	}
}

// either says whether one of two keys is set.
func (l *loader) either(a, b string) bool {
	_, one := l.places[a]
	_, other := l.places[b]
	return one || other
}
