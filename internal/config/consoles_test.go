package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/gx-ol/gx-ol/internal/kafkaclient"
)

// consoles is what the consoles of those who run Kafka for others print for their users, with values of ours.
var consoles = map[string]struct{ text, mechanism, said string }{
	"Confluent Cloud, Java": {`# Required connection configs for Kafka producer, consumer, and admin
bootstrap.servers=pkc-abcd1.us-east-1.aws.confluent.cloud:9092
security.protocol=SASL_SSL
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username='KEYKEYKEY' password='SECRETPW/+=';
sasl.mechanism=PLAIN
# Required for correctness in Apache Kafka clients prior to 2.6
client.dns.lookup=use_all_dns_ips

# Best practice for higher availability in Apache Kafka clients prior to 3.0
session.timeout.ms=45000

# Best practice for Kafka producer to prevent data loss
acks=all
client.id=ccloud-java-client-1

# Required connection configs for Confluent Cloud Schema Registry
schema.registry.url=https://psrc-abcd.us-east-2.aws.confluent.cloud
basic.auth.credentials.source=USER_INFO
basic.auth.user.info=SRKEY:SECRETPW
`, "PLAIN", "schema.registry.url has no effect"},
	"Confluent Cloud, librdkafka": {`bootstrap.servers=pkc-abcd1.us-east-1.aws.confluent.cloud:9092
security.protocol=SASL_SSL
sasl.mechanisms=PLAIN
sasl.username=KEYKEYKEY
sasl.password=SECRETPW
session.timeout.ms=45000
client.id=ccloud-python-client-1
`, "PLAIN", ""},
	"Confluent Cloud, OAuth, Java": {`bootstrap.servers=pkc-abcd1.us-east-1.aws.confluent.cloud:9092
security.protocol=SASL_SSL
sasl.oauthbearer.token.endpoint.url=https://login.example.com/oauth2/v2.0/token
sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler
sasl.mechanism=OAUTHBEARER
sasl.jaas.config= \
  org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \
    clientId='an-id' \
    scope='api://x/.default' \
    clientSecret='SECRETPW' \
    extension_logicalCluster='lkc-1234' \
    extension_identityPoolId='pool-1234';
`, "OAUTHBEARER", ""},
	"Confluent Cloud, OAuth, librdkafka": {`bootstrap.servers=pkc-abcd1.us-east-1.aws.confluent.cloud:9092
security.protocol=SASL_SSL
sasl.mechanisms=OAUTHBEARER
sasl.oauthbearer.method=oidc
sasl.oauthbearer.client.id=an-id
sasl.oauthbearer.client.secret=SECRETPW
sasl.oauthbearer.token.endpoint.url=https://login.example.com/token
sasl.oauthbearer.scope=api://x/.default
sasl.oauthbearer.extensions=logicalCluster=lkc-1234,identityPoolId=pool-1234
`, "OAUTHBEARER", ""},
	"Apache Kafka 4.1, OAuth": {`bootstrap.servers=kafka:9093
security.protocol=SASL_SSL
sasl.mechanism=OAUTHBEARER
sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required ;
sasl.oauthbearer.jwt.retriever.class=org.apache.kafka.common.security.oauthbearer.ClientCredentialsJwtRetriever
sasl.oauthbearer.client.credentials.client.id=an-id
sasl.oauthbearer.client.credentials.client.secret=SECRETPW
sasl.oauthbearer.scope=s
sasl.oauthbearer.token.endpoint.url=https://login.example.com/token
`, "OAUTHBEARER", ""},
	"Azure Event Hubs": {`bootstrap.servers=mynamespace.servicebus.windows.net:9093
request.timeout.ms=60000
security.protocol=SASL_SSL
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="$ConnectionString" password="Endpoint=sb://mynamespace.servicebus.windows.net/;SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=SECRETPW/aaa+bbb=";
`, "PLAIN", ""},
	"Amazon MSK, IAM": {`bootstrap.servers=b-1.demo.abc123.c2.kafka.us-east-1.amazonaws.com:9098,b-2.demo.abc123.c2.kafka.us-east-1.amazonaws.com:9098
security.protocol=SASL_SSL
sasl.mechanism=AWS_MSK_IAM
sasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required awsProfileName="ops" awsDebugCreds=true;
sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMClientCallbackHandler
`, "AWS_MSK_IAM", ""},
	"Amazon MSK, IAM by OAUTHBEARER": {`bootstrap.servers=b-1.demo.abc123.c2.kafka.us-east-1.amazonaws.com:9098
security.protocol=SASL_SSL
sasl.mechanism=OAUTHBEARER
sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
sasl.login.callback.handler.class=software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler
sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler
`, "AWS_MSK_IAM", ""},
	"Amazon MSK, SCRAM": {`bootstrap.servers=b-1.demo.abc123.c2.kafka.us-east-1.amazonaws.com:9096
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
  username="alice" \
  password="SECRETPW";
`, "SCRAM-SHA-512", ""},
	"Aiven, Java": {`bootstrap.servers=kafka-demo.aivencloud.com:12345
security.protocol=SSL
ssl.endpoint.identification.algorithm=https
ssl.truststore.location=STORES/client.truststore.jks
ssl.truststore.password=changeit
ssl.keystore.type=PKCS12
ssl.keystore.location=STORES/client.keystore.p12
ssl.keystore.password=changeit
ssl.key.password=changeit
key.serializer=org.apache.kafka.common.serialization.StringSerializer
value.serializer=org.apache.kafka.common.serialization.StringSerializer
`, "", ""},
	"Aiven, SASL": {`bootstrap.servers=kafka-demo.aivencloud.com:12346
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-256
sasl.username=avnadmin
sasl.password=SECRETPW
ssl.ca.location=STORES/ca.pem
`, "SCRAM-SHA-256", ""},
	"Redpanda Cloud": {`bootstrap.servers=seed-1234.abcd.byoc.prd.cloud.redpanda.com:9092
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-256
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="SECRETPW";
`, "SCRAM-SHA-256", ""},
}

