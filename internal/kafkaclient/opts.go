// Package kafkaclient turns Kafka client properties under their standard names (bootstrap.servers, sasl.username, …) into
// franz-go options, and turns connection errors into one sentence that a person can act on. What it does not support is an
// error: a property that is silently ignored is a surprise in production.
package kafkaclient

import (
	"errors"
	"fmt"
	"sort"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/nearest"
)

// Names are all supported properties, sorted.
func Names() []string {
	all := properties()
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Secret says whether the property's value must never be shown. Unknown names count as secret.
func Secret(name string) bool {
	p, ok := properties()[name]
	return !ok || p.secret
}

// CheckName is nil for a supported property, else an error with the reason or the nearest supported name.
func CheckName(name string) error {
	if _, ok := properties()[name]; ok {
		return nil
	}
	if why, ok := unsupported()[name]; ok {
		return fmt.Errorf("Kafka property %q is not supported: %s", name, why) //nolint:staticcheck // Kafka is a name
	}
	if near := nearest.Name(name, Names()); near != "" {
		return fmt.Errorf("unknown Kafka property %q: did you mean %q?", name, near)
	}
	return fmt.Errorf("unknown Kafka property %q", name)
}

// Meant says whether a name is known, supported or not, or so near to one that CheckName tells which was meant.
func Meant(name string) (near string, ok bool) {
	if _, known := unsupported()[name]; known {
		return name, true
	}
	near = nearest.Name(name, Names())
	return near, near != ""
}

// CheckValue checks one supported property's value by itself, without what depends on other properties or on files. Its
// errors never hold the value of a secret property.
func CheckValue(name, value string) error {
	p, ok := properties()[name]
	if !ok {
		return CheckName(name)
	}
	return p.set(&state{}, value)
}

// Opts maps client properties, by their standard names, to franz-go options. All faults are joined into one error; no error
// holds a secret. Certificate files are read once to check them, and again at each handshake.
func Opts(props map[string]string) ([]kgo.Opt, error) { return OptsLive(props, nil) }

// OptsLive is Opts with values that change: live gives, for the name of a property, what to ask for its present value, and nil for
// one that stays. Users, passwords and secrets are asked for at each authentication, PEM texts and passwords of keys at each new connection.
func OptsLive(props map[string]string, live func(name string) func() string) ([]kgo.Opt, error) {
	s := state{sasl: saslSettings{live: live}}
	var faults []error
	known := properties()
	names := make([]string, 0, len(props))
	for name := range props {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if err := CheckName(name); err != nil {
			faults = append(faults, err)
			continue
		}
		s.live = nil
		if live != nil {
			s.live = live(name)
		}
		if err := known[name].set(&s, props[name]); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
	}
	if props["bootstrap.servers"] == "" {
		faults = append(faults, errors.New("bootstrap.servers is missing: name at least one broker as host:port"))
	}
	if err := s.finish(); err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return s.opts, nil
}

// Check says what is wrong with properties together, without asking a broker: all that Opts finds, and what the client itself refuses.
func Check(props map[string]string) error {
	opts, err := Opts(props)
	if err != nil {
		return err
	}
	return kgo.ValidateOpts(opts...)
}

func (s *state) finish() error {
	secure, err := s.tls.opts(s.ssl)
	if err != nil {
		return err
	}
	auth, err := s.sasl.opts(s.auth, s.tls)
	if err != nil {
		return err
	}
	s.opts = append(append(s.opts, secure...), auth...)
	return nil
}
