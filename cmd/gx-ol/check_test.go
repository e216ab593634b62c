package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	saslplain "github.com/twmb/franz-go/pkg/sasl/plain"

	findings "github.com/gx-ol/gx-ol/internal/check"
	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/samples"
)

// checkCase is one thing that check finds.
type checkCase struct {
	name    string
	kafka   []kfake.Opt
	before  func(t *testing.T, admin *kadm.Client) // changes the cluster
	publish []*kgo.Record
	backend http.Handler // nil: a Marquez without faults
	tls     bool         // of the backend
	yaml    string       // of the configuration beside kafka and input; BROKERS, URL and FOLDER stand for themselves
	args    []string
	want    findings.Result // Of, Text and Hint: what they hold
}

// aMarquez answers as one does that is asked the usual.
func aMarquez(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/api/v1/namespaces":
		_, _ = w.Write([]byte(`{"namespaces": []}`))
	case r.Method == http.MethodGet && r.URL.Path == "/api/v1/lineage":
		w.WriteHeader(http.StatusBadRequest)
	default:
		http.NotFound(w, r)
	}
}

// answers is a backend that gives every question the same answer.
func answers(status int, header, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if name, value, ok := strings.Cut(header, ": "); ok {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

// onlyPost is a backend that knows POST alone, as those do that route by method.
func onlyPost(allow string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions && allow != "" {
			w.Header().Set("Allow", allow)
			return
		}
		http.NotFound(w, r)
	})
}

func acl(resource kmsg.ACLResourceType, name string, operation kmsg.ACLOperation) kfake.ACL {
	return kfake.ACL{Resource: resource, Name: name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: operation, Allow: true}
}

// guarded is a cluster whose user has these rights.
func guarded(rights ...kfake.ACL) []kfake.Opt {
	return []kfake.Opt{kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "root", "root"), kfake.User("PLAIN", "gx", "of-gx", rights...)}
}

const (
	topicResource = kmsg.ACLResourceTypeTopic
	groupResource = kmsg.ACLResourceTypeGroup
	signedIn      = "security.protocol: SASL_PLAINTEXT, sasl.mechanism: PLAIN, sasl.username: gx, sasl.password: of-gx"
)

var (
	mayReadInput    = acl(topicResource, "results", kmsg.ACLOperationRead)
	mayJoin         = acl(groupResource, "gx-ol", kmsg.ACLOperationRead)
	mayWriteLetters = acl(topicResource, "results.dlq", kmsg.ACLOperationWrite)
)

func value(name string) []byte {
	all, err := samples.All()
	if err != nil {
		panic(err)
	}
	return all[slices.IndexFunc(all, func(s samples.Sample) bool { return s.Name == name })].Value
}

func setting(topic, name, value string) func(*testing.T, *kadm.Client) {
	return func(t *testing.T, admin *kadm.Client) {
		if _, err := admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Name: name, Value: &value}}, topic); err != nil {
			t.Fatal(err)
		}
	}
}

