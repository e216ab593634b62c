package e2e

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	kafkatest "github.com/gx-ol/gx-ol/test/kafka"
	"github.com/gx-ol/gx-ol/test/process"
)

// identityProvider gives tokens to a client who knows the secret, and tells the keys that they are signed with.
type identityProvider struct {
	url    string
	key    *rsa.PrivateKey
	life   time.Duration
	asked  atomic.Int64
	given  atomic.Int64
	closed atomic.Bool // answers 503
}

func startIdentityProvider(t *testing.T, life time.Duration) *identityProvider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &identityProvider{key: key, life: life}
	mux := http.NewServeMux()
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{"kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256",
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())}}})
	})
	mux.HandleFunc("/token", p.token)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

func (p *identityProvider) token(w http.ResponseWriter, r *http.Request) {
	p.asked.Add(1)
	id, secret, _ := r.BasicAuth()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case p.closed.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
	case id != "gx-ol" || secret != "of-gx-ol" || r.FormValue("grant_type") != "client_credentials":
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"invalid_client","error_description":"no such client, or not `+secret+`"}`)
	default:
		p.given.Add(1)
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": p.sign(cmp.Or(r.FormValue("scope"), "all")), "token_type": "Bearer", "expires_in": p.life.Seconds()})
	}
}

// sign makes a token.
func (p *identityProvider) sign(scope string) string {
	part := func(v any) string {
		b, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	now := time.Now()
	text := part(map[string]string{"alg": "RS256", "kid": "k", "typ": "JWT"}) + "." +
		part(map[string]any{"sub": "gx-ol", "aud": "kafka", "iss": p.url, "scope": scope, "iat": now.Unix(), "exp": now.Add(p.life).Unix()})
	sum := sha256.Sum256([]byte(text))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// issuer signs certificates for one test.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{cert, key}
}

func (i *issuer) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.cert.Raw}))
}

func (i *issuer) issue(t *testing.T, name string, end time.Time) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: end.Add(-2 * time.Hour), NotAfter: end,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, i.cert, &k.PublicKey, i.key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
}

// block is a text as a value of YAML, below a key that is indented by two.
func block(text string) string {
	return "|\n    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") + "\n"
}

// startSecured starts an Apache Kafka that believes the tokens of idp and, of clients and for itself, the certificates of authority.
func startSecured(t *testing.T, authority *issuer, idp *identityProvider) *kafkatest.Secured {
	t.Helper()
	cert, key := authority.issue(t, "broker", time.Now().Add(time.Hour))
	kafkas, err := kafkatest.NewSecured([]byte(cert+key), []byte(authority.pem()), idp.url+"/jwks")
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafkas.Stop)
	return kafkas
}

// Each way to sign in works against Apache Kafka itself, and each that does not is told in words that help and without the secret.
func TestSigningInToKafkaItself(t *testing.T) {
	if testing.Short() {
		t.Skip("end to end, against Apache Kafka: left out by -short, run by `make e2e`")
	}
	idp, authority, stranger := startIdentityProvider(t, time.Hour), newIssuer(t), newIssuer(t)
	kafkas := startSecured(t, authority, idp)
	in := name("in")
	newTopic(t, kafkas.Servers(), in)
	addScramUser(t, kafkas.Servers())
	cert, key := authority.issue(t, "gx-ol", time.Now().Add(time.Hour))
	expired, expiredKey := authority.issue(t, "gx-ol", time.Now().Add(-time.Hour))
	strange, strangeKey := stranger.issue(t, "gx-ol", time.Now().Add(time.Hour))
	token := writeFile(t, "token", idp.sign("all")+"\n")
	oauth := func(rest string) string {
		return "  security.protocol: SASL_SSL\n  sasl.mechanism: OAUTHBEARER\n  ssl.ca.pem: " + block(authority.pem()) + rest
	}
	mutual := func(cert, key string) string {
		return "  security.protocol: SSL\n  ssl.ca.pem: " + block(authority.pem()) + "  ssl.certificate.pem: " + block(cert) + "  ssl.key.pem: " + block(key)
	}
	scram := func(mechanism, password string) string {
		return "  security.protocol: SASL_SSL\n  ssl.ca.pem: " + block(authority.pem()) + "  sasl.mechanism: " + mechanism + "\n  sasl.jaas.config: org.apache.kafka.common.security.scram.ScramLoginModule required username=\"gx\" password=\"" + password + "\";\n"
	}
	for what, c := range map[string]struct{ servers, props, want string }{
		"OAuth, properties": {kafkas.OAuth, oauth("  sasl.oauthbearer.token.endpoint.url: " + idp.url + "/token\n  sasl.oauthbearer.client.id: gx-ol\n  sasl.oauthbearer.client.secret: of-gx-ol\n  sasl.oauthbearer.scope: all\n"), ""},
		"OAuth, JAAS": {kafkas.OAuth, oauth("  sasl.oauthbearer.token.endpoint.url: " + idp.url + "/token\n" +
			`  sasl.jaas.config: org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId="gx-ol" clientSecret="of-gx-ol" scope="all" extension_traceId="x";` + "\n"), ""},
		"OAuth, token file":     {kafkas.OAuth, oauth("  sasl.oauthbearer.token.endpoint.url: file://" + token + "\n"), ""},
		"OAuth, wrong secret":   {kafkas.OAuth, oauth("  sasl.oauthbearer.token.endpoint.url: " + idp.url + "/token\n  sasl.oauthbearer.client.id: gx-ol\n  sasl.oauthbearer.client.secret: SECRETPW\n"), "answered 401 invalid_client: check client id, client secret"},
		"OAuth, nobody there":   {kafkas.OAuth, oauth("  sasl.oauthbearer.token.endpoint.url: http://127.0.0.1:1/token\n  sasl.oauthbearer.client.id: gx-ol\n  sasl.oauthbearer.client.secret: SECRETPW\n"), "the token endpoint http://127.0.0.1:1/token can't be used: "},
		"OAuth, refused token":  {kafkas.OAuth, oauth("  sasl.oauthbearer.token.endpoint.url: file://" + writeFile(t, "bad", "SECRETPW.e30.x") + "\n"), "refused the user: check "},
		"SCRAM-SHA-256":         {kafkas.Scram, scram("SCRAM-SHA-256", "of-gx"), ""},
		"SCRAM-SHA-512":         {kafkas.Scram, scram("SCRAM-SHA-512", "of-gx"), ""},
		"SCRAM, wrong password": {kafkas.Scram, scram("SCRAM-SHA-512", "SECRETPW"), "refused user gx: check sasl.username and sasl.password"},
		"SCRAM, no TLS":         {kafkas.Scram, strings.Replace(scram("SCRAM-SHA-512", "SECRETPW"), "SASL_SSL\n  ssl.ca.pem: "+block(authority.pem()), "SASL_PLAINTEXT\n", 1), "is this a plaintext connection speaking to a tls endpoint?"},
		"mTLS":                  {kafkas.Mutual, mutual(cert, key), ""},
		"mTLS, expired":         {kafkas.Mutual, mutual(expired, expiredKey), "the certificate of this client expired at "},
		"mTLS, of a stranger":   {kafkas.Mutual, mutual(strange, strangeKey), "do they ask for a certificate? set ssl.certificate.location"},
		"mTLS, no certificate":  {kafkas.Mutual, "  security.protocol: SSL\n  ssl.ca.pem: " + block(authority.pem()), "do they ask for a certificate? set ssl.certificate.location"},
		"mTLS, unknown broker":  {kafkas.Mutual, strings.Replace(mutual(cert, key), block(authority.pem()), block(stranger.pem()), 1), "set ssl.ca.location"},
		"OAuth where SCRAM is":  {kafkas.Scram, oauth("  sasl.oauthbearer.token.endpoint.url: file://" + token + "\n"), "do not take this way to sign in: check sasl.mechanism"},
	} {
		t.Run(what, func(t *testing.T) {
			e := &estate{cluster: kafkas.Cluster, in: in}
			cfg := writeFile(t, "gx-ol.yaml", "kafka:\n  bootstrap.servers: "+c.servers+"\n"+c.props+"input: {topics: ["+in+"]}\n")
			said, worked := e.command(t, "publish", "--config", cfg, writeFile(t, "result.json", string(result(1))))
			if worked != (c.want == "") || !strings.Contains(said, c.want) || strings.Contains(said, "SECRETPW") {
				t.Errorf("worked: %t; want %q; it said:\n%s", worked, c.want, process.Tail(said))
			}
		})
	}
}

// A token ends while gx-ol runs: brokers ask for another one, and nothing of it is seen.
func TestATokenIsRenewedWhileGxOlRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("end to end, against Apache Kafka: left out by -short, run by `make e2e`")
	}
	idp, authority := startIdentityProvider(t, 8*time.Second), newIssuer(t)
	kafkas := startSecured(t, authority, idp)
	e := &estate{cluster: kafkas.Cluster, in: name("in"), group: name("group")}
	newTopic(t, kafkas.Servers(), e.in)
	newTopic(t, kafkas.Servers(), e.in+".dlq")
	b := startBackend(t)
	p := startRun(t, "--config", writeFile(t, "gx-ol.yaml", "kafka:\n  bootstrap.servers: "+kafkas.OAuth+"\n  security.protocol: SASL_SSL\n  sasl.mechanism: OAUTHBEARER\n  ssl.ca.pem: "+block(authority.pem())+
		"  sasl.oauthbearer.token.endpoint.url: "+idp.url+"/token\n  sasl.oauthbearer.client.id: gx-ol\n  sasl.oauthbearer.client.secret: of-gx-ol\ninput: {topics: ["+e.in+"], group: "+e.group+"}\ntransport: {url: "+b.url+"}\n"))
	publish(t, kafkas.Servers(), e.in, kafka.Message{Value: result(1)})
	eventually(t, "the first result", func() bool { return e.lag(t) == 0 })
	eventually(t, "other tokens", func() bool { return idp.given.Load() >= 4 })
	publish(t, kafkas.Servers(), e.in, kafka.Message{Value: result(2)})
	eventually(t, "the next result", func() bool { return e.lag(t) == 0 })
	p.stop(t)
	if said := p.stderr.String(); strings.Contains(said, "of-gx-ol") || strings.Contains(said, "refused") {
		t.Errorf("it said:\n%s", process.Tail(said))
	}
}

func addScramUser(t *testing.T, servers string) {
	t.Helper()
	c := client(t, servers)
	for _, m := range []kafka.ScramMechanism{kafka.ScramMechanismSha256, kafka.ScramMechanismSha512} {
		salt := []byte("of-this-test-alone")
		sum := saltedPassword(t, m, "of-gx", salt)
		answer, err := c.AlterUserScramCredentials(t.Context(), &kafka.AlterUserScramCredentialsRequest{Upsertions: []kafka.UserScramCredentialsUpsertion{
			{Name: "gx", Mechanism: m, Iterations: 4096, Salt: salt, SaltedPassword: sum}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range answer.Results {
			if r.Error != nil {
				t.Fatal(r.Error)
			}
		}
	}
}

// saltedPassword is that of RFC 5802.
func saltedPassword(t *testing.T, m kafka.ScramMechanism, password string, salt []byte) []byte {
	t.Helper()
	var sum []byte
	var err error
	if m == kafka.ScramMechanismSha256 {
		sum, err = pbkdf2.Key(sha256.New, password, salt, 4096, 32)
	} else {
		sum, err = pbkdf2.Key(sha512.New, password, salt, 4096, 64)
	}
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
