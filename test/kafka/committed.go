package kafkatest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// Record is a record as Kafka's console consumer prints it: text without line ends and tabs.
type Record struct {
	Partition  int
	Offset     int64
	Headers    map[string]string
	Key, Value string // null where there is none
}

// firstIdle is how long the consumer waits for something the first time.
var firstIdle = 3 * time.Second

// ReadCommitted hands over what a reader with read_committed sees of all that a topic has at the call, each record once, by Kafka's own Java consumer: segmentio/kafka-go
// shows aborted records too. A topic that does not exist has none. A transaction that is open, since its process was killed, is waited for: brokers end it at its time-out.
//
// The consumer ends when nothing has come for a while, which on a busy machine may be before its first record. So it is started again until its group has committed all
// that there is.
func ReadCommitted(ctx context.Context, servers, topic string, each func(Record) error) error {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(strings.Split(servers, ",")...), Transport: transport, Timeout: time.Minute}
	extent, err := extentOf(ctx, client, topic)
	if err != nil {
		return err
	}
	group := "kafkatest-" + rand.Text()
	for idle := firstIdle; ; idle = min(2*idle, time.Minute) {
		done, err := hasRead(ctx, client, topic, group, extent)
		if err != nil || done {
			return err
		}
		if err := consume(ctx, servers, topic, group, idle, each); err != nil {
			return err
		}
	}
}

// span is from where to where a partition has records, whether they are committed or not.
type span struct{ from, to int64 }

func extentOf(ctx context.Context, client *kafka.Client, topic string) (map[int]span, error) {
	about, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, fmt.Errorf("asking for %s: %w", topic, err)
	}
	var ends []kafka.OffsetRequest
	for _, t := range about.Topics {
		if t.Error != nil && !errors.Is(t.Error, kafka.UnknownTopicOrPartition) {
			return nil, fmt.Errorf("asking for %s: %w", topic, t.Error)
		}
		for _, p := range t.Partitions {
			ends = append(ends, kafka.FirstOffsetOf(p.ID), kafka.LastOffsetOf(p.ID))
		}
	}
	if len(ends) == 0 {
		return nil, nil
	}
	got, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: ends}})
	if err != nil {
		return nil, fmt.Errorf("asking for the ends of %s: %w", topic, err)
	}
	extent := make(map[int]span)
	for _, p := range got.Topics[topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("asking for the end of %s/%d: %w", topic, p.Partition, p.Error)
		}
		extent[p.Partition] = span{p.FirstOffset, p.LastOffset}
	}
	return extent, nil
}

// hasRead says whether a group has committed all of an extent.
func hasRead(ctx context.Context, client *kafka.Client, topic, group string, extent map[int]span) (bool, error) {
	var left []int
	for p, s := range extent {
		if s.from < s.to {
			left = append(left, p)
		}
	}
	if len(left) == 0 {
		return true, nil
	}
	got, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: left}})
	if err == nil {
		err = got.Error
	}
	if err != nil {
		return false, fmt.Errorf("asking how far %s was read: %w", topic, err)
	}
	for _, p := range got.Topics[topic] {
		if p.Error != nil {
			return false, fmt.Errorf("asking how far %s/%d was read: %w", topic, p.Partition, p.Error)
		}
		if p.CommittedOffset < extent[p.Partition].to {
			return false, nil
		}
	}
	return true, nil
}

// consume runs the consumer until nothing has come for idle. It commits how far it is when it ends.
func consume(ctx context.Context, servers, topic, group string, idle time.Duration, each func(Record) error) error {
	libs, err := jars() //nolint:contextcheck // it fetches once, for all that come after
	if err != nil {
		return err
	}
	args := []string{"-cp", filepath.Join(libs, "*"), "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", servers, "--topic", topic, "--group", group,
		"--from-beginning", "--isolation-level", "read_committed", "--timeout-ms", strconv.FormatInt(idle.Milliseconds(), 10)}
	for _, property := range []string{"print.partition=true", "print.offset=true", "print.headers=true", "print.key=true", "print.value=true", "headers.separator=\u0001"} {
		args = append(args, "--formatter-property", property)
	}
	cmd := exec.CommandContext(ctx, "java", args...) //nolint:gosec // our own arguments
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		rec, ok := parseRecord(lines.Text())
		if !ok {
			continue // it logs the end of its patience among the records
		}
		if err := each(rec); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	// It ends with the timeout, which it calls an error; what it counted is its own proof that it read.
	if err := cmd.Wait(); err != nil && !strings.Contains(said.String(), "Processed a total of") {
		return fmt.Errorf("reading %s with Kafka's consumer: %w\n%s", topic, err, said.String())
	}
	return nil
}

// parseRecord reads Partition:1<tab>Offset:2<tab>headers<tab>key<tab>value.
func parseRecord(line string) (rec Record, ok bool) {
	parts := strings.SplitN(line, "\t", 5)
	if len(parts) != 5 {
		return rec, false
	}
	partition, ok1 := strings.CutPrefix(parts[0], "Partition:")
	offset, ok2 := strings.CutPrefix(parts[1], "Offset:")
	var err1, err2 error
	rec.Partition, err1 = strconv.Atoi(partition)
	rec.Offset, err2 = strconv.ParseInt(offset, 10, 64)
	if !ok1 || !ok2 || err1 != nil || err2 != nil {
		return rec, false
	}
	rec.Headers = make(map[string]string)
	if parts[2] != "NO_HEADERS" {
		for h := range strings.SplitSeq(parts[2], "\u0001") {
			k, v, _ := strings.Cut(h, ":")
			rec.Headers[k] = v
		}
	}
	rec.Key, rec.Value = parts[3], parts[4]
	return rec, true
}
