package consumer

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/zap"
)

// membership knows how long the group has surely kept this member. A coordinator gives the partitions of a member to others when it has heard nothing of
// it for a session, and who stood still meanwhile (a machine that was frozen, a debugger), or has lost the brokers and not the backend, is told last. By its
// own clock it can know before.
type membership struct {
	group   string
	log     *zap.Logger
	session atomic.Int64         // of time.Duration; 0 before the first assignment
	life    atomic.Int64         // counts how often all was lost
	proven  atomic.Pointer[beat] // the last request that kept the session alive for sure; nil before the first assignment

	mu       sync.Mutex    // guards below
	answered beat          // the last request that was answered, by whatever answer
	again    chan struct{} // closed when there is no doubt any more; nil: there was none
}

// beat is when a request was sent that keeps a session alive: the coordinator got it later than that.
type beat struct {
	at   time.Time
	wall int64 // the same by the clock on the wall, Unix nanoseconds
}

// beatAt is one of that time.
func beatAt(at time.Time) beat { return beat{at, at.UnixNano()} }

// age is how long that was ago. A machine that sleeps may stop the clock that only goes forward; the one on the wall is set meanwhile.
func (b beat) age(now time.Time) time.Duration {
	return max(now.Sub(b.at), time.Duration(now.UnixNano()-b.wall))
}

// assignedSession is the least session that brokers give by default where they assign the partitions (group.consumer.min.session.timeout.ms). They do not
// tell the member how long it is.
const assignedSession = 45 * time.Second

// never is for what is lost: no answer makes it this member's again.
var never = make(chan struct{})

var (
	_ kgo.HookBrokerE2E   = (*membership)(nil)
	_ kgo.HookBrokerWrite = (*membership)(nil)
)

// keepsSession reports whether a request of this kind keeps the member's session alive.
func keepsSession(key int16) bool {
	switch kmsg.Key(key) {
	case kmsg.Heartbeat, kmsg.JoinGroup, kmsg.SyncGroup, kmsg.ConsumerGroupHeartbeat:
		return true
	}
	return false
}

// OnBrokerE2E notes an answer. What it says the client does not tell here.
func (m *membership) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	if !keepsSession(key) || e2e.Err() != nil {
		return
	}
	sent := beatAt(time.Now().Add(-e2e.DurationE2E()))
	m.mu.Lock()
	m.answered = sent
	m.mu.Unlock()
}

// OnBrokerWrite takes the next request for the proof that the answer before it was a good one: behind a bad one the client first gives its partitions up.
func (m *membership) OnBrokerWrite(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if !keepsSession(key) || err != nil {
		return
	}
	if kmsg.Key(key) == kmsg.ConsumerGroupHeartbeat {
		m.session.Store(int64(assignedSession))
	}
	m.prove()
}

// joined notes an assignment: the group has answered well.
func (m *membership) joined(session time.Duration) {
	m.session.CompareAndSwap(0, int64(session)) // else the brokers decide about it
	m.prove()
}

// prove takes the last answer for a good one.
func (m *membership) prove() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.answered.at.IsZero() {
		return
	}
	proven := m.answered
	m.proven.Store(&proven)
	if m.again != nil && proven.age(time.Now()) < m.sessionNow() {
		close(m.again)
		m.again = nil
		m.log.Info("the group has answered: this process is still its member, and goes on", zap.String("group", m.group))
	}
}

func (m *membership) sessionNow() time.Duration { return time.Duration(m.session.Load()) }

// lose notes that the group has given away all that the member had.
func (m *membership) lose() {
	m.life.Add(1)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.again != nil {
		close(m.again) // who waits asks again, and learns of it
		m.again = nil
	}
}

// lifeNow tells a membership from the ones after it: what one had is lost when the next begins.
func (m *membership) lifeNow() int64 {
	if m == nil {
		return 0
	}
	return m.life.Load()
}

// owned is Turn's, for what the member got in a life. What belongs to no group is nobody else's.
func (m *membership) owned(now time.Time, life int64) (until time.Time, again <-chan struct{}) {
	if m == nil {
		return time.Time{}, nil
	}
	if m.life.Load() != life {
		return now, never
	}
	b, session := m.proven.Load(), m.sessionNow()
	if b == nil {
		return time.Time{}, nil
	}
	if age := b.age(now); age < session {
		return now.Add(session - age), nil
	}
	return now, m.doubt(now)
}

// doubt is closed when the group has answered.
func (m *membership) doubt(now time.Time) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	age := m.proven.Load().age(now)
	if age < m.sessionNow() {
		return closed // it has answered just now
	}
	if m.again == nil {
		m.again = make(chan struct{})
		m.log.Warn("the group has not answered for a whole session (session.timeout.ms): another member may have the partitions, so nothing is begun until it answers",
			zap.String("group", m.group), zap.Duration("silent_for", age))
	}
	return m.again
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()
