package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	findings "github.com/gx-ol/gx-ol/internal/check"
)

// What there is to find about Kafka.
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
		{name: "no right", kafka: guarded(mayJoin, mayWriteLetters), yaml: kafka + ", " + signedIn + "}", want: findings.Result{Check: findings.Topics, Of: "results", Status: findings.Fail, Text: "user gx may not see the topic", Hint: "--operation READ --topic results"}},
		{name: "may describe, not read", kafka: guarded(acl(topicResource, "results", kmsg.ACLOperationDescribe), mayJoin, mayWriteLetters), yaml: kafka + ", " + signedIn + "}",
			want: findings.Result{Check: findings.Topics, Of: "results", Status: findings.Fail, Text: "user gx lacks READ", Hint: "kafka-acls.sh --add --allow-principal User:gx --operation READ --topic results"}},
		{name: "expression fits", yaml: `input: {topics: ["^res.*"]}`, want: findings.Result{Check: findings.Topics, Of: "results", Status: findings.OK, Text: "READ is granted"}},
		{name: "expression fits nothing", yaml: `input: {topics: ["^zzz"]}`, want: findings.Result{Check: findings.Topics, Of: "^zzz", Status: findings.Warn, Text: "fits no topic"}},
		{name: "expression leaves our own out", yaml: `input: {topics: ["^.*dlq$"]}`, want: findings.Result{Check: findings.Topics, Status: findings.Warn, Text: "fits no topic"}},
		{name: "no right", kafka: guarded(mayReadInput, mayWriteLetters, acl(groupResource, "gx-ol", kmsg.ACLOperationDescribe)), yaml: kafka + ", " + signedIn + "}",
			want: findings.Result{Check: findings.Group, Of: "gx-ol", Status: findings.Fail, Text: "READ on it is missing", Hint: "--operation READ --group gx-ol", Key: "input.group"}},
		{name: "not even seen", kafka: guarded(mayReadInput, mayWriteLetters), yaml: kafka + ", " + signedIn + "}", want: findings.Result{Check: findings.Group, Status: findings.Fail, Text: "READ on it is missing"}},
		{name: "brokers do not assign", kafka: []kfake.Opt{kfake.MaxVersions(kversion.V3_6_0())}, yaml: kafka + ", group.protocol: consumer}",
			want: findings.Result{Check: findings.Group, Status: findings.Warn, Text: "which these brokers do not offer", Key: "kafka.group.protocol"}},
		{name: "granted", kafka: guarded(mayReadInput, mayWriteLetters, mayJoin), yaml: kafka + ", " + signedIn + "}", want: findings.Result{Check: findings.Group, Status: findings.OK, Text: "user gx may join it"}},
		{name: "good", want: findings.Result{Check: findings.DeadLetters, Of: "results.dlq", Status: findings.OK, Text: "WRITE is granted"}},
		{name: "no right", kafka: guarded(mayReadInput, mayJoin), yaml: kafka + ", " + signedIn + "}", want: findings.Result{Check: findings.DeadLetters, Of: "results.dlq", Status: findings.Fail, Text: "WRITE", Hint: "--operation WRITE --topic results.dlq", Key: "dead_letters.topic"}},
		{name: "will be made", yaml: "dead_letters: {topic: letters}", want: findings.Result{Check: findings.DeadLetters, Of: "letters", Status: findings.OK, Text: "run makes it"}},
		{name: "may not be made", kafka: guarded(mayReadInput, mayJoin, acl(topicResource, "letters", kmsg.ACLOperationWrite)), yaml: kafka + ", " + signedIn + "}\ndead_letters: {topic: letters}",
			want: findings.Result{Check: findings.DeadLetters, Of: "letters", Status: findings.Fail, Text: "may not create it", Hint: "--operation CREATE --topic letters"}},
		{name: "made, and not written", kafka: guarded(mayReadInput, mayJoin, acl(topicResource, "letters", kmsg.ACLOperationDescribe), acl(topicResource, "letters", kmsg.ACLOperationCreate)), yaml: kafka + ", " + signedIn + "}\ndead_letters: {topic: letters}",
			want: findings.Result{Check: findings.DeadLetters, Of: "letters", Status: findings.Fail, Text: "lacks WRITE"}},
		{name: "name that the brokers refuse", yaml: "input: {topics: [" + strings.Repeat("a", 249) + "]}", want: findings.Result{Check: findings.DeadLetters, Status: findings.Fail, Text: "no valid name"}},
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

