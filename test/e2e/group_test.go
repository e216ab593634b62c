package e2e

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The group protocol of KIP-848, in which the brokers assign: two members share the partitions, one leaves, and nothing is lost. A consumer group of
// this kind shows itself to an admin, to whom a classic one is another.
func TestTheBrokersOwnGroupProtocol(t *testing.T) {
	const n = 2_000
	servers := needKafka(t)
	in, group := name("results"), name("group")
	newTopic(t, servers, in)
	b := startBackend(t)
	config := writeFile(t, "gx-ol.yaml", `
kafka:
  bootstrap.servers: "`+servers+`"
  group.protocol: consumer
input: {topics: [`+in+`], group: `+group+`}
transport: {type: http, url: "`+b.url+`"}
`)
	first, second := startRun(t, "--config", config), startRun(t, "--config", config)
	ids := derived(t, n)
	all := results(n)
	publish(t, servers, in, all[:n/2]...)
	eventually(t, "the first half", func() bool { return b.events() >= n })

	admin, err := kgo.NewClient(kgo.SeedBrokers(servers))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	groups, err := kadm.NewClient(admin).DescribeConsumerGroups(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	if g := groups[group]; g.Err != nil || len(g.Members) != 2 {
		t.Errorf("not a group of two members in the brokers' own protocol: %v, %d members", g.Err, len(g.Members))
	}
	second.stop(t)
	publish(t, servers, in, all[n/2:]...)
	eventually(t, "START and terminal event of every result", func() (done bool) {
		b.look(func(b *backend) { done = b.journal.complete(ids) })
		return done
	})
	first.stop(t)
	b.look(func(b *backend) { b.journal.check(t, ids, false) })
	noLetters(t, servers, in)
}
