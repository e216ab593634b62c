package consumer

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// topicsEvery is how often watchTopics looks.
const topicsEvery = 30 * time.Second

// watchTopics says which of the named topics do not exist, when that changes, until ctx ends: the client waits for them in
// silence, and a misspelt name would look like a topic without records. A regular expression names none.
func watchTopics(ctx context.Context, client *kgo.Client, topics []string, log *zap.Logger) {
	if isRegex(topics) {
		return
	}
	admin := kadm.NewClient(client)
	tick := time.NewTicker(topicsEvery)
	defer tick.Stop()
	var missing []string
	for {
		missing = noteMissing(ctx, admin, topics, missing, log)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// noteMissing looks once and returns what is missing now. What could not be asked is as it was.
func noteMissing(ctx context.Context, admin *kadm.Client, topics, before []string, log *zap.Logger) []string {
	ctx, cancel := context.WithTimeout(ctx, topicsEvery)
	defer cancel()
	details, err := admin.ListTopics(ctx, topics...)
	if err != nil {
		return before
	}
	var missing []string
	for _, topic := range topics {
		if errors.Is(details[topic].Err, kerr.UnknownTopicOrPartition) {
			missing = append(missing, topic)
		}
	}
	if gone := without(missing, before); len(gone) > 0 {
		log.Warn("topics do not exist; they are read as soon as they do", zap.Strings("topics", gone))
	}
	if back := without(before, missing); len(back) > 0 {
		log.Info("topics exist now", zap.Strings("topics", back))
	}
	return missing
}

// without is what of a is not in b.
func without(a, b []string) (out []string) {
	for _, s := range a {
		if !slices.Contains(b, s) {
			out = append(out, s)
		}
	}
	return out
}

// logPartitions leaves out what says nothing: a cooperative rebalance calls with none.
func logPartitions(log *zap.Logger, what string, parts map[string][]int32) {
	if len(parts) > 0 {
		log.Info(what, zap.Any("partitions", parts))
	}
}
