package e2e

import (
	"testing"

	"github.com/segmentio/kafka-go"
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
	eventually(t, "the events of the second topic", func() bool { return b.events() >= 80 })
	p.stop(t)
}
