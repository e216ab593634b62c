package main

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestBuryWritesTheOrderAndWhoGaveIt(t *testing.T) {
	addr := buried(t)
	for args, want := range map[string]string{
		"orders/0 --reason r":      "is no TOPIC/PARTITION/OFFSET",
		"orders/0/5":               "--reason is missing",
		"orders/0/5 --reason r":    "say --yes",
		"orders/0/5/6 --reason=r ": "is no TOPIC/PARTITION/OFFSET",
	} {
		if code, _, said := call(t, "", append([]string{"dlq", "bury", "--brokers", addr}, strings.Fields(args)...)...); code != 2 || !strings.Contains(said, want) {
			t.Errorf("%s: %d %s", args, code, said)
		}
	}
	if code, _, said := call(t, "", "dlq", "bury", "orders/0/5", "--brokers", addr, "--reason", "no such table", "--by", "ann", "--yes"); code != 0 || !strings.Contains(said, "ordered") {
		t.Fatal(said)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(addr, ",")...), kgo.ConsumeTopics("orders.dlq.ledger", "orders.dlq.audit"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got := make(map[string]string)
	for len(got) < 2 && t.Context().Err() == nil {
		client.PollFetches(t.Context()).EachRecord(func(rec *kgo.Record) { got[rec.Topic+" "+string(rec.Key)] = string(rec.Value) })
	}
	if v := got["orders.dlq.ledger bury/orders/0/5"]; !strings.Contains(v, `"by":"ann"`) || !strings.Contains(v, "no such table") {
		t.Errorf("ledger: %v", got)
	}
	if v := got["orders.dlq.audit orders/0/5"]; !strings.Contains(v, `"outcome":"bury_ordered"`) || !strings.Contains(v, `"by":"ann"`) {
		t.Errorf("audit: %v", got)
	}
}
