package e2e

import (
	"sync/atomic"
	"testing"
)

func TestTenThousandResultsKafkaToKafka(t *testing.T) {
	const n = 10_000
	servers := needKafka(t)
	in, out := name("results"), name("openlineage")
	newTopic(t, servers, in)
	newTopic(t, servers, out)
	publish(t, servers, in, results(n)...)
	ids := derived(t, n)

	p := startRun(t, "--brokers", servers, "--topic", in, "--group", name("group"), "--to", "kafka:"+out)
	reader := readTopic(t, servers, out)
	eventually(t, "all events on the OpenLineage topic", func() bool { return reader.more(t) >= 2*n })
	p.stop(t)

	reader.more(t) // what came after the last that was waited for would be one too many
	j := newJournal()
	for _, msgs := range reader.got {
		for _, m := range msgs {
			e := decode(t, m.Value)
			if want := "run:" + e.Job.Namespace + "/" + e.Job.Name; string(m.Key) != want {
				j.fault("key %q, want %q", m.Key, want)
			}
			j.add(e)
		}
	}
	if j.events != 2*n {
		t.Errorf("%d events, want %d", j.events, 2*n)
	}
	j.check(t, ids, true)
	noLetters(t, servers, in)
}

func TestTenThousandResultsToHTTP(t *testing.T) {
	const n = 10_000
	servers := needKafka(t)
	in := name("results")
	newTopic(t, servers, in)
	publish(t, servers, in, results(n)...)
	ids := derived(t, n)
	b := startBackend(t)

	p := startRun(t, "--brokers", servers, "--topic", in, "--group", name("group"), "--to", b.url)
	eventually(t, "all events at the backend", func() bool { return b.events() >= 2*n })
	p.stop(t)

	b.look(func(b *backend) {
		if b.journal.events != 2*n {
			t.Errorf("%d events, want %d", b.journal.events, 2*n)
		}
		b.journal.check(t, ids, true)
	})
	noLetters(t, servers, in)
}

// The process is killed while one of its requests is being answered, twice: the event was taken and its answer never came.
func TestKillNineLosesNothing(t *testing.T) {
	const n = 2_000
	servers := needKafka(t)
	in := name("results")
	newTopic(t, servers, in)
	publish(t, servers, in, results(n)...)
	ids := derived(t, n)
	b := startBackend(t)
	config := writeFile(t, "gx-ol.yaml", `
kafka:
  bootstrap.servers: "`+servers+`"
  session.timeout.ms: 6000  # the killed member's partitions are free after this
input: {topics: [`+in+`], group: `+name("group")+`}
transport: {type: http, url: "`+b.url+`"}
`)
	var current atomic.Pointer[running]
	b.look(func(b *backend) {
		b.taken = func(n int) {
			if n == 700 || n == 2100 {
				_ = current.Load().cmd.Process.Kill()
			}
		}
	})
	for range 2 {
		p := startRun(t, "--config", config)
		current.Store(p)
		<-p.done // within the test's own deadline
		if p.cmd.ProcessState.Success() {
			t.Fatal("gx-ol ended by itself")
		}
	}
	p := startRun(t, "--config", config)
	current.Store(p)
	eventually(t, "START and terminal event of every result", func() (done bool) {
		b.look(func(b *backend) { done = b.journal.complete(ids) })
		return done
	})
	p.stop(t)
	b.look(func(b *backend) {
		b.journal.check(t, ids, false)
		t.Logf("%d events for %d results, killed twice", b.journal.events, n)
	})
	noLetters(t, servers, in)
}

// noLetters requires that the dead-letter topic of in is empty or absent.
func noLetters(t *testing.T, servers, in string) {
	t.Helper()
	letters := readTopic(t, servers, in+".dlq")
	if n := letters.more(t); n != 0 {
		t.Errorf("%d dead letters, want none", n)
		for _, msgs := range letters.got {
			for _, m := range msgs[:min(1, len(msgs))] {
				t.Logf("%s: %s", header(m, "gx-ol.dlq.code"), header(m, "gx-ol.dlq.error"))
			}
		}
	}
}
