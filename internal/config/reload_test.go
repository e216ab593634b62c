package config

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// A reload changes what maps and nothing else, and names both.
func TestAReloadTakesTheMappingAndNamesWhatStays(t *testing.T) {
	for next, want := range map[string]string{
		"": "[] []",
		"job: {name: b, tags: {team: x, new: y}}":                                                   "[job.name job.tags.new job.tags.team] []",
		"job: {rules: [{suite: a, name: b}]}\nfailed_run: COMPLETE":                                 "[job.rules failed_run] []",
		"input: {json_pointer: /a, filter: {include: [{suite: a}]}}":                                "[input.json_pointer input.filter.include] []",
		"datasources: {w: {namespace: \"s3://b\"}, \"*\": {namespace: file}}":                       "[datasources.* datasources.w] []",
		"kafka: {sasl.password: other}\ninput: {group: b}\nlog: {level: warn}\nretry: {max: 1s}":    "[] [kafka.sasl.password input.group log.level retry.max]",
		"transport: {transports: {a: {topic: u}}}":                                                  "[] [transport.transports]",
		"transport: {transports: {b: {type: http, url: \"http://h\", auth: {apiKey: \"${KEY}\"}}}}": "[] [transport.transports]",
		"job: {name: b}\ntransport: {type: kafka, topic: t, transports: null}":                      "[job.name] [transport.type transport.topic transport.transports]",
	} {
		first := "kafka: {bootstrap.servers: \"h:1\", sasl.password: p}\njob: {name: a, tags: {team: data}}\ndatasources: {w: {namespace: \"s3://a\"}}\n" +
			"transport: {type: composite, transports: {a: {type: kafka, topic: t}}}"
		parse := func(layers ...Layer) *Config {
			c, err := ParseLayers(layers, nil, env(map[string]string{"KEY": "k"}))
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		old := parse(Layer{Name: "a", Data: []byte(first)})
		changed := parse(Layer{Name: "a", Data: []byte(first)}, Layer{Name: "b", Data: []byte(next)})
		got, keys, kept := old.Reload(changed)
		if said := fmt.Sprint(keys, kept); said != want {
			t.Errorf("%s:\ngot  %s\nwant %s", next, said, want)
		}
		if got.Job.Name != changed.Job.Name || got.Input.JSONPointer != changed.Input.JSONPointer || got.FailedRun != changed.FailedRun || got.Datasources["w"] != changed.Datasources["w"] {
			t.Errorf("%s: the mapping is not taken: %+v", next, got)
		}
		if got.Input.Group != old.Input.Group || got.Log != old.Log || got.Transport.Type != old.Transport.Type || got.Kafka["sasl.password"] != "p" {
			t.Errorf("%s: more than the mapping is taken: %+v", next, got)
		}
		if old.Job.Name != "a" {
			t.Errorf("%s: the old configuration is changed", next)
		}
	}
}

// A secret that is renewed in its file is read again by itself: it is none of what stays as it was.
func TestARenewedSecretIsNotKeptBack(t *testing.T) {
	inFolder(t, map[string]string{"key": "one"})
	text := []byte("kafka: {sasl.password: \"${file:key}\"}\ntransport: {type: composite, transports: {a: {type: http, url: \"http://h\", auth: {apiKey: \"${file:key}\"}, custom_headers: {A: \"${file:key}\"}}}}")
	old, err := Parse("a", text, env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("key", []byte("two"), 0o600); err != nil {
		t.Fatal(err)
	}
	renewed, err := Parse("a", text, env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, changed, kept := old.Reload(renewed); len(changed)+len(kept) > 0 {
		t.Errorf("%v %v", changed, kept)
	}
}

// Each section that can be reloaded is there, and the documentation names it.
func TestWhatIsReloadedIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(doc), "\n## Reloading\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, name := range reloadable() {
		if l := newLoader(env(nil)); l.known[name].path == "" && !l.isSection(name) {
			t.Errorf("there is no %s", name)
		}
		if !strings.Contains(section, "`"+name+"`") {
			t.Errorf("docs/configuration.md, Reloading, does not name %s", name)
		}
	}
}
