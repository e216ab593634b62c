package app

import (
	"context"
	"regexp"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/topicnames"
)

// ownTopics are regular expressions of the topics that are never input: topicnames.Own, and dead letters under a name that the configuration gives. Else a letter would be read as
// a result and buried again, for ever.
func ownTopics(cfg *config.Config) []string {
	own := slices.Clone(topicnames.Own)
	if name := cfg.DeadLetters.Topic; name != "" {
		own = append(own, `^`+regexp.QuoteMeta(name)+`(\.(ledger|audit|quarantine))*$`)
	}
	return own
}

// notInput matches ownTopics.
func notInput(cfg *config.Config) *regexp.Regexp {
	return regexp.MustCompile(topicnames.Any(ownTopics(cfg)))
}

// inputs reports of a topic whether it is one of those that the configuration reads.
func inputs(cfg *config.Config) func(topic string) bool {
	if !cfg.Input.Regex() {
		return func(topic string) bool { return slices.Contains(cfg.Input.Topics, topic) }
	}
	takes, own := regexp.MustCompile(cfg.Input.Topics[0]), notInput(cfg) // the first was compiled when it was loaded
	return func(topic string) bool { return takes.MatchString(topic) && !own.MatchString(topic) }
}

// warnIfNothingFits tells of a regular expression that fits no topic: it may be misspelt. Topics may also come later, so it is no fault.
func warnIfNothingFits(ctx context.Context, client *kgo.Client, cfg *config.Config, log *zap.Logger) {
	there, err := kadm.NewClient(client).ListTopics(ctx)
	if err != nil {
		return // the consumer meets it too, and tells it
	}
	if !slices.ContainsFunc(there.Names(), inputs(cfg)) {
		log.Warn("input.topics fits no topic on the brokers yet: check the regular expression; topics that come later are read", zap.String("topics", cfg.Input.Topics[0]))
	}
}
