package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A topic that is deleted under the reader and made again is read from its start: the old offsets mean nothing there.
func TestATopicThatIsDeletedAndMadeAgainIsRead(t *testing.T) {
	servers := needKafka(t)
	in := name("results")
	newTopic(t, servers, in)
	all := results(60)
	publish(t, servers, in, all[:40]...)
	b := startBackend(t)
	p := startRun(t, "--config", writeFile(t, "gx-ol.yaml", `
kafka: {bootstrap.servers: "`+servers+`", metadata.max.age.ms: "500"}
input: {topics: [`+in+`], group: `+name("group")+`}
transport: {type: http, url: "`+b.url+`"}
`))
	eventually(t, "the events of the first life", func() bool { return b.events() >= 80 })
	if _, err := client(t, servers).DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{in}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the topic gone", func() bool {
		got, err := client(t, servers).Metadata(t.Context(), &kafka.MetadataRequest{Topics: []string{in}})
		return err == nil && len(got.Topics) == 1 && got.Topics[0].Error != nil
	})
	newTopic(t, servers, in)
	publish(t, servers, in, all[40:]...)
	eventually(t, "the events of the second life", func() bool { return b.events() >= 120 })
	p.stop(t)
}

func TestANewTopicOfARegularExpressionIsRead(t *testing.T) {
	servers := needKafka(t)
	prefix := name("regex")
	newTopic(t, servers, prefix+"-a")
	all := results(40)
	publish(t, servers, prefix+"-a", all[:20]...)
	b := startBackend(t)
	p := startRun(t, "--config", writeFile(t, "gx-ol.yaml", `
kafka: {bootstrap.servers: "`+servers+`", metadata.max.age.ms: "500"}
input: {topics: "^`+prefix+`-.*", group: `+name("group")+`}
transport: {type: http, url: "`+b.url+`"}
`))
	eventually(t, "the events of the first topic", func() bool { return b.events() >= 40 })
	newTopic(t, servers, prefix+"-b")
	publish(t, servers, prefix+"-b", all[20:]...)
	for _, ours := range []string{"-a.dlq.ledger", "-a.dlq.audit", "-a.dlq.quarantine"} { // it takes them in, and yet they are never read
		newTopic(t, servers, prefix+ours)
		publish(t, servers, prefix+ours, results(1)...)
	}
	eventually(t, "the events of the second topic", func() bool { return b.events() >= 80 })
	newTopic(t, servers, prefix+"-c")
	publish(t, servers, prefix+"-c", all[:20]...)
	eventually(t, "the events of a third topic", func() bool { return b.events() >= 120 })
	p.stop(t)
	if n := b.events(); n != 120 {
		t.Errorf("%d events, want 120: a topic of gx-ol's own was read", n)
	}
}

// A static member that restarts within its session gets its partitions back, and the other member is not disturbed.
func TestAStaticMemberRestartsWithoutARebalance(t *testing.T) {
	servers := needKafka(t)
	in, group := name("results"), name("group")
	newTopic(t, servers, in)
	b := startBackend(t)
	member := func(id string) *running {
		return startRun(t, "--config", writeFile(t, "gx-ol.yaml", `
kafka: {bootstrap.servers: "`+servers+`", group.instance.id: "`+id+`"}
input: {topics: [`+in+`], group: `+group+`}
transport: {type: http, url: "`+b.url+`"}
`))
	}
	one, two := member("one"), member("two")
	all := results(120)
	publish(t, servers, in, all[:40]...)
	eventually(t, "the first events", func() bool { return b.events() >= 80 })
	eventually(t, "partitions for both", func() bool { return assigned(one) > 0 && assigned(two) > 0 })
	publish(t, servers, in, all[40:80]...)
	eventually(t, "more events", func() bool { return b.events() >= 160 })
	before := assigned(two)
	one.stop(t)
	one = member("one")
	eventually(t, "partitions for the restarted member", func() bool { return assigned(one) > 0 })
	publish(t, servers, in, all[80:]...)
	eventually(t, "the last events", func() bool { return b.events() >= 240 })
	if n := assigned(two); n != before {
		t.Errorf("the other member was given partitions %d times more", n-before)
	}
	one.stop(t)
	two.stop(t)
}

// assigned counts how often a process was given or lost partitions.
func assigned(p *running) int {
	said := p.stderr.String()
	return strings.Count(said, "partitions assigned") + strings.Count(said, "partitions revoked")
}

// Of two processes with one group.instance.id the brokers keep the newer; the other ends and says why, in either delivery.
func TestAProcessWhoseInstanceIDIsTakenEnds(t *testing.T) {
	for _, delivery := range []string{"at_least_once", "exactly_once"} {
		t.Run(delivery, func(t *testing.T) {
			servers := needKafka(t)
			in, out, group := name("results"), name("out"), name("group")
			newTopic(t, servers, in)
			newTopic(t, servers, out)
			member := func() *running {
				return startRun(t, "--config", writeFile(t, "gx-ol.yaml", `
kafka: {bootstrap.servers: "`+servers+`", group.instance.id: same}
input: {topics: [`+in+`], group: `+group+`}
delivery: `+delivery+`
transport: {type: kafka, topic: `+out+`}
`))
			}
			one := member()
			eventually(t, "partitions for the first", func() bool { return assigned(one) > 0 })
			two := member()
			endsWith(t, one, 1, "group.instance.id")
			two.stop(t)
		})
	}
}

