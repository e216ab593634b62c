//go:build unix

package plainhttp

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// canLook: the system tells at once whether something came on a connection.
const canLook = true

// write is a write that does not wait. It stands in the connection, so that nothing is allocated for it.
type write struct {
	attempt func(fd uintptr) bool
	look    bool // first, whether the connection is as it was left
	may     func(ctx context.Context) error
	ctx     context.Context //nolint:containedctx // for may, of the request under way
	out     []byte
	n       int
	err     error
}

// writeSome writes as much as the system takes at once; its error says that it was nothing. A kept connection is looked at first: one that was closed at its
// other end takes a write as if it would arrive, and what came unasked would be taken for the answer.
func (c *conn) writeSome(ctx context.Context, out []byte) (int, error) {
	w := &c.write
	w.look, w.may, w.ctx, w.out, w.n, w.err = c.reused, c.of.cfg.MayBegin, ctx, out, 0, nil
	err := c.raw.Write(w.attempt)
	w.ctx, w.out = nil, nil // neither the request nor its buffer is the connection's
	switch {
	case err != nil:
		return 0, err
	case w.err == nil, errors.Is(w.err, errUnusable), isRefused(w.err):
		return w.n, w.err
	}
	return w.n, &net.OpError{Op: "write", Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: os.NewSyscallError("write", w.err)}
}

// now is one attempt; true: it does not want to wait.
func (w *write) now(fd uintptr) bool {
	if w.look {
		var one [1]byte
		if _, err := uninterrupted(syscall.Read, int(fd), one[:]); !errors.Is(err, syscall.EAGAIN) { // the end of the connection, or a byte
			w.err = errUnusable
			return true
		}
	}
	if w.may != nil {
		if err := w.may(w.ctx); err != nil {
			w.err = &refusedError{err}
			return true
		}
	}
	n, err := uninterrupted(syscall.Write, int(fd), w.out)
	w.n = max(n, 0)
	if !errors.Is(err, syscall.EAGAIN) {
		w.err = err
	}
	return true
}

// uninterrupted calls again when a signal came between.
func uninterrupted(call func(int, []byte) (int, error), fd int, p []byte) (int, error) {
	for {
		if n, err := call(fd, p); !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}
