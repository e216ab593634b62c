package app

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/gx-ol/gx-ol/internal/accesstoken"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/tlsfiles"
	producerhttp "github.com/gx-ol/gx-ol/producer/http"
)

// signIn fills in how an HTTP destination signs in, and the way there. Values from files are asked for each time.
func signIn(cfg *config.Config, t *config.Transport, into *producerhttp.Config) error {
	path := cfg.Path(t)
	now := func(key, set string) func() string { return liveOr(cfg, path+"."+key, set) }
	if t.Proxy != "" {
		into.Proxy = proxyOf(now("proxy", t.Proxy))
	}
	a := t.Auth
	var fetch func(*http.Client) accesstoken.Fetch
	switch a.Type {
	case "basic":
		user, password := now("auth.username", a.Username), now("auth.password", a.Password)
		into.Basic = func() (string, string) { return user(), password() }
	case "oauth2":
		ask := accesstoken.ClientCredentials{Endpoint: a.TokenEndpoint, ID: now("auth.clientId", a.ClientID), Secret: now("auth.clientSecret", a.ClientSecret), Scopes: strings.Fields(a.Scope)}
		if a.Audience != "" {
			ask.Extra = url.Values{"audience": {a.Audience}}
		}
		fetch = ask.Fetch
	case "jwt":
		fetch = accesstoken.Exchange{Endpoint: a.TokenEndpoint, APIKey: now("auth.apiKey", a.APIKey), GrantType: a.GrantType, ResponseType: a.ResponseType,
			TokenFields: a.TokenFields, ExpiresInField: a.ExpiresInField}.Fetch
	default:
		into.APIKey, into.APIKeyNow = a.APIKey, cfg.Live(path+".auth.apiKey")
	}
	if fetch == nil {
		return nil
	}
	client, err := tokenClient(t, into.Proxy)
	if err != nil {
		return err
	}
	source := accesstoken.NewSource(fetch(client), a.TokenRefreshBuffer)
	into.Token = func(ctx context.Context, refused string) (string, error) {
		if refused == "" {
			token, err := source.Now(ctx)
			return token.Value, err
		}
		token, err := source.Renew(ctx, refused)
		return token.Value, err
	}
	return nil
}

// liveOr gives the present value of a key, which was set at the start.
func liveOr(cfg *config.Config, path, set string) func() string {
	live := cfg.Live(path)
	return func() string {
		if live != nil {
			return cmp.Or(live(), set)
		}
		return set
	}
}

// proxyOf is nil for none.
func proxyOf(now func() string) func() (*url.URL, error) {
	return func() (*url.URL, error) {
		proxy := now()
		if proxy == "off" {
			return nil, nil //nolint:nilnil // no proxy is no error
		}
		u, err := url.Parse(proxy)
		if err != nil {
			return nil, errors.New("transport.proxy is no address") // its text would show the password
		}
		return u, nil
	}
}

// tokenClient asks the token endpoint by the backend's own proxy. It believes the system's roots, and those of the backend.
func tokenClient(t *config.Transport, proxy func() (*url.URL, error)) (*http.Client, error) {
	return accesstoken.Client(t.Auth.TokenEndpoint, tlsfiles.Files{CA: t.SSL.CA}, proxy)
}
