package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gx-ol/gx-ol/internal/kafkaclient"
	"github.com/gx-ol/gx-ol/mapper/naming"
)

// source is where a value was set: a place (file:line:column, --flag, --set KEY, or a variable's name), and the text that stands there, where it
// may hold ${…}.
type source struct{ place, text string }

// Value is the effective value of one key, and where it came from.
type Value struct {
	Key    string `json:"key"`              // its path; a name of the operator's own (of a property, a datasource) is the last part
	Value  string `json:"value"`            // as it may be shown; empty: none
	From   string `json:"from"`             // file:line:column, --flag, --set KEY, a variable, "default", or "derived from KEY"
	Secret bool   `json:"secret,omitempty"` // the value is not shown
}

// transportsOwnName is how an item of a list calls itself: a destination's path tells it already.
var transportsOwnName = regexp.MustCompile(`^transport\..*name$`)

// hiddenValue stands for a value that is not shown.
const hiddenValue = "***"

// fromDefault is where a value came from that nobody set.
const fromDefault = "default"

// effective is every key's value. A key with free names has a value each, and none if it is empty.
func (l *loader) effective() (out []Value) {
	for _, f := range l.fields {
		switch p := f.at(l.cfg).(type) {
		case *map[string]string:
			for _, name := range slices.Sorted(maps.Keys(*p)) {
				secret := f.secret || f.typ == "properties" && kafkaclient.Secret(name)
				out = append(out, l.value(f.path+"."+name, f.path, (*p)[name], secret))
			}
		case *map[string]Datasource:
			out = append(out, l.datasourceValues(*p)...)
		case *[]JobRule:
			for i, r := range *p {
				out = append(out, l.value(fmt.Sprintf("%s[%d]", f.path, i), f.path, ruleText(r), false))
			}
		case *[]FilterRule:
			for i, r := range *p {
				out = append(out, l.value(fmt.Sprintf("%s[%d]", f.path, i), f.path, filterText(r), false))
			}
		case *[]*Transport: // its destinations have keys of their own
		default:
			if shown := singleText(p); shown != "" || !transportsOwnName.MatchString(f.path) {
				out = append(out, l.value(f.path, f.path, shown, f.secret && len(f.enum) == 0)) // a word that is known hides nothing
			}
		}
	}
	return l.derive(out)
}

// value shows one value. set is the key of the table that it belongs to.
func (l *loader) value(key, set, shown string, secret bool) Value {
	v := Value{Key: key, Value: shown, From: fromDefault}
	src, known := l.sources[key]
	place, isSet := l.places[set]
	switch {
	case key != set && known:
		v.From = src.place
	case isSet:
		v.From = place
		if src.place != place {
			src.text = "" // of a value that another one replaced
		}
	default:
		src.text = "" // of a value that was taken back
	}
	switch {
	case shown == "":
	case fileRef.MatchString(src.text) || secretVariable.MatchString(src.text):
		v.Value, v.Secret = withoutDefaults(src.text), true // where it stands, not what it is
		if secret && !onlyReference(src.text) {
			v.Value = hiddenValue
		}
	case secret:
		v.Value, v.Secret = hiddenValue, true
	default:
		v.Value = withoutCredentials(key, shown)
	}
	return v
}

// secretVariable finds a variable that is likely to hold a secret.
var secretVariable = regexp.MustCompile(`(?i)\$\{[a-z0-9_]*(pass|pwd|secret|token|key|cred)[a-z0-9_]*(:-|\})`)

// onlyReference says whether a value is one ${…} and nothing around it.
func onlyReference(s string) bool { return strings.HasPrefix(s, "${") && closing(s[2:]) == len(s)-3 }

// withoutDefaults is a text with references whose defaults are hidden: that of a secret is one.
func withoutDefaults(s string) string {
	var out strings.Builder
	for {
		i := strings.Index(s, "${")
		end := -1
		if i >= 0 {
			end = closing(s[i+2:])
		}
		if end < 0 {
			return out.String() + s
		}
		ref := s[i+2 : i+2+end]
		if name, fallback, ok := strings.Cut(ref, ":-"); ok && onlyReference(fallback) {
			ref = name + ":-" + withoutDefaults(fallback)
		} else if ok {
			ref = name + ":-" + hiddenValue
		}
		out.WriteString(s[:i] + "${" + ref + "}")
		s = s[i+2+end+1:]
	}
}

