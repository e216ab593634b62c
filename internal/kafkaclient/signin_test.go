package kafkaclient

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
)

// firstMessage is what a client of these properties would say first to sign in at host.
func firstMessage(t *testing.T, props map[string]string, host string) (string, error) {
	t.Helper()
	client := clientOf(t, props)
	all, _ := client.OptValue(kgo.SASL).([]sasl.Mechanism)
	if len(all) != 1 {
		t.Fatal("no mechanism")
	}
	_, message, err := all[0].Authenticate(t.Context(), host)
	return string(message), err
}

func with(props map[string]string, more ...string) map[string]string {
	all := map[string]string{"bootstrap.servers": "h:1", "security.protocol": "SASL_SSL"}
	for k, v := range props {
		all[k] = v
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// What is signed is what MSK wants: the host, an expiry, the region of the host, and the session's token where there is one; and not the secret.
// A token is fetched once for many connections, with what Java's and librdkafka's clients send, and its renewed secret is used.
func TestTokensAreFetchedOnceForManyConnections(t *testing.T) {
	var asked atomic.Int64
	var form, user, password string
	status := http.StatusOK
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		user, password, _ = r.BasicAuth()
		form = r.FormValue("grant_type") + " " + r.FormValue("scope")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"access_token":"the-token","token_type":"Bearer","expires_in":3600}`))
	}))
	defer s.Close()
	props := with(nil, "sasl.mechanism", "OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url", s.URL+"/token?SECRETPW=1",
		"sasl.jaas.config", `a.OAuthBearerLoginModule required clientId="id" clientSecret="sec\"ret" scope="a b" extension_logicalCluster="lkc-1";`)
	client := clientOf(t, props)
	all, _ := client.OptValue(kgo.SASL).([]sasl.Mechanism)
	for range 3 {
		_, message, err := all[0].Authenticate(t.Context(), "h:1")
		if err != nil || string(message) != "n,,\x01auth=Bearer the-token\x01logicalCluster=lkc-1\x01\x01" {
			t.Fatalf("%v, %q", err, message)
		}
	}
	if asked.Load() != 1 || form != "client_credentials a b" || user != "id" || password != "sec%22ret" && password != `sec"ret` {
		t.Errorf("asked %d times, %s, %s, %s", asked.Load(), form, user, password)
	}
	session, _, err := all[0].Authenticate(t.Context(), "h:1")
	if err != nil {
		t.Fatal(err)
	}
	if done, _, err := session.Challenge([]byte(`{"status":"invalid_token"}`)); done || err != nil {
		t.Errorf("%t, %v", done, err)
	}
	if _, _, err := all[0].Authenticate(t.Context(), "h:1"); err != nil || asked.Load() != 2 {
		t.Errorf("after a refusal: %v, asked %d times, want 2", err, asked.Load())
	}
	status = http.StatusServiceUnavailable
	other := clientOf(t, props)
	all, _ = other.OptValue(kgo.SASL).([]sasl.Mechanism)
	_, _, err = all[0].Authenticate(t.Context(), "h:1")
	if text := diagnose(err, party{servers: "h:1"}).Error(); !strings.Contains(text, "no access token to sign in to the brokers at h:1: the token endpoint "+s.URL+"/token answered 503") || strings.Contains(text, "SECRETPW") {
		t.Errorf("%s", text)
	}
}

