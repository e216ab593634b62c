package app

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// Each way to sign in reaches the backend as the configuration says it, and a token is fetched once.
func TestEachWayToSignInReachesTheBackend(t *testing.T) {
	var tokens atomic.Int64
	var form string
	idp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens.Add(1)
		id, secret, _ := r.BasicAuth()
		form = strings.Join([]string{id, secret, r.FormValue("grant_type"), r.FormValue("scope"), r.FormValue("audience"), r.FormValue("response_type"), r.FormValue("apikey")}, "|")
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"of-idp","expires_in":3600}`))
	}))
	defer idp.Close()
	var got string
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		w.WriteHeader(http.StatusCreated)
	}))
	defer backend.Close()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for auth, want := range map[string]struct {
		header, form string
		tokens       int64
	}{
		`{apiKey: k-e-y}`:                                   {"Bearer k-e-y", "", 0},
		`{type: apiKey, apiKey: k-e-y}`:                     {"Bearer k-e-y", "", 0},
		`{type: basic, username: u, password: s3cret}`:      {"Basic dTpzM2NyZXQ=", "", 0},
		`{username: u, password: "${file:` + secret + `}"}`: {"Basic dTpzM2NyZXQ=", "", 0},
		`{type: oauth2, tokenEndpoint: "` + idp.URL + `", clientId: id, clientSecret: "${file:` + secret + `}", scope: a b, audience: c}`: {"Bearer of-idp", "id|s3cret|client_credentials|a b|c||", 1},
		`{type: jwt, tokenEndpoint: "` + idp.URL + `", apiKey: k-e-y}`:                                                                    {"Bearer of-idp", "||urn:ietf:params:oauth:grant-type:jwt-bearer|||token|k-e-y", 1},
		`{type: jwt, token_endpoint: "` + idp.URL + `", api_key: k-e-y, grant_type: "urn:ibm:params:oauth:grant-type:apikey", response_type: cloud_iam, tokenFields: [access_token]}`: {
			"Bearer of-idp", "||urn:ibm:params:oauth:grant-type:apikey|||cloud_iam|k-e-y", 1},
	} {
		tokens.Store(0)
		form, got = "", ""
		cfg, err := config.Parse("c.yaml", []byte("transport: {url: \""+backend.URL+"\", backend: generic, auth: "+auth+"}"), func(string) (string, bool) { return "", false })
		if err != nil {
			t.Errorf("%s: %v", auth, err)
			continue
		}
		all, err := NewDestinations(t.Context(), cfg, Process{Log: zap.NewNop()})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := all.open[0].Deliver(t.Context(), openlineage.Event{Body: []byte("{}")}); err != nil {
				t.Errorf("%s: %v", auth, err)
			}
		}
		if got != want.header || form != want.form || tokens.Load() != want.tokens {
			t.Errorf("%s: header %q, form %q, %d tokens", auth, got, form, tokens.Load())
		}
		all.Close()
	}
}

// The token endpoint is asked by the backend's proxy, and an address with a password that is none is not shown.
func TestTheTokenEndpointIsAskedByTheProxy(t *testing.T) {
	asked := ""
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"of-idp","expires_in":3600}`))
	}))
	defer proxy.Close()
	cfg, err := config.Parse("c.yaml", []byte(`transport: {url: "http://backend.example", backend: generic, proxy: "`+proxy.URL+
		`", auth: {tokenEndpoint: "http://idp.example/token", clientId: id, clientSecret: s}}`), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	all, err := NewDestinations(t.Context(), cfg, Process{Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	_ = all.open[0].Deliver(t.Context(), openlineage.Event{Body: []byte("{}")})
	if asked != "http://backend.example/api/v1/lineage" {
		t.Errorf("the proxy was last asked for %q", asked)
	}
	if _, err := proxyOf(func() string { return "http://u:SECRETPW@h:%zz" })(); err == nil || strings.Contains(err.Error(), "SECRETPW") {
		t.Errorf("%v", err)
	}
}
