package e2e

import "testing"

// Two destinations, one of them away for a while: each ends with every event, in order, and the topic has none twice.
func TestACompositeBringsEveryEventToEveryDestination(t *testing.T) {
	const n = 1_000
	servers := needKafka(t)
	in, out := name("results"), name("openlineage")
	newTopic(t, servers, in)
	newTopic(t, servers, out)
	publish(t, servers, in, results(n)...)
	ids := derived(t, n)
	b := startBackend(t)
	b.look(func(b *backend) { b.refuse = true })
	p := startRun(t, "--config", writeFile(t, "gx-ol.yaml", `
kafka: {bootstrap.servers: "`+servers+`"}
input: {topics: [`+in+`], group: `+name("group")+`}
retry: {initial: 50ms, max: 500ms}
transport:
  type: composite
  transports:
    marquez: {type: http, url: "`+b.url+`"}
    archive: {type: kafka, topic: `+out+`}
`))
	eventually(t, "a backend that is asked and refuses", func() bool {
		refused := 0
		b.look(func(b *backend) { refused = b.refused })
		return refused > 3
	})
	b.look(func(b *backend) { b.refuse = false })
	reader := readTopic(t, servers, out)
	eventually(t, "all events at the backend", func() bool { return b.events() >= 2*n })
	eventually(t, "all events on the topic", func() bool { return reader.more(t) >= 2*n })
	p.stop(t)
	reader.more(t)
	j := newJournal()
	for _, msgs := range reader.got {
		for _, m := range msgs {
			j.add(decode(t, m.Value))
		}
	}
	j.check(t, ids, true)
	b.look(func(b *backend) { b.journal.check(t, ids, true) })
	noLetters(t, servers, in)
}
