package config

import (
	"fmt"
	"strings"
	"testing"
)

// What signs in at brokers goes to the brokers that it was configured with, by the rule that HTTP's keys have: whoever only names others does not take it along.
// A base file that names no brokers, or in which the secret stands as ${VAR}, is for whatever brokers the environment has.
func TestASecretOfKafkaGoesToTheBrokersItWasConfiguredWith(t *testing.T) {
	const signIn = `security.protocol: SASL_SSL, sasl.mechanism: PLAIN, sasl.username: u, sasl.password: `
	const jaas = `security.protocol: SASL_SSL, sasl.mechanism: SCRAM-SHA-512, sasl.jaas.config: "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"u\" password=\"`
	const oauth = `security.protocol: SASL_SSL, sasl.mechanism: OAUTHBEARER, sasl.oauthbearer.client.id: i, sasl.oauthbearer.client.secret: SECRETPW, sasl.oauthbearer.token.endpoint.url: `
	for name, c := range map[string]struct {
		files string // of kafka, one a line
		vars  map[string]string
		flags map[string]string
		kept  string // the fault; empty: the secret goes along
	}{
		"one file":                    {files: `bootstrap.servers: "a:1", ` + signIn + `SECRETPW`},
		"a later file":                {files: `bootstrap.servers: "a:1", ` + signIn + "SECRETPW\nbootstrap.servers: \"b:1\"", kept: `1.yaml:1:28: kafka.sasl.password from 0.yaml:1:120 is not sent to these brokers: it was configured with others (0.yaml:1:28). Set both in one place`},
		"a later file with both":      {files: `bootstrap.servers: "a:1", ` + signIn + "other\nbootstrap.servers: \"b:1\", sasl.password: SECRETPW"},
		"a file without brokers":      {files: signIn + "SECRETPW\nbootstrap.servers: \"b:1\""},
		"a file without, and a flag":  {files: signIn + "SECRETPW", flags: map[string]string{"brokers": "b:1"}},
		"named by a later file":       {files: signIn + "SECRETPW\nbootstrap.servers: \"b:1\"", flags: map[string]string{"brokers": "c:1"}, kept: "--brokers: kafka.sasl.password from 0.yaml"},
		"what nobody hears":           {files: `bootstrap.servers: "a:1", ` + oauth + "\"https://i/t\"\nbootstrap.servers: \"b:1\", sasl.mechanism: PLAIN, sasl.username: u, sasl.password: SECRETPW"},
		"back again":                  {files: `bootstrap.servers: "a:1", ` + signIn + "SECRETPW\nbootstrap.servers: \"b:1\"\nbootstrap.servers: \"A:1\""},
		"of the environment":          {files: `bootstrap.servers: "a:1", ` + signIn + "\"${PW}\"\nbootstrap.servers: \"b:1\""},
		"both of the environment":     {files: `bootstrap.servers: "a:1", ` + signIn + "\"${PW}\"", vars: map[string]string{"GX_OL_KAFKA_BOOTSTRAP_SERVERS": "b:1"}},
		"both variables of ours":      {files: `bootstrap.servers: "a:1", ` + signIn + "other", vars: map[string]string{"GX_OL_KAFKA_BOOTSTRAP_SERVERS": "b:1", "GX_OL_KAFKA_SASL_PASSWORD": "SECRETPW"}},
		"a default in the file":       {files: `bootstrap.servers: "a:1", ` + signIn + "\"${NONE:-SECRETPW}\"\nbootstrap.servers: \"b:1\"", kept: "kafka.sasl.password from 0.yaml"},
		"a secret of a file":          {files: `bootstrap.servers: "a:1", ` + signIn + "\"${file:pw}\"\nbootstrap.servers: \"b:1\"", kept: "kafka.sasl.password from 0.yaml"},
		"a variable":                  {files: `bootstrap.servers: "a:1", ` + signIn + "SECRETPW", vars: map[string]string{"GX_OL_KAFKA_BOOTSTRAP_SERVERS": "b:1"}, kept: "GX_OL_KAFKA_BOOTSTRAP_SERVERS: kafka.sasl.password from 0.yaml"},
		"--set":                       {files: `bootstrap.servers: "a:1", ` + signIn + "SECRETPW", flags: map[string]string{SetFlag("kafka.bootstrap.servers"): "b:1"}, kept: "--set kafka.bootstrap.servers: kafka.sasl.password"},
		"--brokers":                   {files: `bootstrap.servers: "a:1", ` + signIn + "SECRETPW", flags: map[string]string{"brokers": "b:1"}, kept: "--brokers: kafka.sasl.password"},
		"--brokers, environment's":    {files: `bootstrap.servers: "a:1", ` + signIn + "\"${PW}\"", flags: map[string]string{"brokers": "b:1"}, kept: "--brokers: kafka.sasl.password"},
		"--brokers, variable of ours": {files: `bootstrap.servers: "a:1", ` + signIn + "other", vars: map[string]string{"GX_OL_KAFKA_SASL_PASSWORD": "SECRETPW"}, flags: map[string]string{"brokers": "b:1"}, kept: "from GX_OL_KAFKA_SASL_PASSWORD"},
		"--brokers and --set":         {files: `bootstrap.servers: "a:1", ` + signIn + "other", flags: map[string]string{"brokers": "b:1", SetFlag("kafka.sasl.password"): "SECRETPW"}},
		"fewer of the same brokers":   {files: `bootstrap.servers: "a:1,B,c:1", ` + signIn + "SECRETPW\nbootstrap.servers: \"b:9092, C:1\""},
		"one broker more":             {files: `bootstrap.servers: "a:1", ` + signIn + "SECRETPW\nbootstrap.servers: \"a:1,b:1\"", kept: "kafka.sasl.password"},
		"another port":                {files: `bootstrap.servers: "a:1", ` + signIn + "SECRETPW\nbootstrap.servers: \"a:2\"", kept: "kafka.sasl.password"},
		"a line of Java":              {files: `bootstrap.servers: "a:1", ` + jaas + "SECRETPW\\\";\"\nbootstrap.servers: \"b:1\"", kept: "kafka.sasl.jaas.config from 0.yaml"},
		"Java's, environment's":       {files: `bootstrap.servers: "a:1", ` + jaas + "${PW}\\\";\"\nbootstrap.servers: \"b:1\""},
		"a client's secret":           {files: `bootstrap.servers: "a:1", ` + oauth + "\"https://i/t\"\nbootstrap.servers: \"b:1\"", kept: "kafka.sasl.oauthbearer.client.secret from 0.yaml"},
		"another token endpoint":      {files: `bootstrap.servers: "a:1", ` + oauth + "\"https://i/t\"\nsasl.oauthbearer.token.endpoint.url: \"https://j/t\"", kept: "is not sent to this token endpoint"},
		"the same, another path":      {files: `bootstrap.servers: "a:1", ` + oauth + "\"https://i/t\"\nsasl.oauthbearer.token.endpoint.url: \"https://I:443/u\""},
		"a token of a file":           {files: `bootstrap.servers: "a:1", security.protocol: SASL_SSL, sasl.mechanism: OAUTHBEARER, sasl.oauthbearer.token.endpoint.url: "file:///t"` + "\nbootstrap.servers: \"b:1\"", kept: "kafka.sasl.oauthbearer.token.endpoint.url from 0.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			files, paths := map[string]string{"pw": "SECRETPW"}, []string(nil)
			for i, kafka := range strings.Split(c.files, "\n") {
				path := string(rune('0'+i)) + ".yaml"
				files[path], paths = "kafka: {"+kafka+"}\n", append(paths, path)
			}
			inFolder(t, files)
			vars := map[string]string{"PW": "SECRETPW"}
			for k, v := range c.vars {
				vars[k] = v
			}
			cfg, err := LoadForTopics(JoinFiles(paths...), env(vars), c.flags)
			if c.kept != "" {
				if err == nil || !strings.Contains(err.Error(), c.kept) || strings.Contains(err.Error(), "SECRETPW") || strings.Contains(err.Error(), "\n") {
					t.Errorf("%v, want %s", err, c.kept)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if all := cfg.Kafka["sasl.password"] + cfg.Kafka["sasl.jaas.config"] + cfg.Kafka["sasl.oauthbearer.client.secret"]; !strings.Contains(all, "SECRETPW") {
				t.Errorf("%q is all that signs in", all)
			}
		})
	}
}

// A Kafka destination has properties of its own, and the rule holds for each; a command that signs in nowhere starts.
func TestASecretOfADestinationStaysWithItsBrokers(t *testing.T) {
	const config = `config: {bootstrap.servers: "a:1", security.protocol: SASL_SSL, sasl.mechanism: PLAIN, sasl.username: u, sasl.password: SECRETPW}`
	inFolder(t, map[string]string{"one.yaml": "transport: {type: kafka, topic: t, " + config + "}", "two.yaml": `transport: {config: {bootstrap.servers: "b:1"}}`,
		"many.yaml": "transport: {type: composite, transports: {k: {type: kafka, topic: t, " + config + "}}}", "more.yaml": `transport: {transports: {k: {config: {bootstrap.servers: "b:1"}}}}`})
	for paths, key := range map[string]string{JoinFiles("one.yaml", "two.yaml"): "transport.config.sasl.password", JoinFiles("many.yaml", "more.yaml"): "transport.transports.k.config.sasl.password"} {
		if _, err := LoadForTopics(paths, env(nil), nil); err == nil || !strings.Contains(err.Error(), key+" from ") {
			t.Errorf("%s: %v", paths, err)
		}
		cfg, err := LoadForMap(paths, env(nil), nil)
		if err != nil || cfg.Destinations()[0].Config["sasl.password"] != "" {
			t.Errorf("%s: to map: %v, %v", paths, cfg, err)
		}
	}
}

// A client's secret is told to the token endpoint: another one does not get it, nor the key that jwt exchanges.
func TestASecretGoesToTheTokenEndpointItWasConfiguredWith(t *testing.T) {
	for auth, kept := range map[string]string{
		"type: oauth2, clientId: i, clientSecret: SECRETPW":         "clientSecret",
		"type: jwt, apiKey: SECRETPW":                               "apiKey",
		"type: oauth2, clientId: i, clientSecret: x, apiKey: spare": "clientSecret",
	} {
		inFolder(t, map[string]string{"one.yaml": `transport: {url: "http://one", auth: {tokenEndpoint: "https://i/t", ` + auth + "}}", "two.yaml": `transport: {auth: {tokenEndpoint: "https://j/t"}}`,
			"same.yaml": `transport: {auth: {tokenEndpoint: "https://i/u"}}`})
		for _, flags := range []map[string]string{nil, {SetFlag("transport.auth.tokenEndpoint"): "https://j/t"}} {
			path := JoinFiles("one.yaml", "two.yaml")
			if flags != nil {
				path = "one.yaml"
			}
			cfg, err := LoadForTopics(path, env(nil), flags)
			said := fmt.Sprint(err)
			if err == nil {
				said = strings.Join(cfg.Warnings, "\n")
			}
			if err == nil && (cfg.Transport.Auth.APIKey == "SECRETPW" || cfg.Transport.Auth.ClientSecret != "") || !strings.Contains(said, "transport.auth."+kept+" from one.yaml") || strings.Contains(said, "SECRETPW") {
				t.Errorf("%s: %v, %v", auth, cfg, said)
			}
		}
		if cfg, err := LoadForTopics(JoinFiles("one.yaml", "same.yaml"), env(nil), nil); err != nil || len(cfg.Warnings) != 0 || cfg.Transport.Auth.Type == "" {
			t.Errorf("the same endpoint: %+v, %v", cfg, err)
		}
	}
}

// What names both on the command line is one source, in whatever order.
func TestTheCommandLineIsOneSource(t *testing.T) {
	inFolder(t, map[string]string{"c.yaml": `transport: {url: "http://one", auth: {apiKey: other}}`})
	cfg, err := LoadForTopics("c.yaml", env(nil), map[string]string{"to": "http://two", SetFlag("transport.auth.apiKey"): "own"})
	if err != nil || cfg.Transport.Auth.APIKey != "own" || cfg.Transport.Auth.Type != "api_key" || len(cfg.Warnings) != 0 {
		t.Errorf("%+v, %v", cfg, err)
	}
}
