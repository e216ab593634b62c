// Package kafkatest gives tests a real Apache Kafka broker: one a test process, in KRaft mode on loopback, from
// Kafka's published jars. Java 17 and Maven are all that it needs; KAFKA_BROKERS names a cluster to use instead.
package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// BrokersEnv names the variable with the bootstrap servers (host:port, comma-separated) of a cluster to test against.
const BrokersEnv = "KAFKA_BROKERS"

// readyWithin bounds the wait for a broker that has been started: seconds on an idle machine, more on a busy one.
const readyWithin = 2 * time.Minute

// shared is the one broker of this test process. It is package state on purpose: starting a broker takes
// seconds, so the tests of a package share one and keep apart by topic and group names.
var shared struct {
	mu      sync.Mutex // guards the fields below
	broker  *broker
	servers string
	err     error
	started bool
}

// Start gives the bootstrap servers of this process's broker and starts it at the first call. Without Java 17,
// Maven or KAFKA_BROKERS it skips the test and says why; with CI=true it fails, so that no suite is quietly left out.
// The broker ends with the test process, or earlier with Stop.
func Start(t testing.TB) string {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.started {
		shared.started = true
		shared.servers, shared.broker, shared.err = find()
	}
	if shared.err == nil {
		return shared.servers
	}
	if lack, ok := errors.AsType[missingError](shared.err); ok && os.Getenv("CI") != "true" {
		t.Skip(lack.Error())
	}
	t.Fatalf("starting Apache Kafka: %v", shared.err)
	return ""
}

// Stop ends the broker that Start started and waits until it is gone. TestMain calls it after m.Run. A broker named by
// KAFKA_BROKERS is left alone.
func Stop() {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.broker != nil {
		shared.broker.stop()
		shared.broker = nil
	}
	shared.started, shared.servers, shared.err = false, "", nil
}

// missingError says which part of the machine is not there; it is no fault of the code under test.
type missingError string

func (e missingError) Error() string {
	return string(e) + ": the tests against Apache Kafka need Java 17 or newer and Maven, or " + BrokersEnv + "=host:port"
}

func find() (string, *broker, error) {
	if servers := os.Getenv(BrokersEnv); servers != "" {
		return servers, nil, ready(servers, nil)
	}
	if err := haveJava(); err != nil {
		return "", nil, err
	}
	libs, err := jars()
	if err != nil {
		return "", nil, err
	}
	b, err := start(libs)
	if err != nil {
		return "", nil, err
	}
	if err := ready(b.servers, b.gone); err != nil {
		tail := b.logTail()
		b.stop()
		return "", nil, fmt.Errorf("%w\nlast lines of the broker's log:\n%s", err, tail)
	}
	return b.servers, b, nil
}

// haveJava checks the version too: Kafka 4 on an older Java dies with UnsupportedClassVersionError.
func haveJava() error {
	for _, tool := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			return missingError("no " + tool + " in PATH")
		}
	}
	out, err := exec.Command("java", "-version").CombinedOutput() //nolint:noctx // ends by itself at once
	if err != nil {
		return fmt.Errorf("java -version: %w: %s", err, out)
	}
	if major := javaMajor(string(out)); major < 17 {
		return missingError(fmt.Sprintf("java is version %d", major))
	}
	return nil
}

// javaMajor reads the major version from what `java -version` says: `openjdk version "17.0.15" 2025-04-15`. 0 if it is not there.
func javaMajor(said string) int {
	_, after, ok := strings.Cut(said, `version "`)
	if !ok {
		return 0
	}
	digits, _, _ := strings.Cut(after, `"`)
	digits, _, _ = strings.Cut(digits, ".")
	digits, _, _ = strings.Cut(digits, "-")
	major, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return major
}

// ready waits until the cluster answers for a group coordinator, and tells of its controller. An open port is not enough: a fresh broker
// answers COORDINATOR_NOT_AVAILABLE until it has made its internal topics, and a client that hears of no controller makes no topic until it asks again.
func ready(servers string, gone <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := answers(ctx, servers)
		if err == nil {
			return nil
		}
		select {
		case <-gone:
			return fmt.Errorf("the broker ended before it answered")
		case <-ctx.Done():
			return fmt.Errorf("no answer from %s within %s: %w", servers, readyWithin, err)
		case <-tick.C:
		}
	}
}

// answers asks with connections of its own: a Transport keeps for seconds what it has heard of a cluster.
func answers(ctx context.Context, servers string) error {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(strings.Split(servers, ",")...), Timeout: 5 * time.Second, Transport: transport}
	answer, err := client.FindCoordinator(ctx, &kafka.FindCoordinatorRequest{Key: "kafkatest", KeyType: kafka.CoordinatorKeyTypeConsumer})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		return err
	}
	cluster, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err == nil && cluster.Controller.Host == "" {
		err = errors.New("it has no controller yet")
	}
	return err
}
