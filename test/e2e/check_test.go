package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	kafkatest "github.com/gx-ol/gx-ol/test/kafka"
	"github.com/gx-ol/gx-ol/test/marquez"
	"github.com/gx-ol/gx-ol/test/process"
)

// finding is a line of `gx-ol check -o json`.
type finding struct {
	Check, Of, Status, Text, Hint, Key string
	Details                            []string
}

// checked runs gx-ol check and gives its findings.
func checked(t *testing.T, args ...string) (found []finding, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"check", "-o", "json"}, args...)...)
	cmd.Env = process.CleanEnv()
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var report struct{ Checks []finding }
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return report.Checks, cmd.ProcessState.ExitCode()
}

// those of a status.
func those(found []finding, status string) (out []finding) {
	for _, f := range found {
		if f.Status == status {
			out = append(out, f)
		}
	}
	return out
}

// With the documented rights nothing fails, and each right that run needs and has not is found by name, without trying it.
func TestCheckFindsEachMissingRight(t *testing.T) {
	if testing.Short() {
		t.Skip("end to end, against Apache Kafka: left out by -short, run by `make e2e`")
	}
	all := documentedRights(t)
	e := newEstate(t)
	b := startBackend(t)
	publish(t, e.cluster.Servers(), e.in, kafka.Message{Value: result(1)})
	toBackend, toKafka := fmt.Sprintf("transport: {type: http, url: %q}", b.url), fmt.Sprintf("transport: {type: kafka, topic: %s}", e.out)
	for _, c := range []struct{ command, deliver string }{
		{"run", toBackend},
		{"run to Kafka", toKafka},
		{"run exactly once", toKafka + "\ndelivery: exactly_once"},
		{"gateway", ""},
	} {
		var has []right
		for _, r := range all {
			if strings.HasPrefix(c.command, r.command) || c.command == "run exactly once" && r.command == "run to Kafka" {
				has = append(has, r)
			}
		}
		e.set(t, has)
		args := []string{"--config"}
		if c.command == "gateway" {
			args = append(args, e.gatewayConfig(t, process.FreeAddr(t)), "--gateway")
		} else {
			args = append(args, e.config(t, c.deliver+"\ntelemetry: {listen: \"off\"}"))
		}
		if found, code := checked(t, args...); code != 0 {
			t.Errorf("%s: with the documented rights check ends with %d: %+v", c.command, code, those(found, "fail"))
		}
		for i, lacks := range has {
			if lacks.command != c.command {
				continue
			}
			t.Run(strings.Join([]string{c.command, lacks.resource, lacks.name, lacks.operation}, " "), func(t *testing.T) {
				e.set(t, append(append([]right(nil), has[:i]...), has[i+1:]...))
				found, code := checked(t, args...)
				name, _ := e.real(lacks.name)
				fails := those(found, "fail")
				named := slices.ContainsFunc(fails, func(f finding) bool {
					return strings.Contains(f.Of+f.Text, strings.TrimSuffix(name, ".")) && strings.Contains(f.Text, lacks.operation) && strings.Contains(f.Hint, name)
				})
				if code != 1 || len(fails) != 1 || !named {
					t.Errorf("ends with %d; failures: %+v", code, fails)
				}
			})
		}
	}
	t.Run("dead-letter topic that run would make", func(t *testing.T) {
		c := client(t, e.cluster.Servers())
		if _, err := c.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{e.letters}}); err != nil {
			t.Fatal(err)
		}
		config := e.config(t, toBackend)
		read := []right{{"", "topic", "INPUT", "READ"}, {"", "group", "GROUP", "READ"}}
		for _, c := range []struct {
			more []right
			want string // in the failure; empty: none
		}{
			{[]right{{"", "topic", "LETTERS", "CREATE"}, {"", "topic", "LETTERS", "WRITE"}}, ""},
			{[]right{{"", "topic", "LETTERS", "WRITE"}}, "may not create it: CREATE is missing"},
			{[]right{{"", "topic", "LETTERS", "CREATE"}}, "WRITE"},
		} {
			e.set(t, append(append([]right(nil), read...), c.more...))
			found, code := checked(t, "--config", config)
			fails := those(found, "fail")
			if c.want == "" && code != 0 || c.want != "" && (code != 1 || len(fails) != 1 || !strings.Contains(fails[0].Text, c.want)) {
				t.Errorf("with %v: ends with %d; failures: %+v", c.more, code, fails)
			}
		}
	})
	t.Run("wrong password", func(t *testing.T) {
		found, code := checked(t, "--config", e.config(t, toBackend), "--set", "kafka.sasl.password=wrong")
		fails := those(found, "fail")
		if code != 1 || len(fails) != 1 || fails[0].Check != "brokers" || fails[0].Key != "kafka.sasl.password" || !strings.Contains(fails[0].Text, "refused user "+kafkatest.User) {
			t.Errorf("ends with %d; failures: %+v", code, fails)
		}
	})
}

