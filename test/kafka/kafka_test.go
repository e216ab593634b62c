package kafkatest

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestMain(m *testing.M) {
	code := m.Run()
	Stop()
	os.Exit(code)
}

func TestPomAndCacheNameTheSameVersion(t *testing.T) {
	if !strings.Contains(string(pom), "<version>"+kafkaVersion+"</version>") {
		t.Errorf("pom.xml does not name version %s: a stale cache would be used", kafkaVersion)
	}
}

func TestJavaVersionIsReadFromEveryVendorsWords(t *testing.T) {
	for said, want := range map[string]int{
		`openjdk version "17.0.15" 2025-04-15`: 17,
		`java version "1.8.0_401"`:             1,
		`openjdk version "21" 2023-09-19`:      21,
		`openjdk version "24-ea" 2025-03-18`:   24,
		`command not found`:                    0,
	} {
		if got := javaMajor(said); got != want {
			t.Errorf("javaMajor(%q) = %d, want %d", said, got, want)
		}
	}
}

func TestBrokerIsSharedAndComesBackAfterStop(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Apache Kafka: left out by -short, run by `make e2e`")
	}
	first := Start(t)
	if again := Start(t); again != first {
		t.Fatalf("second Start gives %s, first gave %s", again, first)
	}
	shared.mu.Lock()
	b := shared.broker
	shared.mu.Unlock()
	Stop()
	if b == nil {
		return // KAFKA_BROKERS: not ours to stop
	}
	if _, err := os.Stat(b.dir); !os.IsNotExist(err) {
		t.Errorf("the broker's files are still there: %v", err)
	}
}

// A consumer that ends too early is no end of a topic, nor is a transaction that nobody has ended yet; and what is aborted is not there.
func TestWhatIsReadCommittedIsWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Apache Kafka: left out by -short, run by `make e2e`")
	}
	servers, topic := Start(t), "kafkatest-committed"
	if err := ReadCommitted(t.Context(), servers, topic, func(Record) error { return errors.New("a record of a topic that is not there") }); err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(servers, ",")...), kgo.TransactionalID(topic), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.UnknownTopicRetries(-1))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 2, 1, nil, topic); err != nil { // the second partition stays empty
		t.Fatal(err)
	}
	transact := func(i int, end kgo.TransactionEndTry) {
		t.Helper()
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte(fmt.Sprint(i, strings.Repeat("x", 500<<10)))}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		if err := client.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	for i, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit, kgo.TryAbort} {
		transact(i, end)
	}
	killed, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(servers, ",")...), kgo.TransactionalID(topic+"-killed"), kgo.TransactionTimeout(5*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := killed.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := killed.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte("4")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	killed.Close() // what lies behind its transaction is seen when the broker has ended that
	transact(5, kgo.TryCommit)
	defer func(was time.Duration) { firstIdle = was }(firstIdle)
	firstIdle = 200 * time.Millisecond // it does not even find its group
	got := make(map[int64]byte)
	if err := ReadCommitted(t.Context(), servers, topic, func(r Record) error {
		if _, again := got[r.Offset]; again {
			t.Errorf("%d twice", r.Offset)
		}
		got[r.Offset] = r.Value[0]
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	count := make(map[byte]int)
	for _, of := range got {
		count[of]++
	}
	if len(count) != 3 || count['0'] != 20 || count['2'] != 20 || count['5'] != 20 {
		t.Errorf("records by their transactions: %v", count)
	}
}