// What there is to find about a backend.
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
		{name: "key wanted", backend: answering(401, "", ""), want: fail("401", "asks for a key", "transport.auth.apiKey")},
		{name: "key refused", backend: answering(403, "", "key-of-ours"), yaml: here("auto", `, auth: {apiKey: key-of-ours}`), want: fail("403", "does not take this key", "transport.auth.apiKey")},
		{name: "wrong path", yaml: `transport: {type: http, url: "URL/wrong"}`, want: fail("there is nothing at", "check transport.url and transport.endpoint", "transport.endpoint")},
		{name: "wrong endpoint", yaml: here("marquez", ", endpoint: api/v1/lineag"), want: fail("there is nothing at", "", "transport.endpoint")},
		{name: "no Marquez", backend: answering(200, "", `{}`), yaml: marquez + "}", want: fail("no Marquez answers", "port 5000", "transport.url")},
		{name: "Marquez without database", backend: answering(500, "Content-Type: application/json", `{"code": 500, "message": "no"}`), want: fail("500", "its database does not answer", "")},
		{name: "redirect", backend: answering(301, "Location: https://elsewhere.example.com/x?token=key-of-ours", ""), want: fail("301", "(https://elsewhere.example.com/x)", "transport.url")},
		{name: "web page", backend: answering(200, "Content-Type: text/html", "<html>"), want: fail("answers with a web page", "API", "transport.url")},
		{name: "gateway", backend: answering(503, "", ""), want: fail("503", "a gateway answered", "")},
		{name: "proxy", backend: answering(407, "", ""), want: fail("407", "proxy", "")},
		{name: "busy", backend: answering(429, "", ""), want: findings.Result{Check: findings.Destination, Status: findings.Warn, Text: "429"}},
		{name: "away", yaml: `transport: {type: http, url: "http://127.0.0.1:1"}`, want: fail("no answer", "is the backend running", "transport.url")},
		{name: "self-signed", tls: true, want: fail("no answer", "set transport.ssl.ca.location", "transport.ssl.ca.location")},
		{name: "DataHub", backend: answering(405, "Allow: POST", ""), yaml: `transport: {type: http, url: "URL/openapi/openlineage"}`, want: ok("a DataHub answers")},
		{name: "DataHub key", backend: answering(401, "", ""), yaml: `transport: {type: http, url: "URL/openapi/openlineage"}`, want: fail("401", "", "transport.auth.apiKey")},
		{name: "generic, POST alone", backend: onlyPost("POST"), yaml: here("generic", ""), want: ok("there is a place for events")},
		{name: "generic, nothing learned", backend: onlyPost(""), yaml: here("generic", ""), want: findings.Result{Check: findings.Destination, Status: findings.Warn, Text: "cannot be told without sending an event"}},
		{name: "generic, no POST", backend: answering(405, "Allow: GET", ""), yaml: here("generic", ""), want: findings.Result{Check: findings.Destination, Status: findings.Warn, Text: "cannot be told without sending one"}},
		{name: "generic, odd", backend: answering(500, "", ""), yaml: here("generic", ""), want: findings.Result{Check: findings.Destination, Status: findings.Warn, Text: "500"}},
		{name: "no batches", yaml: here("marquez", ", batch: {size: 10}"), want: findings.Result{Check: findings.Destination, Status: findings.Warn, Text: "events go one by one", Key: "transport.batch.endpoint"}},
		{name: "composite", yaml: `transport: {type: composite, transports: {one: {type: console}, two: {type: http, url: "http://127.0.0.1:1"}}}`,
			want: findings.Result{Check: findings.Destination, Of: "two", Status: findings.Fail, Key: "transport.transports.two.url"}},
		{name: "near", want: findings.Result{Check: findings.Clock, Of: "http", Status: findings.OK, Text: "within"}},
		{name: "ahead", backend: answering(405, "Date: "+time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), ""), yaml: here("generic", ""), want: findings.Result{Check: findings.Clock, Status: findings.Warn, Text: "ahead of this one", Hint: "NTP"}},
		{name: "behind", backend: answering(405, "Date: "+time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), ""), yaml: here("generic", ""), want: findings.Result{Check: findings.Clock, Status: findings.Warn, Text: "behind this one"}},
	}
}

// What there is to find about messages.
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
		{name: "inflates", inflate: true, want: findings.Result{Check: findings.MappingCheck, Status: findings.Warn, Text: "inflates to more than twice input.max_message_bytes", Key: "input.max_message_bytes"}},
		{name: "behind one that inflates", inflate: true, publish: []*kgo.Record{good()}, want: findings.Result{Check: findings.MappingCheck, Status: findings.OK, Text: "1 of the last 1 message would become events; not all could be read: a compressed batch inflates to more than twice input.max_message_bytes"}},
		{name: "no topic", yaml: "input: {topics: [none]}", want: findings.Result{Check: findings.MappingCheck, Status: findings.Warn, Text: "not tried: topics failed"}},
		{name: "unnamed", publish: []*kgo.Record{good()}, want: findings.Result{Check: findings.Datasources, Status: findings.Warn, Text: "no entry of datasources names", Key: "datasources"}},
		{name: "unnamed is an error", publish: []*kgo.Record{good()}, yaml: "unmapped: error", want: findings.Result{Check: findings.Datasources, Status: findings.Warn, Text: "no entry of datasources names"}},
		{name: "named", publish: []*kgo.Record{good()}, yaml: `datasources: {"*": {namespace: "postgres://db:5432", database: shop}}`, want: findings.Result{Check: findings.Datasources, Status: findings.OK, Text: "every datasource"}},
		{name: "named", publish: []*kgo.Record{good()}, yaml: `datasources: {"*": {namespace: "postgres://db:5432", database: shop}}`, want: findings.Result{Check: findings.Datasets, Status: findings.OK, Text: "1 dataset"}},
		{name: "of the future", publish: []*kgo.Record{{Topic: "results", Value: value("table-1.9.3.json"), Timestamp: time.Now().Add(time.Hour)}}, want: findings.Result{Check: findings.Clock, Of: "kafka", Status: findings.Warn, Text: "from the future"}},
		{name: "disabled flag", yaml: "transport: {type: console, url: \"URL\"}", want: findings.Result{Check: findings.Configuration, Status: findings.Warn, Text: "has no effect"}},
	}
}
