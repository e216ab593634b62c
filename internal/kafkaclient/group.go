package kafkaclient

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
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

func setOffsetReset(s *state, v string) error {
	offset, err := offsetReset(v, time.Now())
	if err != nil {
		return err
	}
	s.opts = append(s.opts, kgo.ConsumeResetOffset(offset))
	return nil
}

// offsetReset reads where to begin without a committed offset: a word of Kafka's, a time, or how long ago.
func offsetReset(v string, now time.Time) (kgo.Offset, error) {
	switch v {
	case "earliest":
		return kgo.NewOffset().AtStart(), nil
	case "latest":
		return kgo.NewOffset().AtEnd(), nil
	case "none":
		return kgo.NoResetOffset(), nil
	}
	if at, err := time.Parse(time.RFC3339, v); err == nil {
		return kgo.NewOffset().AfterMilli(at.UnixMilli()), nil
	}
	if ago, ok := duration(v); ok {
		return kgo.NewOffset().AfterMilli(now.Add(-ago).UnixMilli()), nil
	}
	err := oneOf(v, "earliest", "latest", "none")
	return kgo.Offset{}, fmt.Errorf("%w; or a time (2026-01-31T00:00:00Z), or how long ago (24h, by_duration:PT24H)", err)
}

// duration reads Go's way to write one (24h) and Kafka's (by_duration: and ISO 8601 without years and months).
func duration(v string) (time.Duration, bool) {
	iso, ok := strings.CutPrefix(v, "by_duration:")
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
