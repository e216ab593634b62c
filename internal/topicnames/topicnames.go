// Package topicnames knows the names of the topics that gx-ol makes beside an input and beside a topic that it publishes to.
package topicnames

import "regexp"

// What is added to a topic's name.
const (
	DeadLettersSuffix = ".dlq"              // its dead letters; behind it stand those of their ledger, audit and quarantine
	PublishedSuffix   = ".published.ledger" // what gx-ol publish has published to it
)

// Own are regular expressions of the topics that are never input, whatever is configured: dead letters and what belongs to them, ledgers of gx-ol publish, and those
// of Kafka itself.
var Own = []string{regexp.QuoteMeta(DeadLettersSuffix) + `$`, regexp.QuoteMeta(DeadLettersSuffix) + `\.`, regexp.QuoteMeta(PublishedSuffix) + `$`, `^__`}

var own = regexp.MustCompile(Any(Own))

// IsOwn says whether one of Own matches a name.
func IsOwn(name string) bool { return own.MatchString(name) }

// Any is one regular expression that matches what any of them matches.
func Any(expressions []string) string {
	out := ""
	for i, e := range expressions {
		if i > 0 {
			out += "|"
		}
		out += "(?:" + e + ")"
	}
	return out
}
