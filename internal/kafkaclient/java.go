package kafkaclient

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// unsupported names properties that people bring along and that would change what happens, with the way that works here.
func unsupported() map[string]string {
	const kerberos = "gx-ol does not sign in with Kerberos"
	return map[string]string{
		"group.id":                              "set input.group",
		"metadata.broker.list":                  "set bootstrap.servers",
		"brokers":                               "set bootstrap.servers",
		"hosts":                                 "set bootstrap.servers",
		"topic":                                 "set input.topics",
		"topics":                                "set input.topics",
		"group":                                 "set input.group",
		"username":                              "set sasl.username",
		"user":                                  "set sasl.username",
		"password":                              "set sasl.password",
		"transactional.id":                      "gx-ol names its transactions after input.group: set delivery: exactly_once",
		"sasl.kerberos.service.name":            kerberos,
		"sasl.kerberos.principal":               kerberos,
		"sasl.kerberos.keytab":                  kerberos,
		"sasl.kerberos.kinit.cmd":               kerberos,
		"sasl.kerberos.min.time.before.relogin": kerberos,
		"sasl.kerberos.ticket.renew.jitter":     kerberos,
		"sasl.kerberos.ticket.renew.window.factor":      kerberos,
		"ssl.ca.certificate.stores":                     "set ssl.ca.location, or leave it out: the system's authorities are trusted",
		"ssl.crl.location":                              "gx-ol asks no lists of revoked certificates",
		"sasl.login.class":                              "gx-ol runs no Java: set sasl.mechanism and what belongs to it",
		"sasl.oauthbearer.config":                       "tokens without a signature are not supported: set sasl.oauthbearer.token.endpoint.url, client id and secret",
		"enable.sasl.oauthbearer.unsecure.jwt":          "tokens without a signature are not supported: set sasl.oauthbearer.token.endpoint.url, client id and secret",
		"sasl.oauthbearer.metadata.authentication.type": "set sasl.oauthbearer.token.endpoint.url, client id and secret",
		"ssl.engine.factory.class":                      "gx-ol runs no Java",
		"security.providers":                            "gx-ol runs no Java",
		"ssl.provider":                                  "gx-ol runs no Java",
		"interceptor.classes":                           "gx-ol runs no Java",
		"plugin.library.paths":                          "gx-ol loads no libraries of others",
	}
}

// withoutEffect are properties of Java's clients and of librdkafka that a file which other clients read may hold: they change nothing that matters here.
func withoutEffect() map[string]string {
	const (
		own      = "gx-ol bounds what it holds by itself: input.max_bytes_in_hand, input.max_in_flight"
		again    = "gx-ol tries again until it has an answer: retry.*"
		registry = "gx-ol reads JSON, and no schema registry"
		system   = "left to the system"
		tls      = "TLS 1.2 and 1.3 are used as Go chooses"
		metrics  = "gx-ol has metrics of its own: telemetry.listen"
		tokens   = "tokens are renewed before they end"
	)
	all := onlyLibrdkafkas(own, again, system)
	maps.Copy(all, map[string]string{
		"max.poll.records": own, "batch.size": own, "buffer.memory": own, "max.in.flight.requests.per.connection": own, "max.in.flight": own,
		"queued.max.messages.kbytes": own, "queued.min.messages": own, "queue.buffering.max.messages": own, "queue.buffering.max.kbytes": own,
		"retries": again, "retry.backoff.ms": again, "retry.backoff.max.ms": again, "reconnect.backoff.ms": again, "reconnect.backoff.max.ms": again,
		"default.api.timeout.ms": again, "max.block.ms": again, "message.send.max.retries": again, "socket.timeout.ms": again,
		"auto.commit.interval.ms": "gx-ol commits what is settled, twice a second", "enable.auto.offset.store": "gx-ol commits what is settled, twice a second",
		"partition.assignment.strategy": "gx-ol's members assign partitions cooperatively: group.protocol",
		"allow.auto.create.topics":      "gx-ol creates no topic but that of dead letters",
		"check.crcs":                    "batches are always checked", "exclude.internal.topics": "internal topics are never read",
		"client.dns.lookup": "all addresses of a name are tried", "send.buffer.bytes": system, "receive.buffer.bytes": system, "socket.keepalive.enable": system,
		"socket.nagle.disable": system, "log.connection.close": system, "api.version.request": "brokers are always asked for their versions",
		"ssl.protocol": tls, "ssl.enabled.protocols": tls, "ssl.cipher.suites": tls, "ssl.keymanager.algorithm": tls, "ssl.trustmanager.algorithm": tls, "ssl.secure.random.implementation": tls,
		"metric.reporters": metrics, "metrics.num.samples": metrics, "metrics.recording.level": metrics, "metrics.sample.window.ms": metrics, "enable.metrics.push": metrics,
		"auto.include.jmx.reporter": metrics, "statistics.interval.ms": metrics,
		"sasl.login.refresh.window.factor": tokens, "sasl.login.refresh.window.jitter": tokens, "sasl.login.refresh.min.period.seconds": tokens, "sasl.login.refresh.buffer.seconds": tokens,
		"sasl.login.connect.timeout.ms": tokens, "sasl.login.read.timeout.ms": tokens, "sasl.login.retry.backoff.ms": tokens, "sasl.login.retry.backoff.max.ms": tokens,
		"sasl.oauthbearer.sub.claim.name": tokens, "sasl.oauthbearer.scope.claim.name": tokens, "sasl.oauthbearer.header.urlencode": tokens, "sasl.oauthbearer.clock.skew.seconds": tokens,
		"schema.registry.url": registry, "schema.registry.basic.auth.user.info": registry, "schema.registry.basic.auth.credentials.source": registry,
		"basic.auth.credentials.source": registry, "basic.auth.user.info": registry, "specific.avro.reader": registry, "auto.register.schemas": registry, "use.latest.version": registry,
		"bearer.auth.credentials.source": registry, "bearer.auth.token": registry, "schema.registry.ssl.truststore.location": registry, "schema.registry.ssl.truststore.password": registry,
	})
	return all
}

// quiet are those of withoutEffect that consoles print beside everything else, and that say what is so anyway: nobody needs to hear of them.
var quiet = []string{"client.dns.lookup", "check.crcs", "api.version.request", "socket.keepalive.enable", "sasl.oauthbearer.header.urlencode"}

// NoEffect is why a property, which is taken, changes nothing; empty for one that has an effect, or says what is so anyway.
func NoEffect(name string) string {
	if slices.Contains(quiet, name) {
		return ""
	}
	return withoutEffect()[name]
}

// javaProperties are taken so that a file that Java's clients read can be used as it is.
func javaProperties() map[string]property {
	p := map[string]property{}
	for name := range withoutEffect() {
		secret := strings.Contains(name, "password") || strings.Contains(name, "user.info") || strings.Contains(name, "token")
		p[name] = property{secret: secret, set: func(*state, string) error { return nil }}
	}
	bytesOnly := property{set: func(_ *state, v string) error {
		class := v[strings.LastIndexByte(v, '.')+1:]
		for _, plain := range []string{"String", "ByteArray", "ByteBuffer", "Bytes"} {
			if class == plain+"Deserializer" || class == plain+"Serializer" {
				return nil
			}
		}
		return errors.New("only those of String and ByteArray are supported: gx-ol reads and writes JSON as bytes, without a schema registry")
	}}
	for _, name := range []string{"key.deserializer", "value.deserializer", "key.serializer", "value.serializer"} {
		p[name] = bytesOnly
	}
	return p
}
