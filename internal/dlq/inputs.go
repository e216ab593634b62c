package dlq

import (
	"regexp"
	"strings"
)

// suffixes are how dead-letter topics are named after the topic whose letters they hold: ours, and those of Spring and of others' habit.
var suffixes = []string{".dlq", "-dlq", ".dlt", "-dlt", ".DLQ", "-DLQ", ".DLT", "-DLT"}

// kept matches topics that hold dead letters or what belongs to them, and those of Kafka itself: no replay writes to them, and no original is read from them.
var kept = regexp.MustCompile(`\.dlq$|\.dlq\.|^__`)

// IsInput says whether letters of the topic may be about records of another, and so be replayed to it. What a letter says is not enough: whoever may write to a
// dead-letter topic could have an operator write to any topic, with the operator's rights.
func (t *Topic) IsInput(topic string) bool {
	base := Base(t.Name)
	if topic == "" || kept.MatchString(topic) || topic == base || strings.HasPrefix(topic, base+".") {
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