// What a console prints is pasted as it is, as a text or named as a file, and it works.
func TestWhatConsolesPrintCanBePasted(t *testing.T) {
	stores, err := filepath.Abs("../tlsfiles/testdata")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range consoles {
		text := strings.ReplaceAll(c.text, "STORES", stores)
		file := filepath.Join(t.TempDir(), "client.properties")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for way, yaml := range map[string]string{
			"pasted":  "kafka: |\n  " + strings.ReplaceAll(text, "\n", "\n  ") + "\ninput: {topics: [t]}\n",
			"a file":  "kafka: {properties_file: " + file + "}\ninput: {topics: [t]}\n",
			"of YAML": mappingOf(t, text) + "input: {topics: [t]}\n",
		} {
			t.Run(name+", "+way, func(t *testing.T) {
				cfg, err := Parse("c.yaml", []byte(yaml), env(nil))
				if err != nil {
					t.Fatal(err)
				}
				if said := strings.Join(cfg.Warnings, "\n"); !strings.Contains(said, c.said) || c.said == "" && said != "" || strings.Contains(said, "SECRETPW") {
					t.Errorf("said %q, want %q", said, c.said)
				}
				opts, err := kafkaclient.Opts(cfg.Kafka)
				if err != nil {
					t.Fatal(err)
				}
				client, err := kgo.NewClient(opts...)
				if err != nil {
					t.Fatal(err)
				}
				defer client.Close()
				got := ""
				if all, _ := client.OptValue(kgo.SASL).([]sasl.Mechanism); len(all) > 0 {
					got = all[0].Name()
				}
				if got != c.mechanism {
					t.Errorf("signs in with %q, want %q", got, c.mechanism)
				}
			})
		}
	}
}

// mappingOf is a .properties text as its user would write it in YAML.
func mappingOf(t *testing.T, text string) string {
	t.Helper()
	lines, bad := readProperties(text)
	if bad > 0 {
		t.Fatalf("line %d", bad)
	}
	var b strings.Builder
	b.WriteString("kafka:\n")
	for _, l := range lines {
		b.WriteString("  " + l.key + ": '" + strings.ReplaceAll(l.value, "'", "''") + "'\n")
	}
	return b.String()
}

