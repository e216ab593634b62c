package config

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// loadOL loads in an empty folder that has these files, with these variables.
func loadOL(t *testing.T, files, vars, flags map[string]string, run bool) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := map[string]string{"HOME": filepath.Join(dir, "home")}
	maps.Copy(all, vars)
	return load("", env(all), flags, run, slices.Collect(maps.Keys(all)), nil)
}

// authorityOfTests is a certificate; its path is good in whichever folder a test stands.
var authorityOfTests, _ = filepath.Abs("../tlsfiles/testdata/ca.pem")

const brokersAndTopic = "kafka: {bootstrap.servers: \"h:1\"}\ninput: {topics: [t]}\n"

// The forms that OpenLineage's documentation shows for its Python and Java clients lead to the destinations that those clients would use.
func TestTransportsOfOpenLineagesClientsAreTaken(t *testing.T) {
	for name, c := range map[string]struct {
		yml  string
		vars map[string]string
		want func(*Config) bool
		said string // in the warnings; empty: none
	}{
		"http, Python": {yml: `
transport:
  type: http
  url: https://backend:5000
  endpoint: api/v1/lineage
  timeout: 5
  verify: false
  auth:
    type: api_key
    apiKey: a-key-of-ours
  compression: gzip
  custom_headers: {X-Team: data}
  retry:
    total: 5
    status_forcelist: [500, 502]
`, want: func(c *Config) bool {
			t := c.Transport
			return t.Type == "http" && t.URL == "https://backend:5000" && t.Timeout.Seconds() == 5 && !t.Verify && t.Auth.APIKey == "a-key-of-ours" && t.Compression == "gzip" && t.CustomHeaders["X-Team"] == "data"
		}, said: "openlineage.yml:13:3: transport.retry has no effect: gx-ol tries again until an event is delivered"},
		"http, Java": {yml: `
transport:
  type: http
  url: http://localhost:5000
  endpoint: /api/v1/lineage
  timeoutInMillis: 7000
  auth:
    type: apiKey
    api_key: a-key-of-ours
  headers:
    X-Some-Extra-Header: abc
`, want: func(c *Config) bool {
			t := c.Transport
			return t.Auth.APIKey == "a-key-of-ours" && t.Auth.Type == "api_key" && t.Timeout.Seconds() == 7 && t.CustomHeaders["X-Some-Extra-Header"] == "abc"
		}},
		"http, jwt": {yml: `
transport:
  type: http
  url: https://backend:5000
  auth:
    type: jwt
    apiKey: a-key-of-ours
    tokenEndpoint: https://iam.example.com/identity/token
    tokenFields: ["access_token", "token"]
    expiresInField: expires
    grantType: urn:ibm:params:oauth:grant-type:apikey
    responseType: cloud_iam
    tokenRefreshBuffer: 60
`, want: func(c *Config) bool {
			a := c.Transport.Auth
			return a.Type == "jwt" && a.TokenEndpoint == "https://iam.example.com/identity/token" && a.TokenFields[0] == "access_token" && a.ExpiresInField == "expires" && a.ResponseType == "cloud_iam" && a.TokenRefreshBuffer.Seconds() == 60
		}},
		"verify with a file": {yml: "transport: {type: http, url: \"https://h\", verify: testdata/ca.pem}",
			want: func(c *Config) bool { return c.Transport.SSL.CA == "testdata/ca.pem" && c.Transport.Verify }},
		"async_http": {yml: "transport: {type: async_http, url: \"http://h\", max_queue_size: 1000000, max_concurrent_requests: 100}",
			want: func(c *Config) bool { return c.Transport.Type == "http" && c.Transport.URL == "http://h" }, said: "max_queue_size has no effect: Kafka is the queue"},
		"kafka, Python": {yml: "transport:\n  type: kafka\n  topic: my_topic\n  config:\n    bootstrap.servers: localhost:9092,another.host:9092\n    acks: all\n    retries: 3\n  flush: true\n  messageKey: some-value\n",
			want: func(c *Config) bool {
				t := c.Transport
				return t.Topic == "my_topic" && t.Config["bootstrap.servers"] == "localhost:9092,another.host:9092" && t.MessageKey == "some-value"
			}, said: "retries has no effect"},
		"kafka, Java": {yml: "transport:\n  type: kafka\n  topicName: openlineage.events\n  properties:\n    bootstrap.servers: localhost:9092\n    acks: all\n    key.serializer: org.apache.kafka.common.serialization.StringSerializer\n    value.serializer: org.apache.kafka.common.serialization.StringSerializer\n  messageKey: some-value\n",
			want: func(c *Config) bool {
				return c.Transport.Topic == "openlineage.events" && c.Transport.Config["acks"] == "all"
			}},
		"console":      {yml: "transport: {type: console}", want: func(c *Config) bool { return c.Transport.Type == "console" }},
		"file, Python": {yml: "transport: {type: file, log_file_path: /tmp/e, append: true}", want: func(c *Config) bool { return c.Transport.LogFilePath == "/tmp/e" }},
		"file, Java":   {yml: "transport: {type: file, location: /tmp/e}", want: func(c *Config) bool { return c.Transport.LogFilePath == "/tmp/e" }},
		"composite, map": {yml: "transport:\n  type: composite\n  continueOnFailure: true\n  withThreadPool: true\n  transports:\n    my_http: {type: http, url: \"http://h\", auth: {type: api_key, apiKey: k}}\n    local: {type: console}\n",
			want: func(c *Config) bool {
				all := c.Destinations()
				return len(all) == 2 && all[0].Name == "my_http" && all[0].Auth.APIKey == "k" && all[1].Type == "console"
			}, said: "withThreadPool has no effect"},
		"composite, list": {yml: "transport: {type: composite, transports: [{type: http, url: \"http://h\", name: one}, {type: kafka, topic: e, config: {bootstrap.servers: \"h:2\"}}]}",
			want: func(c *Config) bool {
				all := c.Destinations()
				return len(all) == 2 && all[0].Name == "one" && all[1].Config["bootstrap.servers"] == "h:2"
			}},
		"noop": {yml: "transport: {type: noop}", want: func(c *Config) bool { return c.Disabled }},
		"tags": {yml: "transport: {type: console}\ntags:\n  job: {team: data}\n  run: {env: prod}\n",
			want: func(c *Config) bool { return c.Job.Tags["team"] == "data" && c.RunTags["env"] == "prod" }},
		"tags, Java": {yml: "transport: {type: console}\nrun:\n  tags: [\"env:prod\", label, \"a:b:c\"]\njob:\n  tags: [\"team:data\"]\n",
			want: func(c *Config) bool {
				return c.Job.Tags["team"] == "data" && c.RunTags["env"] == "prod" && c.RunTags["label"] == "true" && c.RunTags["a"] == "b" && len(c.RunTags) == 3
			}},
		"facets and filters": {yml: "transport: {type: console}\nfacets: {environment_variables: [A]}\nfilters: [{type: exact, match: x}]\n",
			want: func(*Config) bool { return true }, said: "openlineage.yml:3:1: filters has no effect"},
		"nothing is looked up": {yml: "transport: {type: http, url: \"http://h\", auth: {apiKey: \"a${HOME}\"}}",
			want: func(c *Config) bool { return c.Transport.Auth.APIKey == "a${HOME}" }},
		"variables": {vars: map[string]string{"OPENLINEAGE__TRANSPORT__TYPE": "http", "OPENLINEAGE__TRANSPORT__URL": "http://localhost:5050", "OPENLINEAGE__TRANSPORT__ENDPOINT": "/api/v1/lineage",
			"OPENLINEAGE__TRANSPORT__AUTH": `{"type":"api_key", "apiKey":"random_Token"}`, "OPENLINEAGE__TRANSPORT__COMPRESSION": "gzip", "OPENLINEAGE__TRANSPORT__TIMEOUT": "5"},
			want: func(c *Config) bool {
				t := c.Transport
				return t.URL == "http://localhost:5050" && t.Auth.APIKey == "random_Token" && t.Compression == "gzip" && t.Timeout.Seconds() == 5
			}},
		"variables, jwt": {vars: map[string]string{"OPENLINEAGE__TRANSPORT__TYPE": "http", "OPENLINEAGE__TRANSPORT__URL": "https://b:5000", "OPENLINEAGE__TRANSPORT__AUTH__TYPE": "jwt", "OPENLINEAGE__TRANSPORT__AUTH__API_KEY": "k",
			"OPENLINEAGE__TRANSPORT__AUTH__TOKEN_ENDPOINT": "https://a/token", "OPENLINEAGE__TRANSPORT__AUTH__GRANT_TYPE": "g"},
			want: func(c *Config) bool {
				return c.Transport.Auth.TokenEndpoint == "https://a/token" && c.Transport.Auth.GrantType == "g"
			}},
		"variables, composite": {vars: map[string]string{"OPENLINEAGE__TRANSPORT__TYPE": "composite", "OPENLINEAGE__TRANSPORT__TRANSPORTS__FIRST__TYPE": "http", "OPENLINEAGE__TRANSPORT__TRANSPORTS__FIRST__URL": "http://localhost:5050",
			"OPENLINEAGE__TRANSPORT__TRANSPORTS__FIRST__AUTH__API_KEY": "k", "OPENLINEAGE__TRANSPORT__TRANSPORTS__SECOND__TYPE": "console"},
			want: func(c *Config) bool {
				at := func(name string) *Transport {
					for _, t := range c.Destinations() {
						if t.Name == name {
							return t
						}
					}
					return &Transport{}
				}
				return len(c.Destinations()) == 2 && at("first").URL == "http://localhost:5050" && at("first").Auth.APIKey == "k" && at("second").Type == "console"
			}},
		"variables, composite and OPENLINEAGE_URL": {vars: map[string]string{"OPENLINEAGE__TRANSPORT__TYPE": "composite", "OPENLINEAGE__TRANSPORT__TRANSPORTS__SECOND__TYPE": "console",
			"OPENLINEAGE_URL": "http://old", "OPENLINEAGE_API_KEY": "k"},
			want: func(c *Config) bool {
				return len(c.Destinations()) == 2 && slices.ContainsFunc(c.Destinations(), func(t *Transport) bool {
					return t.Name == "default_http" && t.URL == "http://old" && t.Auth.APIKey == "k"
				})
			}},
		"variables, OPENLINEAGE_URL left out": {vars: map[string]string{"OPENLINEAGE__TRANSPORT__TYPE": "composite", "OPENLINEAGE__TRANSPORT__TRANSPORTS__SECOND__TYPE": "console",
			"OPENLINEAGE_URL": "http://old", "OPENLINEAGE__TRANSPORT__TRANSPORTS__DEFAULT_HTTP": "{}"},
			want: func(c *Config) bool { return len(c.Destinations()) == 1 && c.Destinations()[0].Type == "console" }},
		"variables, async_http with OPENLINEAGE_URL": {vars: map[string]string{"OPENLINEAGE__TRANSPORT__TYPE": "async_http", "OPENLINEAGE_URL": "http://old", "OPENLINEAGE_API_KEY": "k"},
			want: func(c *Config) bool { return c.Transport.URL == "http://old" && c.Transport.Auth.APIKey == "k" }},
		"variables, higher wins": {vars: map[string]string{"OPENLINEAGE__TRANSPORT": `{"type":"console"}`, "OPENLINEAGE__TRANSPORT__TYPE": "http"},
			want: func(c *Config) bool { return c.Transport.Type == "console" }},
		"variables, kafka": {vars: map[string]string{"OPENLINEAGE__TRANSPORT__TYPE": "kafka", "OPENLINEAGE__TRANSPORT__TOPIC": "my_topic", "OPENLINEAGE__TRANSPORT__MESSAGE_KEY": "some-value",
			"OPENLINEAGE__TRANSPORT__CONFIG": `{"bootstrap.servers": "localhost:9092,another.host:9092", "acks": "all"}`},
			want: func(c *Config) bool {
				return c.Transport.Topic == "my_topic" && c.Transport.MessageKey == "some-value" && c.Transport.Config["acks"] == "all"
			}},
		"variables, Java's topic": {vars: map[string]string{"OPENLINEAGE__TRANSPORT__TYPE": "kafka", "OPENLINEAGE__TRANSPORT__TOPIC_NAME": "test", "OPENLINEAGE__TRANSPORT__PROPERTIES": `{"bootstrap.servers": "h:2"}`},
			want: func(c *Config) bool { return c.Transport.Topic == "test" }},
		"variables, tags": {vars: map[string]string{"OPENLINEAGE__TRANSPORT__TYPE": "console", "OPENLINEAGE__TAGS__JOB__TEAM": "data"},
			want: func(c *Config) bool { return c.Job.Tags["team"] == "data" }},
		"the file wins over variables": {yml: "transport: {type: http, url: \"http://file\"}", vars: map[string]string{"OPENLINEAGE__TRANSPORT__URL": "http://variable", "OPENLINEAGE__TRANSPORT__COMPRESSION": "gzip", "OPENLINEAGE_URL": "http://old"},
			want: func(c *Config) bool { return c.Transport.URL == "http://file" && c.Transport.Compression == "gzip" }},
	} {
		t.Run(name, func(t *testing.T) {
			ca, err := os.ReadFile(authorityOfTests)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{"gx-ol.yaml": brokersAndTopic, "testdata/ca.pem": string(ca)}
			if c.yml != "" {
				files["openlineage.yml"] = c.yml
			}
			cfg, err := loadOL(t, files, c.vars, nil, true)
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Join(cfg.Warnings, "\n")
			if !c.want(cfg) || !strings.Contains(said, c.said) || c.said == "" && said != "" && !strings.Contains(said, "verify") {
				t.Errorf("%+v\n%+v\nsaid %q", cfg.Transport, cfg.Job, said)
			}
			if len(cfg.Notes) != 1 || !strings.Contains(cfg.Notes[0], "transport is used") {
				t.Errorf("notes: %q", cfg.Notes)
			}
		})
	}
}

