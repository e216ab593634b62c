package kafkaclient

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"

	"github.com/gx-ol/gx-ol/internal/accesstoken"
	"github.com/gx-ol/gx-ol/internal/tlsfiles"
)

// oauthSettings is what OAUTHBEARER needs. Java's clients have most of it in sasl.jaas.config.
type oauthSettings struct {
	endpoint, id, secret, scope string
	extensions                  map[string]string
	ca                          string // of the token endpoint
}

func (o oauthSettings) set() bool { return o.endpoint != "" || o.id != "" || o.secret != "" }

// handlers of Java that say what gx-ol does too.
const (
	oauthHandler       = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
	oauthHandlerBefore = "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler"
	iamHandlers        = "software.amazon.msk.auth.iam."
)

func oauthProperties() map[string]property {
	id := textOf(false, func(s *state) *string { return &s.sasl.oauth.id })
	secret := textOf(true, func(s *state) *string { return &s.sasl.oauth.secret })
	handler := property{set: func(s *state, v string) error {
		switch {
		case strings.HasPrefix(v, iamHandlers):
			s.sasl.iamHandler = true
		case v != oauthHandler && v != oauthHandlerBefore && v != "":
			return errors.New("only OAuthBearerLoginCallbackHandler and Amazon's IAM handlers are known: gx-ol runs no Java")
		}
		return nil
	}}
	return map[string]property{
		"sasl.oauthbearer.token.endpoint.url":                  {set: setTokenEndpoint},
		"sasl.oauthbearer.client.id":                           id,
		"sasl.oauthbearer.client.secret":                       secret,
		"sasl.oauthbearer.client.credentials.client.id":        id,
		"sasl.oauthbearer.client.credentials.client.secret":    secret,
		"sasl.oauthbearer.scope":                               textOf(false, func(s *state) *string { return &s.sasl.oauth.scope }),
		"sasl.oauthbearer.extensions":                          {set: setExtensions},
		"sasl.oauthbearer.method":                              alreadySo("gx-ol asks sasl.oauthbearer.token.endpoint.url for tokens", "oidc"),
		"sasl.oauthbearer.grant.type":                          alreadySo("gx-ol signs in with client credentials", "client_credentials"),
		"sasl.oauthbearer.jwt.retriever.class":                 {set: setRetriever},
		"sasl.oauthbearer.client.credentials.assertion.enable": alreadySo("gx-ol signs in with client id and secret", "false"),
		"sasl.login.callback.handler.class":                    handler,
		"sasl.client.callback.handler.class":                   handler,
		"https.ca.location":                                    textOf(false, func(s *state) *string { return &s.sasl.oauth.ca }),
	}
}

func setRetriever(_ *state, v string) error {
	switch v[strings.LastIndexByte(v, '.')+1:] {
	case "DefaultJwtRetriever", "ClientCredentialsJwtRetriever", "FileJwtRetriever":
		return nil
	}
	return errors.New("only ClientCredentialsJwtRetriever, FileJwtRetriever and DefaultJwtRetriever are known")
}

// setTokenEndpoint takes https://…, http://… and, as Java does, file:///… for a token that somebody else renews.
func setTokenEndpoint(s *state, v string) error {
	u, err := url.Parse(v)
	switch {
	case err == nil && u.User != nil:
		return errors.New("must not hold a user or password: set sasl.oauthbearer.client.id and sasl.oauthbearer.client.secret")
	case err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
	case err == nil && u.Scheme == "file" && u.Path != "" && (u.Host == "" || u.Host == "localhost"):
	default:
		return errors.New("must be an address such as https://idp.example.com/oauth2/token, or file:///path of a token")
	}
	s.sasl.oauth.endpoint = v
	return nil
}

// setExtensions reads librdkafka's way to write them: a=b,c=d.
func setExtensions(s *state, v string) error {
	s.sasl.oauth.extensions = map[string]string{}
	for pair := range strings.SplitSeq(v, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || name == "" {
			return errors.New("must be pairs such as logicalCluster=lkc-1234,identityPoolId=pool-1234")
		}
		s.sasl.oauth.extensions[name] = value
	}
	return checkExtensions(s.sasl.oauth.extensions)
}

// checkExtensions holds RFC 7628 §3.1: names are letters, and one is taken.
func checkExtensions(all map[string]string) error {
	for name, value := range all {
		if name == "auth" || strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) || strings.ContainsRune(value, 1) {
			return errors.New("an extension's name must be letters, and not auth")
		}
	}
	return nil
}

