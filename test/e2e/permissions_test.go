package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	kafkatest "github.com/gx-ol/gx-ol/test/kafka"
	"github.com/gx-ol/gx-ol/test/process"
)

// right is a row of docs/permissions.md, with one of its rights.
type right struct{ command, resource, name, operation string }

// documentedRights reads the page: it is what the test grants.
func documentedRights(t *testing.T) (out []right) {
	t.Helper()
	page, err := os.ReadFile("../../docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z ]+)`(| to Kafka| exactly once| from a store) \\| (topic|group|transactional id) \\| `([^`]+)` \\| ([A-Z, ]+) \\|$").FindAllStringSubmatch(string(page), -1) {
		for op := range strings.SplitSeq(row[5], ", ") {
			out = append(out, right{row[1] + row[2], row[3], row[4], op})
		}
	}
	if len(out) < 10 {
		t.Fatalf("%d rights in the page", len(out))
	}
	return out
}

// estate is a guarded Kafka with the topics that the page speaks of.
type estate struct {
	cluster         *kafkatest.Cluster
	guarded         string
	in, out, group  string
	letters         string
	events, results string // of the gateway
}

// real is the name that a word of the page stands for, and whether it is a prefix.
func (e *estate) real(name string) (string, bool) {
	name, prefix := strings.CutSuffix(name, ".*")
	name = strings.NewReplacer("INPUT", e.in, "LETTERS", e.letters, "OUTPUT", e.out, "GROUP", e.group, "EVENTS", e.events, "RESULTS", e.results).Replace(name)
	if prefix && name != e.letters {
		name += "."
	}
	return name, prefix
}