// state is what a check might have changed: what is on the cluster, and what it holds.
func state(t *testing.T, servers string) map[string]any {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(servers, ",")...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	admin := kadm.NewClient(cl)
	topics, err := admin.ListTopicsWithInternal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string]int64{}
	listed, err := admin.ListEndOffsets(t.Context(), topics.Names()...)
	if err != nil {
		t.Fatal(err)
	}
	listed.Each(func(o kadm.ListedOffset) { ends[fmt.Sprint(o.Topic, o.Partition)] = o.Offset })
	groups, err := admin.ListGroups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	transactions, err := admin.ListTransactions(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var producers []string
	described, err := admin.DescribeProducers(t.Context(), topics.TopicsSet())
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range described {
		for _, p := range topic.Partitions {
			for _, producer := range p.ActiveProducers {
				producers = append(producers, fmt.Sprint(topic.Topic, p.Partition, producer.ProducerID, producer.ProducerEpoch))
			}
		}
	}
	slices.Sort(producers)
	return map[string]any{"topics": topics.Names(), "ends": ends, "groups": groups.Groups(), "transactions": transactions.TransactionalIDs(), "producers": producers}
}

// Whatever check looks at, on a cluster where everything is still to be made: nothing is made, and the backend gets no POST.
func TestCheckChangesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("end to end, against Apache Kafka: left out by -short, run by `make e2e`")
	}
	cluster, err := kafkatest.NewCluster(1)
	if err != nil {
		t.Skip(err) // what TestCheckFindsEachMissingRight skips by, it fails by too with CI=true
	}
	defer cluster.Stop()
	in, out := name("in"), name("out")
	for _, topic := range []string{in, out} {
		newTopic(t, cluster.Servers(), topic)
	}
	publish(t, cluster.Servers(), in, results(30)...)
	var mu sync.Mutex // guards asked
	var asked []string
	inner := marquez.New()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		asked = append(asked, fmt.Sprint(r.Method, " ", r.URL.Path, " ", len(body)))
		mu.Unlock()
		inner.ServeHTTP(w, r)
	}))
	defer backend.Close()
	before := state(t, cluster.Servers())
	for _, deliver := range []string{
		fmt.Sprintf("transport: {type: http, url: %q, batch: {size: 10}}", backend.URL),
		fmt.Sprintf("transport: {type: kafka, topic: %s}\ndelivery: exactly_once", out),
		fmt.Sprintf("transport: {type: kafka, topic: %s, config: {bootstrap.servers: %q}}", out, cluster.Servers()),
	} {
		config := writeFile(t, "gx-ol.yaml", fmt.Sprintf("kafka: {bootstrap.servers: %q, group.instance.id: one}\ninput: {topics: [%s], group: fresh}\ntelemetry: {listen: \"off\"}\n%s\n", cluster.Servers(), in, deliver))
		found, code := checked(t, "--config", config)
		if code != 0 {
			t.Errorf("%s: ends with %d: %+v", deliver, code, those(found, "fail"))
		}
		if i := slices.IndexFunc(found, func(f finding) bool { return f.Check == "mapping" }); i < 0 || found[i].Text != "30 of the last 30 messages would become events" {
			t.Errorf("%s: the messages were not tried: %+v", deliver, found)
		}
	}
	if after := state(t, cluster.Servers()); !reflect.DeepEqual(before, after) {
		t.Errorf("before: %v\nafter:  %v", before, after)
	}
	if len(asked) == 0 {
		t.Error("the backend was not asked")
	}
	for _, a := range asked {
		if !strings.HasPrefix(a, "GET ") && !strings.HasPrefix(a, "OPTIONS ") || !strings.HasSuffix(a, " 0") {
			t.Errorf("the backend was asked %s", a)
		}
	}
}
