package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
)

// commitRetry is how long one commit is tried for before it counts as failed: the next one, a second later, covers what it
// would have. It lies below the grace, or a coordinator that is away would make every stop and every revoke outlast it.
const commitRetry = 3 * time.Second

// retryTimeout is how long the client retries a request of a kind. But for commits it is what the client does by itself.
func (c *Consumer) retryTimeout(key int16) time.Duration {
	switch kmsg.Key(key) {
	case kmsg.OffsetCommit:
		return min(commitRetry, c.grace)
	case kmsg.JoinGroup, kmsg.SyncGroup, kmsg.Heartbeat, kmsg.ConsumerGroupHeartbeat:
		if client := c.made.Load(); client != nil {
			if session, ok := client.OptValue(kgo.SessionTimeout).(time.Duration); ok {
				return session
			}
		}
		return 45 * time.Second // the default of session.timeout.ms
	}
	return 30 * time.Second
}

// commitLog tells that commits in the background fail, when that begins, when its reason changes and when it is over.
type commitLog struct {
	log   *zap.Logger
	fatal func(error) // is told of what no further commit mends

	mu   sync.Mutex // guards last
	last string
}

// note is called by the client after each commit in the background.
func (l *commitLog) note(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
	if errors.Is(err, context.Canceled) {
		return // a newer commit takes this one's place
	}
	place := "" // not part of the reason: which partition comes first changes from commit to commit
	if err == nil {
		place, err = refusedCommit(resp)
	}
	if fenced := fencedError(err); fenced != nil {
		l.fatal(fenced)
	}
	text := ""
	if err != nil {
		text = ownWords(err).Error()
	}
	l.mu.Lock()
	last := l.last
	l.last = text
	l.mu.Unlock()
	if text == last {
		return
	}
	switch text {
	case "":
		l.log.Info("committing offsets succeeds again")
	default:
		l.log.Warn("committing settled offsets fails and is tried again; until it succeeds, a restart repeats what they cover", zap.String("error", text), zap.String("partition", place))
	}
}

// refusedCommit is the first error of a commit's answer, and of which partition it is. Those that a rebalance brings by itself are none.
func refusedCommit(resp *kmsg.OffsetCommitResponse) (place string, err error) {
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			err := kerr.ErrorForCode(p.ErrorCode)
			if err != nil && !errors.Is(err, kerr.RebalanceInProgress) {
				return fmt.Sprintf("%s[%d]", topic.Topic, p.Partition), err
			}
		}
	}
	return "", nil
}

// fencedError says what an operator can do about a fenced static member; nil if err is anything else.
func fencedError(err error) error {
	if !errors.Is(err, kerr.FencedInstanceID) {
		return nil
	}
	return fmt.Errorf("another member of the group has the same group.instance.id and took this one's place: give each process its own (%w)", kerr.FencedInstanceID)
}
