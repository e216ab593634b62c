package config

import (
	"strings"
	"testing"
)

// What people write in other tools' ways and what can mean one thing only is taken.
func TestOtherWaysToWriteOneValueAreTaken(t *testing.T) {
	const rest = "\ninput: {topics: [t]}\n"
	for text, want := range map[string]func(*Config) bool{
		"kafka: {bootstrap.servers: [\"a:1\", \"b:2\"]}":                                             func(c *Config) bool { return c.Kafka["bootstrap.servers"] == "a:1,b:2" },
		"kafka: {bootstrap.servers: \"a:1\"}\ntransport: {url: \"http://h\", verify: no}":            func(c *Config) bool { return !c.Transport.Verify },
		"kafka: {bootstrap.servers: \"a:1\"}\ntransport: {url: \"http://h\", verify: Off}":           func(c *Config) bool { return !c.Transport.Verify },
		"kafka: {bootstrap.servers: \"a:1\"}\ntelemetry: {pprof: YES}":                               func(c *Config) bool { return c.Telemetry.Pprof },
		"\ufeffkafka: {bootstrap.servers: \"a:1\"}\r\ntelemetry: {pprof: on}\r\n":                    func(c *Config) bool { return c.Telemetry.Pprof },
		"kafka: {bootstrap.servers: \"a:1\"}\ndead_letters: {topic: Letters_of-2.x}":                 func(c *Config) bool { return c.DeadLetters.Topic == "Letters_of-2.x" },
		"kafka: {bootstrap.servers: \"a:1\"}\ntransport: {url: \"http://[::1]:5000\", timeout: 5.5}": func(c *Config) bool { return c.Transport.Timeout.Milliseconds() == 5500 },
	} {
		c, err := Parse("c.yaml", []byte(text+rest), env(nil))
		if err != nil || !want(c) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestWhenDeliveryIsDisabled(t *testing.T) {
	for value, want := range map[string]bool{"true": true, "TRUE": true, " true ": true, "1": true, "t": true, "yes": true, "on": true, "": false, "false": false, "0": false, "no": false, "maybe": false} {
		cfg, err := loadOL(t, nil, map[string]string{"OPENLINEAGE_DISABLED": value, "OPENLINEAGE_URL": "http://h"}, nil, false)
		if err != nil {
			t.Fatal(err)
		}
		if told := strings.Contains(strings.Join(cfg.Warnings, "\n"), "OPENLINEAGE_DISABLED"); cfg.Disabled != want || told != (value == "maybe") {
			t.Errorf("%q: disabled: %t, told: %t", value, cfg.Disabled, told)
		}
	}
}

// A section of openlineage.yml, or of the variables, that is misspelt is why there is no destination.
func TestAMisspeltTransportOfOpenLineageIsTold(t *testing.T) {
	brokers := map[string]string{"brokers": "h:1", "topic": "t"}
	for name, c := range map[string]struct {
		files, vars map[string]string
		want        string
	}{
		"file":     {map[string]string{"openlineage.yml": "transprt: {type: console}"}, nil, `openlineage.yml:1:1: unknown key "transprt": did you mean "transport"?`},
		"variable": {nil, map[string]string{"OPENLINEAGE__TRANSPROT__TYPE": "console"}, `OPENLINEAGE__TRANSPROT__TYPE: unknown key "transprot": did you mean "transport"?`},
	} {
		if _, err := loadOL(t, c.files, c.vars, brokers, true); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	// Where gx-ol's own configuration names the destination, it is told and no more.
	cfg, err := loadOL(t, map[string]string{"openlineage.yml": "transprt: {type: console}\nfacts: {}", "gx-ol.yaml": brokersAndTopic + "transport: {type: console}"}, nil, nil, true)
	if said := ""; err == nil {
		if said = strings.Join(cfg.Warnings, "\n"); !strings.Contains(said, "did you mean transport?") || !strings.Contains(said, "did you mean facets?") {
			t.Errorf("said %q", said)
		}
	} else {
		t.Error(err)
	}
}
