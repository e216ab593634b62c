package kafkaclient

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gx-ol/gx-ol/internal/nearest"
)

// setGroupProtocol chooses who assigns partitions: the members (classic), or the brokers (consumer: KIP-848, Kafka 4.0 and later).
// Brokers that can't are used the classic way. The balancer names the brokers' assignor; it must be one that they have.
func setGroupProtocol(s *state, v string) error {
	switch strings.ToLower(v) {
	case "classic":
	case "consumer":
		s.opts = append(s.opts, kgo.ServerSideBalancer(), kgo.Balancers(kgo.CooperativeStickyBalancer()))
	default:
		return oneOf(v, "classic", "consumer")
	}
	return nil
}

// WantsBrokersToAssign says whether properties ask for group.protocol: consumer.
func WantsBrokersToAssign(props map[string]string) bool {
	return strings.EqualFold(props["group.protocol"], "consumer")
}

// BrokersAssign says whether the brokers offer that protocol, in the version that gx-ol's client speaks: that of Kafka 4.0.
func BrokersAssign(ctx context.Context, brokers kmsg.Requestor) (bool, error) {
	req := kmsg.NewPtrApiVersionsRequest()
	req.ClientSoftwareName, req.ClientSoftwareVersion = "gx-ol", "1"
	resp, err := req.RequestWith(ctx, brokers)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(resp.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool {
		return k.ApiKey == int16(kmsg.ConsumerGroupHeartbeat) && k.MaxVersion >= 1
	}), nil
}

// BrokersDoNotAssign is what is said where they don't.
const BrokersDoNotAssign = "group.protocol is consumer, which these brokers do not offer (those of Kafka 4.0 and later do): the group is used as with classic"

func setOffsetReset(s *state, v string) error {
	offset, err := offsetReset(v, time.Now())
	if err != nil {
		return err
	}
	s.opts = append(s.opts, kgo.ConsumeResetOffset(offset))
	if offset == kgo.NoResetOffset() { // which the client begins at the end with, over all that is there
		s.opts = append(s.opts, kgo.ConsumeStartOffset(kgo.NewOffset().AtCommitted()))
	}
	return nil
}

// resetWords are the words of Kafka's clients for where to begin: those of Java, and those that librdkafka has beside them.
var resetWords = map[string]kgo.Offset{
	"earliest": kgo.NewOffset().AtStart(), "smallest": kgo.NewOffset().AtStart(), "beginning": kgo.NewOffset().AtStart(),
	"latest": kgo.NewOffset().AtEnd(), "largest": kgo.NewOffset().AtEnd(), "end": kgo.NewOffset().AtEnd(),
	"none": kgo.NoResetOffset(), "error": kgo.NoResetOffset(),
}

// offsetReset reads where to begin without a committed offset: a word of Kafka's, a time, a day (UTC), or how long ago.
func offsetReset(v string, now time.Time) (kgo.Offset, error) {
	if offset, ok := resetWords[strings.ToLower(v)]; ok {
		return offset, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, v); err == nil {
			return kgo.NewOffset().AfterMilli(at.UnixMilli()), nil
		}
	}
	if ago, ok := duration(v); ok {
		return kgo.NewOffset().AfterMilli(now.Add(-ago).UnixMilli()), nil
	}
	meant := ""
	if near := nearest.Name(v, []string{"earliest", "latest", "none"}); near != "" {
		meant = fmt.Sprintf(": did you mean %q?", near)
	}
	return kgo.Offset{}, fmt.Errorf("must be earliest, latest, none, a time (2026-01-31T00:00:00Z), a day (2026-01-31), or how long ago (90m, 24h, 7d, by_duration:PT24H)%s", meant)
}

// duration reads Go's way to write one (24h), whole days (7d), and Kafka's (by_duration: and ISO 8601 without years and months).
func duration(v string) (time.Duration, bool) {
	iso, ok := strings.CutPrefix(v, "by_duration:")
	if days, isDays := strings.CutSuffix(v, "d"); !ok && isDays {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err == nil
	}
	if !ok {
		d, err := time.ParseDuration(v)
		return d, err == nil && d >= 0
	}
	m := regexp.MustCompile(`^P(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?$`).FindStringSubmatch(iso)
	if m == nil || iso == "P" || strings.HasSuffix(iso, "T") {
		return 0, false
	}
	var d time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi(m[i+1]) // digits, or none
		d += time.Duration(n) * unit
	}
	return d, true
}

func setIsolation(s *state, v string) error {
	switch v {
	case "read_committed":
		s.opts = append(s.opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	case "read_uncommitted":
		s.opts = append(s.opts, kgo.FetchIsolationLevel(kgo.ReadUncommitted()))
	default:
		return oneOf(v, "read_committed", "read_uncommitted")
	}
	return nil
}
