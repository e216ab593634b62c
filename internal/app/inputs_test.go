package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/gx-ol/gx-ol/internal/samples"
)

// A regular expression may fit the dead-letter topic and what belongs to it: they are never read. Else each letter would be buried again, for ever.
func TestARegularExpressionNeverTakesInTopicsOfOurs(t *testing.T) {
	own := []string{"gx.dead", "gx.dead.ledger", "gx.dead.audit", "gx.dead.quarantine", "gx.dead.quarantine.ledger", "gx.other.dlq", "gx.other.dlq.audit", "gx.other.published.ledger"}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, append([]string{"gx.a"}, own...)...),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	brokers := strings.Join(cluster.ListenAddrs(), ",")
	client := clientOf(t, brokers)
	for _, topic := range append([]string{"gx.a"}, own...) {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("no JSON")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	all, err := samples.All()
	if err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "gx.a", Value: all[0].Value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	cfg := parse(t, brokers, "dead_letters: {topic: gx.dead}\ntransport: {type: console}\n")
	cfg.Input.Topics = []string{`^gx\..*`}
	letters := make(chan struct{})
	c := &counted{n: 2, enough: make(chan struct{})}
	go func() { // letters of later rounds get time to be wrong
		<-c.enough
		time.Sleep(time.Second)
		close(letters)
	}()
	runUntil(t, cfg, Process{Stdout: lineWriter(c.one)}, letters)
	ends, err := kadm.NewClient(client).ListEndOffsets(context.Background(), "gx.dead")
	if err != nil {
		t.Fatal(err)
	}
	if end, _ := ends.Lookup("gx.dead", 0); end.Offset != 2 {
		t.Errorf("%d records in gx.dead, want the one that was there and one letter", end.Offset)
	}
	for _, topic := range own {
		if !notInput(cfg).MatchString(topic) {
			t.Errorf("%s may be input", topic)
		}
	}
	for _, topic := range []string{"gx.a", "gx.deadly", "gx.dead.results", "xgx.dead", "gxxdead"} {
		if notInput(cfg).MatchString(topic) {
			t.Errorf("%s may not be input", topic)
		}
	}
}

// lineWriter calls a function for each line.
type lineWriter func()

func (w lineWriter) Write(p []byte) (int, error) {
	for range strings.Count(string(p), "\n") {
		w()
	}
	return len(p), nil
}

func TestARegularExpressionThatFitsNothingIsTold(t *testing.T) {
	brokers, _ := estate(t)
	for topics, want := range map[string]int{"^inn.*": 1, "^in$": 0, `^.*\.dlq`: 1} {
		core, logs := observer.New(zapcore.WarnLevel)
		cfg := parse(t, brokers, "transport: {type: console}\n")
		cfg.Input.Topics = []string{topics}
		warnIfNothingFits(t.Context(), clientOf(t, brokers), cfg, zap.New(core))
		if logs.Len() != want {
			t.Errorf("%s: %v", topics, logs.All())
		}
	}
}