// With auto.offset.reset none a loss is the operator's to judge: the process ends.
func TestALossEndsTheProcessWhenNoResetIsAllowed(t *testing.T) {
	servers := needKafka(t)
	in, group := name("results"), name("group")
	newTopic(t, servers, in)
	publish(t, servers, in, results(200)...)
	admin, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(servers, ",")...))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	var committed, deleted kadm.Offsets
	for p := range int32(partitions) {
		committed.AddOffset(in, p, 5, -1)
		deleted.AddOffset(in, p, 20, -1)
	}
	if err := kadm.NewClient(admin).CommitAllOffsets(t.Context(), group, committed); err != nil {
		t.Fatal(err)
	}
	if _, err := kadm.NewClient(admin).DeleteRecords(t.Context(), deleted); err != nil {
		t.Fatal(err)
	}
	b := startBackend(t)
	p := startRun(t, "--config", writeFile(t, "gx-ol.yaml", `
kafka: {bootstrap.servers: "`+servers+`", auto.offset.reset: none}
input: {topics: [`+in+`], group: `+group+`}
transport: {type: http, url: "`+b.url+`"}
`))
	endsWith(t, p, 1, "auto.offset.reset")
	if n := b.events(); n != 0 {
		t.Errorf("%d events were delivered all the same", n)
	}
}

// endsWith waits until a process ends by itself, with a code and an error that says something.
func endsWith(t *testing.T, p *running, code int, says string) {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		t.Fatalf("it lives on: %s", p.stderr.String())
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code || !strings.Contains(p.stderr.String(), says) {
		t.Errorf("exit code %d, want %d and an error with %q: %s", got, code, says, p.stderr.String())
	}
}

// Records of an aborted transaction never reach the backend.
func TestReadCommittedLeavesOutWhatWasAborted(t *testing.T) {
	servers := needKafka(t)
	in := name("results")
	newTopic(t, servers, in)
	writer, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(servers, ",")...), kgo.TransactionalID(name("writer")), kgo.DefaultProduceTopic(in))
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	all := results(30)
	for i, m := range all {
		if i%10 == 0 {
			if err := writer.BeginTransaction(); err != nil {
				t.Fatal(err)
			}
		}
		writer.Produce(t.Context(), &kgo.Record{Key: m.Key, Value: m.Value}, nil)
		if i%10 == 9 {
			if err := writer.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := writer.EndTransaction(t.Context(), kgo.TransactionEndTry(i != 19)); err != nil { // the second of three is aborted
				t.Fatal(err)
			}
		}
	}
	b := startBackend(t)
	p := startRun(t, "--config", writeFile(t, "gx-ol.yaml", `
kafka: {bootstrap.servers: "`+servers+`", isolation.level: read_committed}
input: {topics: [`+in+`], group: `+name("group")+`}
transport: {type: http, url: "`+b.url+`"}
`))
	eventually(t, "the committed events", func() bool { return b.events() >= 40 })
	p.stop(t)
	if n := b.events(); n != 40 {
		t.Errorf("%d events, want 40: those of the aborted transaction came too", n)
	}
}

// What the destination topic finds too large is buried with its reason, and what follows on its partition flows; in either delivery.
func TestAnEventTooLargeForItsTopicIsBuried(t *testing.T) {
	for _, delivery := range []string{"at_least_once", "exactly_once"} {
		t.Run(delivery, func(t *testing.T) {
			servers := needKafka(t)
			in, out := name("results"), name("openlineage")
			newTopic(t, servers, in)
			newTopic(t, servers, out)
			if _, err := client(t, servers).IncrementalAlterConfigs(t.Context(), &kafka.IncrementalAlterConfigsRequest{Resources: []kafka.IncrementalAlterConfigsRequestResource{
				{ResourceType: kafka.ResourceTypeTopic, ResourceName: out, Configs: []kafka.IncrementalAlterConfigsRequestConfig{
					{Name: "max.message.bytes", Value: "6000", ConfigOperation: kafka.ConfigOperationSet}}}}}); err != nil {
				t.Fatal(err)
			}
			all := results(100)
			var many bytes.Buffer // one text would be cut
			for i := range 30 {
				fmt.Fprintf(&many, `{"success": true, "expectation_config": {"type": "expect_column_to_exist", "kwargs": {"column": "%d%s"}}, "result": {}}, `, i, incompressible(600, uint64(i)))
			}
			all[50].Value = bytes.Replace(all[50].Value, []byte(`"results": [`), fmt.Appendf(nil, `"results": [%s`, many.Bytes()), 1)
			publish(t, servers, in, all...)
			p := startRun(t, "--config", writeFile(t, "gx-ol.yaml", `
kafka: {bootstrap.servers: "`+servers+`"}
input: {topics: [`+in+`], group: `+name("group")+`}
delivery: `+delivery+`
transport: {type: kafka, topic: `+out+`}
`))
			letters := readTopic(t, servers, in+".dlq")
			eventually(t, "the letter", func() bool { return letters.more(t) >= 1 })
			seen := map[string]bool{}
			reader := readTopic(t, servers, out)
			eventually(t, "the runs of all others", func() bool {
				reader.more(t)
				for _, ms := range reader.got {
					for _, m := range ms {
						if e, err := parse(m.Value); err == nil && e.EventType != "START" { // kafka-go shows transactions' markers too
							seen[e.Run.RunID] = true
						}
					}
				}
				return len(seen) >= 99
			})
			p.stop(t)
			for _, ms := range letters.got {
				for _, m := range ms {
					if code := header(m, "gx-ol.dlq.code"); code != "" && code != "kafka_message_too_large" {
						t.Errorf("a letter with code %s", code)
					}
				}
			}
		})
	}
}

// incompressible is text that no codec makes much smaller, the same at each call.
func incompressible(n int, seed uint64) string {
	random := rand.New(rand.NewPCG(1, seed))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte('0' + random.IntN(75))
		if out[i] == '\\' || out[i] == '"' {
			out[i] = 'x'
		}
	}
	return string(out)
}