// Where the file is looked for, and that gx-ol's own word wins as a whole: a key is for the address that stands beside it.
func TestWhereOpenLineagesFileIsLookedFor(t *testing.T) {
	here, home, named := "transport: {type: http, url: \"http://here\", auth: {apiKey: of-here}}", "transport: {type: http, url: \"http://home\"}", "transport: {type: http, url: \"http://named\"}"
	for name, c := range map[string]struct {
		files, vars, flags map[string]string
		url, key, note     string
	}{
		"here before home":     {map[string]string{"openlineage.yml": here, "home/.openlineage/openlineage.yml": home}, nil, nil, "http://here", "of-here", "openlineage.yml:1:1: transport is used"},
		"home":                 {map[string]string{"home/.openlineage/openlineage.yml": home}, nil, nil, "http://home", "", "is used"},
		"named before here":    {map[string]string{"openlineage.yml": here, "x.yml": named}, map[string]string{"OPENLINEAGE_CONFIG": "x.yml"}, nil, "http://named", "", "x.yml:1:1: transport is used"},
		"named, not there":     {map[string]string{"openlineage.yml": here}, map[string]string{"OPENLINEAGE_CONFIG": "nowhere.yml"}, nil, "http://here", "of-here", "is used"},
		"gx-ol's own file":     {map[string]string{"openlineage.yml": here, "gx-ol.yaml": brokersAndTopic + "transport: {url: \"http://own\"}"}, nil, nil, "http://own", "", "transport is not used: gx-ol.yaml:3:18 names a destination"},
		"a variable of gx-ol":  {map[string]string{"openlineage.yml": here}, map[string]string{"GX_OL_TRANSPORT_URL": "http://own"}, nil, "http://own", "", "not used: GX_OL_TRANSPORT_URL names"},
		"--to":                 {map[string]string{"openlineage.yml": here}, nil, map[string]string{"to": "http://own"}, "http://own", "", "not used: --to names"},
		"one key of ours":      {map[string]string{"openlineage.yml": here, "gx-ol.yaml": brokersAndTopic + "transport: {timeout: 9s}"}, nil, nil, "http://here", "of-here", "is used"},
		"nested is before old": {map[string]string{}, map[string]string{"OPENLINEAGE__TRANSPORT__TYPE": "http", "OPENLINEAGE__TRANSPORT__URL": "http://nested", "OPENLINEAGE_URL": "http://old"}, nil, "http://nested", "", "is used"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.files["gx-ol.yaml"] == "" {
				c.files["gx-ol.yaml"] = brokersAndTopic
			}
			cfg, err := loadOL(t, c.files, c.vars, c.flags, true)
			if err != nil {
				t.Fatal(err)
			}
			if cfg.Transport.URL != c.url || cfg.Transport.Auth.APIKey != c.key || !strings.Contains(strings.Join(cfg.Notes, "\n"), c.note) {
				t.Errorf("%s, key %q, notes %q", cfg.Transport.URL, cfg.Transport.Auth.APIKey, cfg.Notes)
			}
			if name == "one key of ours" && cfg.Transport.Timeout.Seconds() != 9 {
				t.Error("gx-ol's own timeout does not win")
			}
		})
	}
}

