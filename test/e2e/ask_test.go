package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/gx-ol/gx-ol/test/process"
)

// asked runs gx-ol ask to its end in a folder.
func asked(t *testing.T, dir string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"ask"}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, process.CleanEnv(), &out, &talk
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String(), talk.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, out.String(), talk.String()
}

// TestATopicOfEventsAnswersAsTheSameFileDoes asks Apache Kafka, through a transport of the configuration and by --from, what a file of the same events is asked.
func TestATopicOfEventsAnswersAsTheSameFileDoes(t *testing.T) {
	servers := needKafka(t)
	chain, err := filepath.Abs("../../internal/lineage/testdata/chain.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(chain)
	if err != nil {
		t.Fatal(err)
	}
	topic := name("events")
	newTopic(t, servers, topic)
	var msgs []kafka.Message
	for i, line := range bytes.Split(bytes.TrimSpace(raw), []byte("\n")) {
		msgs = append(msgs, kafka.Message{Key: fmt.Append(nil, i), Value: line})
	}
	publish(t, servers, topic, msgs...)
	dir := t.TempDir()
	config := fmt.Sprintf("kafka: {bootstrap.servers: %q}\ntransport: {type: kafka, topicName: %s}\n", servers, topic)
	if err := os.WriteFile(filepath.Join(dir, "gx-ol.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, question := range [][]string{{"upstream", "fct_revenue"}, {"consumers"}, {"consumers", "raw.orders"}, {"common"}, {"upstream", "stg_customers"}, {"upstream", "hr.payroll"}, {"upstream", "orders"}} {
		for _, form := range []string{"table", "json", "dot"} {
			ask := append(append([]string{}, question...), "-o", form)
			wantCode, want, wantTalk := asked(t, dir, append(ask, "--from", chain)...)
			for _, from := range [][]string{nil, {"--from", "kafka:" + topic, "--brokers", servers}} {
				code, got, talk := asked(t, dir, append(ask, from...)...)
				if code != wantCode || got != want || talk != wantTalk {
					t.Errorf("%v %v: %d\n%s%s\nof the file: %d\n%s%s", ask, from, code, got, talk, wantCode, want, wantTalk)
				}
			}
			if wantCode == 1 {
				t.Errorf("%v: %s", ask, wantTalk)
			}
		}
	}
	if code, _, talk := asked(t, dir, "common", "--from", "kafka:"+topic+"-other"); code != 1 || !strings.Contains(talk, "there is no topic "+topic+"-other") {
		t.Errorf("no topic: %d %s", code, talk)
	}
}