// set gives the user these rights and no other.
func (e *estate) set(t *testing.T, rights []right) {
	t.Helper()
	c := client(t, e.cluster.Servers())
	all := kafka.DeleteACLsFilter{ResourceTypeFilter: kafka.ResourceTypeAny, ResourcePatternTypeFilter: kafka.PatternTypeAny, Operation: kafka.ACLOperationTypeAny, PermissionType: kafka.ACLPermissionTypeAny}
	if _, err := c.DeleteACLs(t.Context(), &kafka.DeleteACLsRequest{Filters: []kafka.DeleteACLsFilter{all}}); err != nil {
		t.Fatal(err)
	}
	var acls []kafka.ACLEntry
	for _, r := range rights {
		name, prefix := e.real(r.name)
		acl := kafka.ACLEntry{ResourceName: name, ResourcePatternType: kafka.PatternTypeLiteral, Principal: "User:" + kafkatest.User, Host: "*", PermissionType: kafka.ACLPermissionTypeAllow,
			ResourceType: map[string]kafka.ResourceType{"topic": kafka.ResourceTypeTopic, "group": kafka.ResourceTypeGroup, "transactional id": kafka.ResourceTypeTransactionalID}[r.resource],
			Operation:    map[string]kafka.ACLOperationType{"READ": kafka.ACLOperationTypeRead, "WRITE": kafka.ACLOperationTypeWrite, "CREATE": kafka.ACLOperationTypeCreate}[r.operation]}
		if prefix {
			acl.ResourcePatternType = kafka.PatternTypePrefixed
		}
		acls = append(acls, acl)
	}
	answer, err := c.CreateACLs(t.Context(), &kafka.CreateACLsRequest{ACLs: acls})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range answer.Errors {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// config is a file for the user, with how to deliver.
func (e *estate) config(t *testing.T, deliver string) string {
	t.Helper()
	return writeFile(t, "gx-ol.yaml", fmt.Sprintf(`
kafka: {bootstrap.servers: %q, security.protocol: SASL_PLAINTEXT, sasl.mechanism: PLAIN, sasl.username: %s, sasl.password: %s, metadata.max.age.ms: "1000"}
input: {topics: [%s], group: %s}
%s
`, e.guarded, kafkatest.User, kafkatest.Password, e.in, e.group, deliver))
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	cluster, guarded, err := kafkatest.NewGuarded()
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	e := &estate{cluster: cluster, guarded: guarded, in: name("in"), out: name("out"), group: name("group"), events: name("events"), results: name("results")}
	e.letters = e.in + ".dlq"
	for _, topic := range []string{e.in, e.in + ".published.ledger", e.out, e.letters, e.letters + ".ledger", e.letters + ".audit", e.letters + ".quarantine", e.events, e.results} {
		newTopic(t, cluster.Servers(), topic)
	}
	return e
}

// run runs `gx-ol run` until it has settled a good record and a bad one, or says what keeps it.
func (e *estate) run(t *testing.T, deliver string) (said string, worked bool) {
	t.Helper()
	p := startRun(t, "--config", e.config(t, deliver))
	publish(t, e.cluster.Servers(), e.in, kafka.Message{Value: []byte("no json")}, kafka.Message{Value: result(1)})
	lines := regexp.MustCompile(`AUTHORIZATION|do not let`)
	settled := func() bool { return e.lag(t) == 0 }
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		select {
		case <-p.done:
			return p.stderr.String(), false
		default:
		}
		if settled() {
			p.stop(t)
			return p.stderr.String(), true
		}
		said := p.stderr.String()
		for line := range strings.Lines(said) {
			if lines.MatchString(line) && !strings.Contains(line, "counting dead letters") {
				p.kill()
				return said, false
			}
		}
	}
	t.Fatal("neither settled nor refused")
	return "", false
}

// gatewayConfig is a file for the user, of a gateway.
func (e *estate) gatewayConfig(t *testing.T, listen string) string {
	t.Helper()
	return e.config(t, fmt.Sprintf("gateway: {listen: %q, events_topic: %s, results_topic: %s}", listen, e.events, e.results))
}

// gateway runs `gx-ol gateway` until it has taken an event and a result, or says what keeps it.
func (e *estate) gateway(t *testing.T) (said string, worked bool) {
	t.Helper()
	listen := process.FreeAddr(t)
	p := start(t, "gateway", "--config", e.gatewayConfig(t, listen))
	eventually(t, "the gateway", func() bool { return ready(listen) || ended(p) })
	if ended(p) {
		return p.stderr.String(), false
	}
	worked = posted(t, "http://"+listen+"/api/v1/lineage", lineageOf(0, 0)) == http.StatusCreated && posted(t, "http://"+listen+"/v1/results", string(result(1))) == http.StatusCreated
	p.stop(t)
	return p.stderr.String(), worked
}

// posted is the status of an answer.
func posted(t *testing.T, url, body string) int {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	return resp.StatusCode
}

// lag is how many records of the input the group has not committed.
func (e *estate) lag(t *testing.T) (n int64) {
	t.Helper()
	return lag(t, e.cluster.Servers(), e.in, e.group)
}

func lag(t *testing.T, servers, in, group string) (n int64) {
	t.Helper()
	c := client(t, servers)
	ends, err := c.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{in: everyPartition()}})
	if err != nil {
		return -1
	}
	committed, err := c.OffsetFetch(t.Context(), &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{in: {0, 1, 2, 3}}})
	if err != nil || committed.Error != nil {
		return -1
	}
	for _, p := range ends.Topics[in] {
		n += p.LastOffset
	}
	for _, p := range committed.Topics[in] {
		n -= max(p.CommittedOffset, 0)
	}
	return n
}

