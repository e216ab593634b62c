package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	kafkatest "github.com/gx-ol/gx-ol/test/kafka"
)

// storedResult puts result n into a validations store as Great Expectations does, on one line, so that Kafka's console consumer can show it.
func storedResult(t *testing.T, root string, n int) {
	t.Helper()
	at := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * time.Hour)
	text := fmt.Sprintf(`{"success": true, "results": [], "meta": {"expectation_suite_name": "orders", "run_id": {"run_name": "nightly", "run_time": %q}, "active_batch_definition": {"datasource_name": "warehouse", "data_asset_name": "a%d"}, "number": "<%d>"}}`,
		at.Format(time.RFC3339), n%7, n)
	folder := filepath.Join(root, "orders", "nightly", at.Format("20060102T150405.000000Z"))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	tmp := filepath.Join(folder, ".tmp")
	if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(folder, fmt.Sprintf("batch-%d.json", n))); err != nil {
		t.Fatal(err)
	}
}

// end is behind the last record of a topic, committed or not.
func end(t *testing.T, servers, topic string) (n int64) {
	t.Helper()
	ends, err := client(t, servers).ListOffsets(t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: everyPartition()}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ends.Topics[topic] {
		n += p.LastOffset
	}
	return n
}

// Whoever publishes a store is killed again and again, in the middle of transactions, while the store grows; readers of committed records see each result once,
// and those of a key in the order of their runs.
func TestAKilledPublisherPublishesNoResultTwiceAndNoneNever(t *testing.T) {
	servers := needKafka(t)
	topic, root := name("store"), t.TempDir()
	newTopic(t, servers, topic)
	const history, all, kills = 6000, 6300, 12
	for n := range history {
		storedResult(t, root, n)
	}
	for kill := range kills {
		before := end(t, servers, topic)
		p := start(t, "publish", "--watch", "--brokers", servers, "--topic", topic, "--scan-interval", "200ms", root)
		if kill == kills/2 {
			for n := history; n < all; n++ {
				storedResult(t, root, n)
			}
		}
		more := before + rand.Int64N(300)
		eventually(t, "more is published, or all is", func() bool {
			return end(t, servers, topic) > more || strings.Contains(p.stderr.String(), "watching")
		})
		p.kill()
	}
	output(t, "publish", "--backfill", "--brokers", servers, "--topic", topic, root)
	seen, order := make(map[int]int), make(map[string]int)
	err := kafkatest.ReadCommitted(t.Context(), servers, topic, func(rec kafkatest.Record) error {
		_, rest, _ := strings.Cut(rec.Value, "<")
		n := 0
		if _, err := fmt.Sscanf(rest, "%d>", &n); err != nil {
			return err
		}
		seen[n]++
		if last := order[rec.Key]; n < last && n < history && last < history {
			t.Errorf("%s: %d after %d", rec.Key, n, last)
		}
		order[rec.Key] = n
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for n := range all {
		if seen[n] != 1 {
			t.Errorf("result %d was published %d times", n, seen[n])
		}
	}
	if len(seen) != all {
		t.Errorf("%d results, want %d", len(seen), all)
	}
	t.Logf("%d kills, %d results, each once; %d offsets in the topic, so %d were of markers and of what the killed left", kills, len(seen), end(t, servers, topic), end(t, servers, topic)-all)
	if out := output(t, "publish", "--backfill", "--dry-run", "--brokers", servers, "--topic", topic, root); strings.Count(string(out), "\n") != 1 {
		t.Errorf("there would be more:\n%s", out)
	}
}

func TestTheLaterOfTwoPublishersOfAStoreLivesOnApacheKafka(t *testing.T) {
	servers := needKafka(t)
	topic, root := name("store"), t.TempDir()
	newTopic(t, servers, topic)
	args := []string{"publish", "--watch", "--brokers", servers, "--topic", topic, root}
	first := start(t, args...)
	eventually(t, "the first watches", func() bool { return strings.Contains(first.stderr.String(), "watching") })
	second := start(t, args...)
	eventually(t, "the second watches", func() bool { return strings.Contains(second.stderr.String(), "watching") })
	storedResult(t, root, 1)
	if code := first.exitCode(t); code != 1 || !strings.Contains(first.stderr.String(), "another gx-ol publish has begun") {
		t.Errorf("%d %s", code, first.stderr.String())
	}
	r := readTopic(t, servers, topic)
	eventually(t, "the result is there", func() bool { return r.more(t) == 1 })
	second.stop(t)
}