// start starts what a case needs and gives the configuration's path.
func (c checkCase) start(t *testing.T) (configFile string) {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(2, "results", "results.dlq", "out")}, c.kafka...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	if c.before != nil || len(c.publish) > 0 {
		opts := []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}
		if strings.Contains(c.yaml, signedIn) { // a guarded cluster
			opts = append(opts, kgo.SASL(saslplain.Auth{User: "root", Pass: "root"}.AsMechanism()))
		}
		client, err := kgo.NewClient(opts...)
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if c.before != nil {
			c.before(t, kadm.NewClient(client))
		}
		if err := client.ProduceSync(t.Context(), c.publish...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	h := c.backend
	if h == nil {
		h = http.HandlerFunc(aMarquez)
	}
	backend := httptest.NewUnstartedServer(h)
	backend.Config.ErrorLog = log.New(new(lockedText), "", 0)
	if c.tls {
		backend.StartTLS()
	} else {
		backend.Start()
	}
	t.Cleanup(backend.Close)
	folder := t.TempDir()
	yaml := c.yaml
	if !strings.Contains(yaml, "transport:") {
		yaml += "\ntransport: {type: http, url: \"URL\"}"
	}
	if !strings.Contains(yaml, "kafka:") {
		yaml += "\nkafka: {bootstrap.servers: \"BROKERS\"}"
	}
	if !strings.Contains(yaml, "input:") {
		yaml += "\ninput: {topics: [results]}"
	}
	if !strings.Contains(yaml, "telemetry:") {
		yaml += "\ntelemetry: {listen: \"off\"}"
	}
	yaml = strings.NewReplacer("BROKERS", strings.Join(cluster.ListenAddrs(), ","), "URL", backend.URL, "FOLDER", folder).Replace(yaml)
	configFile = filepath.Join(folder, "gx-ol.yaml")
	if err := os.WriteFile(configFile, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return configFile
}

// findingsOf runs check and reads its document.
func findingsOf(t *testing.T, args ...string) (code int, found []findings.Result, stderr string) {
	t.Helper()
	code, stdout, stderr := call(t, "", append([]string{"check", "-o", "json", "--timeout", "5s"}, args...)...)
	var report checkReport
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatalf("%v: %s%s", err, stdout, stderr)
	}
	if report.Status != findings.Worst(report.Checks) {
		t.Errorf("the report's status is %s", report.Status)
	}
	return code, report.Checks, stderr
}

func (c checkCase) in(found []findings.Result) bool {
	w := c.want
	return slices.ContainsFunc(found, func(r findings.Result) bool {
		return r.Check == w.Check && r.Status == w.Status && strings.Contains(r.Of, w.Of) && strings.Contains(r.Text, w.Text) && strings.Contains(r.Hint, w.Hint) &&
			(w.Key == "" || r.Key == w.Key)
	})
}

// Everything that check finds is provoked once; the exit code follows the worst.
func TestWhatCheckFinds(t *testing.T) {
	cases := append(append(kafkaFindings(), backendFindings()...), messageFindings()...)
	for _, c := range cases {
		t.Run(c.want.Check+" "+c.name, func(t *testing.T) {
			t.Parallel()
			code, found, stderr := findingsOf(t, append([]string{"--config", c.start(t)}, c.args...)...)
			if !c.in(found) {
				t.Errorf("no finding %+v in\n%s%s", c.want, findingLines(found), stderr)
			}
			if worst := findings.Worst(found); (worst == findings.Fail) != (code == 1) || code > 1 {
				t.Errorf("exit code %d with %s", code, worst)
			}
			for _, r := range found {
				if !slices.Contains(findings.Names(), r.Check) {
					t.Errorf("a check that has no name: %+v", r)
				}
				if strings.Contains(r.Text+r.Hint, "of-gx") || strings.Contains(r.Text+r.Hint, "key-of-ours") {
					t.Errorf("a secret is shown: %+v", r)
				}
			}
		})
	}
}

func findingLines(found []findings.Result) string {
	var b strings.Builder
	for _, r := range found {
		fmt.Fprintf(&b, "%+v\n", r)
	}
	return b.String()
}

