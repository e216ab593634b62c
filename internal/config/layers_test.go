package config

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// inFolder writes files into a folder of their own and goes there.
func inFolder(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const base = `kafka: {bootstrap.servers: "h:1", client.id: base}
input: {topics: [a, b], group: base}
transport:
  type: composite
  transports:
    marquez: {type: http, url: "http://m", auth: {apiKey: key}}
    archive: {type: kafka, topic: events}
job: {namespace: base, tags: {team: data, tier: gold}, rules: [{suite: a, name: b}, {suite: c, name: d}]}
datasources:
  "warehouse*": {namespace: "postgres://h:1", database: shop}
`

// The later file wins: mappings are merged at every depth, lists and single values are replaced, and null is the default again.
func TestALaterFileWins(t *testing.T) {
	inFolder(t, map[string]string{"base.yaml": base, "prod.yaml": `kafka: {client.id: prod}
input: {topics: [c], group: null}
transport:
  transports:
    archive: {topic: events.prod}
    copy: {type: console}
job: {tags: {tier: iron}, rules: [{suite: e, name: f}]}
datasources:
  "warehouse*": {database: prod}
  lake: {namespace: "s3://lake"}
`})
	cfg, err := Load(JoinFiles("base.yaml", "prod.yaml"), env(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	var to []string
	for _, d := range cfg.Destinations() {
		to = append(to, d.Name+" "+d.Type+" "+d.URL+d.Topic+d.Auth.APIKey)
	}
	got := []string{cfg.Kafka["bootstrap.servers"], cfg.Kafka["client.id"], strings.Join(cfg.Input.Topics, "+"), cfg.Input.Group, cfg.Job.Namespace,
		cfg.Job.Tags["team"], cfg.Job.Tags["tier"], cfg.Datasources["warehouse*"].Namespace, cfg.Datasources["warehouse*"].Database, cfg.Datasources["lake"].Namespace,
		strings.Join(to, ", "), cfg.Source}
	want := []string{"h:1", "prod", "c", "gx-ol", "base", "data", "iron", "postgres://h:1", "prod", "s3://lake",
		"marquez http http://mkey, archive kafka events.prod, copy console ", "base.yaml, prod.yaml"}
	if !slices.Equal(got, want) || len(cfg.Job.Rules) != 1 || cfg.Job.Rules[0].Name != "f" {
		t.Errorf("got  %q\nwant %q\nrules %+v", got, want, cfg.Job.Rules)
	}
	if cfg, err := Load("", env(map[string]string{"GX_OL_CONFIG": JoinFiles("base.yaml", "prod.yaml")}), nil); err != nil || cfg.Job.Tags["tier"] != "iron" {
		t.Errorf("GX_OL_CONFIG with two files: %v", err)
	}
}

// What a later file takes back has no effect that would have to be told.
func TestNullTakesBackWhatAnEarlierFileSays(t *testing.T) {
	inFolder(t, map[string]string{"one.yaml": "kafka: {bootstrap.servers: \"h:1\"}\ninput: {topics: [a]}\ntransport: {type: http, url: \"http://one\", timeout: 5s, custom_headers: {A: b}, auth: {apiKey: k}}",
		"two.yaml": "transport: {type: kafka, topic: t, url: null, timeout: ~, custom_headers: null, auth: {apiKey: null}}"})
	cfg, err := Load(JoinFiles("one.yaml", "two.yaml"), env(map[string]string{"OPENLINEAGE_URL": "http://other"}), nil)
	if err != nil || len(cfg.Warnings) > 0 || cfg.Transport.URL != "" || cfg.Transport.Timeout != time.Minute || cfg.Transport.CustomHeaders != nil || cfg.Transport.Auth.APIKey != "" {
		t.Errorf("%+v, %v", cfg, err)
	}
}

func TestAListOfDestinationsIsReplaced(t *testing.T) {
	inFolder(t, map[string]string{"base.yaml": base, "list.yaml": "transport: {transports: [{type: console}]}"})
	cfg, err := Load(JoinFiles("base.yaml", "list.yaml"), env(nil), nil)
	if err != nil || len(cfg.Destinations()) != 1 || cfg.Destinations()[0].Type != "console" {
		t.Fatalf("%v", err)
	}
}

// Each file's fault has that file's line; what is missing is missing in all.
func TestFaultsOfSeveralFilesNameTheRightOne(t *testing.T) {
	inFolder(t, map[string]string{"base.yaml": base + "log: {level: lowd}\n", "prod.yaml": "\ninput:\n  grup: x\n", "none.yaml": "log: {level: info}", "same.yaml": "log: {level: info}"})
	for path, want := range map[string]string{
		JoinFiles("base.yaml", "prod.yaml"): "base.yaml:11:14: log.level must be one of debug, info, warn, error, not \"lowd\"\nprod.yaml:3:3: unknown key \"grup\": did you mean \"group\"?",
		JoinFiles("none.yaml", "same.yaml"): "none.yaml, same.yaml: no destination: set transport.type and transport.url, --to or OPENLINEAGE_URL\n" +
			"none.yaml, same.yaml: nothing to read: set input.topics or --topic\nnone.yaml, same.yaml: no brokers: set kafka: bootstrap.servers or --brokers",
		JoinFiles("base.yaml", "nowhere.yaml"): "base.yaml:11:14: log.level must be one of debug, info, warn, error, not \"lowd\"\nnowhere.yaml: cannot be read: no such file or directory",
	} {
		if _, err := Load(path, env(nil), nil); err == nil || err.Error() != want {
			t.Errorf("%s:\ngot  %v\nwant %s", path, err, want)
		}
	}
}

// A key that one file configured does not go to the host that another names, unless that one brings it along.
func TestAKeyStaysWithTheHostOfItsFile(t *testing.T) {
	own := "kafka: {bootstrap.servers: \"h:1\"}\ninput: {topics: [a]}\ntransport: {url: \"http://one\", auth: {apiKey: \"${file:key}\"}, custom_headers: {A: b}}"
	inFolder(t, map[string]string{"key": "secret", "one.yaml": own, "two.yaml": "transport: {url: \"http://two\"}",
		"three.yaml": "transport: {custom_headers: {C: d}, auth: {apiKey: other}, url: \"http://two\"}"})
	cfg, err := Load(JoinFiles("one.yaml", "two.yaml"), env(nil), nil)
	if err != nil || cfg.Transport.Auth.APIKey != "" || len(cfg.Transport.CustomHeaders) > 0 || cfg.Live("transport.auth.apiKey") != nil || len(cfg.Warnings) != 2 {
		t.Errorf("%+v, %v", cfg, err)
	}
	cfg, err = Load(JoinFiles("one.yaml", "three.yaml"), env(nil), nil)
	if err != nil || cfg.Transport.Auth.APIKey != "other" || cfg.Live("transport.auth.apiKey") != nil {
		t.Errorf("%+v, %v", cfg, err)
	}
	if _, ok := cfg.Transport.CustomHeaders["A"]; ok {
		t.Errorf("a header of the first file goes to the second's host: %v", cfg.Transport.CustomHeaders)
	}
	if cfg, err = Load("one.yaml", env(nil), map[string]string{SetFlag("transport.url"): "http://two"}); err != nil || cfg.Transport.Auth.APIKey != "" {
		t.Errorf("--set: %+v, %v", cfg, err)
	}
}

func TestSetIsOverFilesAndEnvironment(t *testing.T) {
	inFolder(t, map[string]string{"c.yaml": base})
	flags := map[string]string{}
	for key, value := range map[string]string{
		"input.group": "set", "input.topics": "[x, y]", "kafka.client.id": "set", "job.tags.tier": "set", "job.name": "{{ .Suite }}", "retry.max": "7s",
		"datasources.warehouse*.database": "set", "datasources.s3.lake": "{namespace: \"s3://lake\"}", "transport.transports.archive.topic": "set",
		"transport.transports.new.type": "console", "log": "{level: warn}", "job.description": "", "job.rules": "[{datasource: \"w*\", name: set}]",
	} {
		flags[SetFlag(key)] = value
	}
	flags["topic"] = "flag"
	cfg, err := Load("c.yaml", env(map[string]string{"GX_OL_INPUT_GROUP": "env"}), flags)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{cfg.Input.Group, strings.Join(cfg.Input.Topics, "+"), cfg.Kafka["client.id"], cfg.Job.Tags["tier"], cfg.Job.Tags["team"], cfg.Job.Name, cfg.Retry.Max.String(),
		cfg.Datasources["warehouse*"].Database, cfg.Datasources["s3.lake"].Namespace, cfg.Destinations()[1].Topic, cfg.Destinations()[2].Type, cfg.Log.Level, cfg.Job.Rules[0].Name}
	want := []string{"set", "flag", "set", "set", "data", "{{ .Suite }}", "7s", "set", "s3://lake", "set", "console", "warn", "set"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestFaultsOfSetNameTheKeyThatWasMeant(t *testing.T) {
	inFolder(t, map[string]string{"c.yaml": base})
	for set, want := range map[string]string{
		"input.grup=x":              `--set input.grup: unknown key: did you mean "input.group"?`,
		"zzzzzzzzzzzz=x":            `--set zzzzzzzzzzzz: unknown key`,
		"kafka.boostrap.servers=x":  `--set kafka.boostrap.servers: unknown Kafka property "boostrap.servers": did you mean "bootstrap.servers"?`,
		"datasources.w.nme=x":       `--set datasources.w.nme: unknown key "nme": did you mean "name"?`,
		"transport.transports.a.x=": `--set transport.transports.a.x: unknown key "x"`,
		"retry.max=often":           `--set retry.max: retry.max must be a time above zero such as 500ms, 5s or 2m, not "often"`,
		"input.topics=[a":           `--set input.topics: not valid YAML: did not find expected ',' or ']'`,
		"input={grup: x}":           `--set input: unknown key "grup": did you mean "group"?`,
		"job.name={{ .Suit }}":      `--set job.name: job.name: there is no field .Suit: did you mean .Suite?`,
		"input=x":                   `--set input: input must be a mapping of keys and values`,
	} {
		key, value, _ := strings.Cut(set, "=")
		if _, err := LoadForMap("c.yaml", env(nil), map[string]string{SetFlag(key): value}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", set, err, want)
		}
	}
}

func TestLayersAreFilesWithoutFiles(t *testing.T) {
	cfg, err := ParseLayers([]Layer{{Name: "a", Data: []byte(base)}, {Name: "b", Data: []byte("job: {namespace: \"${NS}\"}")}}, map[string]string{SetFlag("job.name"): "x"},
		env(map[string]string{"NS": "later"}))
	if err != nil || cfg.Job.Namespace != "later" || cfg.Job.Name != "x" || !maps.Equal(cfg.Job.Tags, map[string]string{"team": "data", "tier": "gold"}) {
		t.Errorf("%+v, %v", cfg, err)
	}
}

func FuzzSet(f *testing.F) {
	f.Add("datasources.w*.name", "{{ .Table }}", base)
	f.Add("transport.transports.marquez.url", "http://other", base)
	f.Add("job", "{rules: [{suite: a, name: b}], tags: &a {x: 1}}", "")
	f.Fuzz(func(t *testing.T, key, value, under string) {
		if strings.Contains(value+under, "${file:") {
			t.Skip("reads files, which a fuzzer must not choose")
		}
		c, err := ParseLayers([]Layer{{Name: "c", Data: []byte(under)}}, map[string]string{SetFlag(key): value}, env(nil))
		if (c == nil) == (err == nil) {
			t.Error("neither a configuration nor a fault")
		}
	})
}
