package app

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func recordOf(topic string, value []byte) *kgo.Record { return &kgo.Record{Topic: topic, Value: value} }

// commit commits an offset for a group that nobody is a member of.
func commit(t *testing.T, brokers, group, topic string, partition int32, at int64) {
	t.Helper()
	var offsets kadm.Offsets
	offsets.AddOffset(topic, partition, at, -1)
	if err := kadm.NewClient(clientOf(t, brokers)).CommitAllOffsets(t.Context(), group, offsets); err != nil {
		t.Fatal(err)
	}
}
