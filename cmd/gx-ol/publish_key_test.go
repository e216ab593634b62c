package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// START and COMPLETE of a run on two partitions may come in the other order, and leave the run RUNNING.
func TestPublishGivesTheEventsOfARunOneKey(t *testing.T) {
	addr := buried(t)
	dir := t.TempDir()
	for name, kind := range map[string]string{"1.json": "START", "2.json": "COMPLETE"} {
		event := `{"eventType": "` + kind + `", "eventTime": "2026-01-01T00:00:00Z", "producer": "p", "run": {"runId": "0191533c-0a53-7c23-a16e-8b1ac4d8f3a1"},
			"job": {"namespace": "n", "name": "j"}, "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"}`
		if err := os.WriteFile(filepath.Join(dir, name), []byte(event), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, _, said := call(t, "", "publish", "--brokers", addr, "--topic", "orders", dir); code != 0 {
		t.Fatal(said)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(addr, ",")...), kgo.ConsumeTopics("orders"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var keys []string
	for len(keys) < 2 && t.Context().Err() == nil {
		client.PollFetches(t.Context()).EachRecord(func(rec *kgo.Record) { keys = append(keys, string(rec.Key)) })
	}
	if keys[0] != "run:n/j" || keys[1] != keys[0] {
		t.Errorf("keys %q", keys)
	}
}
