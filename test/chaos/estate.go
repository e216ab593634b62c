package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	kafkatest "github.com/gx-ol/gx-ol/test/kafka"
	"github.com/gx-ol/gx-ol/test/process"
)

const (
	input  = "gx.validation-results"
	output = "openlineage.events"
	group  = "gx-ol"
)

const (
	sessionTimeout = 6 * time.Second         // the least that Kafka takes unless a broker is told otherwise
	hangs          = 1500 * time.Millisecond // before the kill: commits come each half second
	killedAfter    = 150 * time.Millisecond  // from SIGCONT on: less than an answer takes then
	exhaustAfter   = 4 * time.Second         // retry.exhaust_after; longer than a phase in which 500 and 201 are mixed
)

// estate is everything that runs, and what is noted while it does.
type estate struct {
	o       options
	plan    plan
	journal *journal
	backend *backend // nil but in mode http
	kafka   *kafkatest.Cluster
	topics  *cluster
	sink    *kafkatest.Cluster // where the events go: kafka, but with options.ownOutput; nil in mode http
	events  *cluster           // of sink
	owners  *owners
	fleet   *fleet
	e       evidence
	found   *findings      // of the actions: exits
	counts  map[string]int // of the actions, by kind

	frozen sync.WaitGroup // who lets stopped processes go on
	thawed error          // of who starts such a process again; to be read when frozen has ended

	mu      sync.Mutex // guards samples, thawed and e.disturbances
	samples []sample
}

// chaos is one whole run.
func chaos(ctx context.Context, o options) (*report, error) {
	ctx, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	began := time.Now()
	s := &estate{o: o, plan: newPlan(o), found: newFindings(), counts: map[string]int{}}
	s.journal = newJournal(o.records, o.keys)
	cleanup, err := s.build(ctx)
	defer cleanup()
	if err != nil {
		return nil, err
	}
	say("%d results published after %s; the chaos begins", o.records, time.Since(began).Round(time.Second))
	running := time.Now()
	if err := s.live(ctx); err != nil {
		return nil, err
	}
	took := time.Since(running)
	say("settled after %s; judging", took.Round(time.Second))
	if err := s.collect(ctx); err != nil {
		return nil, err
	}
	f, t := check(s.journal, s.e)
	for _, k := range s.found.kinds() {
		f.counts[k] += s.found.counts[k]
		f.witnesses[k] = append(f.witnesses[k], s.found.witnesses[k]...)
	}
	return s.report(f, t, took), nil
}

// say tells the operator what goes on.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

// build starts Kafka, publishes the input and starts backend and processes. cleanup ends what was started, also after an error.
func (s *estate) build(ctx context.Context) (cleanup func(), err error) {
	var ends []func()
	cleanup = func() {
		for i := len(ends) - 1; i >= 0; i-- {
			ends[i]()
		}
	}
	pkg := "github.com/gx-ol/gx-ol/cmd/gx-ol"
	if s.o.plant != "" {
		pkg = "github.com/gx-ol/gx-ol/test/chaos/planted"
	}
	binary, remove, err := process.BuildPackage(pkg)
	if err != nil {
		return cleanup, err
	}
	ends = append(ends, remove)
	if s.kafka, err = kafkatest.NewCluster(s.o.brokers); err != nil { //nolint:contextcheck // a cluster ends with cleanup, not with ctx
		return cleanup, err
	}
	ends = append(ends, s.kafka.Stop)
	s.topics = newCluster(s.kafka.Servers(), s.o.partitions)
	ends = append(ends, s.topics.close)
	if s.owners, err = newOwners(s.kafka.Servers(), s.o.partitions); err != nil {
		return cleanup, err
	}
	ends = append(ends, s.owners.close)
	if err := s.topics.create(ctx, min(3, s.o.brokers), input+".dlq", input); err != nil {
		return cleanup, err
	}
	s.e.kinds = s.plan.kinds
	if s.e.partition, s.e.offset, err = s.topics.publish(ctx, input, s.plan.kinds, s.o.keys); err != nil {
		return cleanup, err
	}
	transport, err := s.output(ctx, &ends)
	if err != nil {
		return cleanup, err
	}
	dir, err := os.MkdirTemp("", "gx-ol-chaos-")
	if err != nil {
		return cleanup, err
	}
	if !s.o.keep {
		ends = append(ends, func() { _ = os.RemoveAll(dir) })
	}
	s.fleet = &fleet{binary: binary, plant: s.o.plant, dir: dir, grace: s.o.grace, members: make([]*member, s.o.processes),
		config: func(id string) string { return s.config(id, transport) }}
	ends = append(ends, s.fleet.kill, s.frozen.Wait)
	return cleanup, s.fleet.begin()
}

