package kafkatest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Record is a record as Kafka's console consumer prints it: text without line ends and tabs.
type Record struct {
	Partition  int
	Offset     int64
	Headers    map[string]string
	Key, Value string // null where there is none
}

// ReadCommitted hands over what a reader with read_committed sees of a topic, by Kafka's own Java consumer: segmentio/kafka-go shows aborted records
// too. It ends when nothing has come for idle.
func ReadCommitted(ctx context.Context, servers, topic string, idle time.Duration, each func(Record) error) error {
	libs, err := jars() //nolint:contextcheck // it fetches once, for all that come after
	if err != nil {
		return err
	}
	args := []string{"-cp", filepath.Join(libs, "*"), "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", servers, "--topic", topic,
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
