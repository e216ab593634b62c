package config

import (
	"os"
	"strings"
	"testing"
)

// A key goes to the host that it was configured with, and what is kept back is said.
func TestAKeyGoesToTheHostItWasConfiguredWith(t *testing.T) {
	const file = "transport: {type: http, url: \"http://a\", auth: {type: api_key, apiKey: filekey}, custom_headers: {X-Token: t}}"
	for name, c := range map[string]struct {
		yaml string
		vars map[string]string
		to   string
		key  string // of the effective destination
		said string // in a warning; empty: no warning
	}{
		"file, same host":              {file, nil, "http://A:80/x", "filekey", ""},
		"file, another host":           {file, nil, "http://b", "", "transport.auth.apiKey from c.yaml"},
		"file, another port":           {file, nil, "http://a:81", "", "--to"},
		"file, another scheme":         {file, nil, "https://a", "", "--to"},
		"file, headers too":            {file, nil, "http://b", "", "transport.custom_headers from c.yaml"},
		"file, url by variable":        {file, map[string]string{"GX_OL_TRANSPORT_URL": "http://b"}, "", "", "GX_OL_TRANSPORT_URL"},
		"file, both by variable":       {file, map[string]string{"GX_OL_TRANSPORT_URL": "http://b", "GX_OL_TRANSPORT_AUTH_APIKEY": "v"}, "", "v", "GX_OL_TRANSPORT_URL"},
		"file, key by variable":        {file, map[string]string{"GX_OL_TRANSPORT_AUTH_APIKEY": "v"}, "", "v", ""},
		"variable, another host":       {"transport: {url: \"http://a\"}", map[string]string{"GX_OL_TRANSPORT_AUTH_APIKEY": "v"}, "http://b", "", "GX_OL_TRANSPORT_AUTH_APIKEY is not sent"},
		"variable, only host":          {"", map[string]string{"GX_OL_TRANSPORT_AUTH_APIKEY": "v"}, "http://b", "v", ""},
		"variable, host of OL":         {"", map[string]string{"GX_OL_TRANSPORT_AUTH_APIKEY": "v", "OPENLINEAGE_URL": "http://a"}, "http://b", "", "GX_OL_TRANSPORT_AUTH_APIKEY is not sent"},
		"OpenLineage":                  {"", map[string]string{"OPENLINEAGE_API_KEY": "k", "OPENLINEAGE_URL": "http://a"}, "", "k", ""},
		"OpenLineage, same host":       {"", map[string]string{"OPENLINEAGE_API_KEY": "k", "OPENLINEAGE_URL": "http://a"}, "http://a/", "k", ""},
		"OpenLineage, another host":    {"", map[string]string{"OPENLINEAGE_API_KEY": "k", "OPENLINEAGE_URL": "http://a"}, "http://b", "", "OPENLINEAGE_API_KEY is not sent"},
		"OpenLineage, file's host":     {"transport: {url: \"http://f\"}", map[string]string{"OPENLINEAGE_API_KEY": "k"}, "", "k", ""},
		"OpenLineage, beside the file": {"transport: {url: \"http://f\"}", map[string]string{"OPENLINEAGE_API_KEY": "k"}, "http://b", "", "OPENLINEAGE_API_KEY is not sent"},
		"OpenLineage, other than file": {"transport: {url: \"http://f\"}", map[string]string{"OPENLINEAGE_API_KEY": "k", "OPENLINEAGE_URL": "http://a"}, "", "", "OPENLINEAGE_API_KEY is not sent"},
		"OpenLineage, only host":       {"", map[string]string{"OPENLINEAGE_API_KEY": "k"}, "http://b", "k", ""},
		"no HTTP":                      {file, nil, "kafka:events", "filekey", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("c.yaml", []byte(c.yaml), 0o600); err != nil {
				t.Fatal(err)
			}
			flags := map[string]string{}
			if c.to != "" {
				flags["to"] = c.to
			}
			cfg, err := LoadForTopics("c.yaml", env(c.vars), flags)
			if err != nil {
				t.Fatal(err)
			}
			said := strings.Join(cfg.Warnings, "\n")
			if got := cfg.Transport.Auth.APIKey; got != c.key || !strings.Contains(said, c.said) || (c.said == "") != (said == "") {
				t.Errorf("key %q, said %q; want %q, %q", got, said, c.key, c.said)
			}
			if strings.Contains(said, "filekey") || c.said != "" && strings.Contains(c.yaml, "X-Token") && c.to != "" && cfg.Transport.CustomHeaders != nil {
				t.Errorf("%q, %v", said, cfg.Transport.CustomHeaders)
			}
		})
	}
}