func kafkaFindings() []checkCase {
	const kafka = `kafka: {bootstrap.servers: "BROKERS"`
	return []checkCase{
		{name: "good", want: findings.Result{Check: findings.Brokers, Status: findings.OK, Text: "answers"}},
		{name: "down", yaml: `kafka: {bootstrap.servers: "127.0.0.1:1"}`, want: findings.Result{Check: findings.Brokers, Of: "127.0.0.1:1", Status: findings.Fail, Text: "connection refused", Key: "kafka.bootstrap.servers"}},
		{name: "unknown host", yaml: `kafka: {bootstrap.servers: "no-such-host.invalid:9092"}`, want: findings.Result{Check: findings.Brokers, Status: findings.Fail, Text: "the host name no-such-host.invalid is not known"}},
		{name: "one of two down", yaml: `kafka: {bootstrap.servers: "127.0.0.1:1,BROKERS"}`, want: findings.Result{Check: findings.Brokers, Of: "127.0.0.1:1", Status: findings.Warn, Text: "another address answers"}},
		{name: "wrong password", kafka: guarded(mayReadInput), yaml: kafka + ", " + strings.Replace(signedIn, "of-gx", "wrong", 1) + "}",
			want: findings.Result{Check: findings.Brokers, Status: findings.Fail, Text: "sasl.password", Key: "kafka.sasl.password"}},
		{name: "no login", kafka: guarded(mayReadInput), want: findings.Result{Check: findings.Brokers, Status: findings.Fail, Text: "security.protocol", Key: "kafka.security.protocol"}},
		{name: "TLS where there is none", yaml: kafka + ", security.protocol: SSL}", want: findings.Result{Check: findings.Brokers, Status: findings.Fail, Text: "does not speak TLS", Key: "kafka.security.protocol"}, args: []string{"--timeout", "1s"}},
		{name: "no TLS where there is", kafka: []kfake.Opt{kfake.TLS(serverTLS(time.Now().Add(90 * 24 * time.Hour)))}, want: findings.Result{Check: findings.Brokers, Status: findings.Fail, Text: "security.protocol", Key: "kafka.security.protocol"}},
		{name: "certificate of nobody", kafka: []kfake.Opt{kfake.TLS(serverTLS(time.Now().Add(90 * 24 * time.Hour)))}, yaml: kafka + ", security.protocol: SSL}",
			want: findings.Result{Check: findings.Brokers, Status: findings.Fail, Text: "self-signed", Key: "kafka.ssl.ca.location"}},
		{name: "certificate ends soon", kafka: []kfake.Opt{kfake.TLS(serverTLS(time.Now().Add(48 * time.Hour)))}, yaml: kafka + `, security.protocol: SSL, enable.ssl.certificate.verification: "false"}`,
			want: findings.Result{Check: findings.Brokers, Status: findings.Warn, Text: "its certificate ends soon"}},
		{name: "good certificate", kafka: []kfake.Opt{kfake.TLS(serverTLS(time.Now().Add(90 * 24 * time.Hour)))}, yaml: kafka + `, security.protocol: SSL, enable.ssl.certificate.verification: "false"}`,
			want: findings.Result{Check: findings.Brokers, Status: findings.OK, Text: "its certificate is good until"}},
		{name: "brokers are down", yaml: `kafka: {bootstrap.servers: "127.0.0.1:1"}`, want: findings.Result{Check: findings.Topics, Status: findings.Warn, Text: "not tried: brokers failed"}},
		{name: "good", want: findings.Result{Check: findings.Advertised, Status: findings.OK, Text: "1 broker can be reached"}},
		{name: "misspelt", yaml: "input: {topics: [result]}", want: findings.Result{Check: findings.Topics, Of: "result", Status: findings.Fail, Text: "does not exist", Hint: `did you mean "results"?`, Key: "input.topics"}},
		{name: "no valid name", yaml: `input: {topics: ["a b"]}`, want: findings.Result{Check: findings.Topics, Status: findings.Fail, Text: "no valid name"}},
		{name: "no right", kafka: guarded(mayJoin, mayWriteLetters), yaml: kafka + ", " + signedIn + "}", want: findings.Result{Check: findings.Topics, Of: "results", Status: findings.Fail, Text: "user gx may not see the topic", Hint: "--operation READ --topic results"}},
		{name: "may describe, not read", kafka: guarded(acl(topicResource, "results", kmsg.ACLOperationDescribe), mayJoin, mayWriteLetters), yaml: kafka + ", " + signedIn + "}",
			want: findings.Result{Check: findings.Topics, Of: "results", Status: findings.Fail, Text: "user gx lacks READ", Hint: "kafka-acls.sh --add --allow-principal User:gx --operation READ --topic results"}},
		{name: "expression fits", yaml: `input: {topics: ["^res.*"]}`, want: findings.Result{Check: findings.Topics, Of: "results", Status: findings.OK, Text: "READ is granted"}},
		{name: "expression fits nothing", yaml: `input: {topics: ["^zzz"]}`, want: findings.Result{Check: findings.Topics, Of: "^zzz", Status: findings.Warn, Text: "fits no topic"}},
		{name: "expression leaves our own out", yaml: `input: {topics: ["^.*dlq$"]}`, want: findings.Result{Check: findings.Topics, Status: findings.Warn, Text: "fits no topic"}},
		{name: "no right", kafka: guarded(mayReadInput, mayWriteLetters, acl(groupResource, "gx-ol", kmsg.ACLOperationDescribe)), yaml: kafka + ", " + signedIn + "}",
			want: findings.Result{Check: findings.Group, Of: "gx-ol", Status: findings.Fail, Text: "READ on it is missing", Hint: "--operation READ --group gx-ol", Key: "input.group"}},
		{name: "not even seen", kafka: guarded(mayReadInput, mayWriteLetters), yaml: kafka + ", " + signedIn + "}", want: findings.Result{Check: findings.Group, Status: findings.Fail, Text: "READ on it is missing"}},
		{name: "granted", kafka: guarded(mayReadInput, mayWriteLetters, mayJoin), yaml: kafka + ", " + signedIn + "}", want: findings.Result{Check: findings.Group, Status: findings.OK, Text: "user gx may join it"}},
		{name: "good", want: findings.Result{Check: findings.DeadLetters, Of: "results.dlq", Status: findings.OK, Text: "WRITE is granted"}},
		{name: "no right", kafka: guarded(mayReadInput, mayJoin), yaml: kafka + ", " + signedIn + "}", want: findings.Result{Check: findings.DeadLetters, Of: "results.dlq", Status: findings.Fail, Text: "WRITE", Hint: "--operation WRITE --topic results.dlq", Key: "dead_letters.topic"}},
		{name: "will be made", yaml: "dead_letters: {topic: letters}", want: findings.Result{Check: findings.DeadLetters, Of: "letters", Status: findings.OK, Text: "run makes it"}},
		{name: "may not be made", kafka: guarded(mayReadInput, mayJoin, acl(topicResource, "letters", kmsg.ACLOperationWrite)), yaml: kafka + ", " + signedIn + "}\ndead_letters: {topic: letters}",
			want: findings.Result{Check: findings.DeadLetters, Of: "letters", Status: findings.Fail, Text: "may not create it", Hint: "--operation CREATE --topic letters"}},
		{name: "made, and not written", kafka: guarded(mayReadInput, mayJoin, acl(topicResource, "letters", kmsg.ACLOperationDescribe), acl(topicResource, "letters", kmsg.ACLOperationCreate)), yaml: kafka + ", " + signedIn + "}\ndead_letters: {topic: letters}",
			want: findings.Result{Check: findings.DeadLetters, Of: "letters", Status: findings.Fail, Text: "lacks WRITE"}},
		{name: "name that the brokers refuse", yaml: `dead_letters: {topic: "a/b"}`, want: findings.Result{Check: findings.DeadLetters, Status: findings.Fail, Text: "no valid name"}},
		{name: "compacted", before: setting("results.dlq", "cleanup.policy", "compact"), want: findings.Result{Check: findings.DeadLetters, Status: findings.Warn, Text: "cleanup.policy is compact", Hint: "cleanup.policy=delete"}},
		{name: "short retention", before: setting("results.dlq", "retention.ms", "60000"), want: findings.Result{Check: findings.DeadLetters, Status: findings.Warn, Text: "deleted after 1m0s"}},
		{name: "small", before: setting("results.dlq", "max.message.bytes", "1000"), want: findings.Result{Check: findings.DeadLetters, Status: findings.Warn, Text: "max.message.bytes is 1000", Hint: "set max.message.bytes="}},
		{name: "lacks", kafka: guarded(mayReadInput, mayJoin, mayWriteLetters), yaml: kafka + ", " + signedIn + "}\ntelemetry: {listen: \"127.0.0.1:0\"}", want: findings.Result{Check: findings.Ledger, Of: "results.dlq", Status: findings.Warn, Text: "READ on results.dlq (run counts dead letters)", Hint: "grant what this user is to do"}},
		{name: "good", want: findings.Result{Check: findings.Ledger, Status: findings.OK}},
		{name: "new brokers", want: findings.Result{Check: findings.Idempotence, Status: findings.OK, Text: "needs no right"}},
		{name: "no right", kafka: guarded(mayReadInput, mayJoin, mayWriteLetters, acl(topicResource, "out", kmsg.ACLOperationWrite)), yaml: kafka + ", " + signedIn + "}\ntransport: {type: kafka, topic: out}\ndelivery: exactly_once",
			want: findings.Result{Check: findings.Transactions, Status: findings.Fail, Text: "WRITE on them is missing", Hint: "--transactional-id gx-ol.", Key: "delivery"}},
		{name: "granted", yaml: "transport: {type: kafka, topic: out}\ndelivery: exactly_once", want: findings.Result{Check: findings.Transactions, Of: "gx-ol.gx-ol-check", Status: findings.OK}},
		{name: "topic misspelt", yaml: "transport: {type: kafka, topic: aut}", want: findings.Result{Check: findings.Destination, Of: "aut", Status: findings.Fail, Text: "does not exist", Hint: `did you mean "out"?`, Key: "transport.topic"}},
		{name: "topic may not be written", kafka: guarded(mayReadInput, mayJoin, mayWriteLetters, acl(topicResource, "out", kmsg.ACLOperationRead)), yaml: kafka + ", " + signedIn + "}\ntransport: {type: kafka, topic: out}",
			want: findings.Result{Check: findings.Destination, Of: "out", Status: findings.Fail, Text: "lacks WRITE"}},
		{name: "topic takes small events", before: setting("out", "max.message.bytes", "2000"), yaml: "transport: {type: kafka, topic: out}", want: findings.Result{Check: findings.Destination, Of: "out", Status: findings.Warn, Text: "max.message.bytes is 2000"}},
		{name: "brokers of its own are down", yaml: `transport: {type: kafka, topic: out, config: {bootstrap.servers: "127.0.0.1:1"}}`, want: findings.Result{Check: findings.Destination, Of: "127.0.0.1:1", Status: findings.Fail, Key: "transport.config.bootstrap.servers"}},
		{name: "file", yaml: "transport: {type: file, log_file_path: FOLDER/events.ndjson}", want: findings.Result{Check: findings.Destination, Status: findings.OK, Text: "run makes it"}},
		{name: "file in no folder", yaml: "transport: {type: file, log_file_path: FOLDER/none/events.ndjson}", want: findings.Result{Check: findings.Destination, Status: findings.Fail, Text: "its folder cannot be used", Key: "transport.log_file_path"}},
		{name: "file is a folder", yaml: "transport: {type: file, log_file_path: FOLDER}", want: findings.Result{Check: findings.Destination, Status: findings.Fail, Text: "cannot be written"}},
		{name: "console", yaml: "transport: {type: console}", want: findings.Result{Check: findings.Destination, Status: findings.OK}},
		{name: "off", want: findings.Result{Check: findings.Telemetry, Status: findings.OK, Text: "off"}},
		{name: "not of this machine", yaml: `telemetry: {listen: "192.0.2.1:9464"}`, want: findings.Result{Check: findings.Telemetry, Status: findings.Fail, Text: "cannot be listened on", Key: "telemetry.listen"}},
	}
}

