package kafkatest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Secured is one broker with an address for each way to sign in. All have TLS with the same certificate, which is for 127.0.0.1.
type Secured struct {
	*Cluster
	OAuth  string // SASL_SSL, OAUTHBEARER: tokens are checked with the keys that jwks has
	Scram  string // SASL_SSL, SCRAM-SHA-256 and SCRAM-SHA-512; a user is made at Servers
	Mutual string // SSL, with a certificate of the client's own
}

// NewSecured starts it. pair is PEM of the broker's certificate and key, ca of the authority that signs clients; jwks is the address of a set of keys. Whoever asks
// at Servers, without TLS, may do everything.
func NewSecured(pair, ca []byte, jwks string) (*Secured, error) {
	dir, err := os.MkdirTemp("", "gx-ol-stores-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // read when the broker starts
	key, trust := filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem")
	for path, data := range map[string][]byte{key: pair, trust: ca} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return nil, err
		}
	}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	at := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	s := &Secured{OAuth: at(0), Scram: at(1), Mutual: at(2)}
	s.Cluster, err = newCluster(1, func(c *Cluster) string {
		c.jvm = []string{"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=" + jwks}
		return strings.NewReplacer("{port}", fmt.Sprint(c.ports[0]), "{controller}", fmt.Sprint(c.ports[1]), "{oauth}", s.OAuth, "{scram}", s.Scram, "{mutual}", s.Mutual,
			"{key}", key, "{trust}", trust, "{jwks}", jwks).Replace(`
listeners=PLAINTEXT://127.0.0.1:{port},OAUTH://{oauth},SCRAM://{scram},MUTUAL://{mutual},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},OAUTH://{oauth},SCRAM://{scram},MUTUAL://{mutual}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OAUTH:SASL_SSL,SCRAM:SASL_SSL,MUTUAL:SSL,CONTROLLER:PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location={key}
ssl.truststore.type=PEM
ssl.truststore.location={trust}
listener.name.mutual.ssl.client.auth=required
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512
listener.name.scram.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.scram.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.oauth.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.oauth.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
listener.name.oauth.oauthbearer.sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler
listener.name.oauth.oauthbearer.connections.max.reauth.ms=3600000
sasl.oauthbearer.jwks.endpoint.url={jwks}
sasl.oauthbearer.expected.audience=kafka
`) + patient
	})
	return s, err
}
