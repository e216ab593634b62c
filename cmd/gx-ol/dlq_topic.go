package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/dlq"
	"github.com/gx-ol/gx-ol/internal/topicnames"
)

// noLetters is that there is no letter, since there is no dead-letter topic yet: an empty list, and no failure.
type noLetters struct{ text string }

func (n *noLetters) Error() string { return n.text }

// topicNames are the topics of the brokers that the operator may see.
func topicNames(ctx context.Context, client *kgo.Client) ([]string, error) {
	details, err := kadm.NewClient(client).ListTopics(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking for the topics: %w", err)
	}
	return details.Names(), nil
}

// meant is the dead-letter topic that the operator means by a name: that of an input is the topic of its letters. An input's own records are no letters.
func (f *dlqFlags) meant(cfg *config.Config, name string, there []string) string {
	if f.topic == "" || looksDead(name) || name == cfg.DeadLetters.Topic {
		return name
	}
	own := name + topicnames.DeadLettersSuffix
	isInput := slices.Contains(cfg.Input.Topics, name) || cfg.Input.Regex() && regexp.MustCompile(cfg.Input.Topics[0]).MatchString(name) // it was compiled as it was loaded
	if isInput {
		own = cfg.DeadLetterTopic(name)
	}
	if isInput || slices.Contains(there, own) {
		return own
	}
	return name
}

// inputOf is the input whose letters a topic would hold by its name; "" if it tells of none.
func inputOf(topic string) string {
	if input, ok := strings.CutSuffix(topic, topicnames.DeadLettersSuffix); ok {
		return input
	}
	return ""
}

// looksDead says whether a name is that of a dead-letter topic, by anybody's habit.
func looksDead(topic string) bool {
	lower := strings.ToLower(topic)
	return slices.ContainsFunc([]string{".dlq", "-dlq", "_dlq", "-dlt", ".dlt", "dlq.", "poison", "dead", "quarantine"}, func(part string) bool { return strings.Contains(lower, part) })
}

// otherTopics says which topics look like dead-letter topics.
func otherTopics(there []string) string {
	var names []string
	for _, name := range there {
		if lower := strings.ToLower(name); looksDead(name) && !strings.HasSuffix(lower, dlq.LedgerSuffix) && !strings.HasSuffix(lower, dlq.AuditSuffix) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ". Topics that look like it: " + strings.Join(names[:min(5, len(names))], ", ")
}

// Load reads the letters, and refuses what cannot be meant: the records of a topic that is none of dead letters, and codes that there are not.
func (d *deadLetters) Load(ctx context.Context) (*dlq.Index, error) {
	ix, err := d.Topic.Load(ctx)
	if err != nil {
		return nil, err
	}
	if d.doubtful && len(ix.Letters) > 0 && !slices.ContainsFunc(ix.Letters, func(l *dlq.Letter) bool { return l.System != "" || l.Batch != nil }) {
		return nil, &noLetters{fmt.Sprintf("%s holds %s and no dead letter, and there is no topic %s.dlq", d.Name, plural(len(ix.Letters), "record"), d.Name)}
	}
	return ix, checkCodes(d.codes, ix)
}

// The codes of letters, as docs/dead-letters.md tells them. Some end in what a backend or a broker answered.
var (
	codes = []string{"tombstone", "empty_value", "invalid_json", "invalid_base64", "unknown_shape", "not_a_result", "unreadable_value", "too_deep", "too_many_results",
		"too_many_validations", "too_many_keys", "too_many_event_bytes", "unmapped_dataset", "oversize", "event_too_large", "batch_rejected", "unsafe_event", "buried_by_hand",
		"kafka_message_too_large", "kafka_invalid_record", "skipped", "oversize_batch", "panic", "bug", dlq.CodeNoLetter, dlq.CodeUnreadBatch}
	answered = regexp.MustCompile(`^http_[1-5][0-9]{2}(_code_[0-9]+)?$|^(kafka|too_many)_[a-z0-9_]+$`)
)

// checkCodes refuses a code that is none and that no letter has: it is misspelt.
func checkCodes(asked []string, ix *dlq.Index) error {
	known := slices.Clone(codes)
	for _, l := range ix.Letters {
		if !slices.Contains(known, l.Said.Code) {
			known = append(known, l.Said.Code)
		}
	}
	for _, code := range asked {
		if !slices.Contains(known, code) && !answered.MatchString(code) {
			return usageError{fmt.Errorf("--code %q is no code of a letter%s", code, didYouMean(code, known))}
		}
	}
	return nil
}
