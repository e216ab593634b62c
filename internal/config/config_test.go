package config

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func env(pairs map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := pairs[name]; return v, ok }
}

func TestEveryFaultNamesPlaceAndHint(t *testing.T) {
	vars := env(map[string]string{"HIDDEN": "hunter2"})
	for name, c := range map[string]struct{ yaml, want string }{
		"misspelt section": {"tranport: {}", `c.yaml:1:1: unknown key "tranport": did you mean "transport"?`},
		"misspelt key":     {"input:\n  topcs: [a]", `c.yaml:2:3: unknown key "topcs": did you mean "topics"?`},
		"far key":          {"zzzzzzzzzz: 1", `c.yaml:1:1: unknown key "zzzzzzzzzz"`},
		"duplicate":        {"job: {name: a}\njob: {name: b}", `c.yaml:2:1: key "job" is there twice: first in line 1`},
		"alias twice":      {"job: {name: a}\njob_name: b", `c.yaml:2:1: job.name is set twice, by an alias: first at c.yaml:1:13`},
		"bad enum":         {"log: {level: inf}", `c.yaml:1:14: log.level must be one of debug, info, warn, error, not "inf": did you mean "info"?`},
		"bad compat":       {"compat: dbt", `c.yaml:1:9: compat must be one of reference, not "dbt"`},
		"bad duration":     {"retry: {max: soon}", `c.yaml:1:14: retry.max must be a time above zero such as 500ms, 5s or 2m, not "soon"`},
		"bad size":         {"input: {max_message_bytes: 3 potatoes}", `c.yaml:1:28: input.max_message_bytes must be a size such as 33554432 or 32MiB, below 2 GiB, not "3 potatoes"`},
		"bad type":         {"input: [a]", `c.yaml:1:8: input must be a mapping of keys and values`},
		"hidden value":     {"log: {level: \"${HIDDEN}\"}", `c.yaml:1:14: log.level must be one of debug, info, warn, error, not the value`},
		"unset variable":   {"job: {name: \"${NOPE}\"}", `c.yaml:1:13: the variable NOPE is not set: set it, or write ${NOPE:-default}`},
		"kafka property":   {"kafka: {sasl.usrname: u}", `c.yaml:1:9: unknown Kafka property "sasl.usrname": did you mean "sasl.username"?`},
		"kafka value":      {"kafka: {security.protocol: SASLSSL}", `c.yaml:1:28: security.protocol: must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL: did you mean "SASL_SSL"?`},
		"exactly once":     {"delivery: exactly_once\ntransport: {url: \"http://h\"}", `c.yaml:1:11: delivery: exactly_once needs transport.type: kafka, not http: only Kafka can commit events and offsets together`},
		"empty composite":  {"transport: {type: composite, transports: []}", `c.yaml:1:19: transport.type composite needs transport.transports with a destination or more`},
		"composite key":    {"transport: {type: composite, transports: {a: {tpye: http}}}", "c.yaml:1:47: unknown key \"tpye\": did you mean \"type\"?\nc.yaml:1:46: transport.transports.a has no type: set http, kafka, console or file"},
		"composite url":    {"transport: {type: composite, transports: [{type: http, name: main}]}", `c.yaml:1:50: transport.transports.main.type http needs transport.transports.main.url`},
		"two composites":   {"transport: {type: composite, transports: {a: {type: composite}}}", `c.yaml:1:46: transport.transports.a.type: a composite in a composite is not supported: list its destinations here`},
		"stop on failure":  {"transport: {type: composite, continue_on_failure: false, transports: {a: {type: console}}}", `c.yaml:1:51: transport.continue_on_failure: false is not supported: every destination gets every event, and one that fails is tried again until it has it`},
		"own sub events":   {"input: {topics: [t]}\ntransport: {type: composite, transports: {a: {type: kafka, topic: t}}}", `c.yaml:2:67: transport.transports.a.topic is also read by input.topics: gx-ol would read its own events`},
		"lone transports":  {"transport: {type: console, transports: {a: {type: console}}}", `c.yaml:1:19: transport.transports needs transport.type: composite`},
		"http without url": {"transport: {type: http}", `c.yaml:1:19: transport.type http needs transport.url`},
		"kafka no topic":   {"transport: {type: kafka}", `c.yaml:1:19: transport.type kafka needs transport.topic`},
		"own events":       {"input: {topics: [a]}\ntransport: {type: kafka, topic: a}", `c.yaml:2:33: transport.topic is also read by input.topics: gx-ol would read its own events`},
		"own letters":      {"input: {topics: [\"^a.*\"]}\ndead_letters: {topic: ab}", `c.yaml:2:23: dead_letters.topic is also read by input.topics: gx-ol would read its own dead letters`},
		"bad regex":        {"input: {topics: \"^(\"}", `c.yaml:1:17: input.topics is no valid regular expression`},
		"bad pointer":      {"input: {json_pointer: payload}", `c.yaml:1:23: input.json_pointer: "payload" is no JSON Pointer: it must start with a slash, as in /payload/result`},
		"rules":            {"job: {rules: {suite: a}}", `c.yaml:1:14: job.rules must be a list of rules, such as - {suite: "orders.*", name: orders}`},
		"rule key":         {"job: {rules: [{siute: a, name: b}]}", `c.yaml:1:16: unknown key "siute": did you mean "suite"?`},
		"rule pattern":     {"job: {rules: [{suite: \"[\", name: b}]}", `c.yaml:1:23: "[" is not a pattern: syntax error in pattern`},
		"rule for nothing": {"job: {rules: [{suite: a}]}", `c.yaml:1:15: a rule of job.rules needs a name or a namespace`},
		"blank tag":        {"job: {tags: {\" \": a}}", `c.yaml:1:14: a name in job.tags must not be blank`},
		"source code":      {"job: {source_code: {url: repo}}", `c.yaml:1:26: job.source_code.url must be an address such as https://git.example.com/team/repo`},
		"source secret":    {"job: {source_code: {url: \"https://u:p@h/r\"}}", `c.yaml:1:26: job.source_code.url must not hold a user or password: it leaves with every event`},
		"all at once":      {"a1: 1\nlog: {level: loud}", "c.yaml:1:1: unknown key \"a1\"\nc.yaml:2:14: log.level must be one of debug, info, warn, error, not \"loud\""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("c.yaml", []byte(c.yaml), vars)
			var all *Errors
			if !errors.As(err, &all) || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestDefaultsParse(t *testing.T) {
	for _, f := range table() {
		if f.def == "" {
			continue
		}
		if err := f.assign(&Config{}, text{value: f.def}); err != nil {
			t.Errorf("%s: %v", f.path, err)
		}
	}
}

func TestFlagsBeatEnvironmentBeatsFileBeatsOpenLineage(t *testing.T) {
	path := t.TempDir() + "/c.yaml"
	yaml := "kafka: {bootstrap.servers: a:1}\ninput: {topics: t, group: file}\nlog: {level: debug}\ntransport: {url: http://file:5000}\n"
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := env(map[string]string{
		"GX_OL_INPUT_GROUP": "env", "GX_OL_LOG_LEVEL": "warn", "OPENLINEAGE_URL": "http://ol:1",
		"OPENLINEAGE_API_KEY": "k", "OPENLINEAGE_NAMESPACE": "ns", "GX_OL_KAFKA_BOOTSTRAP_SERVERS": "b:2",
	})
	c, err := Load(path, vars, map[string]string{"group": "flag"})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{c.Input.Group, c.Log.Level, c.Transport.URL, c.Transport.Type, c.Transport.Auth.APIKey, c.Job.Namespace, c.Kafka["bootstrap.servers"]}
	if want := "flag warn http://file:5000 http k ns b:2"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if c.Input.MaxMessageBytes != 32<<20 || c.Transport.Timeout != time.Minute {
		t.Errorf("defaults: %+v %+v", c.Input, c.Transport)
	}
}

func TestFlagsAloneAreEnough(t *testing.T) {
	t.Chdir(t.TempDir())
	for to, typ := range map[string]string{"-": "console", "kafka:out": "kafka", "file:x": "file", "https://h/": "http"} {
		c, err := Load("", env(nil), map[string]string{"brokers": "h:1", "topic": "a,b", "to": to})
		if err != nil || c.Transport.Type != typ || len(c.Input.Topics) != 2 {
			t.Errorf("%s: %+v %v", to, c, err)
		}
	}
}

func TestACompositeIsTakenAsOpenLineageWritesIt(t *testing.T) {
	for name, yaml := range map[string]string{
		"mapping": "transport:\n  type: composite\n  continue_on_failure: true\n  transports:\n    main: {type: http, url: \"http://h\", auth: {type: api_key, apiKey: k}}\n    copy: {type: kafka, topicName: t}\n",
		"list":    "transport:\n  type: composite\n  transports:\n    - {name: main, type: http, url: \"http://h\", auth: {type: api_key, apiKey: k}}\n    - {name: copy, type: kafka, topicName: t, priority: 2}\n",
	} {
		cfg, err := Parse("c.yaml", []byte(yaml), env(nil))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all := cfg.Destinations()
		if len(all) != 2 || all[0].Name != "main" || all[0].URL != "http://h" || all[0].Auth.APIKey != "k" || all[0].Timeout != time.Minute ||
			all[1].Name != "copy" || all[1].Topic != "t" || all[1].Type != "kafka" {
			t.Errorf("%s: %+v", name, all)
		}
	}
}

// Whoever keeps the file in a repository sets a destination's key by a variable.
func TestADestinationOfACompositeHasItsVariables(t *testing.T) {
	path := t.TempDir() + "/c.yaml"
	if err := os.WriteFile(path, []byte("transport: {type: composite, transports: [{type: http, url: \"http://h\"}, {type: http, url: \"http://i\"}]}"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadForMap(path, env(map[string]string{"GX_OL_TRANSPORT_TRANSPORTS_HTTP_2_URL": "http://j"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if all := cfg.Destinations(); len(all) != 2 || all[0].URL != "http://h" || all[1].Name != "http-2" || all[1].URL != "http://j" {
		t.Errorf("%+v", all)
	}
}

func TestKeyDoesNotFollowToAnotherHost(t *testing.T) {
	l := newLoader(env(nil))
	l.parse("c", []byte("transport: {url: http://a, auth: {apiKey: s}}"))
	l.to("http://b")
	if l.cfg.Transport.Auth.APIKey != "" {
		t.Error("the key of host a goes to host b")
	}
}

func TestDocumentationNamesEachKey(t *testing.T) {
	doc, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Keys() {
		if !strings.Contains(string(doc), "| `"+k.Path+"` | "+k.Type+" | ") {
			t.Errorf("docs/configuration.md does not name %s (%s, %s): %s", k.Path, k.Type, k.Default, k.Doc)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("input: {topics: [a]}\nkafka: {bootstrap.servers: x}")
	f.Add("a: &a {b: *a}\ndatasources: *a\njob: {name: \"${X:-y}\"}")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Contains(s, "${file:") {
			t.Skip("reads files, which a fuzzer must not choose")
		}
		c, err := Parse("c", []byte(s), env(nil))
		if (c == nil) == (err == nil) {
			t.Error("neither a configuration nor a fault")
		}
	})
}

// A busy Marquez was measured at 4 – 14 s an event: a shorter default would turn its slow successes into an outage.
func TestABusyBackendIsGivenAMinuteToAnswer(t *testing.T) {
	cfg, err := Parse("c.yaml", []byte("kafka: {bootstrap.servers: \"h:1\"}\ninput: {topics: [t]}\ntransport: {type: http, url: \"http://h\"}\n"),
		func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Transport.Timeout != time.Minute {
		t.Errorf("transport.timeout is %s, want 1m", cfg.Transport.Timeout)
	}
}