// A fault in what was pasted has its place there.
func TestFaultsOfPastedPropertiesHaveTheirLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "client.properties")
	if err := os.WriteFile(file, []byte("bootstrap.servers=h:1\n\nsasl.mecanism=PLAIN\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for yaml, want := range map[string]string{
		"kafka: |\n  bootstrap.servers=h:1\n  # x\n  bootstrap.server=h:1\n": `c.yaml:4:1: unknown Kafka property "bootstrap.server": did you mean "bootstrap.servers"?`,
		"kafka: |\n  bootstrap.servers=h:1\n  group.id=x\n":                  `c.yaml:3:1: Kafka property "group.id" is not supported: set input.group`,
		"kafka: |\n  bootstrap.servers=h:1\n  linger.ms=1\n  linger.ms=2\n":  "c.yaml:4:1: linger.ms is there twice: first in line 3",
		"kafka: |\n  bootstrap.servers=h:1\n  SECRETPW\n":                    "c.yaml:3:1: kafka: not a line of a .properties file",
		"kafka: |\n  acks=1\n": "c.yaml:2:1: acks: only all or -1 is supported",
		"kafka: |\n  value.deserializer=io.confluent.KafkaAvroDeserializer\n":   "gx-ol reads and writes JSON as bytes",
		"kafka: {properties_file: " + file + "}":                                file + `:3:1: unknown Kafka property "sasl.mecanism": did you mean "sasl.mechanism"?`,
		"kafka: {propertis_file: x}":                                            `did you mean "properties_file"?`,
		"kafka: \"${PROPS}\"":                                                   `PROPS:2:1: unknown Kafka property "linger.mss": did you mean "linger.ms"?`,
		"kafka: {properties_file: /nowhere/x}":                                  "kafka.properties_file: \"/nowhere/x\" cannot be read: no such file",
		"kafka: |\n  bootstrap.servers=h:1\n  sasl.jaas.config=SECRETPW x\n":    "c.yaml:3:1: sasl.jaas.config: must hold username",
		"kafka: |\n  bootstrap.servers=h:1\n  sasl.password=${file:/nowhere}\n": "c.yaml:3:1: ${file:/nowhere} cannot be read",
	} {
		_, err := Parse("c.yaml", []byte(yaml), env(map[string]string{"PROPS": "bootstrap.servers=h:1\nlinger.mss=1"}))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRETPW") {
			t.Errorf("%s\ngot  %v\nwant %s", yaml, err, want)
		}
	}
}

// What stands beside properties_file wins over the file, and a secret from a file stays one that is renewed.
func TestPropertiesBesideTheFileWin(t *testing.T) {
	dir := t.TempDir()
	file, secret := filepath.Join(dir, "client.properties"), filepath.Join(dir, "secret")
	for path, text := range map[string]string{file: "bootstrap.servers=h:1\nlinger.ms=1\nsasl.password=${file:" + secret + "}\n", secret: "first"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := Parse("c.yaml", []byte("kafka: {linger.ms: 7, properties_file: "+file+"}"), env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Kafka["linger.ms"] != "7" || cfg.Kafka["bootstrap.servers"] != "h:1" || cfg.Kafka["properties_file"] != "" {
		t.Errorf("%v", cfg.Kafka)
	}
	if err := os.WriteFile(secret, []byte("second"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := cfg.Live("kafka.sasl.password")(); got != "second" {
		t.Errorf("%q", got)
	}
}

func TestPropertiesAreReadAsJavaReadsThem(t *testing.T) {
	for text, want := range map[string]propertyLine{
		"a=b":                {"a", "b", 1},
		"  a : b ":           {"a", "b", 1},
		"a b":                {"a", "b", 1},
		"a=b=c":              {"a", "b=c", 1},
		"a\\=x = b":          {"a=x", "b", 1},
		"a = b\\\n   c\\\\":  {"a", "bc\\", 1},
		"# x\\\na=b":         {"a", "b", 2},
		"! x\r\n\r\na=b\r\n": {"a", "b", 3},
		"a=\\u0041\\tb\\n":   {"a", "A\tb", 1},
		"a=":                 {"a", "", 1},
		"a=\\u00":            {},
		"a":                  {},
		"=b":                 {},
	} {
		lines, bad := readProperties(text)
		if want.number == 0 {
			if bad != 1 {
				t.Errorf("%q: %v, %d", text, lines, bad)
			}
			continue
		}
		if bad != 0 || len(lines) != 1 || lines[0] != want {
			t.Errorf("%q: %v, %d", text, lines, bad)
		}
	}
}

func FuzzReadProperties(f *testing.F) {
	f.Add("a=b\\\n c\n# x\n\\u0041:b")
	f.Add("a\\")
	f.Fuzz(func(t *testing.T, s string) {
		lines, bad := readProperties(s)
		if bad > 0 && lines != nil || bad > strings.Count(strings.ReplaceAll(s, "\r", "\n"), "\n")+1 {
			t.Errorf("%v, %d", lines, bad)
		}
		for _, l := range lines {
			if l.key == "" {
				t.Error("a property without a name")
			}
		}
	})
}
