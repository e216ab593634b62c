package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// noHeaders is how Kafka's consumer shows a record without headers, as an event is; a letter has ours.
const noHeaders = "NO_HEADERS"

// readCommitted hands over what a reader with read_committed sees of a topic, by Kafka's own Java consumer: segmentio/kafka-go
// shows aborted records too. libs is the folder with Kafka's jars.
func readCommitted(ctx context.Context, libs, servers, topic string, each func(message) error) error {
	cmd := exec.CommandContext(ctx, "java", "-cp", filepath.Join(libs, "*"), "org.apache.kafka.tools.consumer.ConsoleConsumer", //nolint:gosec // our own arguments
		"--bootstrap-server", servers, "--topic", topic, "--from-beginning", "--isolation-level", "read_committed", "--timeout-ms", "15000",
		"--formatter-property", "print.headers=true", "--formatter-property", "print.value=true", "--formatter-property", "headers.separator=\u0001")
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
		headers, value, ok := strings.Cut(lines.Text(), "\t")
		if !ok || headers != noHeaders && !strings.HasPrefix(headers, "gx-ol.dlq.") {
			continue // it logs the end of its patience among the messages
		}
		m := message{value: []byte(value), headers: map[string]string{}}
		if headers != noHeaders {
			for h := range strings.SplitSeq(headers, "\u0001") {
				k, v, _ := strings.Cut(h, ":")
				m.headers[k] = v
			}
		}
		if err := each(m); err != nil {
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