// oauthMechanism signs in with a token. It is fetched at the first authentication, not at the start, and again shortly before it ends; brokers
// ask for another one as it ends (KIP-368).
func (s saslSettings) oauthMechanism(tls tlsSettings) (sasl.Mechanism, string, error) {
	o, options := s.oauth, s.jaas.options
	extensions := o.extensions
	if extensions == nil {
		extensions = map[string]string{}
		for name, value := range options {
			if name, ok := strings.CutPrefix(name, "extension_"); ok {
				extensions[name] = value
			}
		}
		if err := checkExtensions(extensions); err != nil {
			return nil, "", err
		}
	}
	if o.endpoint == "" {
		return nil, "", errors.New("sasl.mechanism OAUTHBEARER needs sasl.oauthbearer.token.endpoint.url: the address of the token endpoint, or file:///path of a token")
	}
	user, token, err := s.token(tls)
	if err != nil {
		return nil, "", err
	}
	return &tokenMechanism{token: token, extensions: extensions}, user, nil
}

// tokenMechanism is OAUTHBEARER with tokens that are kept: one that a broker refuses is not shown again.
type tokenMechanism struct {
	token      func(ctx context.Context, refused string) (accesstoken.Token, error)
	extensions map[string]string
	refused    atomic.Pointer[string] // the token that was refused last
}

func (*tokenMechanism) Name() string { return mechanismOAuth }

// Authenticate begins to sign in with a token that is good now.
func (m *tokenMechanism) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	refused := ""
	if last := m.refused.Load(); last != nil {
		refused = *last
	}
	t, err := m.token(ctx, refused)
	if err != nil {
		return nil, nil, err
	}
	session, message, err := oauth.Auth{Token: t.Value, Extensions: m.extensions}.AsMechanism().Authenticate(ctx, host)
	return &tokenSession{session, func() { m.refused.Store(&t.Value) }}, message, err
}

// tokenSession hears what a broker says to a token: anything is a refusal (RFC 7628 §3.2.2).
type tokenSession struct {
	sasl.Session
	refuse func()
}

func (s *tokenSession) Challenge(answer []byte) (bool, []byte, error) {
	if len(answer) > 0 {
		s.refuse()
	}
	return s.Session.Challenge(answer)
}

// token is how tokens are had, and by whom.
func (s saslSettings) token(tls tlsSettings) (user string, token func(ctx context.Context, refused string) (accesstoken.Token, error), err error) {
	o := s.oauth
	if u, err := url.Parse(o.endpoint); err == nil && u.Scheme == "file" {
		read := accesstoken.File(u.Path) // at each authentication
		return "", func(ctx context.Context, _ string) (accesstoken.Token, error) { return read(ctx) }, nil
	}
	id := s.current("sasl.oauthbearer.client.id", o.id, "clientId")
	secret := s.current("sasl.oauthbearer.client.secret", o.secret, "clientSecret")
	if live := s.liveOf("sasl.oauthbearer.client.credentials.client.secret"); live != nil {
		secret = live
	}
	if id() == "" || secret() == "" {
		return "", nil, errors.New("sasl.mechanism OAUTHBEARER needs sasl.oauthbearer.client.id and sasl.oauthbearer.client.secret (or clientId and clientSecret in sasl.jaas.config)")
	}
	client, err := s.tokenClient(tls)
	if err != nil {
		return "", nil, err
	}
	ask := accesstoken.ClientCredentials{Endpoint: o.endpoint, ID: id, Secret: secret, Scopes: strings.Fields(cmp.Or(o.scope, s.jaas.options["scope"]))}
	return id(), accesstoken.NewSource(ask.Fetch(client), 2*time.Minute).Renew, nil
}

// tokenClient asks the token endpoint, by the proxy of the environment. Whom it believes: the system's roots, and those of https.ca.location, else of the brokers.
func (s saslSettings) tokenClient(tls tlsSettings) (*http.Client, error) {
	believed := tlsfiles.Files{CA: s.oauth.ca}
	if believed.CA == "" {
		believed = tlsfiles.Files{CA: tls.files.CA, CAText: tls.files.CAText, TrustStore: tls.files.TrustStore, TrustPassword: tls.files.TrustPassword}
	}
	return accesstoken.Client(s.oauth.endpoint, believed, nil)
}
