package producer

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

const (
	brokerSlack  = 1 << 20   // what batches and requests may be larger than a record
	brokerWrites = 100 << 20 // franz-go's own default
)

// ClientOpts are the options of a client that writes events, dead letters or replays of records of up to
// maxMessageBytes (key, value and headers, uncompressed). franz-go counts a batch before it is compressed, so the
// client's own limits stand above: the broker alone judges size.
func ClientOpts(maxMessageBytes int) []kgo.Opt {
	batch := int64(maxMessageBytes) + brokerSlack
	return []kgo.Opt{
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerBatchMaxBytes(int32(min(batch, 1<<30))),
		kgo.BrokerMaxWriteBytes(int32(min(max(batch+brokerSlack, brokerWrites), 1<<30+brokerSlack))),
		kgo.ProducerBatchCompression(kgo.ZstdCompression(), kgo.SnappyCompression(), kgo.NoCompression()),
		kgo.ProducerLinger(0), // every event is waited for
		kgo.RecordDeliveryTimeout(30 * time.Second),
	}
}

// Kafka delivers events to a topic, keyed so that the events of one job stay in order. It is safe for concurrent use.
type Kafka struct {
	client *kgo.Client
	topic  string
	key    string
	chunk  int // in a transaction: bytes that are written at once; 0: no transaction
}

// NewKafka writes to topic with a client that stays the caller's. messageKey replaces every event's own key; empty
// keeps it.
func NewKafka(client *kgo.Client, topic, messageKey string) *Kafka {
	return &Kafka{client: client, topic: topic, key: messageKey}
}

// InTransaction is a destination that writes inside a transaction of its client: what is refused can't be written again,
// and the verdict must be right, although a broker judges whole batches. So not more is written at once than maxBytes, the
// topic's max.message.bytes, unless one event alone has more: "too large" then blames that one.
func (k *Kafka) InTransaction(maxBytes int) *Kafka {
	c := *k
	c.chunk = maxBytes
	return &c
}

// Deliver writes one event and waits for its acknowledgement.
func (k *Kafka) Deliver(ctx context.Context, ev openlineage.Event) error {
	return k.DeliverAll(ctx, []openlineage.Event{ev})[0]
}

// DeliverAll writes all events at once, in order for each key, and waits for all. errs[i] is nil when evs[i] is
// acknowledged.
//
// A broker refuses a batch as a whole, so the verdict "too large" on one of several events means little: such events
// are written again one by one, and so is what came after them under the same key, which may have overtaken them.
func (k *Kafka) DeliverAll(ctx context.Context, evs []openlineage.Event) []error {
	errs := make([]error, len(evs))
	if len(evs) == 0 {
		return errs
	}
	if k.chunk > 0 {
		k.deliverChunks(ctx, evs, errs)
		return errs
	}
	rs := make([]*kgo.Record, len(evs))
	place := make(map[*kgo.Record]int, len(evs))
	for i, ev := range evs {
		rs[i] = k.record(ev)
		place[rs[i]] = i
	}
	for _, res := range k.client.ProduceSync(ctx, rs...) {
		errs[place[res.Record]] = res.Err
	}
	again := map[string]bool{}
	for i := range evs {
		if len(evs) > 1 && (tooLarge(errs[i]) || again[string(rs[i].Key)]) {
			again[string(rs[i].Key)] = true
			errs[i] = k.client.ProduceSync(ctx, k.record(evs[i])).FirstErr()
		}
		errs[i] = kafkaFault(ctx, errs[i], "writing event", k.topic)
	}
	return errs
}

// recordOverhead is more than what a record of an event has beside its key and body in a batch.
const recordOverhead = 128

// deliverChunks writes chunk after chunk. With the first that fails the transaction has failed, and the rest is left.
func (k *Kafka) deliverChunks(ctx context.Context, evs []openlineage.Event, errs []error) {
	for start := 0; start < len(evs); {
		end, size := start, 0
		for end < len(evs) {
			size += len(evs[end].Body) + len(evs[end].Key) + len(k.key) + recordOverhead
			if size > k.chunk && end > start {
				break
			}
			end++
		}
		rs := make([]*kgo.Record, 0, end-start)
		place := make(map[*kgo.Record]int, end-start)
		for i, ev := range evs[start:end] {
			rs = append(rs, k.record(ev))
			place[rs[i]] = start + i
		}
		failed := false
		for _, res := range k.client.ProduceSync(ctx, rs...) {
			errs[place[res.Record]] = kafkaFault(ctx, res.Err, "writing event", k.topic)
			failed = failed || res.Err != nil
		}
		if failed {
			for i := end; i < len(evs); i++ {
				errs[i] = fault.BackendError("aborted", "writing event to topic %s: not tried, the transaction has failed", k.topic)
			}
			return
		}
		start = end
	}
}

func (k *Kafka) record(ev openlineage.Event) *kgo.Record {
	r := &kgo.Record{Topic: k.topic, Value: ev.Body}
	switch {
	case k.key != "":
		r.Key = []byte(k.key)
	case ev.Key != "":
		r.Key = []byte(ev.Key)
	}
	return r
}

// MaxEventBytes is 0: the topic's own limit is known to the broker alone.
func (k *Kafka) MaxEventBytes() int { return 0 }

// Close does nothing: the client is the caller's.
func (k *Kafka) Close() error { return nil }

func tooLarge(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge)
}

// kafkaFault classifies what Kafka or its client said; nil for nil. The end of ctx is nobody's fault.
func kafkaFault(ctx context.Context, err error, doing, topic string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case tooLarge(err):
		return fault.MessageError(fault.Oversize, "kafka_message_too_large", "%s to topic %s: %w", doing, topic, err)
	case errors.Is(err, kerr.InvalidRecord):
		return fault.MessageError(fault.Rejected, "kafka_invalid_record", "%s to topic %s: %w", doing, topic, err)
	}
	code, hint := kafkaHint(err)
	f := fault.BackendError(code, "%s to topic %s: %w", doing, topic, err)
	f.Hint = hint
	return f
}

func kafkaHint(err error) (code, hint string) {
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed),
		errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return "kafka_authorization", "give this client's user the right to write (and to create) the topic"
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return "kafka_authentication", "check the user and password for Kafka"
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.InvalidTopicException):
		return "kafka_topic", "create the topic, or check its name"
	case errors.Is(err, kerr.NotEnoughReplicas), errors.Is(err, kerr.NotEnoughReplicasAfterAppend):
		return "kafka_replicas", "brokers are down: fewer replicas are in sync than min.insync.replicas asks for"
	case errors.Is(err, kgo.ErrRecordTimeout), errors.Is(err, context.DeadlineExceeded):
		return "timeout", "are the brokers reachable, and not overloaded?"
	}
	return "kafka", ""
}
