package consumer

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// watching is a Watch that asks often, and what it logged.
func watching() (*Watch, *observer.ObservedLogs) {
	core, logs := observer.New(zapcore.InfoLevel)
	w := NewWatch(group, zap.New(core), nil)
	w.every, w.deaf = 100*time.Millisecond, time.Second
	return w, logs
}

func fakeCluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(1, topic),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"})}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster
}

// until waits for a state of the Watch.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func says(w *Watch, words string) func() bool {
	return func() bool {
		err := w.Ready()
		return words == "" && err == nil || words != "" && err != nil && strings.Contains(err.Error(), words)
	}
}

// A process that reads nothing says so.
func TestAMemberIsNotReadyWhileTheBrokersAreAway(t *testing.T) {
	cluster := fakeCluster(t)
	w, _ := watching()
	if w.Ready() == nil {
		t.Error("ready before it is a member")
	}
	_, stop := startWith(t, cluster.ListenAddrs(), Config{Watch: w, Grace: time.Second}, everything(newSeen(1)))
	until(t, "ready", says(w, ""))
	cluster.Close()
	until(t, "not ready, since Kafka is dead", says(w, "kafka: no answer since"))
	_ = stop()
}

func TestAMemberIsNotReadyWhileItMayNotJoin(t *testing.T) {
	for name, code := range map[string]*kerr.Error{"no right": kerr.GroupAuthorizationFailed, "another's protocol": kerr.InconsistentGroupProtocol} {
		t.Run(name, func(t *testing.T) {
			cluster := fakeCluster(t)
			refusing := make(chan struct{})
			cluster.ControlKey(int16(kmsg.JoinGroup), func(req kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				select {
				case <-refusing:
					return nil, nil, false
				default:
				}
				resp := req.ResponseKind().(*kmsg.JoinGroupResponse)
				resp.ErrorCode = code.Code
				return resp, nil, true
			})
			w, logs := watching()
			_, stop := startWith(t, cluster.ListenAddrs(), Config{Watch: w, Log: w.log}, everything(newSeen(1)))
			until(t, "not ready", says(w, code.Message))
			time.Sleep(time.Second) // it tries again meanwhile
			if n := logs.FilterMessageSnippet("no member of its group").Len(); n != 1 {
				t.Errorf("told %d times, not once", n)
			}
			close(refusing)
			until(t, "ready", says(w, ""))
			if err := stop(); err != nil {
				t.Error(err)
			}
			if n := logs.FilterMessageSnippet("member of its group again").Len(); n != 1 {
				t.Errorf("that it is a member again: told %d times", n)
			}
			for _, l := range logs.All() {
				if l.Message == "fetching records" {
					t.Error("told twice")
				}
			}
		})
	}
}

func TestLagIsWhatIsNotCommitted(t *testing.T) {
	for name, transactions := range map[string]bool{"at least once": false, "exactly once": true} {
		t.Run(name, func(t *testing.T) {
			cluster := fakeCluster(t)
			produce(t, cluster.ListenAddrs(), 30)
			w, _ := watching()
			let := make(chan struct{})
			h := settling(func(ctx context.Context, rec *kgo.Record, _ Turn) error {
				if rec.Offset < 10 && !transactions {
					return nil
				}
				select {
				case <-let:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			before := Lag{topic, 0, 20, 10}
			if transactions {
				before = Lag{topic, 0, 30, 0}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error, 1)
				defer func() {
					cancel()
					if err := <-done; err != nil {
						t.Error(err)
					}
				}()
				go func() {
					done <- RunTransactions(ctx, Config{Client: []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}, Topics: []string{topic}, Group: group, Watch: w, Grace: time.Second}, "id",
						func(*kgo.Client) TransactHandler { return inTransaction{h} })
				}()
			} else {
				startWith(t, cluster.ListenAddrs(), Config{Watch: w, Grace: time.Second}, h)
			}
			until(t, "lag", func() bool { l := w.Lags(); return len(l) == 1 && l[0] == before })
			close(let)
			until(t, "no lag", func() bool { l := w.Lags(); return len(l) == 1 && l[0] == Lag{topic, 0, 0, 30} })
		})
	}
}

type inTransaction struct{ Handler }

func (inTransaction) Begin(context.Context) error { return nil }
func (inTransaction) End(bool)                    {}
