package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/segmentio/kafka-go"
)

// The instruments first: a reader that lost, swapped or conflated records would make every other test worthless.
func TestReaderSeesWhatWasPublishedInOrder(t *testing.T) {
	servers := needKafka(t)
	topic := name("instrument")
	newTopic(t, servers, topic)
	const n = 10_000
	publish(t, servers, topic, results(n)...)
	publish(t, servers, topic, kafka.Message{Key: []byte("bad"), Value: nil}, kafka.Message{Key: []byte("bad"), Value: []byte{}})
	r := readTopic(t, servers, topic)
	if got := r.more(t); got != n+2 {
		t.Fatalf("%d messages, want %d", got, n+2)
	}
	seen := map[string]int{} // key → how many
	for _, msgs := range r.got {
		for _, m := range msgs {
			key := string(m.Key)
			if key == "bad" {
				if first := seen[key] == 0; (m.Value == nil) != first {
					t.Errorf("message %d of %q is nil: %t", seen[key], key, m.Value == nil)
				}
				seen[key]++
				continue
			}
			i := seen[key]*datasets + int(key[len(key)-2]-'0')*10 + int(key[len(key)-1]-'0')
			if string(m.Value) != string(result(i)) {
				t.Fatalf("%s: message %d is not result %d", key, seen[key], i)
			}
			seen[key]++
		}
	}
	if again := r.more(t); again != n+2 {
		t.Errorf("reading on gives %d messages, want %d", again, n+2)
	}
}

func TestJournalFindsWhatItIsFor(t *testing.T) {
	ids := make([]string, datasets+1) // results 0 and 50 are of one dataset
	var right []event
	for i := range ids {
		ids[i] = fmt.Sprintf("run-%d", i)
		for _, kind := range []string{"START", terminalOf(i)} {
			var e event
			e.EventType, e.Run.RunID, e.Job.Name = kind, ids[i], "nightly.shop."+asset(i)
			right = append(right, e)
		}
	}
	last := len(right) - 1
	stranger := right[0]
	stranger.Run.RunID = "run-of-nobody"
	for _, c := range []struct {
		what   string
		events []event
		once   bool
		wrong  bool
	}{
		{"all right", right, true, false},
		{"a repeated pair where repeats are allowed", append(slices.Clone(right), right[0], right[1]), false, false},
		{"a repeated event", append(slices.Clone(right), right[1]), true, true},
		{"a lost terminal event", right[:last], false, true},
		{"a lost run", right[:last-1], false, true},
		{"a terminal event before its START", append([]event{right[1], right[0]}, right[2:]...), false, true},
		{"two runs of one dataset swapped", append(append([]event{right[last-1], right[last]}, right[2:last-1]...), right[0], right[1]), false, true},
		{"a run of no result", append(slices.Clone(right), stranger), false, true},
	} {
		j := newJournal()
		for _, e := range c.events {
			j.add(e)
		}
		if faults := j.verdict(ids, c.once); (len(faults) > 0) != c.wrong {
			t.Errorf("%s: faults found: %q", c.what, faults)
		}
	}
}