// What there is not is named with what to do, and a value from a variable is not shown.
func TestTransportsThatThereAreNotAreNamed(t *testing.T) {
	for stanza, want := range map[string]string{
		"{type: transform, transport: {type: http, url: \"http://h\"}, transformer_class: a.b.C}": "transport.type transform is not supported: gx-ol names jobs",
		"{type: gcplineage, project_id: p}":                                             "transport.type gcplineage is not supported: send to a Kafka topic",
		"{type: amazon_datazone_api, domainId: d}":                                      "amazon_datazone_api is not supported",
		"{type: datadog, apiKey: SECRETPW}":                                             "transport.type datadog is not supported",
		"{type: msk-iam, topic: t}":                                                     "sasl.mechanism: AWS_MSK_IAM",
		"{type: s3, bucketName: b}":                                                     "transport.type s3 is not supported",
		"{type: my.module.MyTransport}":                                                 "gx-ol runs neither Python nor Java",
		"{type: file, log_file_path: \"s3://bucket/x\"}":                                "transport.log_file_path must be a path of this machine",
		"{type: htp, url: \"http://h\"}":                                                `did you mean "http"?`,
		"{type: http, url: \"http://h\", urlParams: {a: b}}":                            "transport.urlParams is not supported: write them into transport.url",
		"{type: http, url: \"http://h\", sslContext: {keyPassword: SECRETPW}}":          "transport.sslContext is not supported: set transport.ssl.ca.location",
		"{type: file, log_file_path: x, storage_options: {secret: SECRETPW}}":           "transport.storage_options is not supported",
		"{type: http, url: \"http://h\", comprssion: gzip}":                             `unknown key "comprssion": did you mean "compression"?`,
		"{type: composite, continueOnFailure: false, transports: {a: {type: console}}}": "continue_on_failure: false is not supported",
		"{type: composite, transports: {a: {type: kinesis}}}":                           "transport.transports.a.type kinesis is not supported",
	} {
		_, err := loadOL(t, map[string]string{"gx-ol.yaml": brokersAndTopic, "openlineage.yml": "transport: " + stanza}, nil, nil, true)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRETPW") || !strings.HasPrefix(err.Error(), "openlineage.yml:1:") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s\ngot  %v\nwant %s", stanza, err, want)
		}
		if _, err := loadOL(t, map[string]string{"gx-ol.yaml": brokersAndTopic, "openlineage.yml": "transport: " + stanza}, nil, nil, false); err != nil && !strings.Contains(want, "continue_on") && !strings.Contains(want, "this machine") {
			t.Errorf("%s: a command that delivers nothing fails by it: %v", stanza, err)
		}
	}
	for vars, want := range map[string]string{
		"OPENLINEAGE__TRANSPORT=SECRETPW":                              "OPENLINEAGE__TRANSPORT: transport must be a mapping",
		"OPENLINEAGE__TRANSPORT__TYPE=SECRETPW":                        "OPENLINEAGE__TRANSPORT__TYPE: transport.type must be one of",
		"OPENLINEAGE__TRANSPORT__AUTH={\"SECRETPW\":1}":                "OPENLINEAGE__TRANSPORT__AUTH: unknown key of 8 characters",
		"OPENLINEAGE__TRANSPORT__URL=SECRETPW":                         "OPENLINEAGE__TRANSPORT__URL: transport.url must be an address",
		"OPENLINEAGE__TRANSPORT__RETRY=1,OPENLINEAGE__TRANSPORT=\"x\"": "OPENLINEAGE__TRANSPORT: transport must be a mapping",
	} {
		all := map[string]string{}
		for pair := range strings.SplitSeq(vars, ",") {
			name, value, _ := strings.Cut(pair, "=")
			all[name] = value
		}
		_, err := loadOL(t, map[string]string{"gx-ol.yaml": brokersAndTopic}, all, nil, true)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRETPW") {
			t.Errorf("%s\ngot  %v\nwant %s", vars, err, want)
		}
	}
}

