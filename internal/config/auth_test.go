package config

import (
	"strings"
	"testing"
)

func TestFaultsOfSigningInOverHTTP(t *testing.T) {
	for auth, want := range map[string]string{
		"auth: {type: api_key}":                                                 "c.yaml:1:43: transport.auth.type api_key needs transport.auth.apiKey",
		"auth: {type: basic, username: u}":                                      "transport.auth.type basic needs transport.auth.password",
		"auth: {type: oauth2, clientId: i, clientSecret: SECRETPW}":             "transport.auth.type oauth2 needs transport.auth.tokenEndpoint",
		"auth: {type: jwt, apiKey: SECRETPW}":                                   "transport.auth.type jwt needs transport.auth.tokenEndpoint",
		"auth: {type: jwt, apiKey: k, tokenEndpoint: \"https://u:SECRETPW@h\"}": "must not hold a user or password",
		"auth: {type: jwt, apiKey: k, tokenEndpoint: SECRETPW}":                 "transport.auth.tokenEndpoint must be an address",
		"auth: {type: oauth}":                                                   "transport.auth.type must be one of api_key, basic, oauth2, jwt, not the value",
		"auth: {type: oauth2, clientSecrt: x}":                                  `did you mean "clientSecret"?`,
		"proxy: \"u:SECRETPW@proxy\"":                                           "transport.proxy must be an address such as http://proxy:3128",
		"proxy: \"ftp://u:SECRETPW@proxy\"":                                     "transport.proxy must be an address",
		"rate_limit: fast":                                                      "transport.rate_limit must be a number such as 20 or 0.5",
		"rate_limit: -1":                                                        "transport.rate_limit must be a number",
		"rate_burst: 0":                                                         "transport.rate_burst must be a whole number above zero",
		"verify: maybe":                                                         "transport.verify must be true or false",
	} {
		_, err := Parse("c.yaml", []byte("transport: {url: \"http://h\", "+auth+"}"), env(nil))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "SECRETPW") {
			t.Errorf("%s: got %v, want %s", auth, err, want)
		}
	}
	_, err := Parse("c.yaml", []byte("transport: {url: \"http://u:SECRETPW@h\"}"), env(nil))
	if err == nil || !strings.Contains(err.Error(), "use transport.auth: {type: basic, username: …, password: …}") || strings.Contains(err.Error(), "SECRETPW") {
		t.Errorf("%v", err)
	}
}

// What signs in to one host is not taken along to another, whatever kind it is of.
func TestEverySecretStaysWithItsHost(t *testing.T) {
	for _, auth := range []string{
		"{type: basic, username: u, password: SECRETPW}",
		"{type: oauth2, tokenEndpoint: \"http://idp\", clientId: i, clientSecret: SECRETPW}",
		"{type: jwt, tokenEndpoint: \"http://idp\", apiKey: SECRETPW}",
	} {
		base := Layer{Name: "c.yaml", Data: []byte("transport: {type: http, url: \"http://a\", auth: " + auth + "}")}
		for what, c := range map[string]struct {
			over  string
			flags map[string]string
		}{"flag": {"", map[string]string{"to": "http://b"}}, "later file": {"transport: {url: \"http://b\"}", nil}} {
			cfg, err := ParseLayers([]Layer{base, {Name: "d.yaml", Data: []byte(c.over)}}, c.flags, env(nil))
			if err != nil {
				t.Fatal(err)
			}
			if a := cfg.Transport.Auth; a.Type+a.APIKey+a.Password+a.ClientSecret != "" || len(cfg.Warnings) != 1 || strings.Contains(cfg.Warnings[0], "SECRETPW") {
				t.Errorf("%s, %s: %+v, %q", auth, what, a, cfg.Warnings)
			}
		}
		cfg, err := ParseLayers([]Layer{base, {Name: "d.yaml", Data: []byte("transport: {url: \"http://b\", auth: {type: oauth2, tokenEndpoint: \"http://idp2\", clientId: j, clientSecret: own}}")}}, nil, env(nil))
		if err != nil {
			t.Fatal(err)
		}
		if a := cfg.Transport.Auth; a.Type != "oauth2" || a.ClientSecret != "own" || a.APIKey != "" || a.Password != "" {
			t.Errorf("%s, a later file's own: %+v", auth, a)
		}
	}
}
