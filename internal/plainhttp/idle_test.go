package plainhttp

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// A kept connection is looked at before it is used: whatever came to it meanwhile, the request is sent once, on another one, and gets its own answer.
func TestAKeptConnectionIsLookedAtFirst(t *testing.T) {
	for name, meanwhile := range map[string]func(*served){
		"closed":         func(s *served) { _ = s.Close() },
		"half closed":    func(s *served) { _ = s.Conn.(*net.TCPConn).CloseWrite() },
		"reset":          func(s *served) { _ = s.Conn.(*net.TCPConn).SetLinger(0); _ = s.Close() },
		"an answer more": func(s *served) { s.say("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") },
		"408 and closed": func(s *served) { s.say("HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n"); _ = s.Close() },
		"a byte":         func(s *served) { s.say("x") },
		"100":            func(s *served) { s.say("HTTP/1.1 100 Continue\r\n\r\n") },
		"a line feed":    func(s *served) { s.say("\r\n") },
	} {
		arrived, goOn, done := make(chan bool), make(chan bool), make(chan bool)
		b := start(t, func(s *served) {
			for {
				if _, ok := s.request(); !ok {
					return
				}
				s.say(empty)
				if s.b.conns.Load() == 1 {
					close(arrived)
					<-goOn
					meanwhile(s)
					close(done)
				}
			}
		})
		rt := plain(t, b, nil)
		if got := outcome(rt, post(t.Context(), t, b.URL, "1")); got != `201 "a" 0 ""` {
			t.Errorf("%s, the first: %s", name, got)
		}
		<-arrived
		close(goOn)
		<-done
		if got := outcome(rt, post(t.Context(), t, b.URL, "2")); got != `201 "a" 0 ""` || b.requests.Load() != 2 || b.conns.Load() != 2 {
			t.Errorf("%s: %s, %d requests on %d connections", name, got, b.requests.Load(), b.conns.Load())
		}
	}
}

// What comes behind an answer, together with it, is no answer to the next request.
func TestBytesBehindAnAnswerEndTheConnection(t *testing.T) {
	for name, answer := range map[string]string{
		"behind nothing":  empty + "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
		"behind a body":   ok + "Content-Length: 2\r\n\r\nok!",
		"behind a chunk":  ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n\r\n",
		"behind 204":      "HTTP/1.1 204 No Content\r\nX-Said: a\r\nContent-Length: 2\r\n\r\nok",
		"behind packed":   ok + fmt.Sprintf("Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(packed("ok")), packed("ok")) + "x",
		"body of a 304":   "HTTP/1.1 304 Not Modified\r\nX-Said: a\r\nContent-Length: 2\r\n\r\nok",
		"a header behind": empty + ok,
	} {
		b := start(t, always(answer))
		rt := plain(t, b, nil)
		first := outcome(rt, post(t.Context(), t, b.URL, "1"))
		for range 3 {
			if got := outcome(rt, post(t.Context(), t, b.URL, "2")); got != first {
				t.Errorf("%s: %s, and then %s", name, first, got)
			}
		}
		if b.conns.Load() != 4 {
			t.Errorf("%s: %d connections", name, b.conns.Load())
		}
	}
}

// A body that was not read to its end takes its connection with it.
func TestABodyThatIsNotReadEndsItsConnection(t *testing.T) {
	for name, answer := range map[string]string{
		"length":  ok + "Content-Length: 5\r\n\r\n12345",
		"chunked": ok + "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n",
		"to come": ok + "Content-Length: 5\r\n\r\n",
	} {
		for read := range 5 {
			if name == "to come" && read > 0 {
				break
			}
			closed := make(chan bool)
			b := start(t, func(s *served) {
				_, _ = s.request()
				s.say(answer)
				if _, ok := s.request(); ok {
					t.Errorf("%s, %d bytes read: it is used again", name, read)
				}
				close(closed)
			})
			rt := plain(t, b, nil)
			res, err := rt.RoundTrip(post(t.Context(), t, b.URL, "1"))
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.ReadFull(res.Body, make([]byte, read)); err != nil {
				t.Errorf("%s: %d, %v", name, n, err)
			}
			for range 2 {
				if err := res.Body.Close(); err != nil {
					t.Error(err)
				}
			}
			if _, err := res.Body.Read(make([]byte, 1)); err == nil {
				t.Errorf("%s: a closed body can be read", name)
			}
			if len(rt.idle.idle) > 0 {
				t.Errorf("%s, %d bytes read: the connection is kept", name, read)
			}
			<-closed
		}
	}
}

// A request is sent again only as net/http sends it again: on a connection that was used before, when no byte of an answer came, if it may be.
func TestARequestIsSentAgainAsByNetHTTP(t *testing.T) {
	for name, c := range map[string]struct {
		kept   bool   // the connection had been used
		header string // of the request
		says   string // to the request that it loses
		want   string // outcome and requests that arrived
	}{
		"kept, may be sent twice":        {true, "Idempotency-Key: 1", "", `201 "a" 0 "", 3 requests`},
		"kept, the other name":           {true, "X-Idempotency-Key: 1", "", `201 "a" 0 "", 3 requests`},
		"kept, may not":                  {true, "X-A: 1", "", `error, 2 requests`},
		"new, may be sent twice":         {false, "Idempotency-Key: 1", "", `error, 1 requests`},
		"kept, the answer had begun":     {true, "Idempotency-Key: 1", "H", `error, 2 requests`},
		"kept, the answer was announced": {true, "Idempotency-Key: 1", "HTTP/1.1 100 Continue\r\n\r\n", `error: unexpected EOF, 2 requests`},
	} {
		for way, transport := range ways {
			b := start(t, func(s *served) {
				for {
					if _, ok := s.request(); !ok {
						return
					}
					if n := s.b.requests.Load(); n == 1 && !c.kept || n == 2 && c.kept {
						s.say(c.says)
						return
					}
					s.say(empty)
				}
			})
			rt := transport(t, b, nil)
			if c.kept {
				_ = outcome(rt, post(t.Context(), t, b.URL, "1"))
			}
			got := outcome(rt, post(t.Context(), t, b.URL, "2", c.header))
			if got = fmt.Sprintf("%s, %d requests", got, b.requests.Load()); got != c.want {
				t.Errorf("%s, %s: %s, want %s", name, way, got, c.want)
			}
		}
	}
	// The destination sends no key, and says all the same that it may be sent twice.
	req := post(t.Context(), t, start(t, always(empty)).URL, "1")
	req.Header["Idempotency-Key"] = []string{}
	if !again(req, &unansweredError{io.EOF, false}) {
		t.Error("an Idempotency-Key without a value")
	}
}

// open takes n connections of a backend into the pool.
func open(t *testing.T, rt *Transport, b *backend, n int) {
	t.Helper()
	var bodies []io.Closer
	for range n {
		res, err := rt.RoundTrip(post(t.Context(), t, b.URL, "1"))
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, res.Body)
		defer func() {
			_, _ = io.ReadAll(res.Body)      // at its end the connection is given back
			time.Sleep(5 * time.Millisecond) // so that they are of different ages
		}()
	}
	if len(bodies) != n {
		t.Fatalf("%d bodies", len(bodies))
	}
}

