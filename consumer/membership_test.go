package consumer

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
)

// asks makes a request that is answered after a while, or not.
func asks(m *membership, key kmsg.Key, took time.Duration, err error) {
	m.OnBrokerWrite(kgo.BrokerMetadata{}, int16(key), 1, 0, 0, nil)
	time.Sleep(took)
	m.OnBrokerE2E(kgo.BrokerMetadata{}, int16(key), kgo.BrokerE2E{ReadWait: took, ReadErr: err})
}

// A session counts from when a request was sent whose answer was a good one, and the next request shows that it was.
func TestTheSessionCountsFromWhatIsProven(t *testing.T) {
	const session = 10 * time.Second
	for name, c := range map[string]struct {
		then  func(m *membership)
		until time.Duration // after the assignment
	}{
		"nothing more":                 {func(*membership) {}, session},
		"a heartbeat that is answered": {func(m *membership) { asks(m, kmsg.Heartbeat, time.Second, nil) }, session},
		"and the next one is sent": {func(m *membership) {
			asks(m, kmsg.Heartbeat, time.Second, nil)
			asks(m, kmsg.Heartbeat, time.Second, nil)
		}, session},
		"one later": {func(m *membership) {
			time.Sleep(3 * time.Second)
			asks(m, kmsg.Heartbeat, time.Second, nil)
			asks(m, kmsg.Heartbeat, 0, nil)
		}, 3*time.Second + session},
		"one whose answer is read late": {func(m *membership) { asks(m, kmsg.Heartbeat, 8*time.Second, nil); asks(m, kmsg.Heartbeat, 0, nil) }, session},
		"one that is not answered": {func(m *membership) {
			time.Sleep(time.Second)
			asks(m, kmsg.Heartbeat, time.Second, errors.New("EOF"))
			asks(m, kmsg.Heartbeat, 0, nil)
		}, session},
		"a join behind it": {func(m *membership) {
			time.Sleep(time.Second)
			asks(m, kmsg.Heartbeat, 0, nil)
			asks(m, kmsg.JoinGroup, 0, nil)
		}, time.Second + session},
		"answers about something else": {func(m *membership) {
			time.Sleep(time.Second)
			asks(m, kmsg.Fetch, 0, nil)
			asks(m, kmsg.Metadata, 0, nil)
		}, session},
		"brokers that assign partitions": {func(m *membership) { asks(m, kmsg.ConsumerGroupHeartbeat, 0, nil) }, assignedSession},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &membership{log: zap.NewNop()}
				asks(m, kmsg.SyncGroup, 0, nil)
				m.joined(session)
				joined := time.Now()
				c.then(m)
				if until, again := m.owned(time.Now(), 0); again != nil || until.Sub(joined) != c.until {
					t.Errorf("owned until %s after the assignment, want %s; in doubt: %t", until.Sub(joined), c.until, again != nil)
				}
			})
		})
	}
}

func TestDoubtEndsWhenTheGroupAnswersAndNeverForWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &membership{log: zap.NewNop()}
		m.session.Store(int64(10 * time.Second))
		asks(m, kmsg.SyncGroup, 0, nil)
		m.prove()
		time.Sleep(10 * time.Second)
		_, again := m.owned(time.Now(), 0)
		if again == nil {
			t.Fatal("owned after a session without an answer")
		}
		asks(m, kmsg.Heartbeat, 0, nil)
		synctest.Wait()
		select {
		case <-again:
			t.Fatal("an answer that may be a bad one ended the doubt")
		default:
		}
		asks(m, kmsg.Heartbeat, 0, nil)
		<-again // or the test hangs
		if _, again = m.owned(time.Now(), 0); again != nil {
			t.Fatal("still in doubt")
		}
		time.Sleep(10 * time.Second)
		_, waiting := m.owned(time.Now(), 0)
		m.lose()
		<-waiting // who waits must hear that there is nothing to wait for
		asks(m, kmsg.JoinGroup, 0, nil)
		asks(m, kmsg.SyncGroup, 0, nil)
		if _, again = m.owned(time.Now(), 0); again != (<-chan struct{})(never) {
			t.Error("what was lost is owned again")
		}
		if _, again = m.owned(time.Now(), m.lifeNow()); again != nil {
			t.Error("what came with the next assignment is in doubt")
		}
	})
}

// A machine that slept has stopped the clock that only goes forward, and one that was set back says nothing: the clock that went further counts.
func TestTheAgeOfABeatIsByTheClockThatWentFurther(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		steady, wall, want time.Duration
	}{
		"both":            {time.Minute, time.Minute, time.Minute},
		"it slept":        {time.Second, time.Hour, time.Hour},
		"it was set":      {time.Minute, time.Hour, time.Hour},
		"it was set back": {time.Minute, -time.Hour, time.Minute},
	} {
		if age := (beat{now.Add(-c.steady), now.Add(-c.wall).UnixNano()}).age(now); age != c.want {
			t.Errorf("%s: %s, want %s", name, age, c.want)
		}
	}
}

// The group answers no heartbeat: when the session is over the record is not surely this member's any more, and it is again when the group has answered, unless
// that has given the partition away.
func TestAMemberThatHearsNothingOwnsNothingForSure(t *testing.T) {
	const session = time.Second
	for name, gone := range map[string]bool{"it is still a member": false, "it is none any more": true} {
		t.Run(name, func(t *testing.T) {
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topic),
				kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cluster.Close)
			answer := make(chan struct{})
			var answers atomic.Bool
			cluster.ControlKey(int16(kmsg.Heartbeat), func(req kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				if !answers.Load() {
					cluster.SleepControl(func() { <-answer })
				}
				if gone {
					return refusal(req, kerr.UnknownMemberID.Code), nil, true
				}
				return nil, nil, false
			})
			produce(t, cluster.ListenAddrs(), 1)
			turns := make(chan Turn, 10)
			c, stop := startWith(t, cluster.ListenAddrs(), Config{Client: []kgo.Opt{kgo.HeartbeatInterval(100 * time.Millisecond)}},
				settling(func(ctx context.Context, _ *kgo.Record, turn Turn) error {
					turns <- turn
					<-turn.While().Done()
					return ctx.Err()
				}))
			turn := <-turns
			if _, again := turn.Owned(time.Now()); again != nil {
				t.Fatal("in doubt from the beginning")
			}
			c.member.session.Store(int64(session)) // as the member counts it
			var again <-chan struct{}
			until(t, "doubt", func() bool { _, again = turn.Owned(time.Now()); return again != nil })
			answers.Store(true)
			close(answer)
			if gone {
				<-turn.While().Done()
				if _, again := turn.Owned(time.Now()); again != (<-chan struct{})(never) {
					t.Error("what was lost is not lost for good")
				}
			} else {
				<-again
				if turn.While().Err() != nil {
					t.Error("the partition was taken away")
				}
			}
			_ = stop()
		})
	}
}
