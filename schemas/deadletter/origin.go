package deadletter

import (
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The headers of a replayed record.
const (
	ReplayPrefix          = "gx-ol.replay."
	HeaderReplayTopic     = ReplayPrefix + "topic"
	HeaderReplayPartition = ReplayPrefix + "partition"
	HeaderReplayOffset    = ReplayPrefix + "offset"
	HeaderReplayTimestamp = ReplayPrefix + "timestamp"
	HeaderReplayCount     = ReplayPrefix + "count"
)

// Origin is what a replayed record says of itself: where it was read first, when it was made, and how often it has been replayed.
type Origin struct {
	Topic     string
	Partition int32
	Offset    int64
	Timestamp time.Time // the original record time; what Map must get as received, so that run ids stay
	Replays   int
}

// readAs is the header of a letter that a replay's header is read like; empty for others.
func readAs(replay string) string {
	switch replay {
	case HeaderReplayTopic, HeaderReplayPartition, HeaderReplayOffset, HeaderReplayTimestamp:
		return Prefix + strings.TrimPrefix(replay, ReplayPrefix)
	case HeaderReplayCount:
		return HeaderReplays
	}
	return ""
}

// OriginOf reads the replay headers of rec. If one of the five is missing or broken, or names another topic than rec's, to which no replay goes, it is the
// record's own position, with no replays.
//
// It is a claim: anyone who may write to the topic can write headers. Its time is as good as a record's own, which the producer sets too, and may be believed. Its
// position and count may not: who believes them lets one record pass for another. The ledger knows them of each record that a replay has written.
func OriginOf(rec *kgo.Record) Origin {
	own := Origin{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Timestamp: rec.Timestamp}
	if len(rec.Headers) == 0 {
		return own
	}
	var l Letter
	var seen map[string]bool // made where a header is a replay's: most records have none
	for _, h := range rec.Headers {
		name := readAs(h.Key)
		if name == "" {
			continue
		}
		if err := l.set(name, string(h.Value)); err != nil {
			return own
		}
		if seen == nil {
			seen = make(map[string]bool)
		}
		seen[name] = true
	}
	if len(seen) < 5 || l.Topic != rec.Topic {
		return own
	}
	return Origin{Topic: l.Topic, Partition: l.Partition, Offset: l.Offset, Timestamp: l.Timestamp, Replays: l.Replays}
}

// ReplayHeaders are the five headers that make a record a replay of o.
func ReplayHeaders(o Origin) []kgo.RecordHeader {
	return []kgo.RecordHeader{
		{Key: HeaderReplayTopic, Value: []byte(o.Topic)},
		{Key: HeaderReplayPartition, Value: strconv.AppendInt(nil, int64(o.Partition), 10)},
		{Key: HeaderReplayOffset, Value: strconv.AppendInt(nil, o.Offset, 10)},
		{Key: HeaderReplayTimestamp, Value: []byte(formatTime(o.Timestamp))},
		{Key: HeaderReplayCount, Value: strconv.AppendInt(nil, int64(o.Replays), 10)},
	}
}

// placed gives l the record's own position if it has none, and the time that Map got as received.
func placed(rec *kgo.Record, l Letter) Letter {
	if l.Topic == "" {
		l.Topic, l.Partition, l.Offset, l.Timestamp = rec.Topic, rec.Partition, rec.Offset, rec.Timestamp
	}
	if o := OriginOf(rec); l.Topic == o.Topic {
		l.Timestamp = o.Timestamp
	}
	return l
}

// First is a letter's own place as the origin of its record's next replay.
func (l Letter) First() Origin {
	return Origin{Topic: l.Topic, Partition: l.Partition, Offset: l.Offset, Timestamp: l.Timestamp, Replays: l.Replays + 1}
}