// ends tells of each connection of a backend that its other end closed.
func ends() (script func(*served), ended chan bool) {
	ended = make(chan bool, 64)
	return func(s *served) {
		for {
			if _, ok := s.request(); !ok {
				ended <- true
				return
			}
			s.say(ok + "Content-Length: 2\r\n\r\nok")
		}
	}, ended
}

// Connections that nobody uses are closed after a while although nobody calls, and those above the bound at once.
func TestUnusedConnectionsAreClosed(t *testing.T) {
	script, ended := ends()
	b := start(t, script)
	rt := plain(t, b, func(cfg *Config) { cfg.IdleTimeout, cfg.MaxIdle = 100*time.Millisecond, 3 })
	for range 2 { // the timer comes back
		open(t, rt, b, 5)
		for range 5 {
			<-ended
		}
		if rt.idle.mu.Lock(); len(rt.idle.idle) != 0 || rt.idle.armed {
			t.Errorf("%d are left", len(rt.idle.idle))
		}
		rt.idle.mu.Unlock()
	}
	if b.conns.Load() != 10 {
		t.Errorf("%d connections", b.conns.Load())
	}
}

func TestNoMoreConnectionsAreKeptThanAllowed(t *testing.T) {
	script, ended := ends()
	b := start(t, script)
	rt := plain(t, b, func(cfg *Config) { cfg.MaxIdle = 3 })
	open(t, rt, b, 5)
	<-ended
	<-ended
	if len(rt.idle.idle) != 3 {
		t.Errorf("%d are kept", len(rt.idle.idle))
	}
	rt.CloseIdleConnections()
	for range 3 {
		<-ended
	}
	if rt.idle.armed || rt.idle.timer.Stop() {
		t.Error("the timer runs although nothing is kept")
	}
	open(t, rt, b, 1) // and after it all goes on
	if len(rt.idle.idle) != 1 || b.conns.Load() != 6 {
		t.Errorf("%d are kept of %d", len(rt.idle.idle), b.conns.Load())
	}
}

// The timer closes by age: a connection that was used lately stays, and is closed in its own time.
func TestThePoolClosesByAge(t *testing.T) {
	b := start(t, always(empty))
	p := pool{most: 9, after: time.Hour}
	var all []*conn
	for i := range 4 {
		dialled, err := net.Dial("tcp", b.Host)
		if err != nil {
			t.Fatal(err)
		}
		c, err := newConn(nil, dialled)
		if err != nil {
			t.Fatal(err)
		}
		p.put(c)
		c.since = time.Now().Add(time.Duration(i-3) * 40 * time.Minute) // the first two are over
		all = append(all, c)
	}
	p.expire()
	if len(p.idle) != 2 || p.idle[0] != all[2] || !p.armed {
		t.Errorf("%d are left", len(p.idle))
	}
	for i, c := range all {
		if err := c.SetDeadline(time.Time{}); (err != nil) != (i < 2) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if got := p.take(); got != all[3] {
		t.Error("the one that was used last is not taken first")
	}
	_ = all[3].Close()
	p.clear()
	if p.take() != nil || p.armed {
		t.Error("something is left")
	}
}

// A request under way is nothing that is idle. After it its connection is not kept, since nobody would close it.
func TestClosingIdleConnectionsLeavesRequestsAlone(t *testing.T) {
	asked, answer, closed := make(chan bool), make(chan bool), make(chan bool)
	b := start(t, func(s *served) {
		_, _ = s.request()
		asked <- true
		<-answer
		s.say(empty)
		_, _ = s.request()
		close(closed)
	})
	rt := plain(t, b, nil)
	got := make(chan string)
	go func() { got <- outcome(rt, post(t.Context(), t, b.URL, "1")) }()
	<-asked
	rt.CloseIdleConnections()
	answer <- true
	if got := <-got; got != `201 "a" 0 ""` {
		t.Error(got)
	}
	<-closed
}
