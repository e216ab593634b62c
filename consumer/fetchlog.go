package consumer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"
)

// fetchLog tells what keeps records from being fetched, when it changes; the client itself tries again.
type fetchLog struct {
	log  *zap.Logger
	last string
}

func (l *fetchLog) note(fetches kgo.Fetches) {
	text, reasons := fetchErrors(fetches)
	if text != "" && reasons != l.last {
		l.log.Warn("fetching records", zap.String("error", text))
	}
	l.last = reasons
}

// fetchErrors joins the distinct errors of a poll, each with the first partition that has it. reasons is the same for the same errors, whichever
// partitions have them.
func fetchErrors(fetches kgo.Fetches) (text, reasons string) {
	var texts []string
	seen := make(map[string]bool)
	fetches.EachError(func(topic string, p int32, err error) {
		if silent(err) {
			return
		}
		if err = ownWords(err); seen[err.Error()] {
			return
		}
		seen[err.Error()] = true
		texts = append(texts, fmt.Sprintf("%s[%d]: %v", topic, p, err))
	})
	return strings.Join(texts, "; "), strings.Join(slices.Sorted(maps.Keys(seen)), "; ")
}

// ownWords is what Kafka's protocol calls an error, without what a broker says beside it: whoever is asked to sign somebody in may quote the password.
func ownWords(err error) error {
	if code, ok := errors.AsType[*kerr.Error](err); ok {
		return code
	}
	return err
}

// noCommittedOffset is what the client says of a partition that it may begin at a committed offset only, and that has none. It has no name there.
const noCommittedOffset = "partition has no prior committed offset"

// fatalFetchError is what no waiting mends; nil if there is none. Everything else the client tries again by itself.
func fatalFetchError(fetches kgo.Fetches) (fatal error) {
	fetches.EachError(func(topic string, p int32, err error) {
		switch {
		case errors.Is(err, kerr.FencedInstanceID):
			fatal = fencedError(err)
		case err.Error() == noCommittedOffset:
			fatal = fmt.Errorf("%s[%d]: the group has no committed offset, and auto.offset.reset is none: set the group's offset, or another auto.offset.reset", topic, p)
		case errors.Is(err, kerr.OffsetOutOfRange):
			// The client resets by itself but for auto.offset.reset: none.
			fatal = fmt.Errorf("%s[%d]: the records at the committed offset are gone, and auto.offset.reset is none: set the group's offset, or another auto.offset.reset (%w)", topic, p, err)
		}
	})
	return fatal
}

// recreated are the topics whose id the brokers do not know any more.
func recreated(fetches kgo.Fetches) (topics []string) {
	fetches.EachError(func(topic string, _ int32, err error) {
		if errors.Is(err, kerr.UnknownTopicID) && topic != "" && !slices.Contains(topics, topic) {
			topics = append(topics, topic)
		}
	})
	return topics
}

// isGroupError reports whether the member is none any more, which its Watch tells.
func isGroupError(err error) bool {
	_, ok := errors.AsType[*kgo.ErrGroupSession](err)
	return ok
}

// silent reports whether an error of a poll is told elsewhere, or is none: the poll's own end.
func silent(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kgo.ErrMaxDecompress) || errors.Is(err, errLater) || isGroupError(err)
}
