package config

import (
	"net/url"
	"time"
)

// Auth is how the HTTP destination is told who we are; which fields matter depends on Type.
type Auth struct {
	Type   string // api_key, basic, oauth2, jwt; empty: none
	APIKey string // api_key, and what jwt exchanges

	Username, Password string // basic

	TokenEndpoint          string // oauth2, jwt
	ClientID, ClientSecret string // oauth2
	Scope, Audience        string // oauth2; each may be empty

	TokenFields                             []string // jwt: where the answer has the token, the first that is there
	ExpiresInField, GrantType, ResponseType string   // jwt
	TokenRefreshBuffer                      time.Duration
}

// secrets says whether anything of it is for one host alone.
func (a Auth) secrets() bool { return a.APIKey != "" || a.Password != "" || a.ClientSecret != "" }

// forget leaves nobody to sign in as.
func (a *Auth) forget() {
	a.Type, a.APIKey, a.Username, a.Password, a.ClientID, a.ClientSecret = "", "", "", "", "", ""
}

func authFields() []field {
	t := func(at func(*Transport) any) func(*Config) any {
		return func(c *Config) any { return at(&c.Transport) }
	}
	return []field{
		{path: "transport.auth.type", typ: "string", secret: true, enum: []string{"api_key", "basic", "oauth2", "jwt"}, doc: "http: how to sign in; api_key if only apiKey is set", at: t(func(t *Transport) any { return &t.Auth.Type })},
		{path: "transport.auth.apiKey", typ: "string", secret: true, aliases: []string{"transport.auth.api_key", "transport.auth.apikey", "openlineage_apiKey"}, doc: "http: sent as a bearer token (api_key), or exchanged for one (jwt)", at: t(func(t *Transport) any { return &t.Auth.APIKey })},
		{path: "transport.auth.username", typ: "string", doc: "http: basic: the user", at: t(func(t *Transport) any { return &t.Auth.Username })},
		{path: "transport.auth.password", typ: "string", secret: true, doc: "http: basic: the password", at: t(func(t *Transport) any { return &t.Auth.Password })},
		{path: "transport.auth.tokenEndpoint", typ: "string", aliases: []string{"transport.auth.token_endpoint"}, doc: "http: oauth2, jwt: who gives tokens", at: t(func(t *Transport) any { return &t.Auth.TokenEndpoint })},
		{path: "transport.auth.clientId", typ: "string", aliases: []string{"transport.auth.client_id"}, doc: "http: oauth2: the client (grant client_credentials)", at: t(func(t *Transport) any { return &t.Auth.ClientID })},
		{path: "transport.auth.clientSecret", typ: "string", secret: true, aliases: []string{"transport.auth.client_secret"}, doc: "http: oauth2: its secret", at: t(func(t *Transport) any { return &t.Auth.ClientSecret })},
		{path: "transport.auth.scope", typ: "string", doc: "http: oauth2: scopes, with spaces between them", at: t(func(t *Transport) any { return &t.Auth.Scope })},
		{path: "transport.auth.audience", typ: "string", doc: "http: oauth2: audience, where the token endpoint wants one", at: t(func(t *Transport) any { return &t.Auth.Audience })},
		{path: "transport.auth.tokenFields", typ: "list", def: "token,access_token", aliases: []string{"transport.auth.token_fields"}, doc: "http: jwt: where the token stands in the answer; the first that is there", at: t(func(t *Transport) any { return &t.Auth.TokenFields })},
		{path: "transport.auth.expiresInField", typ: "string", def: "expires_in", aliases: []string{"transport.auth.expires_in_field"}, doc: "http: jwt: where its life stands, in seconds; else the token's own exp counts", at: t(func(t *Transport) any { return &t.Auth.ExpiresInField })},
		{path: "transport.auth.grantType", typ: "string", def: "urn:ietf:params:oauth:grant-type:jwt-bearer", aliases: []string{"transport.auth.grant_type"}, doc: "http: jwt: sent as grant_type", at: t(func(t *Transport) any { return &t.Auth.GrantType })},
		{path: "transport.auth.responseType", typ: "string", def: "token", aliases: []string{"transport.auth.response_type"}, doc: "http: jwt: sent as response_type", at: t(func(t *Transport) any { return &t.Auth.ResponseType })},
		{path: "transport.auth.tokenRefreshBuffer", typ: "duration", def: "120s", aliases: []string{"transport.auth.token_refresh_buffer"}, doc: "http: oauth2, jwt: how long before its end a token is renewed; a quarter of its life at most", at: t(func(t *Transport) any { return &t.Auth.TokenRefreshBuffer })},
		{path: "transport.proxy", typ: "string", secret: true, doc: "http: proxy for the backend and the token endpoint, such as http://user:password@proxy:3128; off: none; default: HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the environment", at: t(func(t *Transport) any { return &t.Proxy })},
		{path: "transport.verify", typ: "bool", def: "true", doc: "http: check the backend's certificate; false is for tests", at: t(func(t *Transport) any { return &t.Verify })},
		{path: "transport.rate_limit", typ: "number", def: "0", doc: "http: events a second at most, of this process; 0: as many as the backend bears", at: t(func(t *Transport) any { return &t.RateLimit })},
		{path: "transport.rate_burst", typ: "int", doc: "http: events that may go at once after a pause; default: those of a second", at: t(func(t *Transport) any { return &t.RateBurst })},
	}
}

// normalize fills in the type that the other keys imply.
func (a *Auth) normalize() {
	switch {
	case a.Type != "":
	case a.ClientID != "" || a.ClientSecret != "":
		a.Type = "oauth2"
	case a.Username != "" || a.Password != "":
		a.Type = "basic"
	case a.APIKey != "":
		a.Type = "api_key"
	}
}

// checkAuth checks what each way to sign in needs.
func (l *loader) checkAuth(path string, t *Transport, at func(string) string) {
	type key struct{ name, value string }
	needs := map[string][]key{
		"api_key": {{"apiKey", t.Auth.APIKey}},
		"basic":   {{"username", t.Auth.Username}, {"password", t.Auth.Password}},
		"oauth2":  {{"tokenEndpoint", t.Auth.TokenEndpoint}, {"clientId", t.Auth.ClientID}, {"clientSecret", t.Auth.ClientSecret}},
		"jwt":     {{"tokenEndpoint", t.Auth.TokenEndpoint}, {"apiKey", t.Auth.APIKey}},
	}
	for _, key := range needs[t.Auth.Type] {
		if key.value == "" {
			l.lacks("transport", at("auth.type"), "%s.auth.type %s needs %s.auth.%s", path, t.Auth.Type, path, key.name)
		}
	}
	if t.Auth.TokenEndpoint != "" && !l.unresolved[path+".auth.tokenEndpoint"] {
		l.checkAddress(path+".auth.tokenEndpoint", t.Auth.TokenEndpoint, at("auth.tokenEndpoint"))
	}
	if t.Proxy != "" && t.Proxy != "off" && !l.unresolved[path+".proxy"] {
		if u, err := url.Parse(t.Proxy); err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
			l.fault(at("proxy"), "%s.proxy must be an address such as http://proxy:3128 (http, https or socks5), or off", path)
		}
	}
}

func (l *loader) checkAddress(path, value, place string) {
	u, err := url.Parse(value)
	switch {
	case err != nil || !webAddress(u):
		l.fault(place, "%s must be an address such as https://idp.example.com/oauth2/token", path)
	case u.User != nil:
		l.fault(place, "%s must not hold a user or password: they have keys of their own", path)
	}
}
