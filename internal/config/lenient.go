package config

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/gx-ol/gx-ol/internal/kafkaclient"
)

// CheckOptions say what LoadForCheck is asked for.
type CheckOptions struct {
	Lenient bool // variables and files of secrets may be missing: a configuration is looked at far from where it is used
	Gateway bool // it is looked at for `gx-ol gateway`, and flags are that command's
}

// LoadForCheck is Load for whoever looks at a configuration: it also gives every key's effective value and where it came from, in the order of the
// documentation, and where the options say so it takes what is missing here (a variable that is not set, a file of a secret or a certificate) for no fault.
// A key whose value is therefore not known is no cause of other faults.
func LoadForCheck(path string, getenv func(string) (string, bool), flags map[string]string, o CheckOptions, names ...string) (*Config, []Value, error) {
	l := newLoader(getenv)
	l.names, l.lenient = names, o.Lenient
	if o.Gateway {
		l.readForGateway(path, flags)
	} else {
		l.read(path, flags, true)
		l.settle(true)
	}
	l.forgive()
	cfg, err := l.result()
	if err != nil {
		return nil, nil, err
	}
	for path := range l.unresolved {
		cfg.Unresolved = append(cfg.Unresolved, path)
	}
	slices.Sort(cfg.Unresolved)
	for name := range cfg.Datasources {
		if l.unresolvedBelow("datasources." + shownName(name)) {
			delete(cfg.Datasources, name) // nobody knows what it names
		}
	}
	return cfg, l.effective(), nil
}

// mayLack says whether a key's variables and files may be missing.
func (l *loader) mayLack(path string) bool {
	return l.lenient || l.unneeded != nil && l.unneeded.MatchString(path) && path != "transport.max_event_bytes"
}

// unresolvedBelow says whether the value of a key below path is not known.
func (l *loader) unresolvedBelow(path string) bool {
	for known := range l.unresolved {
		if strings.HasPrefix(known, path+".") {
			return true
		}
	}
	return false
}

// forgive drops the faults of values that are not known.
func (l *loader) forgive() {
	if !l.lenient {
		return
	}
	unknown := make(map[string]bool)
	for path := range l.unresolved {
		unknown[l.sources[path].place] = true
	}
	l.faults = slices.DeleteFunc(l.faults, func(f Fault) bool { return unknown[f.Place] })
}

// mayBeAway says whether a file that is missing is no fault.
func (l *loader) mayBeAway(err error) bool { return l.lenient && errors.Is(err, fs.ErrNotExist) }

// checkProperties is kafkaclient.Check of what is known of the properties below path.
func (l *loader) checkProperties(path string, props map[string]string) error {
	if !l.lenient {
		return kafkaclient.Check(props)
	}
	known := maps.Clone(props)
	for name := range known {
		if !l.unresolved[path+"."+name] {
			continue
		}
		switch name {
		case "security.protocol", "sasl.mechanism", "sasl.mechanisms", "sasl.jaas.config":
			return nil // all others depend on it
		case "bootstrap.servers":
			known[name] = "localhost:9092"
		default:
			if kafkaclient.CheckValue(name, known[name]) != nil {
				delete(known, name)
			}
		}
	}
	err := kafkaclient.Check(known)
	if !l.mayBeAway(err) {
		return err
	}
	for name := range known {
		if strings.HasSuffix(name, ".location") { // of a certificate that is not here
			delete(known, name)
		}
	}
	if err = kafkaclient.Check(known); l.mayBeAway(err) {
		return nil
	}
	return err
}