func backendFindings() []checkCase {
	marquez := "transport: {type: http, url: \"URL\", backend: marquez"
	here := func(kind, more string) string {
		return "transport: {type: http, url: \"URL\", backend: " + kind + more + "}"
	}
	fail := func(text, hint, key string) findings.Result {
		return findings.Result{Check: findings.Destination, Of: "http", Status: findings.Fail, Text: text, Hint: hint, Key: key}
	}
	ok := func(text string) findings.Result {
		return findings.Result{Check: findings.Destination, Of: "http", Status: findings.OK, Text: text}
	}
	return []checkCase{
		{name: "Marquez", want: ok("a Marquez answers")},
		{name: "key wanted", backend: answers(401, "", ""), want: fail("401", "asks for a key", "transport.auth.apiKey")},
		{name: "key refused", backend: answers(403, "", "key-of-ours"), yaml: here("auto", `, auth: {apiKey: key-of-ours}`), want: fail("403", "does not take this key", "transport.auth.apiKey")},
		{name: "wrong path", yaml: `transport: {type: http, url: "URL/wrong"}`, want: fail("there is nothing at", "check transport.url and transport.endpoint", "transport.endpoint")},
		{name: "wrong endpoint", yaml: here("marquez", ", endpoint: api/v1/lineag"), want: fail("there is nothing at", "", "transport.endpoint")},
		{name: "no Marquez", backend: answers(200, "", `{}`), yaml: marquez + "}", want: fail("no Marquez answers", "port 5000", "transport.url")},
		{name: "Marquez without database", backend: answers(500, "Content-Type: application/json", `{"code": 500, "message": "no"}`), want: fail("500", "its database does not answer", "")},
		{name: "redirect", backend: answers(301, "Location: https://elsewhere.example.com/x?token=key-of-ours", ""), want: fail("301", "(https://elsewhere.example.com/x)", "transport.url")},
		{name: "web page", backend: answers(200, "Content-Type: text/html", "<html>"), want: fail("answers with a web page", "API", "transport.url")},
		{name: "gateway", backend: answers(503, "", ""), want: fail("503", "a gateway answered", "")},
		{name: "proxy", backend: answers(407, "", ""), want: fail("407", "proxy", "")},
		{name: "busy", backend: answers(429, "", ""), want: findings.Result{Check: findings.Destination, Status: findings.Warn, Text: "429"}},
		{name: "away", yaml: `transport: {type: http, url: "http://127.0.0.1:1"}`, want: fail("no answer", "is the backend running", "transport.url")},
		{name: "self-signed", tls: true, want: fail("no answer", "set transport.ssl.ca.location", "transport.ssl.ca.location")},
		{name: "DataHub", backend: answers(405, "Allow: POST", ""), yaml: `transport: {type: http, url: "URL/openapi/openlineage"}`, want: ok("a DataHub answers")},
		{name: "DataHub key", backend: answers(401, "", ""), yaml: `transport: {type: http, url: "URL/openapi/openlineage"}`, want: fail("401", "", "transport.auth.apiKey")},
		{name: "generic, POST alone", backend: onlyPost("POST"), yaml: here("generic", ""), want: ok("there is a place for events")},
		{name: "generic, nothing learned", backend: onlyPost(""), yaml: here("generic", ""), want: findings.Result{Check: findings.Destination, Status: findings.Warn, Text: "cannot be told without sending an event"}},
		{name: "generic, no POST", backend: answers(405, "Allow: GET", ""), yaml: here("generic", ""), want: findings.Result{Check: findings.Destination, Status: findings.Warn, Text: "cannot be told without sending one"}},
		{name: "generic, odd", backend: answers(500, "", ""), yaml: here("generic", ""), want: findings.Result{Check: findings.Destination, Status: findings.Warn, Text: "500"}},
		{name: "no batches", yaml: here("marquez", ", batch: {size: 10}"), want: findings.Result{Check: findings.Destination, Status: findings.Warn, Text: "events go one by one", Key: "transport.batch.endpoint"}},
		{name: "composite", yaml: `transport: {type: composite, transports: {one: {type: console}, two: {type: http, url: "http://127.0.0.1:1"}}}`,
			want: findings.Result{Check: findings.Destination, Of: "two", Status: findings.Fail, Key: "transport.transports.two.url"}},
		{name: "near", want: findings.Result{Check: findings.Clock, Of: "http", Status: findings.OK, Text: "within"}},
		{name: "ahead", backend: answers(405, "Date: "+time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), ""), yaml: here("generic", ""), want: findings.Result{Check: findings.Clock, Status: findings.Warn, Text: "ahead of this one", Hint: "NTP"}},
		{name: "behind", backend: answers(405, "Date: "+time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), ""), yaml: here("generic", ""), want: findings.Result{Check: findings.Clock, Status: findings.Warn, Text: "behind this one"}},
	}
}