func FuzzNestedVariables(f *testing.F) {
	f.Add("TRANSPORT__TYPE", "http", "TRANSPORT", `{"url":"x"}`)
	f.Add("TRANSPORT__TRANSPORTS", "[1]", "TRANSPORT__TRANSPORTS__A__TYPE", "console")
	f.Add("TAGS__JOB", "{}", "__", "[[")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		vars := map[string]string{nestedPrefix + name1: value1, nestedPrefix + name2: value2}
		l := newLoader(env(vars))
		l.names = slices.Collect(maps.Keys(vars))
		l.openLineageClient(true)
		l.openLineage()
		l.settle(false)
		if c, err := l.result(); (c == nil) == (err == nil) {
			t.Error("neither a configuration nor a fault")
		}
	})
}

// The variables that the documentation shows do what it says.
func TestTheDocumentationsVariablesAreTaken(t *testing.T) {
	page, err := os.ReadFile("../../docs/openlineage-clients.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```sh\n")
	block, _, _ = strings.Cut(block, "```")
	vars := map[string]string{}
	for line := range strings.Lines(block) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		vars[name] = value
	}
	cfg, err := loadOL(t, nil, vars, map[string]string{"brokers": "h:1", "topic": "t"}, true)
	if err != nil {
		t.Fatal(err)
	}
	if all := cfg.Destinations(); len(vars) != 6 || len(all) != 2 || cfg.Job.Tags["team"] != "data-platform" || len(cfg.Warnings) > 0 {
		t.Errorf("%d variables, %d destinations, %v, %q", len(vars), len(all), cfg.Job.Tags, cfg.Warnings)
	}
}
