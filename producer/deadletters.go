package producer

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/deadletter"
)

// headerRoom is how much larger than its source a dead-letter topic's records may be: our headers.
const headerRoom = 64 << 10

// DeadLetters buries records in dead-letter topics. It is safe for concurrent use.
type DeadLetters struct {
	client  *kgo.Client
	topicOf func(source string) string
	// alone is held for reading by letters that may share a batch, and for writing by one that must not: a broker
	// refuses a batch as a whole, and only a letter on its own can be told to be too large itself.
	alone sync.RWMutex

	transaction bool // see InTransaction
	connect     bool // see ConnectHeaders
}

// NewDeadLetters writes with a client that stays the caller's; topicOf names the dead-letter topic of a source topic.
func NewDeadLetters(client *kgo.Client, topicOf func(source string) string) *DeadLetters {
	return &DeadLetters{client: client, topicOf: topicOf}
}

// ConnectHeaders makes letters carry the headers of Kafka Connect too.
func (d *DeadLetters) ConnectHeaders(on bool) *DeadLetters {
	d.connect = on
	return d
}

// letter is rec as a letter, whole or as the reference that l names.
func (d *DeadLetters) letter(rec *kgo.Record, topic string, l deadletter.Letter) *kgo.Record {
	wrap := deadletter.Wrap
	if l.Reference != "" {
		wrap = deadletter.WrapReference
	}
	if d.connect {
		return deadletter.WithConnectHeaders(wrap(rec, topic, l))
	}
	return wrap(rec, topic, l)
}

// InTransaction buries inside a transaction of client. One attempt, in the form that the letter names: if the broker finds it
// too large, that is a Message fault (oversize), since the transaction has failed and the smaller form must be written in the next.
func (d *DeadLetters) InTransaction(client *kgo.Client) *DeadLetters {
	return &DeadLetters{client: client, topicOf: d.topicOf, transaction: true, connect: d.connect}
}

// Bury writes rec as a letter and waits for the acknowledgement. A letter that the broker finds too large becomes a
// reference letter, and if even that is too large, a bare one; so no record wedges its partition. With l.Reference
// set, the letter is a reference from the start (a record that is over the input's limit).
//
// A nil error alone means that the record may be committed. All others are Backend faults, or ctx's own.
func (d *DeadLetters) Bury(ctx context.Context, rec *kgo.Record, l deadletter.Letter) error {
	topic := d.topicOf(rec.Topic)
	if d.transaction {
		return d.buryInTransaction(ctx, rec, topic, l)
	}
	if l.Reference == "" {
		if err := d.write(ctx, rec.Topic, func() *kgo.Record { return d.letter(rec, topic, l) }); !tooLarge(err) {
			return buryFault(ctx, err, topic)
		}
		l.Reference = deadletter.ReferenceKept
	}
	if l.Reference == deadletter.ReferenceKept {
		if err := d.write(ctx, rec.Topic, func() *kgo.Record { return d.letter(rec, topic, l) }); !tooLarge(err) {
			return buryFault(ctx, err, topic)
		}
	}
	l.Reference = deadletter.ReferenceBare
	return buryFault(ctx, d.write(ctx, rec.Topic, func() *kgo.Record { return d.letter(rec, topic, l) }), topic)
}

func (d *DeadLetters) buryInTransaction(ctx context.Context, rec *kgo.Record, topic string, l deadletter.Letter) error {
	err := d.client.ProduceSync(ctx, d.letter(rec, topic, l)).FirstErr()
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		if err := EnsureDeadLetterTopic(ctx, d.client, rec.Topic, topic); err != nil {
			return err
		}
	}
	if tooLarge(err) {
		return fault.MessageError(fault.Oversize, "kafka_message_too_large", "burying record to topic %s: %w", topic, err)
	}
	return buryFault(ctx, err, topic)
}