func messageFindings() []checkCase {
	of := func(value []byte) *kgo.Record { return &kgo.Record{Topic: "results", Value: value} }
	good := func() *kgo.Record { return of(value("table-1.9.3.json")) }
	return []checkCase{
		{name: "none yet", want: findings.Result{Check: findings.MappingCheck, Status: findings.OK, Text: "no message yet"}},
		{name: "all", publish: []*kgo.Record{good(), good()}, want: findings.Result{Check: findings.MappingCheck, Status: findings.OK, Text: "2 of the last 2 messages would become events"}},
		{name: "some", publish: []*kgo.Record{good(), of([]byte("no json")), of(nil), of([]byte(`{"a": 1}`))}, want: findings.Result{Check: findings.MappingCheck, Status: findings.Warn, Text: "1 of the last 4 messages would become events, the others dead letters: 1 invalid_json"}},
		{name: "left out", publish: []*kgo.Record{good()}, yaml: `input: {topics: [results], filter: {include: [{suite: "no-such-suite"}]}}`, want: findings.Result{Check: findings.MappingCheck, Status: findings.OK, Text: "input.filter leaves 1 result out"}},
		{name: "tombstone", publish: []*kgo.Record{good(), of(nil)}, want: findings.Result{Check: findings.MappingCheck, Status: findings.Warn, Text: "1 tombstone"}},
		{name: "oversize", publish: []*kgo.Record{good()}, yaml: "input: {topics: [results], max_message_bytes: 100}", want: findings.Result{Check: findings.MappingCheck, Status: findings.Fail, Text: "1 oversize"}},
		{name: "no topic of results", publish: []*kgo.Record{of([]byte("x"))}, want: findings.Result{Check: findings.MappingCheck, Status: findings.Fail, Text: "0 of the last 1 message would become events", Hint: "is this the topic", Key: "input.topics"}},
		{name: "one of two topics", publish: []*kgo.Record{good(), {Topic: "out", Value: []byte("x")}}, kafka: guarded(mayReadInput, mayJoin, mayWriteLetters, acl(topicResource, "out", kmsg.ACLOperationDescribe)),
			yaml: `kafka: {bootstrap.servers: "BROKERS", ` + signedIn + "}\ninput: {topics: [results, out]}", want: findings.Result{Check: findings.MappingCheck, Status: findings.OK, Text: "1 of the last 1 message would become events; not all could be read"}},
		{name: "no topic", yaml: "input: {topics: [none]}", want: findings.Result{Check: findings.MappingCheck, Status: findings.Warn, Text: "not tried: topics failed"}},
		{name: "unnamed", publish: []*kgo.Record{good()}, want: findings.Result{Check: findings.Datasources, Status: findings.Warn, Text: "no entry of datasources names", Key: "datasources"}},
		{name: "unnamed is an error", publish: []*kgo.Record{good()}, yaml: "unmapped: error", want: findings.Result{Check: findings.Datasources, Status: findings.Warn, Text: "no entry of datasources names"}},
		{name: "named", publish: []*kgo.Record{good()}, yaml: `datasources: {"*": {namespace: "postgres://db:5432", database: shop}}`, want: findings.Result{Check: findings.Datasources, Status: findings.OK, Text: "every datasource"}},
		{name: "named", publish: []*kgo.Record{good()}, yaml: `datasources: {"*": {namespace: "postgres://db:5432", database: shop}}`, want: findings.Result{Check: findings.Datasets, Status: findings.OK, Text: "1 dataset"}},
		{name: "of the future", publish: []*kgo.Record{{Topic: "results", Value: value("table-1.9.3.json"), Timestamp: time.Now().Add(time.Hour)}}, want: findings.Result{Check: findings.Clock, Of: "kafka", Status: findings.Warn, Text: "from the future"}},
		{name: "disabled flag", yaml: "transport: {type: console, url: \"URL\"}", want: findings.Result{Check: findings.Configuration, Status: findings.Warn, Text: "has no effect"}},
	}
}

