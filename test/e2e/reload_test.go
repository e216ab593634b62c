package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/gx-ol/gx-ol/test/process"
)

// A SIGHUP changes what becomes of what is read from then on. Nothing is lost or delivered twice, the group is not left, and a broken file changes nothing.
func TestAReloadKeepsTheGroupAndEveryRecord(t *testing.T) {
	servers := needKafka(t)
	in, out := name("reload-in"), name("reload-out")
	newTopic(t, servers, in)
	newTopic(t, servers, out)
	const n = 3000
	telemetry := process.FreeAddr(t)
	text := func(phase, rest string) string {
		return fmt.Sprintf("kafka: {bootstrap.servers: %q}\ninput: {topics: [%s], group: %s}\ntransport: {type: kafka, topic: %s}\ntelemetry: {listen: %q}\njob: {tags: {phase: %s}}\n%s",
			servers, in, in, out, telemetry, phase, rest)
	}
	file := writeFile(t, "gx-ol.yaml", text("old", ""))
	p := start(t, "run", "--config", file)
	say := func(yaml, says string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		before := strings.Count(p.stderr.String(), says)
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, says, func() bool { return strings.Count(p.stderr.String(), says) > before })
	}
	reader := readTopic(t, servers, out)
	all := results(n)
	publish(t, servers, in, all[:n/3]...)
	ids := derived(t, n)
	eventually(t, "the first third", func() bool { return reader.more(t) >= 2*n/3 })
	joined := assigned(p)
	publish(t, servers, in, all[n/3:2*n/3]...) // in hand while it is reloaded
	say(text("new", ""), "the configuration was reloaded")
	say(text("newer", "log: {level: lowd}"), "the configuration was not reloaded")
	say(text("newest", "retry: {max: 5s}"), "cannot be reloaded")
	publish(t, servers, in, all[2*n/3:]...)
	eventually(t, "everything", func() bool { return reader.more(t) >= 2*n })
	rejoined := assigned(p) - joined
	p.stop(t)
	reader.more(t) // what came after the last that was waited for would be one too many
	seen, phases := newJournal(), map[string]int{}
	for _, msgs := range reader.got {
		for _, m := range msgs {
			seen.add(decode(t, m.Value))
			for _, phase := range []string{"old", "new", "newer", "newest"} {
				if strings.Contains(string(m.Value), fmt.Sprintf(`"key":"phase","value":%q`, phase)) {
					phases[phase]++
				}
			}
		}
	}
	seen.check(t, ids, true)
	noLetters(t, servers, in)
	if phases["newer"] > 0 || phases["newest"] < 2*n/3 || phases["old"] < 2*n/3 || phases["old"]+phases["new"]+phases["newest"] != 2*n {
		t.Errorf("events by the mapping that made them: %v", phases)
	}
	if rejoined != 0 {
		t.Errorf("the group was joined again %d times", rejoined)
	}
	if said := p.stderr.String(); !strings.Contains(said, `"keys":["retry.max"]`) || strings.Count(said, `"changed":["job.tags.phase"]`) != 2 {
		t.Errorf("the log does not name the keys:\n%s", said)
	}
}
