package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func envOf(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := vars[name]; return v, ok }
}

func fileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gx-ol.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Each effective value is shown with the source that won, and no secret is, whatever it came from.
func TestEffectiveValuesTellWhereTheyCameFrom(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(secret, []byte("s3cret-of-file"), 0o600); err != nil {
		t.Fatal(err)
	}
	path := fileOf(t, `kafka:
  bootstrap.servers: kafka:9092
  security.protocol: SASL_SSL
  sasl.mechanism: PLAIN
  sasl.username: gx
  sasl.password: s3cret-literal
  client.id: of-file
input: {topics: [gx.results], group: "${GROUP}", filter: {exclude: [{suite: x*, header: {h: v}, success: false}]}}
transport:
  url: https://lineage.example.com/base?token=s3cret-query
  auth: {apiKey: "${file:`+secret+`}"}
  custom_headers: {X-Team: "s3cret-header"}
datasources:
  wh: {namespace: "postgres://user:s3cret-pw@db:5432"}
job:
  namespace: below
  rules: [{suite: "a*", name: n}]
`)
	env := envOf(map[string]string{"GROUP": "g1", "GX_OL_KAFKA_CLIENT_ID": "of-env", "GX_OL_RETRY_MAX": "9s", "OPENLINEAGE_NAMESPACE": "unused", "GX_OL_KAFKA_SASL_JAAS_CONFIG": `org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="s3cret-jaas";`})
	_, values, err := LoadForCheck(path, env, map[string]string{"listen": "off", SetFlag("job.namespace"): "of-set"}, CheckOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Value{}
	for _, v := range values {
		got[v.Key] = v
		if strings.Contains(v.Value, "s3cret") {
			t.Errorf("a secret is shown: %+v", v)
		}
	}
	for _, want := range []Value{
		{"kafka.bootstrap.servers", "kafka:9092", path + ":2:22", false},
		{"kafka.client.id", "of-env", "GX_OL_KAFKA_CLIENT_ID", false},
		{"kafka.sasl.password", "***", path + ":6:18", true},
		{"kafka.sasl.jaas.config", "***", "GX_OL_KAFKA_SASL_JAAS_CONFIG", true},
		{"input.topics", "gx.results", path + ":8:17", false},
		{"input.group", "g1", path + ":8:38", false},
		{"input.max_in_flight", "64", "default", false},
		{"input.filter.exclude[0]", "suite: x*, header h: v, success: false", path + ":8:68", false},
		{"dead_letters.topic", "gx.results.dlq", "derived from input.topics", false},
		{"transport.type", "http", "derived from transport.url", false},
		{"transport.url", "https://lineage.example.com/base?***", path + ":10:8", false},
		{"transport.auth.type", "api_key", "derived from transport.auth.apiKey", false},
		{"transport.auth.apiKey", "${file:" + secret + "}", path + ":11:18", true},
		{"transport.custom_headers.X-Team", "***", path + ":12:28", true},
		{"datasources.wh.namespace", "postgres://db:5432", path + ":14:19", false},
		{"job.namespace", "of-set", "--set job.namespace", false},
		{"job.rules[0]", "suite: a*, name: n", path + ":17:10", false},
		{"retry.max", "9s", "GX_OL_RETRY_MAX", false},
		{"telemetry.listen", "off", "--listen", false},
	} {
		if got[want.Key] != want {
			t.Errorf("got  %+v\nwant %+v", got[want.Key], want)
		}
	}
}

// A default stands in the file, and that of a secret is a secret.
func TestADefaultOfASecretIsNotShown(t *testing.T) {
	for text, want := range map[string]string{
		"${KEY:-s3cret}":                "${KEY:-***}",
		"${ANY:-s3cret}":                "***",
		"${KEY:-${OTHER:-s3cret}}":      "${KEY:-${OTHER:-***}}",
		"${KEY:-${OTHER}}":              "${KEY:-${OTHER}}",
		"${KEY:-${file:/nowhere/s}}":    "${KEY:-${file:/nowhere/s}}",
		"${KEY:-a${OTHER:-s3cret}}":     "${KEY:-***}",
		"Bearer ${KEY:-s3cret} ${KEY2}": "***",
		"${KEY:-}":                      "${KEY:-***}",
	} {
		path := fileOf(t, "kafka: {bootstrap.servers: h:1}\ninput: {topics: [t]}\ntransport: {url: \"http://h\", auth: {apiKey: \""+text+"\"}}")
		_, values, err := LoadForCheck(path, envOf(map[string]string{"KEY": "s3cret", "KEY2": "x", "OTHER": "y"}), nil, CheckOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if v.Key == "transport.auth.apiKey" && (v.Value != want || !v.Secret) {
				t.Errorf("%s: shown as %q (secret: %t), want %q", text, v.Value, v.Secret, want)
			}
		}
	}
}

// Of several files the one that won is named, and the others are not.
func TestEffectiveValuesOfSeveralFiles(t *testing.T) {
	one := fileOf(t, "kafka: {bootstrap.servers: a:1, client.id: one}\ninput: {topics: [t], group: one}\ntransport: {type: console}\njob: {name: one}\n")
	two := fileOf(t, "kafka: {client.id: two}\ninput: {group: two}\njob: {name: null}\n")
	_, values, err := LoadForCheck(JoinFiles(one, two), envOf(nil), nil, CheckOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Value{
		"kafka.bootstrap.servers": {Value: "a:1", From: one + ":1:28"}, "kafka.client.id": {Value: "two", From: two + ":1:20"},
		"input.topics": {Value: "t", From: one + ":2:17"}, "input.group": {Value: "two", From: two + ":2:16"}, "job.name": {From: "default"},
	}
	for _, v := range values {
		if w, ok := want[v.Key]; ok && (w.Value != v.Value || w.From != v.From) {
			t.Errorf("got %+v, want %+v", v, w)
		}
	}
}

// Far from where it is used, a configuration's secrets are no fault; everything else is, all at once and with its place.
func TestALenientLookNeedsNoSecretsAndFindsAllFaults(t *testing.T) {
	text := `kafka:
  bootstrap.servers: ${BROKERS}
  security.protocol: SASL_SSL
  sasl.mechanism: ${MECHANISM}
  sasl.username: ${file:/nowhere/user}
  sasl.password: ${PASSWORD}
  ssl.ca.location: /nowhere/ca.pem
input: {topics: ["${TOPIC}"], group: "${GROUP}", max_in_flight: "${N}", max_message_bytes: "${M}"}
transport: {type: http, url: "${URL}", auth: {apiKey: "${KEY}"}, max_event_bytes: "${E}", ssl: {ca: {location: /nowhere/ca.pem}}}
datasources: {wh: {namespace: "${NS}"}}
parent: {id: "${RUN}"}
telemetry: {listen: "${LISTEN}"}
job: {source_code: {url: "${REPO}"}}
delivery: ${DELIVERY}
`
	if _, _, err := LoadForCheck(fileOf(t, text), envOf(nil), nil, CheckOptions{}); err == nil {
		t.Error("a strict look takes variables that are not set")
	}
	cfg, _, err := LoadForCheck(fileOf(t, text), envOf(nil), nil, CheckOptions{Lenient: true})
	if err != nil {
		t.Fatalf("a lenient look: %v", err)
	}
	if len(cfg.Unresolved) < 15 || len(cfg.Datasources) != 0 {
		t.Errorf("unresolved: %v, datasources: %v", cfg.Unresolved, cfg.Datasources)
	}
	bad := strings.NewReplacer("max_in_flight", "max_in_fligth", "SASL_SSL", "SASL_TLS", "${LISTEN}", "nowhere").Replace(text)
	_, _, err = LoadForCheck(fileOf(t, bad), envOf(nil), nil, CheckOptions{Lenient: true})
	faults := new(Errors)
	if !errors.As(err, &faults) || len(faults.Faults) != 3 {
		t.Fatalf("want three faults, got: %v", err)
	}
	for i, place := range []string{":3:22", ":8:", ":12:21"} {
		if !strings.Contains(faults.Faults[i].Place, place) {
			t.Errorf("fault %d is at %s, want %s: %s", i, faults.Faults[i].Place, place, faults.Faults[i].Message)
		}
	}
}

// A certificate that is not here does not hide what is wrong beside it.
func TestALenientLookSeesBehindAMissingCertificate(t *testing.T) {
	text := "kafka: {bootstrap.servers: a:1, security.protocol: SASL_SSL, sasl.mechanism: PLAIN, ssl.ca.location: /nowhere/ca.pem}\ninput: {topics: [t]}\ntransport: {type: console}\n"
	if _, _, err := LoadForCheck(fileOf(t, text), envOf(nil), nil, CheckOptions{Lenient: true}); err == nil || !strings.Contains(err.Error(), "set sasl.username") {
		t.Errorf("got %v", err)
	}
}

// Whichever key an address is of, what somebody wrote into it is not shown.
func TestAddressesAreShownWithoutSecrets(t *testing.T) {
	inFolder(t, map[string]string{"c.yaml": `kafka: {bootstrap.servers: "h:1", security.protocol: SASL_SSL, sasl.mechanism: OAUTHBEARER, sasl.oauthbearer.client.id: i, sasl.oauthbearer.client.secret: x, sasl.oauthbearer.token.endpoint.url: "https://h/t?k=SECRETPW"}
input: {topics: [a]}
transport: {url: "http://h/#SECRETPW", auth: {type: oauth2, clientId: i, clientSecret: x, tokenEndpoint: "https://h/t?k=SECRETPW"}}
web: {backend_url: "http://u:SECRETPW@h"}
telemetry: {listen: "off"}
`})
	_, values, err := LoadForCheck("c.yaml", env(nil), nil, CheckOptions{})
	if err != nil {
		t.Fatal(err)
	}
	masked := 0
	for _, v := range values {
		if strings.Contains(v.Value, "SECRETPW") {
			t.Errorf("%+v", v)
		}
		if strings.Contains(v.Value, "://") && strings.Contains(v.Value, "***") {
			masked++
		}
	}
	if masked != 4 {
		t.Errorf("%d addresses are shown without their secret", masked)
	}
}
