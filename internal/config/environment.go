package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/nearest"
)

// environment takes GX_OL_* variables.
func (l *loader) environment() {
	for _, f := range l.fields {
		if !scalar(f) {
			continue
		}
		if v, ok := l.getenv(envName(f.path)); ok {
			l.set(f.path, envName(f.path), text{v, true})
		}
	}
	for _, name := range kafkaclient.Names() {
		env := envName("kafka." + name)
		if v, ok := l.getenv(env); ok {
			if err := kafkaclient.CheckValue(name, v); err != nil {
				l.fault(env, "%s: %v", name, err)
				l.broken["kafka"] = true
				continue
			}
			l.property(name, env, v)
		}
	}
	l.unknownVariables()
	l.bind(true)
}

// serviceLink is what Kubernetes puts into the environment of a pod for a service whose name begins with gx-ol.
var serviceLink = regexp.MustCompile(`_SERVICE_(HOST|PORT)(_|$)|_PORT(_\d+_(TCP|UDP|SCTP)(_.*)?)?$`)

// takenFromOpenLineage are the variables of OpenLineage's own clients that have an effect here.
var takenFromOpenLineage = []string{"OPENLINEAGE_URL", "OPENLINEAGE_ENDPOINT", "OPENLINEAGE_API_KEY", "OPENLINEAGE_NAMESPACE", "OPENLINEAGE_PARENT_ID",
	"OPENLINEAGE_ROOT_PARENT_ID", "OPENLINEAGE_DISABLED", "OPENLINEAGE_CONFIG"}

// unknownVariables tells of variables that look like ours and set nothing. A misspelt GX_OL_* is a fault, as a misspelt key of the file is. One that is like no
// key may be somebody's own, and OPENLINEAGE_* is for all of OpenLineage's clients: these are only told.
func (l *loader) unknownVariables() {
	right := []string{"GX_OL_CONFIG"}
	for _, f := range l.fields {
		if scalar(f) {
			right = append(right, envName(f.path))
		}
	}
	for _, name := range kafkaclient.Names() {
		right = append(right, envName("kafka."+name))
	}
	names := slices.Clone(l.names)
	slices.Sort(names)
	for _, name := range names {
		switch {
		case slices.Contains(right, name), slices.Contains(takenFromOpenLineage, name), strings.HasPrefix(name, nestedPrefix):
		case strings.HasPrefix(name, "GX_OL_") && !serviceLink.MatchString(name):
			if meant := didYouMean(name, right); meant != "" {
				l.fault(name, "this variable sets no key of the configuration%s", meant)
				l.broken["*"] = true
			} else {
				l.warn("the variable %s sets no key of the configuration", name)
			}
		case strings.HasPrefix(name, "OPENLINEAGE_"):
			l.warn("the variable %s has no effect on gx-ol%s", name, didYouMean(name, takenFromOpenLineage))
		}
	}
}

func didYouMean(name string, right []string) string {
	// Names share a long beginning: what follows it decides.
	if near := nearest.Name(name, right); near != "" && nearest.Name(afterPrefix(name), []string{afterPrefix(near)}) != "" {
		return ": did you mean " + near + "?"
	}
	return ""
}

func afterPrefix(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "GX_OL_"), "OPENLINEAGE_")
}

// openLineage fills in what the OpenLineage clients' own variables say, where nothing else did.
func (l *loader) openLineage() {
	l.disabled()
	_, typed := l.places["transport.type"]
	_, addressed := l.places["transport.url"]
	if !typed && !addressed || l.cfg.Transport.Type == "http" && l.cfg.Transport.URL == "" {
		l.fill("transport.url", "OPENLINEAGE_URL")
	}
	if !typed || l.cfg.Transport.Type == "http" {
		l.fill("transport.endpoint", "OPENLINEAGE_ENDPOINT")
		l.openLineageKey()
	}
	l.fill("job.namespace", "OPENLINEAGE_NAMESPACE")
	l.fill("parent.id", "OPENLINEAGE_PARENT_ID")
	l.fill("parent.root_id", "OPENLINEAGE_ROOT_PARENT_ID")
}

// disabled takes what OpenLineage's clients and Airflow's provider take for true. A word that says neither is told: whoever wrote it wanted something.
func (l *loader) disabled() {
	v, _ := l.getenv("OPENLINEAGE_DISABLED")
	if v = strings.TrimSpace(v); v == "" {
		return
	}
	off, err := parseBool(v)
	if err != nil {
		l.warn("OPENLINEAGE_DISABLED has no effect: it must be true or false")
	}
	l.cfg.Disabled = l.cfg.Disabled || off
}

func (l *loader) fill(path, env string) {
	if _, set := l.places[path]; set {
		return
	}
	if v, ok := l.getenv(env); ok && v != "" {
		l.set(path, env, text{v, true})
	}
}