// output makes what the events go to, and gives it as a configuration names it.
func (s *estate) output(ctx context.Context, ends *[]func()) (transport string, err error) {
	if s.o.mode == http {
		if s.backend, err = startBackend(s.journal, s.plan.kinds); err != nil {
			return "", err
		}
		*ends = append(*ends, s.backend.stop)
		return fmt.Sprintf("{type: http, url: %q, backend: marquez, timeout: %s}\n", s.backend.url, clientTimeout), nil
	}
	s.sink, s.events = s.kafka, s.topics
	if s.o.ownOutput() {
		if s.sink, err = kafkatest.NewCluster(1); err != nil { //nolint:contextcheck // a cluster ends with cleanup, not with ctx
			return "", err
		}
		s.events = newCluster(s.sink.Servers(), s.o.partitions)
		*ends = append(*ends, s.sink.Stop, s.events.close)
	}
	return fmt.Sprintf("{type: kafka, topic: %s, config: {bootstrap.servers: %q}}\n", output, s.sink.Servers()), s.events.create(ctx, min(3, s.o.brokers), output)
}

// config is a process's file. A record is poison by 5xx sooner than at the defaults, or each would take two minutes, and pauses
// are short, so that in an outage every waiting record is tried often enough to be taken for poison by who counts wrongly; a session
// ends sooner, or each kill would cost 45 seconds.
func (s *estate) config(id, transport string) string {
	delivery := "at_least_once"
	if s.o.mode == exactlyOnce {
		delivery = exactlyOnce
	}
	return fmt.Sprintf(`kafka: {bootstrap.servers: %q, client.id: %q, session.timeout.ms: "%d", heartbeat.interval.ms: "1000"}
input: {topics: [%s], group: %s}
delivery: %s
retry: {initial: 20ms, max: 50ms, exhaust_attempts: 4, exhaust_after: %s}
transport: %stelemetry: {listen: "127.0.0.1:0"}
`, s.kafka.Servers(), id, sessionTimeout.Milliseconds(), input, group, delivery, exhaustAfter, transport)
}

// live lets the plan happen and waits until everything has settled, then stops all processes.
func (s *estate) live(ctx context.Context) error {
	sampling, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { s.sample(sampling) })
	defer wg.Wait()
	defer stop()
	for _, a := range s.plan.actions {
		for s.through() < a.at {
			if err := s.pause(ctx); err != nil {
				return err
			}
			if s.settled(ctx) {
				break // a plant may settle what never comes
			}
		}
		if err := s.act(ctx, a); err != nil {
			return err
		}
	}
	if s.frozen.Wait(); s.thawed != nil {
		return s.thawed
	}
	deadline := time.Now().Add(10 * time.Minute) // no expectation: a busy machine takes its time
	for !s.settled(ctx) {
		if time.Now().After(deadline) {
			s.found.add(unsettled, "committed %v", s.last().committed)
			break
		}
		if err := s.pause(ctx); err != nil {
			return err
		}
	}
	for n, m := range s.fleet.all() {
		if err := m.stop(s.o.grace); err != nil {
			s.found.add(badExit, "process %d: %v", n, err)
		}
	}
	return nil
}

// pause waits a moment. Its error says that there is nothing to wait for.
func (s *estate) pause(ctx context.Context) error {
	if err := s.fleet.ended(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return fmt.Errorf("stopped with %.0f%% through: %w", 100*s.through(), ctx.Err())
	case <-time.After(50 * time.Millisecond):
		return nil
	}
}
