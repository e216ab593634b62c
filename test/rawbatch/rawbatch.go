// Package rawbatch writes record batches to a topic as whoever may write there can: with what bytes he likes in them.
package rawbatch

import (
	"bytes"
	"hash/crc32"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Write writes one batch to partition 0 of a topic that node 0 leads, and gives its first offset. raw is what it holds in place of its records, as the codec left it.
func Write(t testing.TB, client *kgo.Client, topic string, raw []byte, codec kgo.CompressionCodecType, records int32) int64 {
	t.Helper()
	const at = 1_772_000_000_000 // a day of 2026, in milliseconds
	b := kmsg.RecordBatch{PartitionLeaderEpoch: -1, Magic: 2, Attributes: int16(codec), LastOffsetDelta: records - 1, FirstTimestamp: at,
		MaxTimestamp: at, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: records, Records: raw}
	b.Length = int32(len(b.AppendTo(nil)) - 12)
	b.CRC = int32(crc32.Checksum(b.AppendTo(nil)[21:], crc32.MakeTable(crc32.Castagnoli)))
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = -1, 10_000
	rt := kmsg.NewProduceRequestTopic()
	details, err := kadm.NewClient(client).ListTopics(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	rt.Topic, rt.TopicID = topic, details[topic].ID
	rp := kmsg.NewProduceRequestTopicPartition()
	rp.Records = b.AppendTo(nil)
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	answer, err := client.Broker(0).Request(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	part := answer.(*kmsg.ProduceResponse).Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(part.ErrorCode); err != nil {
		t.Fatal(err)
	}
	return part.BaseOffset
}

// Inflating is what has whoever reads it inflate it to frames times 16 MiB: decoders take frame after frame as one stream.
func Inflating(t testing.TB, codec kgo.CompressionCodec, frames int) []byte {
	t.Helper()
	return bytes.Repeat(Compressed(t, codec, make([]byte, 16<<20)), frames)
}

// Compressed is raw as a codec writes it.
func Compressed(t testing.TB, codec kgo.CompressionCodec, raw []byte) []byte {
	t.Helper()
	c, err := kgo.DefaultCompressor(codec)
	if err != nil {
		t.Fatal(err)
	}
	out, _ := c.Compress(new(bytes.Buffer), raw)
	return out
}
