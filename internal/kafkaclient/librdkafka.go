package kafkaclient

// sameAs are librdkafka's own names of properties, as configurations of the Python clients of Kafka and of OpenLineage have them, with the standard ones.
var sameAs = map[string]string{
	"message.max.bytes":                  "max.request.size",
	"fetch.message.max.bytes":            "max.partition.fetch.bytes",
	"fetch.wait.max.ms":                  "fetch.max.wait.ms",
	"compression.codec":                  "compression.type",
	"queue.buffering.max.ms":             "linger.ms",
	"message.timeout.ms":                 "delivery.timeout.ms",
	"request.required.acks":              "acks",
	"topic.metadata.refresh.interval.ms": "metadata.max.age.ms",
}

// onlyLibrdkafkas are properties of librdkafka that change nothing here, and why.
func onlyLibrdkafkas(own, again, system string) map[string]string {
	const (
		log         = "what gx-ol logs, log.level says"
		versions    = "brokers are always asked for their versions"
		partitioner = "records with a key go where Java's clients put them"
	)
	return map[string]string{
		"batch.num.messages": own, "message.copy.max.bytes": own, "queue.buffering.backpressure.threshold": own, "sticky.partitioning.linger.ms": own,
		"reconnect.backoff.jitter.ms": again, "socket.max.fails": again, "fetch.error.backoff.ms": again, "fetch.queue.backoff.ms": again, "coordinator.query.interval.ms": again,
		"topic.metadata.refresh.fast.interval.ms": again, "topic.metadata.propagation.max.ms": again, "topic.metadata.refresh.sparse": again, "metadata.request.timeout.ms": again,
		"broker.address.family": system, "broker.address.ttl": system, "socket.send.buffer.bytes": system, "socket.receive.buffer.bytes": system,
		"debug": log, "log_level": log, "log.queue": log, "log.thread.name": log, "enable.random.seed": log,
		"api.version.request.timeout.ms": versions, "api.version.fallback.ms": versions, "broker.version.fallback": versions,
		"partitioner": partitioner, "partitioner.class": partitioner, "partitioner.ignore.keys": partitioner, "partitioner.adaptive.partitioning.enable": partitioner,
		"partitioner.availability.timeout.ms": partitioner,
		"enable.partition.eof":                "gx-ol reads on at the end of a partition", "delivery.report.only.error": "gx-ol looks at each acknowledgement",
		"enable.gapless.guarantee": "gx-ol keeps the order of each key", "queuing.strategy": own, "client.software.name": versions, "client.software.version": versions,
	}
}
