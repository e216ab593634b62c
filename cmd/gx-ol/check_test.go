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
	"github.com/gx-ol/gx-ol/test/rawbatch"
)

// checkCase is one thing that check finds.
type checkCase struct {
	name    string
	kafka   []kfake.Opt
	before  func(t *testing.T, admin *kadm.Client) // changes the cluster
	publish []*kgo.Record
	inflate bool         // before these lies a batch that inflates to 16 MiB
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
func answering(status int, header, body string) http.Handler {
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
	if c.before != nil || len(c.publish) > 0 || c.inflate {
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
		if c.inflate {
			rawbatch.Write(t, client, "results", rawbatch.Inflating(t, kgo.ZstdCompression(), 1), kgo.CodecZstd, 1)
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
	code, stdout, stderr := call(t, "", append([]string{"check", "-o", "json", "--timeout", "1m"}, args...)...)
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
