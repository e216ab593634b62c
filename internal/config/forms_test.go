package config

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
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
		"x-one: &one {type: http, url: \"http://one\", timeout: 3}\nkafka: {bootstrap.servers: \"a:1\"}\ntransport:\n  type: composite\n  transports:\n    a: *one\n    b: {<<: *one, url: \"http://two\"}": func(c *Config) bool {
			a, b := c.Transport.Transports[0], c.Transport.Transports[1]
			return a.URL == "http://one" && b.URL == "http://two" && b.Timeout.Seconds() == 3 && b.Type == "http"
		},
		"x-a: &a {name: of-a}\nx-b: &b {<<: *a, namespace: of-b}\nkafka: {bootstrap.servers: \"a:1\"}\njob: {description: own, <<: [*b, {description: no, name: no}]}": func(c *Config) bool {
			return c.Job.Name == "of-a" && c.Job.Namespace == "of-b" && c.Job.Description == "own"
		},
		"kafka: {bootstrap.servers: \"a:1\", <<: {client.id: me}}":                                       func(c *Config) bool { return c.Kafka["client.id"] == "me" },
		"x-a: &a {tags: &t {a: b}}\nkafka: {bootstrap.servers: \"a:1\"}\njob: {<<: *a}\nrun: {tags: *t}": func(c *Config) bool { return c.Job.Tags["a"] == "b" && c.RunTags["a"] == "b" },
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
	if err != nil {
		t.Fatal(err)
	}
	if said := strings.Join(cfg.Warnings, "\n"); !strings.Contains(said, "did you mean transport?") || !strings.Contains(said, "did you mean facets?") {
		t.Errorf("said %q", said)
	}
}

// A mapping in another document, as a case of gx-ol test has it, is read by the same rules.
func TestMergeKeysOfALayerInAnotherDocument(t *testing.T) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte("a: &a {namespace: n}\nconfig: {job: {<<: *a, name: x}}"), &doc); err != nil {
		t.Fatal(err)
	}
	c, err := ParseLayers([]Layer{{Name: "cases.yaml", Node: doc.Content[0].Content[3]}}, nil, env(nil))
	if err != nil || c.Job.Namespace != "n" || c.Job.Name != "x" {
		t.Errorf("%v", err)
	}
}
