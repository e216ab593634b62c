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
	vars := env(map[string]string{"HIDDEN": "hunter2", "NEAR": "warm"})
	for name, c := range wrong() {
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

// Whoever counts or lists by topic counts each once, and a dead-letter topic is asked for only where there are several.
func TestATopicThatIsNamedTwiceIsOne(t *testing.T) {
	for given, want := range map[string]string{"[b, a, b]": "b a", "[a, a]": "a", `["^gx", "^gx"]`: "^gx", `"a,b,a"`: "a b"} {
		c, err := Parse("c.yaml", []byte("kafka: {bootstrap.servers: a:1}\ninput: {group: g, topics: "+given+"}\ntransport: {type: console}"), env(nil))
		if err != nil {
			t.Errorf("%s: %v", given, err)
		} else if got := strings.Join(c.Input.Topics, " "); got != want {
			t.Errorf("%s: %s, want %s", given, got, want)
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
		"OPENLINEAGE_NAMESPACE": "ns", "GX_OL_KAFKA_BOOTSTRAP_SERVERS": "b:2",
	})
	c, err := Load(path, vars, map[string]string{"group": "flag"})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{c.Input.Group, c.Log.Level, c.Transport.URL, c.Transport.Type, c.Job.Namespace, c.Kafka["bootstrap.servers"]}
	if want := "flag warn http://file:5000 http ns b:2"; strings.Join(got, " ") != want {
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

// Whoever looks a key up finds there what it may be.
func TestDocumentationNamesEachKeyAndItsValues(t *testing.T) {
	doc, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range table() {
		_, row, ok := strings.Cut(string(doc), "| `"+f.path+"` | "+f.typ+" | ")
		if !ok {
			t.Errorf("docs/configuration.md does not name %s (%s, %s): %s", f.path, f.typ, f.def, f.doc)
		}
		row, _, _ = strings.Cut(row, "\n")
		_, meaning, _ := strings.Cut(row, " | ")
		for _, allowed := range f.enum {
			if !strings.Contains(meaning, "`"+allowed+"`") {
				t.Errorf("docs/configuration.md does not name the value %s of %s", allowed, f.path)
			}
		}
	}
}

// What is taken without effect is told; what has one is not.
func TestKeysWithoutEffectAreTold(t *testing.T) {
	for yaml, want := range map[string]string{
		"transport: {url: \"http://h\", backend: marquez, batch: {size: 9}}":                                       "transport.batch has no effect: Marquez has no lineage/batch",
		"transport: {url: \"http://h\", batch: {linger: 1s}}":                                                      "without a size above 1",
		"transport: {type: kafka, topic: t, url: \"http://h\"}":                                                    "c.yaml:1:41: transport.url has no effect: it is for http, and transport.type is kafka",
		"transport: {url: \"http://h\", topic: t}":                                                                 "transport.topic has no effect: it is for kafka",
		"transport: {type: composite, transports: {a: {type: console, log_file_path: x}}}":                         "transport.transports.a.log_file_path has no effect",
		"telemetry: {listen: \"off\", pprof: true}":                                                                "telemetry.pprof has no effect",
		"transport: {url: \"http://h\", backend: datahub, batch: {size: 9}, auth: {apiKey: k}, compression: gzip}": "",
		"transport: {type: composite, transports: [{type: kafka, topic: t, priority: 1}]}":                         "",
	} {
		cfg, err := Parse("c.yaml", []byte(yaml), env(nil))
		if err != nil {
			t.Fatalf("%s: %v", yaml, err)
		}
		if said := strings.Join(cfg.Warnings, "\n"); !strings.Contains(said, want) || (want == "") != (said == "") {
			t.Errorf("%s: %q, want %q", yaml, said, want)
		}
	}
}

// A variable that names no key is told with the key that was meant, as a misspelt key of the file is.
func TestVariablesThatNameNoKeyAreTold(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, want := range map[string]string{
		"GX_OL_INPUT_GRUOP":            "GX_OL_INPUT_GRUOP: this variable sets no key of the configuration: did you mean GX_OL_INPUT_GROUP?",
		"GX_OL_KAFKA_SASL_PASWORD":     "did you mean GX_OL_KAFKA_SASL_PASSWORD?",
		"GX_OL_ZZZZZZZZZZ":             "the variable GX_OL_ZZZZZZZZZZ sets no key of the configuration",
		"GX_OL_JOB_TAGS":               "the variable GX_OL_JOB_TAGS sets no key",
		"GX_OL_INPUT_GROUP":            "",
		"GX_OL_CONFIG":                 "",
		"GX_OL_PORT_9464_TCP_ADDR":     "", // Kubernetes tells of a service called gx-ol
		"GX_OL_METRICS_SERVICE_HOST":   "",
		"GX_OL_PORT":                   "",
		"OPENLINEAGE_API_KYE":          "the variable OPENLINEAGE_API_KYE has no effect on gx-ol: did you mean OPENLINEAGE_API_KEY?",
		"OPENLINEAGE__TRANSPORT__TYPE": "",
		"OPENLINEAGE_NAMESPACE":        "",
		"OPENLINEAGE_CLIENT_LOGGING":   "has no effect on gx-ol",
		"PATH":                         "",
		"OPENLINEAGEX":                 "",
	} {
		cfg, err := LoadForMap("", env(nil), nil, name)
		said := ""
		switch {
		case err != nil:
			said = err.Error()
		case len(cfg.Warnings) > 0:
			said = strings.Join(cfg.Warnings, "\n")
		}
		if !strings.Contains(said, want) || (want == "") != (said == "") || strings.HasSuffix(want, "of the configuration") && said != want || strings.Contains(want, "GX_OL_") == (err == nil) && strings.Contains(want, "did you mean") {
			t.Errorf("%s: %q, want %q", name, said, want)
		}
	}
}

// One cause is one fault: what is missing because of it is its consequence.
func TestOnlyCausesAreTold(t *testing.T) {
	t.Chdir(t.TempDir())
	for yaml, want := range map[string]int{
		"tranport: {url: \"http://h\"}\nkafka: {bootstrap.servers: \"h:1\"}\ninput: {topics: [t]}": 1,
		"transport: {type: htp}\nkafka: {bootstrap.servers: \"h:1\"}\ninput: {topics: [t]}":        1,
		"transport: {url: \"http://h\"}\nkafka: {bootstrap.server: \"h:1\"}\ninput: {topics: [t]}": 1,
		"transport: {url: \"http://h\"}\nkafka: {bootstrap.servers: \"h:1\"}\ninput: {topic: [t]}": 1,
		"transport:\n\turl: x":    1,
		"zzzzzzzz: {a: b}":        1,
		"transport: {type: http}": 3, // no address, no brokers, no topics
		"":                        3,
		"transport: {type: http, auth: {type: \"${NOPE}\"}}": 3, // the variable, no brokers, no topics
	} {
		if err := os.WriteFile("c.yaml", []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load("c.yaml", env(nil), nil)
		var all *Errors
		if !errors.As(err, &all) || len(all.Faults) != want {
			t.Errorf("%q: %v, want %d", yaml, err, want)
		}
	}
}

// Mapping asks for no secret that only signs in somewhere; a run does.
func TestMappingNeedsNoSecretsOfDelivery(t *testing.T) {
	t.Chdir(t.TempDir())
	yaml := "kafka: {bootstrap.servers: \"${BROKERS}\", sasl.password: \"${file:/nowhere}\"}\ninput: {topics: [t]}\n" +
		"transport: {type: http, url: \"${URL}\", auth: {apiKey: \"${KEY}\"}, timeout: \"${T}\", custom_headers: {A: \"${H}\"}}\njob: {namespace: \"${NS:-n}\"}"
	if err := os.WriteFile("c.yaml", []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadForMap("c.yaml", env(nil), nil)
	if err != nil || cfg.Job.Namespace != "n" || cfg.Transport.Type != "http" {
		t.Errorf("%+v, %v", cfg, err)
	}
	if _, err := Load("c.yaml", env(nil), nil); err == nil || strings.Count(err.Error(), "is not set") != 5 {
		t.Errorf("a run takes it: %v", err)
	}
	if err := os.WriteFile("c.yaml", []byte("job: {namespace: \"${NS}\"}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadForMap("c.yaml", env(nil), nil); err == nil {
		t.Error("mapping does without what it needs")
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
