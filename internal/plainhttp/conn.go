package plainhttp

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"syscall"
	"time"
)

// conn is a connection and what is kept with it. It belongs to one request at a time, or to the pool.
type conn struct {
	net.Conn
	of     *Transport
	raw    syscall.RawConn
	in     *bufio.Reader
	left   int64     // bytes that may still be read: what bounds an answer's header
	reused bool      // it came from the pool
	since  time.Time // when it came into the pool
	write  write
	sender *sender // nil: nobody else writes
	abort  func()  // what the end of a request's context does to it
}

// sender writes what the system did not take at once.
type sender struct {
	done chan struct{}
	err  error // when done
}

func newConn(of *Transport, dialled net.Conn) (*conn, error) {
	c := &conn{Conn: dialled, of: of}
	err := fmt.Errorf("a %T has no descriptor", dialled)
	if system, ok := dialled.(syscall.Conn); ok {
		c.raw, err = system.SyscallConn()
	}
	if err != nil {
		_ = dialled.Close()
		return nil, err
	}
	c.in = bufio.NewReader(bounded{c})
	c.write.attempt = c.write.now
	c.abort = func() { _ = c.SetDeadline(time.Unix(1, 0)) }
	return c, nil
}

// bounded reads what may still be read.
type bounded struct{ *conn }

func (b bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, headerError{b.of.cfg.MaxHeaderBytes}
	}
	n, err := b.Conn.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// roundTrip sends a request and reads the answer up to its body, which gives the connection back. After an error the connection is for nothing but end.
func (c *conn) roundTrip(ctx context.Context, req *http.Request, out []byte) (*http.Response, error) {
	stop := context.AfterFunc(ctx, c.abort)
	if err := c.send(ctx, out); err != nil {
		stop()
		if isRefused(err) {
			return nil, err
		}
		return nil, &unansweredError{err, true}
	}
	res, err := c.answer(req)
	if err != nil {
		stop()
		return nil, err
	}
	b := &body{c: c, ctx: ctx, stop: stop, in: res.Body, keep: !res.Close && res.StatusCode >= http.StatusOK}
	if res.Body == http.NoBody { // of 101 too: what is spoken after it is nothing that we speak
		b.finish(true)
		return res, nil
	}
	res.Body = b
	inflate(res)
	return res, nil
}

// answer reads the header of the answer, and skips the 1xx that may come before it.
func (c *conn) answer(req *http.Request) (*http.Response, error) {
	c.left = c.of.cfg.MaxHeaderBytes
	if _, err := c.in.Peek(1); err != nil {
		return nil, &unansweredError{err, false}
	}
	for {
		res, err := http.ReadResponse(c.in, req)
		switch {
		case err != nil && c.left <= 0:
			return nil, headerError{c.of.cfg.MaxHeaderBytes} // and not that it ends early
		case err != nil:
			return nil, err
		case res.StatusCode/100 != 1 || res.StatusCode == http.StatusSwitchingProtocols:
			c.left = math.MaxInt64
			return res, nil
		}
	}
}

// send writes a request. Its error says that nothing was written. What the system does not take at once a goroutine writes, for which end waits: he who refuses
// a request before he has read it may read no further, or hang up, and his answer is seen all the same.
func (c *conn) send(ctx context.Context, out []byte) error {
	n, err := c.writeSome(ctx, out)
	if err != nil || n == len(out) {
		return err
	}
	rest := bytes.Clone(out[n:])
	s := &sender{done: make(chan struct{})}
	c.sender = s
	go func() {
		defer close(s.done)
		_, s.err = c.Write(rest)
	}()
	return nil
}

// sendTime is how long after its answer a request may still be under way for the connection to be kept; net/http's.
const sendTime = 50 * time.Millisecond

// sentAll reports whether the whole request was written.
func (c *conn) sentAll() bool {
	if c.sender == nil {
		return true
	}
	late := time.NewTimer(sendTime)
	defer late.Stop()
	select {
	case <-c.sender.done:
		err := c.sender.err
		c.sender = nil
		return err == nil
	case <-late.C:
		return false
	}
}

// end closes the connection, and waits for who still writes to it.
func (c *conn) end() {
	_ = c.Close()
	if c.sender != nil {
		<-c.sender.done
	}
}
