package transact_test

import (
	"context"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/internal/transact"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// told is a writer that writes nothing, and tells of records what it was told.
type told struct {
	errs      map[string]error // by value
	committed int
}

func (w *told) Send(_ context.Context, rec *kgo.Record, done func(error)) {
	done(w.errs[string(rec.Value)])
}
func (w *told) Committed() { w.committed++ }

var errOther = errors.New("another process")

func session(t *testing.T, to transact.Writer) (*kfake.Cluster, *transact.Session) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster, again(t, cluster, to)
}

// again is one more process of the same id.
func again(t *testing.T, cluster *kfake.Cluster, to transact.Writer) *transact.Session {
	t.Helper()
	s, err := transact.New("id", []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}, func(*kgo.Client) transact.Writer { return to }, errOther)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func record(topic, value string) *kgo.Record { return &kgo.Record{Topic: topic, Value: []byte(value)} }

// What brokers never take is blamed on its record, or on all of its topic; what fails because another did is no cause.
func TestWhatIsNeverTakenIsBlamedOnItsRecord(t *testing.T) {
	never := &fault.Error{Kind: fault.Message, Code: "too_large", Err: kerr.MessageTooLarge}
	unclear := &fault.Error{Kind: fault.Backend, Code: "batch", Unclear: true, Err: kerr.MessageTooLarge}
	away := &fault.Error{Kind: fault.Backend, Code: "away", Err: errors.New("away")}
	recs := []*kgo.Record{record("a", "1"), record("b", "2"), record("a", "3")}
	for name, c := range map[string]struct {
		errs   map[string]error
		covers []bool // of recs; nil: no Refusal
		is     error
	}{
		"all are taken":        {},
		"one is too large":     {errs: map[string]error{"1": away, "3": never}, covers: []bool{false, false, true}, is: kerr.MessageTooLarge},
		"a topic is closed":    {errs: map[string]error{"3": kerr.TopicAuthorizationFailed}, covers: []bool{true, false, true}, is: kerr.TopicAuthorizationFailed},
		"one of several":       {errs: map[string]error{"1": away, "2": unclear, "3": unclear}, is: transact.ErrAsAWhole},
		"the brokers are away": {errs: map[string]error{"2": away, "3": errors.New("another failed")}, is: away},
	} {
		t.Run(name, func(t *testing.T) {
			to := &told{errs: c.errs}
			_, s := session(t, to)
			err := s.Transact(t.Context(), func(ctx context.Context) error { return s.Write(ctx, recs) })
			if !errors.Is(err, c.is) || (err == nil) != (to.committed == 1) {
				t.Errorf("%v, %d commits", err, to.committed)
			}
			no, ok := errors.AsType[*transact.Refusal](err)
			if ok != (c.covers != nil) {
				t.Fatalf("refusal %v", no)
			}
			for i, want := range c.covers {
				if no.Covers(recs[i]) != want {
					t.Errorf("record %d is covered: %t", i, !want)
				}
			}
		})
	}
}

func TestOfTwoTheLaterOneLives(t *testing.T) {
	to := &told{}
	cluster, s := session(t, to)
	later := again(t, cluster, to)
	work := func(s *transact.Session) func(context.Context) error {
		return func(ctx context.Context) error { return s.Write(ctx, nil) }
	}
	if err := later.Transact(t.Context(), work(later)); err != nil || to.committed != 1 {
		t.Fatalf("%v, %d commits", err, to.committed)
	}
	for _, code := range []*kerr.Error{kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping} {
		err := s.Transact(t.Context(), func(context.Context) error { return code })
		if !errors.Is(err, errOther) || !errors.Is(err, code) || to.committed != 1 {
			t.Errorf("%v: %v", code.Message, err)
		}
	}
	if err := s.Transact(t.Context(), func(context.Context) error { return kerr.NotEnoughReplicas }); errors.Is(err, errOther) || err == nil {
		t.Errorf("too few replicas: %v", err)
	}
}
