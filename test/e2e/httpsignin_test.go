package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/gx-ol/gx-ol/test/process"
)

// While nobody gives tokens, records wait and none becomes a dead letter; then all are delivered.
func TestATokenEndpointThatIsAwayHoldsAndLosesNothing(t *testing.T) {
	servers := needKafka(t)
	in, group := name("in"), name("group")
	newTopic(t, servers, in)
	newTopic(t, servers, in+".dlq")
	idp, b := startIdentityProvider(t, time.Hour), startBackend(t)
	idp.closed.Store(true)
	p := startRun(t, "--config", writeFile(t, "gx-ol.yaml", fmt.Sprintf(`
kafka: {bootstrap.servers: %q}
input: {topics: [%s], group: %s}
retry: {initial: 50ms, max: 200ms, exhaust_attempts: 2, exhaust_after: 1s}
transport: {url: %q, auth: {type: oauth2, tokenEndpoint: "%s/token", clientId: gx-ol, clientSecret: of-gx-ol, scope: all}}
`, servers, in, group, b.url, idp.url)))
	publish(t, servers, in, results(3)...)
	eventually(t, "the outage", func() bool { return strings.Contains(p.stderr.String(), "/token answered 503") })
	eventually(t, "many attempts", func() bool { return idp.asked.Load() >= 12 })
	if b.events() != 0 {
		t.Errorf("%d events without a token", b.events())
	}
	idp.closed.Store(false)
	eventually(t, "all results", func() bool { return lag(t, servers, in, group) == 0 })
	p.stop(t)
	noLetters(t, servers, in)
	if said := p.stderr.String(); idp.given.Load() != 1 || strings.Contains(said, "of-gx-ol") {
		t.Errorf("%d tokens were given; it said:\n%s", idp.given.Load(), process.Tail(said))
	}
}

// A proxy of the environment is used, and one of the configuration wins over it.
func TestProxiesOfTheEnvironmentAndTheConfiguration(t *testing.T) {
	servers := needKafka(t)
	for what, c := range map[string]struct{ environment, configured bool }{"environment": {true, false}, "configuration": {false, true}} {
		t.Run(what, func(t *testing.T) {
			in, group, right, wrong := name("in"), name("group"), startBackend(t), startBackend(t) // each answers as a backend behind a proxy does
			newTopic(t, servers, in)
			newTopic(t, servers, in+".dlq")
			t.Setenv("HTTP_PROXY", right.url)
			t.Setenv("NO_PROXY", "")
			proxy := ""
			if c.configured {
				t.Setenv("HTTP_PROXY", wrong.url)
				proxy = ", proxy: \"" + right.url + "\""
			}
			p := startRun(t, "--config", writeFile(t, "gx-ol.yaml", fmt.Sprintf("kafka: {bootstrap.servers: %q}\ninput: {topics: [%s], group: %s}\ntransport: {url: \"http://marquez.example:5000\"%s}\n", servers, in, group, proxy)))
			publish(t, servers, in, kafka.Message{Value: result(1)})
			eventually(t, "the result", func() bool { return lag(t, servers, in, group) == 0 })
			p.stop(t)
			if right.events() == 0 || wrong.events() != 0 {
				t.Errorf("%d events by the right proxy, %d by the other", right.events(), wrong.events())
			}
		})
	}
}
