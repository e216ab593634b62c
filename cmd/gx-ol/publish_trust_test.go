package main

import (
	"os"
	"strings"
	"testing"
)

// Headers of gx-ol's own say what a record is: nobody writes them by hand, but for the time at which a result was made.
func TestPublishForgesNoHeaderOfOurs(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("r.json", []byte(`{"success":true,"results":[],"suite_name":"s","meta":{},"statistics":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]int{
		"gx-ol.replay.topic=x": 2, "gx-ol.dlq.code=x": 2, "Gx-Ol.Replay.Count=1": 2, "gx-ol.=": 2, "gx-ol.received=yesterday": 2, "gx-ol.received=": 2, "=x": 2,
		"gx-ol.received=2026-01-31T00:00:00Z": 0, "team=finance": 0, "gx-ol=x": 0,
	} {
		if code, _, said := call(t, "", "publish", "--dry-run", "-H", header, "r.json"); code != want || want == 2 && !strings.Contains(said, "-H") {
			t.Errorf("%s: exit code %d, want %d: %s", header, code, want, said)
		}
	}
}

// --brokers means the same everywhere: who only names others does not take the configuration's password along.
func TestABrokersFlagTakesNoPasswordAlong(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("c.yaml", []byte("kafka: {bootstrap.servers: \"a:1\", security.protocol: SASL_PLAINTEXT, sasl.mechanism: PLAIN, sasl.username: u, sasl.password: SECRETPW}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"publish", "-"}, {"dlq", "list"}, {"dlq", "replay", "--yes"}, {"ask", "upstream", "x", "--from", "kafka:t"}, {"run", "--topic", "t", "--to", "-"}, {"web"}, {"gateway"},
		{"check", "--topic", "t", "--to", "-"}} {
		code, out, said := call(t, "{}", append(args, "--config", "c.yaml", "--brokers", "127.0.0.1:1")...)
		if code != 2 || !strings.Contains(out+said, "--brokers: kafka.sasl.password from c.yaml") || strings.Contains(out+said, "SECRETPW") {
			t.Errorf("%v: exit code %d: %s%s", args, code, out, said)
		}
	}
}