// address is what begins like one.
var address = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// withoutCredentials is a value without what somebody may have written into an address.
func withoutCredentials(key, value string) string {
	switch {
	case strings.HasPrefix(key, "datasources."):
		return naming.DropCredentials(value)
	case address.MatchString(value): // whichever key it is of
		u, err := url.Parse(value)
		if err != nil {
			return hiddenValue
		}
		if u.User != nil {
			u.User = url.User(hiddenValue)
		}
		if u.RawQuery != "" {
			u.RawQuery = hiddenValue
		}
		if u.Fragment != "" {
			u.Fragment = hiddenValue
		}
		return strings.ReplaceAll(u.String(), "%2A%2A%2A", hiddenValue)
	}
	return value
}

func (l *loader) datasourceValues(all map[string]Datasource) (out []Value) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		path, d := "datasources."+shownName(name), all[name]
		for _, part := range []struct{ name, value string }{{"namespace", d.Namespace}, {"database", d.Database}, {"schema", d.Schema}, {"name", d.Name}} {
			if part.value != "" {
				out = append(out, l.value(path+"."+part.name, "datasources", part.value, false))
			}
		}
	}
	return out
}

// part is one condition or outcome of a rule.
type part struct{ name, value string }

func ruleText(r JobRule) string {
	return partsText(part{"suite", r.Suite}, part{"datasource", r.Datasource}, part{"datasource_namespace", r.DatasourceNamespace}, part{"asset", r.Asset},
		part{"checkpoint", r.Checkpoint}, part{"topic", r.Topic}, part{"namespace", r.Namespace}, part{"name", r.Name})
}

func filterText(r FilterRule) string {
	parts := []part{{"suite", r.Suite}, {"datasource", r.Datasource}, {"asset", r.Asset}, {"checkpoint", r.Checkpoint}, {"topic", r.Topic}}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		parts = append(parts, part{"header " + name, r.Header[name]})
	}
	if r.Success != nil {
		parts = append(parts, part{"success", fmt.Sprint(*r.Success)})
	}
	return partsText(parts...)
}

func partsText(parts ...part) string {
	var out []string
	for _, p := range parts {
		if p.value != "" {
			out = append(out, p.name+": "+p.value)
		}
	}
	return strings.Join(out, ", ")
}

// singleText is a single value, or a list, as one would write it.
func singleText(p any) string {
	switch p := p.(type) {
	case *string:
		return *p
	case *[]string:
		return strings.Join(*p, ",")
	case *time.Duration:
		return p.String()
	case *int:
		return fmt.Sprint(*p)
	case *bool:
		return fmt.Sprint(*p)
	}
	if v := reflect.ValueOf(p).Elem(); !v.IsZero() { // a list of rules
		if text, err := json.Marshal(v.Interface()); err == nil {
			return string(text)
		}
	}
	return ""
}

// derive says what follows from other keys where nobody set it.
func (l *loader) derive(all []Value) []Value {
	for i := range all {
		v := &all[i]
		if v.From != fromDefault {
			continue
		}
		prefix, _, _ := strings.Cut(v.Key, ".type")
		switch {
		case v.Key == "dead_letters.topic" && !l.cfg.Input.Regex() && len(l.cfg.Input.Topics) > 0:
			var letters []string
			for _, topic := range l.cfg.Input.Topics {
				letters = append(letters, l.cfg.DeadLetterTopic(topic))
			}
			v.Value, v.From = strings.Join(letters, ","), "derived from input.topics"
		case v.Key == "job.namespace":
			v.Value = "default"
		case v.Value != "" && strings.HasSuffix(v.Key, ".auth.type"):
			v.From = "derived from " + prefix + ".apiKey"
		case v.Value != "" && strings.HasSuffix(v.Key, ".type") && strings.HasPrefix(v.Key, "transport"):
			v.From = "derived from " + prefix + ".url"
		}
	}
	return all
}
