package kafka

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// TooLarge is the code of the Message fault of a record that its topic does not take for its size.
const TooLarge = "kafka_message_too_large"

func tooLarge(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge)
}

// refused reports whether a broker will never take the batch that a record was in. Which record it is, only a batch of one tells.
func refused(err error) bool { return tooLarge(err) || invalid(err) }

func invalid(err error) bool {
	return errors.Is(err, kerr.InvalidRecord) || errors.Is(err, kerr.InvalidTimestamp)
}

// writeFault says whose fault it is that a record was not written; nil for nil. The end of ctx is nobody's fault.
func writeFault(ctx context.Context, err error, topic string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case tooLarge(err):
		return fault.MessageError(fault.Oversize, TooLarge, "writing to topic %s: %w", topic, err)
	case invalid(err):
		return fault.MessageError(fault.Rejected, "kafka_invalid_record", "writing to topic %s: %w", topic, err)
	}
	return Fault(ctx, err, "writing to topic", topic)
}

// Fault is err as what every record would meet alike, or ctx's own error.
func Fault(ctx context.Context, err error, doing, topic string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	code, hint := hintOf(err, topic)
	if answer, ok := errors.AsType[*kerr.Error](err); ok {
		err = answer // without what a broker says beside it: who signs in there has told it a password, which it may quote
	}
	f := fault.BackendError(code, "%s %s: %w", doing, topic, err)
	f.Hint = hint
	return f
}

func hintOf(err error, topic string) (code, hint string) {
	switch {
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return "kafka_authorization", "grant this client's user DESCRIBE and WRITE on the topic " + topic
	case errors.Is(err, kerr.TransactionalIDAuthorizationFailed):
		return "kafka_authorization", "grant this client's user DESCRIBE and WRITE on its transactional ids (docs/permissions.md)"
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