// Composites have a key for each destination, and the same rule.
func TestTheKeyOfOneOfSeveralDestinationsStaysWithItsHost(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("c.yaml", []byte("transport: {type: composite, transports: {m: {type: http, url: \"http://a\", auth: {apiKey: filekey}}}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadForTopics("c.yaml", env(map[string]string{"GX_OL_TRANSPORT_TRANSPORTS_M_URL": "http://b"}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if m := cfg.Destinations()[0]; m.URL != "http://b" || m.Auth.APIKey != "" || len(cfg.Warnings) != 1 {
		t.Errorf("%+v, %v", m, cfg.Warnings)
	}
}

const planted = "pLaNteD-s3cret-0f-a-t3st"

// settings in which a secret may stand. S is where it is, and what a fuzzer adds before and behind it.
var plantings = []string{
	"transport: {url: \"http://h\", auth: {type: api_key, apiKey: S}}",
	"transport: {url: \"http://h\", auth: {type: api_key, apiKeyS}}",
	"transport: {url: \"http://h\", auth: {S}}",
	"transport: {url: \"http://h\", auth: S}",
	"transport: {url: \"http://h\", custom_headers: {Authorization: S}}",
	"transport: {url: \"http://h\", custom_headers: {S}}",
	"transport: {url: \"http://u:S@h\"}",
	"transport: {type: composite, transports: {m: {type: http, url: \"http://h\", auth: {apiKey: S}}}}",
	"transport: {type: kafka, topic: t, config: {bootstrap.servers: \"u:S@h:1\", sasl.password: S}}",
	"kafka: {sasl.password: S}",
	"kafka: {sasl.passwordS}",
	"kafka: {sasl.password:S}",
	"kafka: {bootstrap.servers: u:S@h:9092}",
	"kafka: {bootstrap.servers: \"h:S\"}",
	"kafka: {sasl.jaas.config: S, linger.ms: soon}",
	"kafka:\n  sasl.password: S\n  acks: 1",
	"kafka:\n  sasl.passwordS\n",
	"datasources: {\"postgres://u:S@h/db\": {}}",
	"datasources: {shop: {namespace: \"postgres://u:S@h\", nam: x}}",
	"job: {source_code: {url: \"https://u:S@h\"}}",
	"openlineage_apiKey: S",
	"kafka: |\n  bootstrap.servers=h:1\n  sasl.password=S\n  linger.ms=soon",
	"kafka: |\n  S",
	"kafka: |\n  sasl.passwordS",
	"kafka: |\n  sasl.jaas.config=a.PlainLoginModule required username=u password=S;\n  acks=1",
	"kafka: S",
	"kafka: {properties_file: \"${SECRET}\"}",
	"kafka: \"${SECRET}\"",
	"kafka: {ssl.key.pem: S, ssl.certificate.pem: x, security.protocol: SSL, bootstrap.servers: \"h:1\"}",
	"kafka: {sasl.oauthbearer.client.secret: S, sasl.oauthbearer.token.endpoint.url: \"http://u:S@h\"}",
	"transport: {url: \"http://h\", proxy: S}",
	"transport: {url: \"http://h\", proxy: \"http://u:S@\"}",
	"transport: {url: \"http://h\", auth: {type: oauth2, clientSecret: S}}",
	"transport: {url: \"http://h\", auth: {type: basic, passwordS}}",
	"transport: {url: \"http://h\", auth: {type: jwt, apiKey: S, tokenEndpoint: \"http://u:S@h\"}}",
	"transport: {url: \"http://h\", auth: {type: S, tokenRefreshBuffer: \"${SECRET}\"}}",
	"log: {level: \"${SECRET}\"}",
	"retry: {max: \"${SECRET}\", initial: \"x${SECRET}\"}",
	"input: {topics: [\"^(${SECRET}\"], json_pointer: \"${SECRET}\", max_in_flight: \"${SECRET}\"}",
	"failed_run: \"${SECRET}\"\nparent: {id: \"${SECRET}\"}\njob: {name: \"{{ .${SECRET} }}\", rules: [{suite: \"[${SECRET}\", name: \"{{${SECRET}\"}]}",
}

// No fault shows a secret, however YAML takes it: as an alias, an anchor, a tag, a key of a flow mapping, or text that is no YAML at all.
func FuzzFaultsHoldNoSecret(f *testing.F) {
	for i := range plantings {
		for _, around := range [][2]string{{"", ""}, {"*", ""}, {"&", ""}, {"{", "}"}, {"!", ""}, {"[", "]"}, {"? ", ""}, {": ", ""}, {"\"", ""}, {"\t", ""}, {"{", ": 1}"}, {"%", ""}, {"!!int ", ""}, {"<<: ", ""}, {"x, ", ", x"}, {"*a ", ""}} {
			f.Add(uint8(i), around[0], around[1])
		}
	}
	vars := env(map[string]string{"SECRET": planted, "GX_OL_KAFKA_BOOTSTRAP_SERVERS": "u:" + planted + "@h", "OPENLINEAGE_PARENT_ID": planted})
	f.Fuzz(func(t *testing.T, which uint8, before, behind string) {
		// A line of its own that reads KEY: VALUE is a key, whatever its author meant.
		if strings.ContainsAny(before+behind, "\n\r\u0085\u2028\u2029") || strings.Contains(before+behind, "${") {
			t.Skip()
		}
		text := strings.ReplaceAll(plantings[int(which)%len(plantings)], "S", before+planted+behind)
		text = strings.ReplaceAll(text, "${"+before+planted+behind+"ECRET}", "${SECRET}")
		l := newLoader(vars)
		l.parse("c.yaml", []byte(text))
		l.environment()
		l.to("http://u:" + planted + "@other")
		l.openLineage()
		l.settle(true)
		_, err := l.result()
		if err != nil && strings.Contains(err.Error(), planted) || strings.Contains(strings.Join(l.cfg.Warnings, " "), planted) {
			t.Errorf("%s\nis told as\n%v\n%v", text, err, l.cfg.Warnings)
		}
	})
}
