package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatAGatewayMayBe(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	token, short, empty := file("token", "0123456789abcdef\n"), file("short", "secret\n"), file("empty", "\n")
	for name, c := range map[string]struct {
		yaml  string
		flags map[string]string
		want  string // part of the error; empty: none
	}{
		"loopback":                 {"", nil, ""},
		"everywhere":               {"gateway: {listen: ':5050'}", nil, "openssl rand"},
		"everywhere by flag":       {"", map[string]string{"listen": "0.0.0.0:5050"}, "--listen: gateway.listen is not a loopback"},
		"everywhere with a token":  {"gateway: {listen: ':5050'}", map[string]string{"token-file": token}, ""},
		"named":                    {"gateway: {listen: ':5050'}", map[string]string{"token-file": "a=" + token + ",b=" + token}, ""},
		"token of the file":        {"gateway: {listen: ':5050', tokens: {a: '${file:" + token + "}'}}", nil, ""},
		"IPv6 loopback":            {"gateway: {listen: '[::1]:5050'}", nil, ""},
		"name and token exchanged": {"gateway: {tokens: {secret-0123456789: airflow}}", nil, "that of a name of 17 characters (is that the token?) has fewer than 16"},
		"a token for a name":       {"gateway: {tokens: {secret-0123456789-0123456789-0123456789: x}}", nil, "a name of 39 characters is none"},
		"a token's namespace":      {"gateway: {tokens: {a: '${file:" + token + "}'}, namespaces: {secret-0123456789-0123456789-0123456789: x}}", nil, "a name of 39 characters is none of gateway.tokens"},
		"short token":              {"gateway: {tokens: {a: '${file:" + short + "}'}}", nil, "fewer than 16"},
		"empty token":              {"gateway: {tokens: {a: '${file:" + empty + "}'}}", nil, "is empty"},
		"no such file":             {"gateway: {listen: ':5050'}", map[string]string{"token-file": "/nowhere/token"}, "/nowhere/token"},
		"namespace without token":  {"gateway: {tokens: {airflow: '${file:" + token + "}'}, namespaces: {airflw: x}}", nil, `did you mean "airflow"?`},
		"nothing to take":          {"gateway: {events_topic: 'off', results_topic: 'off'}", nil, "nothing to take"},
		"no address":               {"gateway: {listen: here}", nil, "host:port"},
		"dotted":                   {"gateway: {ssl.certificate.location: x}", nil, "go together"},
		"certificate alone":        {"gateway: {ssl: {certificate: {location: x}}}", nil, "go together"},
		"less room than a request": {"gateway: {max_bytes_in_flight: 1MiB}", nil, "max_bytes_in_flight"},
		"misspelt":                 {"gateway: {tokns: {}}", nil, `did you mean "tokens"?`},
	} {
		t.Run(name, func(t *testing.T) {
			path := file("c.yaml", "kafka: {bootstrap.servers: 'h:9092'}\n"+c.yaml+"\n")
			cfg, err := LoadForGateway(path, env(nil), c.flags)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret")):
				t.Errorf("%v, want %s", err, c.want)
			case strings.Contains(err2text(err), "\n"):
				t.Errorf("more than one fault: %v", err)
			}
			if err == nil && len(cfg.Gateway.Tokens) > 0 {
				for name := range cfg.Gateway.Tokens {
					if live := cfg.Live("gateway.tokens." + name); live == nil || live() != "0123456789abcdef" {
						t.Errorf("token %s is not live", name)
					}
				}
			}
		})
	}
	if _, err := LoadForGateway("", env(nil), nil); err == nil || !strings.Contains(err.Error(), "--brokers") {
		t.Errorf("without brokers: %v", err)
	}
}

func err2text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
