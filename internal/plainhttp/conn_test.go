//go:build unix

package plainhttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// little is an option of sockets that take little at once, so that a large body waits for its reader. It must be there before there is a connection.
func little(_, _ string, raw syscall.RawConn) error {
	var err error
	return errors.Join(raw.Control(func(fd uintptr) {
		for _, buffer := range []int{syscall.SO_SNDBUF, syscall.SO_RCVBUF} {
			err = errors.Join(err, syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, buffer, 4096))
		}
	}), err)
}

func narrow(cfg *Config) { cfg.Dial = (&net.Dialer{Control: little}).DialContext }

// Who refuses a request before he has read it is heard, whatever he does then.
func TestAnAnswerThatComesEarlyIsSeen(t *testing.T) {
	const refused = "HTTP/1.1 413 Too Large\r\nX-Said: no\r\nContent-Length: 2\r\n\r\nno"
	large := strings.Repeat("x", maxBody)
	for name, c := range map[string]struct {
		script func(*served)
		want   string
	}{
		"and reads nothing more": {func(s *served) {
			s.say(refused)
			<-t.Context().Done()
		}, `413 "no" 2 "no"`},
		"and reads nothing more, no body": {func(s *served) {
			s.say(empty)
			<-t.Context().Done()
		}, `201 "a" 0 ""`},
		"and reads on": {func(s *served) {
			for ok := true; ok; {
				s.say(empty)
				_, ok = s.request()
				_, _ = s.in.Peek(1)
			}
		}, `201 "a" 0 ""`},
	} {
		for way, transport := range ways {
			b := startWith(t, little, func(s *served) {
				_, _ = s.in.Peek(1)
				c.script(s)
			})
			var writing atomic.Int64
			rt := transport(t, b, func(cfg *Config) { cfg.Dial = watched(&writing) })
			for range 4 {
				if got := outcome(rt, post(t.Context(), t, b.URL, large)); got != c.want {
					t.Errorf("%s, %s: %s", name, way, got)
				}
				if way == "plainhttp" && writing.Load() != 0 {
					t.Errorf("%s: somebody still writes", name)
				}
			}
			if got := b.conns.Load(); got != 4 && name != "and reads on" {
				t.Errorf("%s, %s: %d connections for 4 requests", name, way, got)
			}
		}
	}
}

// watched dials connections that tell who writes to them, and that take their time to end it.
func watched(writing *atomic.Int64) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{Control: little}).DialContext(ctx, network, address)
		return watchedConn{c.(*net.TCPConn), writing}, err
	}
}

type watchedConn struct {
	*net.TCPConn
	writing *atomic.Int64
}

func (w watchedConn) Write(p []byte) (int, error) {
	w.writing.Add(1)
	defer w.writing.Add(-1)
	n, err := w.TCPConn.Write(p)
	time.Sleep(10 * time.Millisecond)
	return n, err
}

// An answer is read although the connection was reset behind it.
func TestAnAnswerBeforeAResetIsSeen(t *testing.T) {
	came, reset := make(chan bool), make(chan bool)
	b := startWith(t, little, func(s *served) {
		_, _ = s.in.Peek(1)
		s.say("HTTP/1.1 413 Too Large\r\nX-Said: no\r\nContent-Length: 2\r\n\r\nno")
		<-came
		_ = s.Close() // with a request that was not read
		reset <- true
	})
	rt := plain(t, b, func(cfg *Config) {
		cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := (&net.Dialer{Control: little}).DialContext(ctx, network, address)
			return &late{TCPConn: c.(*net.TCPConn), came: came, reset: reset}, err
		}
	})
	for range 10 {
		if got := outcome(rt, post(t.Context(), t, b.URL, strings.Repeat("x", maxBody))); got != `413 "no" 2 "no"` {
			t.Error(got)
		}
	}
}

// late is a connection whose first reader comes when something is there, and the other end has gone.
type late struct {
	*net.TCPConn
	once        sync.Once
	came, reset chan bool
}

func (l *late) Read(p []byte) (int, error) {
	l.once.Do(func() {
		raw, err := l.SyscallConn()
		if err == nil {
			_ = raw.Read(func(fd uintptr) bool {
				_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
				return err != syscall.EAGAIN
			})
		}
		l.came <- true
		<-l.reset
	})
	return l.TCPConn.Read(p)
}

// A body that the system does not take at once arrives whole, and its connection is used again.
func TestABodyThatWaitsForItsReaderArrives(t *testing.T) {
	b := startWith(t, little, func(s *served) {
		for {
			body, ok := s.request()
			if !ok {
				return
			}
			s.say(ok201(body))
		}
	})
	rt := plain(t, b, narrow)
	for i := range 5 {
		body := strings.Repeat(fmt.Sprint(i), maxBody)
		if got := outcome(rt, post(t.Context(), t, b.URL, body)); got != fmt.Sprintf("201 \"a\" %d %q", len(body), body) {
			t.Errorf("%.100s", got)
		}
	}
	if b.conns.Load() != 1 {
		t.Errorf("%d connections", b.conns.Load())
	}
}

