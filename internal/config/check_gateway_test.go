package config

import (
	"slices"
	"strings"
	"testing"
)

// A gateway's configuration is looked at without input and destination; secrets that are not here are no fault, as far from where it runs.
func TestAGatewaysConfigurationIsLookedAt(t *testing.T) {
	inFolder(t, map[string]string{"c.yaml": "kafka: {bootstrap.servers: \"h:1\"}\ngateway: {listen: \":5050\", tokens: {airflow: \"${file:/nowhere}\"}, ssl.certificate.location: /no, ssl.key.location: /no}\n",
		"bad.yaml": "kafka: {bootstrap.servers: \"h:1\"}\ngateway: {listen: \":5050\", tokens: {airflow: short}}\n"})
	cfg, values, err := LoadForCheck("c.yaml", env(nil), nil, CheckOptions{Lenient: true, Gateway: true})
	if err != nil || !slices.Equal(cfg.Unresolved, []string{"gateway.tokens.airflow"}) {
		t.Fatalf("%v, %v", cfg, err)
	}
	for _, v := range values {
		if v.Key == "gateway.tokens.airflow" && (v.Value != "${file:/nowhere}" || !v.Secret) {
			t.Errorf("%+v", v)
		}
	}
	if _, _, err := LoadForCheck("c.yaml", env(nil), nil, CheckOptions{Gateway: true}); err == nil || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("where it is used a missing file is a fault: %v", err)
	}
	if _, _, err := LoadForCheck("bad.yaml", env(nil), nil, CheckOptions{Lenient: true, Gateway: true}); err == nil || !strings.Contains(err.Error(), "fewer than 16") {
		t.Errorf("%v", err)
	}
	if cfg, _, err = LoadForCheck("bad.yaml", env(nil), map[string]string{"listen": "127.0.0.1:1", SetFlag("gateway.tokens"): "null"}, CheckOptions{Gateway: true}); err != nil || cfg.Gateway.Listen != "127.0.0.1:1" {
		t.Errorf("--listen is the gateway's: %v, %v", cfg, err)
	}
}