// command runs another command to its end.
func (e *estate) command(t *testing.T, args ...string) (said string, worked bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = process.CleanEnv()
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

// The page names every right of every command: with them it works, and without one it says which and on what.
func TestTheDocumentedRightsAreEnoughAndEachIsNeeded(t *testing.T) {
	if testing.Short() {
		t.Skip("end to end, against Apache Kafka: left out by -short, run by `make e2e`")
	}
	all := documentedRights(t)
	e := newEstate(t)
	b := startBackend(t)
	toBackend, toKafka := fmt.Sprintf("transport: {type: http, url: %q}", b.url), fmt.Sprintf("transport: {type: kafka, topic: %s}", e.out)
	good := writeFile(t, "result.json", string(result(2)))
	for _, c := range []struct {
		command string
		of      []string // whose rights it has
		try     func(t *testing.T) (said string, worked bool)
	}{
		{"run", []string{"run"}, func(t *testing.T) (string, bool) { return e.run(t, toBackend) }},
		{"run to Kafka", []string{"run", "run to Kafka"}, func(t *testing.T) (string, bool) { return e.run(t, toKafka) }},
		{"run exactly once", []string{"run", "run to Kafka", "run exactly once"}, func(t *testing.T) (string, bool) { return e.run(t, toKafka+"\ndelivery: exactly_once") }},
		{"publish", []string{"publish"}, func(t *testing.T) (string, bool) {
			return e.command(t, "publish", "--config", e.config(t, toBackend), good)
		}},
		{"publish from a store", []string{"publish", "publish from a store"}, func(t *testing.T) (string, bool) {
			return e.command(t, "publish", "--config", e.config(t, toBackend), "--backfill", filepath.Dir(writeFile(t, "result.json", string(result(3)))))
		}},
		{"dlq list", []string{"dlq list"}, func(t *testing.T) (string, bool) {
			return e.command(t, "dlq", "list", "--config", e.config(t, toBackend))
		}},
		{"dlq replay", []string{"dlq replay"}, func(t *testing.T) (string, bool) {
			return e.command(t, "dlq", "replay", "--config", e.config(t, toBackend), "--limit", "1", "--yes")
		}},
		{"gateway", []string{"gateway"}, e.gateway},
	} {
		var has []right
		for _, r := range all {
			for _, of := range c.of {
				if r.command == of {
					has = append(has, r)
				}
			}
		}
		e.set(t, has)
		if said, worked := c.try(t); !worked {
			t.Errorf("%s does not work with the documented rights:\n%s", c.command, process.Tail(said))
			continue
		}
		for i, lacks := range has {
			if lacks.command != c.command {
				continue // tried above
			}
			t.Run(strings.Join([]string{c.command, lacks.resource, lacks.name, lacks.operation}, " "), func(t *testing.T) {
				e.set(t, append(append([]right(nil), has[:i]...), has[i+1:]...))
				said, worked := c.try(t)
				name, _ := e.real(lacks.name)
				if worked || !strings.Contains(said, strings.TrimSuffix(name, ".")) || !strings.Contains(said, lacks.operation) && !strings.HasPrefix(c.command, "dlq") {
					t.Errorf("worked: %t; it said:\n%s", worked, process.Tail(said))
				}
			})
		}
	}
	t.Run("gateway, while it runs", func(t *testing.T) { aRightIsTakenFromAGateway(t, e, all) })
}

// A gateway whose right is taken away says so and refuses, in a way that clients come again; with the right it takes again.
func aRightIsTakenFromAGateway(t *testing.T, e *estate, all []right) {
	has := slices.DeleteFunc(slices.Clone(all), func(r right) bool { return r.command != "gateway" })
	e.set(t, has)
	listen := process.FreeAddr(t)
	p := start(t, "gateway", "--config", e.gatewayConfig(t, listen))
	eventually(t, "the gateway", func() bool { return ready(listen) })
	url := "http://" + listen + "/api/v1/lineage"
	e.set(t, slices.DeleteFunc(slices.Clone(has), func(r right) bool { return r.name == "EVENTS" }))
	eventually(t, "not ready", func() bool { return !ready(listen) })
	if code := posted(t, url, lineageOf(0, 1)); code != http.StatusServiceUnavailable {
		t.Errorf("without its right it answers %d", code)
	}
	if said := p.stderr.String(); !strings.Contains(said, e.events) || !strings.Contains(said, "WRITE") {
		t.Errorf("it said:\n%s", process.Tail(said))
	}
	e.set(t, has)
	eventually(t, "ready again", func() bool { return ready(listen) })
	if code := posted(t, url, lineageOf(0, 2)); code != http.StatusCreated {
		t.Errorf("with its right again it answers %d", code)
	}
	p.stop(t)
}
