package kafkatest

import (
	"os"
	"strings"
	"testing"
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
