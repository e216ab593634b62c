package app

import (
	"context"
	"regexp"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/config"
	"github.com/gx-ol/gx-ol/internal/publish"
)

// ownTopics are those of gx-ol's own, which a regular expression never takes in: dead letters, their ledger, audit and quarantine, the ledger of publish, also under a name that the
// configuration gives, and those of Kafka itself. Else a letter would be read as a result and buried again, for ever.
func ownTopics(cfg *config.Config) []string {
	own := []string{`\.dlq$`, `\.dlq\.`, regexp.QuoteMeta(publish.LedgerSuffix) + `$`, `^__`}
	if name := cfg.DeadLetters.Topic; name != "" {
		own = append(own, `^`+regexp.QuoteMeta(name)+`(\.(ledger|audit|quarantine))*$`)
	}
	return own
}

// warnIfNothingFits tells of a regular expression that fits no topic: it may be misspelt. Topics may also come later, so it is no fault.
func warnIfNothingFits(ctx context.Context, client *kgo.Client, cfg *config.Config, log *zap.Logger) {
	topics, err := kadm.NewClient(client).ListTopics(ctx)
	takes, bad := regexp.Compile(cfg.Input.Topics[0])
	if err != nil || bad != nil {
		return // the consumer meets it too, and tells it
	}
	own := regexp.MustCompile(joined(ownTopics(cfg)))
	if !slices.ContainsFunc(topics.Names(), func(name string) bool { return takes.MatchString(name) && !own.MatchString(name) }) {
		log.Warn("input.topics fits no topic on the brokers yet: check the regular expression; topics that come later are read", zap.String("topics", cfg.Input.Topics[0]))
	}
}

// joined is one expression that matches what any of them matches.
func joined(expressions []string) string {
	out := ""
	for i, e := range expressions {
		if i > 0 {
			out += "|"
		}
		out += "(?:" + e + ")"
	}
	return out
}
