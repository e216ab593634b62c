package producer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/producer/console"
	"github.com/gx-ol/gx-ol/producer/http"
	"github.com/gx-ol/gx-ol/producer/kafka"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// far is what stands behind a destination: it takes events, or is away.
type far struct {
	config any             // of the kind, as Settings fills it
	got    func() []string // the bodies that it has
	away   func()          // from now on it takes nothing, without an answer where that can be
}

// realms makes a far side for each kind.
var realms = map[string]func(t *testing.T) far{
	"http": func(t *testing.T) far {
		var mu sync.Mutex
		var got []string
		away := false
		end := make(chan struct{})
		s := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			hang := away
			if !hang {
				got = append(got, string(body))
			}
			mu.Unlock()
			if hang {
				select {
				case <-end:
				case <-r.Context().Done():
				}
				return
			}
			w.WriteHeader(nethttp.StatusCreated)
		}))
		t.Cleanup(func() {
			close(end)
			s.Close()
		})
		return far{http.Config{URL: s.URL, Backend: http.Generic}, func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(got)
		}, func() {
			mu.Lock()
			defer mu.Unlock()
			away = true
		}}
	},
	"kafka": func(t *testing.T) far {
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return far{kafka.Config{Topic: "t", MaxMessageBytes: 1 << 20, Client: []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}}, func() []string {
			cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("t"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			ends, err := kadm.NewClient(cl).ListEndOffsets(t.Context(), "t")
			if err != nil {
				t.Fatal(err)
			}
			end, _ := ends.Lookup("t", 0)
			var got []string
			for int64(len(got)) < end.Offset {
				cl.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) { got = append(got, string(r.Value)) })
			}
			return got
		}, c.Close}
	},
	"console": func(*testing.T) far {
		pipe := &pipe{}
		return far{console.Config{Out: pipe}, pipe.lines, pipe.close}
	},
	"file": func(t *testing.T) far {
		path := filepath.Join(t.TempDir(), "events.ndjson")
		return far{console.FileConfig{Path: path}, func() []string {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return split(b)
		}, nil}
	},
}

// pipe is a terminal that may go away.
type pipe struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	closed bool
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, os.ErrClosed
	}
	return p.buf.Write(b)
}

func (p *pipe) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return split(p.buf.Bytes())
}

func (p *pipe) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
}

func split(b []byte) []string {
	var out []string
	for line := range bytes.SplitSeq(bytes.TrimSuffix(b, []byte("\n")), []byte("\n")) {
		if len(line) > 0 {
			out = append(out, string(line))
		}
	}
	return out
}

// made makes a destination of the kind before a far side.
func made(t *testing.T, k Kind) (Destination, far) {
	t.Helper()
	realm, ok := realms[k.Name]
	if !ok {
		t.Fatalf("the kind %q has no far side in this test: give it one", k.Name)
	}
	f := realm(t)
	d, err := k.New(func(config any) error {
		into := reflect.ValueOf(config).Elem()
		if into.Type() != reflect.TypeOf(f.config) {
			return fmt.Errorf("it is configured by %s", into.Type())
		}
		into.Set(reflect.ValueOf(f.config))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, f
}

func TestEveryKindKeepsTheContract(t *testing.T) {
	names := make(map[string]bool)
	for _, k := range Kinds() {
		if names[k.Name] {
			t.Errorf("two kinds are called %s", k.Name)
		}
		names[k.Name] = true
		t.Run(k.Name, func(t *testing.T) {
			t.Run("whole events of many at once, each once", func(t *testing.T) { wholeEvents(t, k) })
			t.Run("an ended context is nobody's fault, and nothing is sent", func(t *testing.T) { ended(t, k) })
			t.Run("a stop ends an attempt, and away is the backend's fault", func(t *testing.T) { stopped(t, k) })
			t.Run("closing twice does nothing", func(t *testing.T) { closedTwice(t, k) })
			t.Run("settings that fail make nothing", func(t *testing.T) { unsettled(t, k) })
		})
	}
}

func wholeEvents(t *testing.T, k Kind) {
	d, f := made(t, k)
	if d.MaxEventBytes() < 0 {
		t.Error("a cap below 0")
	}
	var want []string
	var all sync.WaitGroup
	for i := range 40 {
		body := fmt.Sprintf(`{"n":%d,"pad":"%0*d"}`, i, 500*i, 0)
		want = append(want, body)
		all.Go(func() {
			if err := d.Deliver(t.Context(), openlineage.Event{Key: "k", Body: []byte(body)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got := f.got()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d events, not the %d that were delivered", len(got), len(want))
	}
}

func ended(t *testing.T, k Kind) {
	d, f := made(t, k)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := d.Deliver(ctx, openlineage.Event{Body: []byte(`{}`)})
	if _, blamed := errors.AsType[*fault.Error](err); blamed || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if got := f.got(); len(got) != 0 {
		t.Errorf("%d events were sent", len(got))
	}
}

func stopped(t *testing.T, k Kind) {
	d, f := made(t, k)
	if f.away == nil {
		t.Skip("it can't be away")
	}
	f.away()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	err := d.Deliver(ctx, openlineage.Event{Body: []byte(`{}`)})
	if blame, ok := errors.AsType[*fault.Error](err); err == nil || ok && blame.Kind != fault.Backend || !ok && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if took := time.Since(begin); took > 20*time.Second { // its own time-out is 30 s
		t.Errorf("after %s", took)
	}
}

func closedTwice(t *testing.T, k Kind) {
	d, _ := made(t, k)
	for range 2 {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

func unsettled(t *testing.T, k Kind) {
	want := errors.New("no such key")
	if d, err := k.New(func(any) error { return want }); d != nil || !errors.Is(err, want) {
		t.Errorf("%v, %v", d, err)
	}
	if d, err := k.New(func(any) error { return nil }); d != nil || err == nil {
		t.Errorf("an empty configuration: %v, %v", d, err)
	}
}
