package deadletters

import (
	"context"
	"errors"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/producer/kafka"
)

// headerRoom is how much larger than its source a dead-letter topic's records may be: our headers.
const headerRoom = 64 << 10

// EnsureTopic creates the topic dlq if it is missing: with the partition count and replicas of source, and
// room for our headers above its max.message.bytes. A topic that exists is left as it is. Errors are Backend faults,
// or ctx's own.
func EnsureTopic(ctx context.Context, client *kgo.Client, source, dlq string) error {
	adm := kadm.NewClient(client)
	// One after the other: of two topics in one question the answer does not tell which may not be seen.
	topics, err := adm.ListTopics(ctx, dlq)
	if err != nil {
		return mayNot(kafka.Fault(ctx, err, "asking for topic", dlq), dlq)
	}
	if topics[dlq].Err == nil && len(topics[dlq].Partitions) > 0 {
		return nil
	}
	topics, err = adm.ListTopics(ctx, source)
	if err == nil {
		err = topics[source].Err
	}
	if err != nil {
		return kafka.Fault(ctx, err, "asking for topic", source)
	}
	configs, err := maxMessageBytes(ctx, adm, source)
	if err != nil {
		return kafka.Fault(ctx, err, "asking for the configuration of topic", source)
	}
	detail := topics[source]
	_, err = adm.CreateTopic(ctx, int32(len(detail.Partitions)), int16(detail.Partitions.NumReplicas()), configs, dlq)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) { // another instance may be faster
		return mayNot(kafka.Fault(ctx, err, "creating topic", dlq), dlq)
	}
	return nil
}

// mayNot names the rights that are missing, and on which topic, where that is the fault.
func mayNot(err error, dlq string) error {
	f, ok := errors.AsType[*fault.Error](err)
	if ok && f.Code == "kafka_authorization" {
		f.Hint = "grant this client's user DESCRIBE and WRITE on the topic " + dlq + ", and CREATE, or create it"
	}
	return err
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

// topicMaxBytes is the topic's max.message.bytes; 0 if it may not be asked for.
func topicMaxBytes(ctx context.Context, adm *kadm.Client, topic string) (int64, error) {
	all, err := adm.DescribeTopicConfigs(ctx, topic)
	var rc kadm.ResourceConfig
	if err == nil {
		rc, err = all.On(topic, nil)
	}
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