// ok201 answers with what came.
func ok201(body string) string {
	return ok + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

// The end of a context ends a request wherever it is, with the context's own error; and its connection is nobody's any more.
func TestTheEndOfAContextEndsARequestInEachOfItsParts(t *testing.T) {
	for name, c := range map[string]struct {
		says string // before it waits
		read bool   // the request; else it is too large to be sent without
		body bool   // the answer's body is what is waited for
	}{
		"writing":                 {"", false, false},
		"writing, after 100":      {"HTTP/1.1 100 Continue\r\n\r\n", false, false},
		"waiting":                 {"", true, false},
		"waiting, after 100":      {"HTTP/1.1 100 Continue\r\n\r\n", true, false},
		"in the status":           {"HTTP/1.1 2", true, false},
		"in the header":           {ok + "X-", true, false},
		"in the body":             {ok + "Content-Length: 10\r\n\r\n12345", true, true},
		"in a chunk":              {ok + "Transfer-Encoding: chunked\r\n\r\n5\r\n123", true, true},
		"in a body without end":   {ok + "\r\n123", true, true},
		"in the body, unsent":     {ok + "Content-Length: 10\r\n\r\n12345", false, true},
		"before a packed body":    {ok + "Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n", true, true},
		"before the chunked body": {ok + "Transfer-Encoding: chunked\r\n\r\n", true, true},
	} {
		for way, transport := range ways {
			for _, kind := range []error{context.Canceled, errCause, context.DeadlineExceeded} {
				there, gone, over := make(chan bool), make(chan bool), make(chan bool)
				control, change := little, narrow
				if c.read {
					control, change = nil, nil
				}
				b := startWith(t, control, func(s *served) {
					if c.read {
						_, _ = s.request()
					} else {
						_, _ = s.in.Peek(1)
					}
					s.say(c.says)
					close(there)
					if c.read { // else what was sent would have to be read first
						_, _ = s.in.Peek(1)
					}
					close(gone)
					<-over
				})
				rt := transport(t, b, change)
				ctx, end := ended(t, kind)
				headed, result := make(chan bool), make(chan error)
				go func() {
					res, err := rt.RoundTrip(post(ctx, t, b.URL, strings.Repeat("x", 100_000)))
					close(headed)
					if err == nil {
						_, err = io.ReadAll(res.Body)
						_ = res.Body.Close()
					}
					result <- err
				}()
				<-there
				if c.body {
					<-headed
				}
				end()
				if err := <-result; !errors.Is(err, kind) {
					t.Errorf("%s, %s: %v, want %v", name, way, err, kind)
				}
				<-gone
				close(over)
				if tr, ok := rt.(*Transport); ok && len(tr.idle.idle) > 0 {
					t.Errorf("%s: the connection is kept", name)
				}
			}
		}
	}
}

// ended gives a context and what ends it by an error. That of a deadline too ends when it is told to: on a slow machine its time could be over too early.
func ended(t *testing.T, kind error) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(t.Context())
	switch {
	case errors.Is(kind, context.DeadlineExceeded):
		return pastDue{ctx}, func() { cancel(kind) }
	case errors.Is(kind, context.Canceled):
		return ctx, func() { cancel(nil) }
	}
	return ctx, func() { cancel(kind) }
}

// pastDue is a context that ends as by its deadline.
type pastDue struct{ context.Context } //nolint:containedctx // it is one itself

func (c pastDue) Err() error {
	if c.Context.Err() == nil {
		return nil
	}
	return context.DeadlineExceeded
}

func TestTheEndOfAContextEndsDialling(t *testing.T) {
	b := start(t, always(empty))
	for _, kind := range []error{context.Canceled, errCause, context.DeadlineExceeded} {
		dialling := make(chan bool, 1)
		rt := plain(t, b, func(cfg *Config) {
			cfg.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
				dialling <- true
				<-ctx.Done()
				return nil, errors.New("it was cancelled")
			}
		})
		ctx, end := ended(t, kind)
		result := make(chan string)
		go func() { result <- outcome(rt, post(ctx, t, b.URL, "event")) }()
		<-dialling
		end()
		if got := <-result; got != "error: "+kind.Error() {
			t.Error(got)
		}
		if got := outcome(rt, post(ctx, t, b.URL, "event")); got != "error: "+kind.Error() || len(dialling) > 0 {
			t.Errorf("begun after the end: %s", got)
		}
	}
}

// An answer that is all here is read although the context has ended; its connection is not used again, since the end may still reach it.
func TestAConnectionThatTheEndOfAContextMayReachIsNotKept(t *testing.T) {
	b := start(t, always(ok+"Content-Length: 2\r\n\r\nok"))
	rt := plain(t, b, nil)
	ctx, cancel := context.WithCancel(t.Context())
	res, err := rt.RoundTrip(post(ctx, t, b.URL, "event"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := res.Body.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
	cancel()
	if rest, err := io.ReadAll(res.Body); string(rest) != "k" || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	_ = res.Body.Close()
	if len(rt.idle.idle) > 0 {
		t.Error("it is kept")
	}
}

// A connection whose request was ended, or may have been, carries nobody else's: each answer is that of its own request. Under -race this is the test of who owns what.
func TestNoAnswerIsThatOfAnotherRequest(t *testing.T) {
	b := start(t, func(s *served) {
		for {
			body, ok := s.request()
			if !ok {
				return
			}
			answer := ok201(body)
			cut := rand.Intn(len(answer))
			s.say(answer[:cut])
			time.Sleep(time.Duration(rand.Intn(300)) * time.Microsecond)
			s.say(answer[cut:])
			if rand.Intn(20) == 0 {
				return
			}
		}
	})
	rt := plain(t, b, nil)
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for i := range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				go func() {
					time.Sleep(time.Duration(rand.Intn(1000)) * time.Microsecond)
					cancel()
				}()
				sent := fmt.Sprintf("%d of %d %s", i, worker, strings.Repeat("x", rand.Intn(5000)))
				res, err := rt.RoundTrip(post(ctx, t, b.URL, sent, "Idempotency-Key: x"))
				if err == nil {
					got, readErr := io.ReadAll(res.Body)
					_ = res.Body.Close()
					if err = readErr; err == nil && string(got) != sent {
						t.Errorf("sent %.20q, got %.20q", sent, got)
					}
				}
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	all.Wait()
}
