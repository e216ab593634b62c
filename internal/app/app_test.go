package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/consumer"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/pipeline"
	"github.com/gx-ol/gx-ol/internal/samples"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// estate is a broker with the bundled samples on the topic in, and an empty topic out.
func estate(t *testing.T) (brokers string, messages int) {
	t.Helper()
	cluster, messages := estateOf(t)
	return strings.Join(cluster.ListenAddrs(), ","), messages
}

func estateOf(t *testing.T) (cluster *kfake.Cluster, messages int) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "in", "out"),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	all, err := samples.All()
	if err != nil {
		t.Fatal(err)
	}
	client := clientOf(t, strings.Join(cluster.ListenAddrs(), ","))
	for _, s := range all {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: "in", Key: []byte(s.Key), Value: s.Value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	return cluster, len(all)
}

func clientOf(t *testing.T, brokers string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(strings.Split(brokers, ",")...))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func nothing(string) (string, bool) { return "", false }

// parse reads a configuration below the brokers.
func parse(t *testing.T, brokers, yaml string) *config.Config {
	t.Helper()
	cfg, err := config.Parse("test", fmt.Appendf(nil, "kafka: {bootstrap.servers: %q}\ninput: {topics: [in], group: g}\ntelemetry: {listen: \"off\"}\n%s", brokers, yaml), nothing)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// runUntil runs the configuration until enough is closed.
func runUntil(t *testing.T, cfg *config.Config, p Process, enough <-chan struct{}) {
	t.Helper()
	p.Getenv, p.Log, p.Version = nothing, zap.NewNop(), "test"
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	go func() {
		select {
		case <-enough:
		case <-ctx.Done():
		}
		cancel()
	}()
	if err := Run(ctx, cfg, p); err != nil {
		t.Fatal(err)
	}
	select {
	case <-enough:
	default:
		t.Fatal("not everything arrived")
	}
}

// counted closes enough when n have come.
type counted struct {
	mu     sync.Mutex
	n      int
	enough chan struct{}
}

func (c *counted) one() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n--; c.n == 0 {
		close(c.enough)
	}
}

func TestResultsArriveAtABackend(t *testing.T) {
	brokers, n := estate(t)
	c := &counted{n: 2 * n, enough: make(chan struct{})}
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.Copy(io.Discard, r.Body)
			c.one()
		}
		w.WriteHeader(http.StatusCreated)
	}))
	defer backend.Close()
	runUntil(t, parse(t, brokers, fmt.Sprintf("transport: {type: http, url: %q, backend: generic}", backend.URL)), Process{}, c.enough)
}

func TestResultsArriveAtATopic(t *testing.T) {
	for _, delivery := range []string{"at_least_once", "exactly_once"} {
		t.Run(delivery, func(t *testing.T) {
			brokers, n := estate(t)
			reader := clientOf(t, brokers, kgo.ConsumeTopics("out"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
			c := &counted{n: 2 * n, enough: make(chan struct{})}
			ctx, cancel := context.WithCancel(t.Context())
			var reading sync.WaitGroup
			defer reading.Wait()
			defer cancel()
			reading.Go(func() {
				for ctx.Err() == nil {
					reader.PollFetches(ctx).EachRecord(func(*kgo.Record) { c.one() })
				}
			})
			runUntil(t, parse(t, brokers, "transport: {type: kafka, topic: out}\ndelivery: "+delivery), Process{}, c.enough)
		})
	}
}

// While a topic's brokers do not acknowledge, nothing counts as settled, whoever waits for it: also a stop commits nothing of it.
func TestNothingIsCommittedThatIsNotAcknowledged(t *testing.T) {
	cluster, _ := estateOf(t)
	brokers := strings.Join(cluster.ListenAddrs(), ",")
	asked, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		cluster.SleepControl(func() {
			once.Do(func() { close(asked) })
			<-goOn
		})
		return nil, nil, false
	})
	defer close(goOn)
	p := Process{Members: func(cfg *consumer.Config) { cfg.Grace = 10 * time.Millisecond }}
	runUntil(t, parse(t, brokers, "transport: {type: kafka, topic: out}"), p, asked)
	offsets, err := kadm.NewClient(clientOf(t, brokers)).FetchOffsets(t.Context(), "g")
	if err != nil {
		t.Fatal(err)
	}
	offsets.Each(func(o kadm.OffsetResponse) {
		if o.At > 0 {
			t.Errorf("committed %d of %s[%d]", o.At, o.Topic, o.Partition)
		}
	})
}

// lines counts those that are written.
type lines struct {
	counted
	all []string
}

func (l *lines) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		l.mu.Lock()
		l.all = append(l.all, line)
		l.mu.Unlock()
		l.one()
	}
	return len(b), nil
}

// A console shows a run's lines one below the other, also as one destination of several.
func TestARunsLinesStayTogetherOnAConsole(t *testing.T) {
	for name, transport := range map[string]string{
		"alone":          "transport: {type: console}",
		"in a composite": "transport: {type: composite, transports: {screen: {type: console}, topic: {type: kafka, topic: out}}}",
	} {
		t.Run(name, func(t *testing.T) {
			brokers, n := estate(t)
			out := &lines{counted: counted{n: 2 * n, enough: make(chan struct{})}}
			runUntil(t, parse(t, brokers, transport), Process{Stdout: out}, out.enough)
			for i := 0; i < len(out.all); i += 2 {
				if a, b := runOf(t, out.all[i]), runOf(t, out.all[i+1]); a != b {
					t.Fatalf("line %d is of run %s, the next of %s", i, a, b)
				}
			}
		})
	}
}

func runOf(t *testing.T, event string) string {
	t.Helper()
	_, after, ok := strings.Cut(event, `"runId":"`)
	if !ok || len(after) < 36 {
		t.Fatalf("no run id in %s", event)
	}
	return after[:36]
}

// What is put between is really between: without it the test of tests would test nothing.
func TestWhatIsPutBetweenIsBetween(t *testing.T) {
	brokers, n := estate(t)
	c := &counted{n: 2 * n, enough: make(chan struct{})}
	p := Process{Stdout: io.Discard, Deliverer: func(to pipeline.Deliverer) pipeline.Deliverer { return counting{to, c} }}
	runUntil(t, parse(t, brokers, "transport: {type: console}"), p, c.enough)
}

type counting struct {
	pipeline.Deliverer
	c *counted
}

func (d counting) Deliver(ctx context.Context, ev openlineage.Event) error {
	err := d.Deliverer.Deliver(ctx, ev)
	if err == nil {
		d.c.one()
	}
	return err
}

func TestWhatIsAwayAtTheStartIsTold(t *testing.T) {
	brokers, _ := estate(t)
	nobody := "127.0.0.1:1"
	for name, c := range map[string]struct {
		input, transport string
		want             []string
	}{
		"a destination's topic":   {brokers, "transport: {type: kafka, topic: missing}", []string{"destination", `"missing" does not exist`}},
		"a destination's brokers": {brokers, "transport: {type: kafka, topic: out, config: {bootstrap.servers: " + nobody + "}}", []string{"destination", "no broker answers at " + nobody}},
		"the input's brokers":     {nobody, "transport: {type: console}", []string{"no broker answers at " + nobody}},
	} {
		t.Run(name, func(t *testing.T) {
			err := Run(t.Context(), parse(t, c.input, c.transport), Process{Getenv: nothing, Log: zap.NewNop(), Stdout: io.Discard})
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want an error with %q", err, want)
				}
			}
			if errors.Is(err, context.Canceled) {
				t.Error("a stop is no such error")
			}
		})
	}
}
