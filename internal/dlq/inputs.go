package dlq

import (
	"strings"

	"github.com/gx-ol/gx-ol/internal/topicnames"
)

// suffixes are how dead-letter topics are named after the topic whose letters they hold: ours, and those of Spring and of others' habit.
var suffixes = []string{topicnames.DeadLettersSuffix, "-dlq", ".dlt", "-dlt", ".DLQ", "-DLQ", ".DLT", "-DLT"}

// IsInput says whether letters of the topic may be about records of another, and so be replayed to it; never those of gx-ol's own topics and Kafka's. What a letter says is not enough: whoever may write to a
// dead-letter topic could have an operator write to any topic, with the operator's rights.
func (t *Topic) IsInput(topic string) bool {
	base := Base(t.Name)
	if topic == "" || topicnames.IsOwn(topic) || topic == base || strings.HasPrefix(topic, base+".") {
		return false
	}
	for _, suffix := range suffixes {
		if topic+suffix == base {
			return true
		}
	}
	return t.inputs != nil && t.inputs(topic)
}

// Base is the dead-letter topic that a quarantine belongs to; of any other its own name.
func Base(topic string) string {
	for {
		rest, ok := strings.CutSuffix(topic, QuarantineSuffix)
		if !ok || rest == "" {
			return topic
		}
		topic = rest
	}
}
