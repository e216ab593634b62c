package browser

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	kafkatest "github.com/gx-ol/gx-ol/test/kafka"
	"github.com/gx-ol/gx-ol/test/process"
)

// binary is the gx-ol that TestMain built.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "gx-ol-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	binary = filepath.Join(folder, "gx-ol")
	build := exec.Command("go", "build", "-o", binary, "./cmd/gx-ol")
	build.Dir = "../.." // as gx-ol's own module has it
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building gx-ol: %v\n%s", err, out)
		return 1
	}
	defer kafkatest.Stop()
	return m.Run()
}

// said is what gx-ol has written so far.
type said struct{ process.Output }

// finds waits until the process says something, and gives its parts.
func (s *said) finds(t *testing.T, what string) []string {
	t.Helper()
	re := regexp.MustCompile(what)
	process.Eventually(t, patience, what+" in what gx-ol says", func() bool { return re.MatchString(s.String()) })
	return re.FindStringSubmatch(s.String())
}

// start runs gx-ol until the test ends.
func start(t *testing.T, args ...string) *said {
	t.Helper()
	out := &said{}
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = t.TempDir(), out, out, process.CleanEnv()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("gx-ol said:\n%s", process.Tail(out.String()))
		}
	})
	return out
}

// publish puts a text on the topic, whatever it is.
func publish(t *testing.T, brokers, topic string, text []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "message.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "publish", "--raw", "--brokers", brokers, "--topic", topic, path)
	cmd.Env = process.CleanEnv()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// create makes a topic.
func create(t *testing.T, brokers, topic string) {
	t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(strings.Split(brokers, ",")...), Timeout: time.Minute}
	process.Eventually(t, patience, "the topic "+topic, func() bool { // a fresh broker has no controller yet
		res, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 4, ReplicationFactor: 1}}})
		return err == nil && (res.Errors[topic] == nil || errors.Is(res.Errors[topic], kafka.TopicAlreadyExists))
	})
}

const example = "https://example.com/etl"

type dataset struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// moves is the event of a run that made datasets of others.
func moves(t *testing.T, number int, job string, from, to []dataset) []byte {
	t.Helper()
	text, err := json.Marshal(map[string]any{"eventType": "COMPLETE", "eventTime": "2026-03-01T01:00:00Z", "producer": example,
		"schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent", "run": map[string]string{"runId": fmt.Sprintf("0190f3a0-0000-7000-8000-%012d", number)},
		"job": map[string]string{"namespace": "etl", "name": job}, "inputs": from, "outputs": to})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// estate publishes how data go around a dataset: it is made of landed files, and a mart is made of it, which two jobs read.
func estate(t *testing.T, brokers, topic string, orders dataset) {
	t.Helper()
	in := func(name string) dataset { return dataset{orders.Namespace, name} }
	one := func(d ...dataset) []dataset { return d }
	none := []dataset{}
	for _, text := range [][]byte{
		moves(t, 1, "load_orders", one(dataset{"s3://landing", "orders/2026"}), one(orders)),
		moves(t, 2, "build_revenue", one(orders, in("public.customers")), one(in("marts.fct_revenue"))),
		moves(t, 3, "build_daily_revenue", one(in("marts.fct_revenue")), one(in("marts.daily_revenue"))),
		moves(t, 4, "export_finance", one(in("marts.fct_revenue")), none),
		moves(t, 5, "train_churn_model", one(in("public.customers")), one(in("ml.churn_features"))),
	} {
		publish(t, brokers, topic, text)
	}
}