// write produces what letter makes: to a topic that it creates if need be, a second time alone if it was too large together with others.
func (d *DeadLetters) write(ctx context.Context, source string, letter func() *kgo.Record) error {
	d.alone.RLock()
	err := d.client.ProduceSync(ctx, letter()).FirstErr()
	d.alone.RUnlock()
	if errors.Is(err, kerr.UnknownTopicOrPartition) {
		// A topic that a regular expression took in after the start has no dead-letter topic yet.
		if err := EnsureDeadLetterTopic(ctx, d.client, source, letter().Topic); err != nil {
			return err
		}
		err = d.client.ProduceSync(ctx, letter()).FirstErr()
	}
	if !tooLarge(err) {
		return err
	}
	d.alone.Lock()
	defer d.alone.Unlock()
	return d.client.ProduceSync(ctx, letter()).FirstErr()
}

// buryFault makes of every error one that holds the partition: a record that can't be buried must not be passed over.
func buryFault(ctx context.Context, err error, topic string) error {
	err = kafkaFault(ctx, err, "burying record", topic)
	if f, ok := errors.AsType[*fault.Error](err); ok {
		f.Kind, f.Disposition = fault.Backend, ""
		f.Code = "dead_letter_" + f.Code
	}
	return err
}

// EnsureDeadLetterTopic creates the topic dlq if it is missing: with the partition count and replicas of source, and
// room for our headers above its max.message.bytes. A topic that exists is left as it is. Errors are Backend faults,
// or ctx's own.
func EnsureDeadLetterTopic(ctx context.Context, client *kgo.Client, source, dlq string) error {
	adm := kadm.NewClient(client)
	topics, err := adm.ListTopics(ctx, source, dlq)
	if err != nil {
		return topicFault(ctx, err, "asking for topic", source)
	}
	if topics[dlq].Err == nil && len(topics[dlq].Partitions) > 0 {
		return nil
	}
	if err := topics[source].Err; err != nil {
		return topicFault(ctx, err, "asking for topic", source)
	}
	configs, err := maxMessageBytes(ctx, adm, source)
	if err != nil {
		return topicFault(ctx, err, "asking for the configuration of topic", source)
	}
	detail := topics[source]
	_, err = adm.CreateTopic(ctx, int32(len(detail.Partitions)), int16(detail.Partitions.NumReplicas()), configs, dlq)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) { // another instance may be faster
		return topicFault(ctx, err, "creating topic", dlq)
	}
	return nil
}

// maxMessageBytes is the setting for a topic whose records are those of source plus our headers. Without the right
// to read source's settings there is none: letters that are too large become reference letters.
func maxMessageBytes(ctx context.Context, adm *kadm.Client, source string) (map[string]*string, error) {
	n, err := topicMaxBytes(ctx, adm, source)
	if err != nil || n == 0 {
		return nil, err
	}
	v := strconv.FormatInt(min(n+headerRoom, 1<<31-1), 10)
	return map[string]*string{maxBytesConfig: &v}, nil
}

const maxBytesConfig = "max.message.bytes"

// TopicMaxBytes is the largest batch that the brokers take for the topic. Without the right to ask it is Kafka's default.
func TopicMaxBytes(ctx context.Context, client *kgo.Client, topic string) (int, error) {
	n, err := topicMaxBytes(ctx, kadm.NewClient(client), topic)
	if err != nil {
		return 0, topicFault(ctx, err, "asking for the configuration of topic", topic)
	}
	if n == 0 {
		n = 1 << 20
	}
	return int(n), nil
}

// topicMaxBytes is the topic's max.message.bytes; 0 if it may not be asked for.
func topicMaxBytes(ctx context.Context, adm *kadm.Client, topic string) (int64, error) {
	all, err := adm.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return 0, err
	}
	rc, err := all.On(topic, nil)
	if err == nil {
		err = rc.Err
	}
	if errors.Is(err, kerr.TopicAuthorizationFailed) || errors.Is(err, kerr.ClusterAuthorizationFailed) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for _, c := range rc.Configs {
		if c.Key == maxBytesConfig && c.Value != nil {
			if n, err := strconv.ParseInt(*c.Value, 10, 32); err == nil {
				return n, nil
			}
		}
	}
	return 0, nil
}

func topicFault(ctx context.Context, err error, doing, topic string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	code, hint := kafkaHint(err)
	f := fault.BackendError(code, "%s %s: %w", doing, topic, err)
	f.Hint = hint
	return f
}
