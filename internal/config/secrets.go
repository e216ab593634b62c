package config

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/internal/yamlfault"
)

// openLineageKey takes OPENLINEAGE_API_KEY where no other key is, for the host that OPENLINEAGE_URL names. Without OPENLINEAGE_URL it belongs to the
// host that the file and GX_OL_* name, and without that to the only one there is.
func (l *loader) openLineageKey() {
	key, ok := l.getenv("OPENLINEAGE_API_KEY")
	if !ok || key == "" || l.places["transport.auth.apiKey"] != "" {
		return
	}
	with, source := l.configured, "the configuration"
	if own, _ := l.getenv("OPENLINEAGE_URL"); own != "" {
		with, source = own, "OPENLINEAGE_URL"
	}
	if with != "" && !sameHost(with, l.cfg.Transport.URL) {
		if l.cfg.Transport.URL != "" {
			l.warn("OPENLINEAGE_API_KEY is not sent to the host that %s names: it was configured with that of %s", l.place("transport.url"), source)
		}
		return
	}
	l.fill("transport.auth.apiKey", "OPENLINEAGE_API_KEY")
}

// keyLike is what a key of ours or of others looks like. A secret that YAML took for a key often does not.
var keyLike = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`)

// secretSections are the mappings in which a wrong key may be a secret in the wrong place.
var secretSections = regexp.MustCompile(`^(kafka|transport(\.transports\.[^.]+)?\.(auth|config|properties|custom_headers|headers))\.`)

// mayShow says whether a fault may show a key that is not right: one that YAML made of a secret ({secret}, sasl.password:secret, *secret) must not be.
func mayShow(path string, key, value *yaml.Node) bool {
	return keyLike.MatchString(key.Value) && key.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 &&
		!secretSections.MatchString(path) && value != nil && !isNull(value)
}

// plainProperty is what names of Kafka properties look like.
var plainProperty = regexp.MustCompile(`^[a-z]{1,16}([._-][a-z]{1,16}){0,5}$`)

// mayShowProperty says the same of a Kafka property that is not right: what begins like one with a secret value may hold the secret.
func (l *loader) mayShowProperty(key, value *yaml.Node) bool {
	if isNull(value) || strings.ContainsAny(key.Value, "@/:= ") {
		return false
	}
	if _, near := kafkaclient.Meant(key.Value); near {
		return true
	}
	return plainProperty.MatchString(key.Value) && !strings.HasPrefix(key.Value, "sasl") && !strings.HasPrefix(key.Value, "ssl")
}

// rightName says whether a name is one that the configuration or Kafka has: it can be shown wherever it stands.
func (l *loader) rightName(name string) bool {
	if kafkaclient.CheckName(name) == nil {
		return true
	}
	for path := range l.known {
		if strings.HasPrefix(path, name+".") || strings.HasSuffix(path, "."+name) || path == name || strings.Contains(path, "."+name+".") {
			return true
		}
	}
	return false
}

// shownName is a free name of the operator's own, such as a datasource's, unless it looks like a connection string.
func shownName(name string) string {
	if strings.ContainsAny(name, "@/;=") || len(name) > 64 {
		return fmt.Sprintf("(%d characters)", len(name))
	}
	return name
}

// syntax tells the parser's fault with its place and without the text of the file that it may quote: the name of an anchor may be a secret.
func (l *loader) syntax(data []byte, err error) {
	l.broken["*"] = true
	line, column, message := yamlfault.Of(data, err)
	l.fault(fmt.Sprintf("%s:%d:%d", l.name, line, column), "not valid YAML: %s", message)
}