// The token endpoint is believed if the brokers' authority signed it, or that of https.ca.location; and nobody else is given the secret.
func TestWhichTokenEndpointIsBelieved(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"the-token","expires_in":3600}`))
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte(ca), 0o600); err != nil {
		t.Fatal(err)
	}
	_, other := selfSigned(t, "127.0.0.1")
	props := with(nil, "sasl.mechanism", "OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url", s.URL, "sasl.oauthbearer.client.id", "i", "sasl.oauthbearer.client.secret", "SECRETPW")
	for name, c := range map[string]struct {
		more []string
		ok   bool
	}{
		"the brokers' authority, as text": {[]string{"ssl.ca.pem", ca}, true},
		"the brokers' authority":          {[]string{"ssl.ca.location", file}, true},
		"https.ca.location":               {[]string{"https.ca.location", file, "ssl.ca.location", other}, true},
		"another authority":               {[]string{"ssl.ca.location", other}, false},
		"the system's":                    {nil, false},
	} {
		before := asked.Load()
		_, err := firstMessage(t, with(props, c.more...), "h:1")
		if (err == nil) != c.ok || (asked.Load() > before) != c.ok || err != nil && strings.Contains(err.Error(), "SECRETPW") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFaultsOfSigningIn(t *testing.T) {
	oauth := map[string]string{"sasl.mechanism": "OAUTHBEARER"}
	for name, c := range map[string]struct {
		props map[string]string
		want  string
	}{
		"no endpoint":          {with(oauth), "needs sasl.oauthbearer.token.endpoint.url"},
		"no client":            {with(oauth, "sasl.oauthbearer.token.endpoint.url", "https://idp/t"), "needs sasl.oauthbearer.client.id"},
		"user in the endpoint": {with(oauth, "sasl.oauthbearer.token.endpoint.url", "https://u:SECRETPW@idp/t"), "must not hold a user or password"},
		"no address":           {with(oauth, "sasl.oauthbearer.token.endpoint.url", "SECRETPW"), "must be an address such as"},
		"another handler":      {with(oauth, "sasl.login.callback.handler.class", "com.example.Ours"), "gx-ol runs no Java"},
		"method":               {with(oauth, "sasl.oauthbearer.method", "default"), "only oidc is supported"},
		"extensions":           {with(oauth, "sasl.oauthbearer.extensions", "a"), "must be pairs"},
		"extension auth":       {with(oauth, "sasl.oauthbearer.extensions", "auth=SECRETPW"), "and not auth"},
		"unsecured":            {with(oauth, "sasl.oauthbearer.config", "principal=x"), "tokens without a signature"},
		"contradiction":        {with(nil, "sasl.mechanism", "SCRAM-SHA-256", "sasl.jaas.config", `a.PlainLoginModule required username="u" password="SECRETPW";`), "is for PLAIN, and sasl.mechanism is SCRAM-SHA-256"},
		"which SCRAM":          {with(nil, "sasl.jaas.config", `a.ScramLoginModule required username="u" password="SECRETPW";`), "set sasl.mechanism to PLAIN, SCRAM-SHA-256"},
		"Kerberos":             {with(nil, "sasl.jaas.config", `com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true;`), "Kerberos is not supported"},
		"no such CA":           {with(oauth, "sasl.oauthbearer.token.endpoint.url", "https://idp/t", "sasl.oauthbearer.client.id", "i", "sasl.oauthbearer.client.secret", "s", "https.ca.location", "/nowhere"), "/nowhere"},
		"two ways":             {with(nil, "security.protocol", "SSL", "ssl.ca.location", "a", "ssl.ca.pem", "b"), "set one of ssl.ca.location"},
		"two pairs":            {with(nil, "security.protocol", "SSL", "ssl.keystore.location", "a", "ssl.key.pem", "SECRETPW", "ssl.certificate.pem", "x"), "set certificate and key once"},
		"store's type":         {with(nil, "ssl.truststore.type", "BKS"), "must be one of PKCS12, PEM"},
		"Avro":                 {with(nil, "value.deserializer", "io.confluent.kafka.serializers.KafkaAvroDeserializer"), "without a schema registry"},
	} {
		_, err := Opts(c.props)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "SECRETPW") {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// What changes nothing is taken and told, except what consoles print beside everything else.
// What librdkafka calls otherwise, as OpenLineage's Python client is configured with it, does what the standard name does.
func TestLibrdkafkasNamesDoWhatTheStandardOnesDo(t *testing.T) {
	values := map[string]string{"acks": "all", "compression.type": "gzip", "max.request.size": "2000000"}
	for name, standard := range sameAs {
		value := values[standard]
		if value == "" {
			value = "2000"
		}
		valueOf := func(name string) string {
			opts, err := Opts(map[string]string{"bootstrap.servers": "127.0.0.1:1", name: value})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			client, err := kgo.NewClient(opts...)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			defer client.Close()
			return fmt.Sprint(client.OptValue(kgo.ProducerBatchMaxBytes), client.OptValue(kgo.FetchMaxPartitionBytes), client.OptValue(kgo.FetchMaxWait), client.OptValue(kgo.ProducerBatchCompression),
				client.OptValue(kgo.ProducerLinger), client.OptValue(kgo.RecordDeliveryTimeout), client.OptValue(kgo.MetadataMaxAge))
		}
		if got, want := valueOf(name), valueOf(standard); got != want || standard != "acks" && got == valueOf("check.crcs") {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if CheckValue("request.required.acks", "1") == nil {
		t.Error("request.required.acks=1 is taken")
	}
	for name := range onlyLibrdkafkas("a", "b", "c") {
		if NoEffect(name) == "" || CheckValue(name, "x") != nil {
			t.Errorf("%s is not taken with a word", name)
		}
	}
}

func TestWhatHasNoEffectIsTaken(t *testing.T) {
	for name := range withoutEffect() {
		if err := CheckName(name); err != nil {
			t.Error(err)
		}
	}
	if NoEffect("schema.registry.url") == "" || NoEffect("client.dns.lookup") != "" || NoEffect("linger.ms") != "" {
		t.Error("told wrongly")
	}
	if !Secret("basic.auth.user.info") || !Secret("sasl.oauthbearer.client.secret") || !Secret("ssl.keystore.key") || !Secret("ssl.keystore.password") {
		t.Error("shown wrongly")
	}
}

func TestAStopEndsSigningIn(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	client := clientOf(t, with(nil, "sasl.mechanism", "OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url", s.URL, "sasl.oauthbearer.client.id", "i", "sasl.oauthbearer.client.secret", "s"))
	all, _ := client.OptValue(kgo.SASL).([]sasl.Mechanism)
	if _, _, err := all[0].Authenticate(ctx, "h:1"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// However its certificate is written, a client shows it to brokers that ask for one.
// A password, a key and a secret that come from files are those of the moment.
func TestRenewedSecretsAreUsed(t *testing.T) {
	values := map[string]string{}
	live := func(name string) func() string {
		if _, ok := values[name]; !ok {
			return nil
		}
		return func() string { return values[name] }
	}
	var got string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, got, _ = r.BasicAuth()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"the-token","expires_in":1}`))
	}))
	defer s.Close()
	for _, name := range []string{"sasl.oauthbearer.client.secret", "sasl.oauthbearer.client.credentials.client.secret", "sasl.jaas.config"} {
		clear(values)
		as := func(secret string) string {
			if name == "sasl.jaas.config" {
				return `a.OAuthBearerLoginModule required clientId="id" clientSecret="` + secret + `";`
			}
			return secret
		}
		values[name] = as("first")
		props := with(nil, "sasl.mechanism", "OAUTHBEARER", "sasl.oauthbearer.token.endpoint.url", s.URL, name, values[name])
		if name != "sasl.jaas.config" {
			props["sasl.oauthbearer.client.id"] = "id"
		}
		opts, err := OptsLive(props, live)
		if err != nil {
			t.Fatal(err)
		}
		client, err := kgo.NewClient(opts...)
		if err != nil {
			t.Fatal(err)
		}
		all, _ := client.OptValue(kgo.SASL).([]sasl.Mechanism)
		for _, secret := range []string{"first", "second"} {
			values[name] = as(secret)
			session, _, err := all[0].Authenticate(t.Context(), "h:1")
			if err != nil || got != secret {
				t.Errorf("%s: asked with %q, want %q: %v", name, got, secret, err)
				continue
			}
			_, _, _ = session.Challenge([]byte("refused")) // so that the next one is fetched
		}
		client.Close()
	}
}
