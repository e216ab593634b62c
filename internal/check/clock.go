package check

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// mostSkew is how far two clocks may be apart before somebody is told: tokens and certificates are refused by minutes, and lineage is read by time.
const mostSkew = 30 * time.Second

// clocks compares this machine's clock with those that can be known. An HTTP answer carries the time of the second in which it was made. A broker tells no
// time: only records that are newer than now show that a clock is wrong, be it a producer's, a broker's or this one.
func (p *Plan) clocks(ctx context.Context) []Result {
	found := each(p.Targets, func(t Target) []Result {
		if t.HTTP == nil {
			return nil
		}
		r := t.HTTP.clock(ctx)
		r.Of = t.Name
		return []Result{r}
	})
	if p.Kafka != nil {
		found = append(found, p.newest(ctx))
	}
	if len(found) == 0 {
		return []Result{{Status: OK, Text: "no other clock is asked"}}
	}
	return found
}

func (b *Backend) clock(ctx context.Context) Result {
	a, err := b.Target(ctx, http.MethodGet)
	if err != nil || a.Date.IsZero() {
		return Result{Status: Warn, Text: "the backend does not tell its time"}
	}
	half := a.Got.Sub(a.Sent) / 2
	return skewed(a.Date.Add(500*time.Millisecond).Sub(a.Sent.Add(half)), half+500*time.Millisecond)
}

// skewed judges how far the other clock is before ours; within is how exact that is known.
func skewed(by, within time.Duration) Result {
	far := by.Abs()
	switch {
	case far <= mostSkew+within:
		return Result{Status: OK, Text: fmt.Sprintf("the backend's clock is within %s of this one", (far + within).Round(time.Second))}
	case by > 0:
		return Result{Status: Warn, Text: fmt.Sprintf("the backend's clock is %s ahead of this one", far.Round(time.Second)), Hint: "one of the two is wrong: set it by NTP"}
	}
	return Result{Status: Warn, Text: fmt.Sprintf("the backend's clock is %s behind this one", far.Round(time.Second)), Hint: "one of the two is wrong: set it by NTP"}
}

// newestOffset asks for the record with the latest timestamp.
const newestOffset = -3

// newest judges by the latest timestamp of all records that are read.
func (p *Plan) newest(ctx context.Context) Result {
	r := Result{Of: "kafka", Status: OK, Text: "brokers tell no time, and no record is from the future"}
	names, err := p.Input.Expand(ctx, p.Kafka)
	if err != nil {
		return Result{Of: "kafka", Status: Warn, Text: "cannot be told: " + p.Kafka.diagnose(err)}
	}
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	for _, name := range names {
		t, err := p.Kafka.topic(ctx, name)
		if err != nil || t.err != nil {
			continue // told by the check topics
		}
		asked := kmsg.NewListOffsetsRequestTopic()
		asked.Topic = name
		for n := range t.partitions {
			part := kmsg.NewListOffsetsRequestTopicPartition()
			part.Partition, part.Timestamp = int32(n), newestOffset
			asked.Partitions = append(asked.Partitions, part)
		}
		req.Topics = append(req.Topics, asked)
	}
	if len(req.Topics) == 0 {
		return Result{Of: "kafka", Status: Warn, Text: "cannot be told: no topic can be seen"}
	}
	resp, err := req.RequestWith(ctx, p.Kafka.Client)
	if err != nil {
		r.Text = "brokers tell no time, and these do not tell the newest record's"
		return r
	}
	var newest time.Time
	where := ""
	for _, t := range resp.Topics {
		for _, part := range t.Partitions {
			if at := time.UnixMilli(part.Timestamp); part.ErrorCode == 0 && part.Timestamp > 0 && at.After(newest) {
				newest, where = at, fmt.Sprintf("%s[%d] at offset %d", t.Topic, part.Partition, part.Offset)
			}
		}
	}
	if ahead := time.Until(newest); !newest.IsZero() && ahead > mostSkew {
		r.Status = Warn
		r.Text = fmt.Sprintf("the record with the latest time, %s, is %s from the future", where, ahead.Round(time.Second))
		r.Hint = "the clock of its producer, of the brokers (message.timestamp.type=LogAppendTime) or of this machine is wrong"
	}
	return r
}