// serverTLS is a broker's certificate that is its own authority.
func serverTLS(until time.Time) *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// What check says to paste is a configuration that names the datasource, whatever its name holds.
func TestTheEntriesToPasteNameTheDatasource(t *testing.T) {
	odd := "re\"tail: \\ é\u2028{x}"
	changed := strings.ReplaceAll(string(value("table-1.9.3.json")), `"retail_pg"`, string(mustJSON(odd)))
	c := checkCase{publish: []*kgo.Record{{Topic: "results", Value: []byte(changed)}, {Topic: "results", Value: value("table-1.9.3.json")}}}
	file := c.start(t)
	_, found, _ := findingsOf(t, "--config", file)
	i := slices.IndexFunc(found, func(r findings.Result) bool { return r.Check == findings.Datasources })
	if found[i].Status != findings.Warn || len(found[i].Details) < 2 {
		t.Fatalf("%+v", found[i])
	}
	pasted := filepath.Join(t.TempDir(), "more.yaml")
	if err := os.WriteFile(pasted, []byte(strings.Join(found[i].Details, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, found, _ = findingsOf(t, "--config", file, "--config", pasted)
	if found[i].Status != findings.OK {
		t.Errorf("with what was to be pasted: %+v", found[i])
	}
}

func mustJSON(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return b
}

// Without network and secrets: faults with their places, all at once; exit code 2, as for every fault of a configuration.
func TestCheckConfigOnly(t *testing.T) {
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "gx-ol.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	good := "kafka: {bootstrap.servers: \"${NOWHERE}:1\", security.protocol: SASL_SSL, sasl.mechanism: PLAIN, sasl.username: u, sasl.password: \"${file:/none}\", ssl.ca.location: /none/ca.pem}\n" +
		"input: {topics: [results]}\ntransport: {type: http, url: \"http://127.0.0.1:1\", auth: {apiKey: \"${KEY}\"}}\n"
	code, found, _ := findingsOf(t, "--config-only", "--config", write(good))
	if code != 0 || len(found) != 2 || findings.Worst(found) != findings.OK || !slices.Contains(found[1].Details, "kafka.sasl.password") {
		t.Errorf("exit %d: %s", code, findingLines(found))
	}
	bad := write(strings.Replace(good, "topics", "topcs", 1) + "log: {level: lound}\njob: {name: \"{{ .Sweet }}\"}\n")
	code, found, _ = findingsOf(t, "--config-only", "--config", bad)
	if code != 2 || len(found) != 3 || found[0].Of != bad+":2:9" || found[0].Text != `unknown key "topcs": did you mean "topics"?` || found[2].Of != bad+":5:13" {
		t.Errorf("exit %d: %s", code, findingLines(found))
	}
	if code, stdout, stderr := call(t, "", "check", "--config", bad); code != 2 || strings.Count(stdout, "fail  configuration") < 3 || !strings.Contains(stdout, "warn  brokers") || strings.Contains(stderr, "topcs") {
		t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if code, stdout, _ := call(t, "", "check"); code != 2 || !strings.Contains(stdout, "no configuration file was found or named") {
		t.Errorf("without any configuration: exit %d, %q", code, stdout)
	}
}

// --print asks nobody, shows no secret, and says where each value came from.
func TestCheckPrint(t *testing.T) {
	file := checkCase{yaml: "kafka: {bootstrap.servers: \"127.0.0.1:1\", client.id: c}\ntransport: {type: http, url: \"http://127.0.0.1:1\", auth: {apiKey: key-of-ours}}"}.start(t)
	code, stdout, stderr := call(t, "", "check", "--print", "--config", file, "--group", "by-flag")
	if code != 0 || stderr != "" || strings.Contains(stdout, "key-of-ours") {
		t.Errorf("exit %d, stderr %q, stdout %s", code, stderr, stdout)
	}
	for _, want := range []string{"kafka.client.id", file + ":", "by-flag", "--group", "transport.auth.apiKey", "***", "derived from input.topics", "default"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
	code, stdout, _ = call(t, "", "check", "--print", "-o", "json", "--config", file)
	var values []config.Value
	if err := json.Unmarshal([]byte(stdout), &values); err != nil || code != 0 || len(values) < 50 {
		t.Errorf("exit %d, %v, %d values", code, err, len(values))
	}
}

// The backend is only asked: no question of check can store anything.
func TestCheckPostsNothing(t *testing.T) {
	var mu sync.Mutex // guards methods
	methods := map[string]int{}
	c := checkCase{yaml: "transport: {type: http, url: \"URL\", batch: {size: 5}}", backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		methods[r.Method]++
		mu.Unlock()
		http.NotFound(w, r)
	})}
	_, _, _ = findingsOf(t, "--config", c.start(t))
	if methods[http.MethodGet] == 0 || len(methods) != 2 || methods[http.MethodOptions] == 0 {
		t.Errorf("asked by %v", methods)
	}
}
