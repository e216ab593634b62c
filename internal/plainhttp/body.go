package plainhttp

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// body is that of an answer. When it was read to its end the connection is kept for the next request; when it is closed before, so is the connection.
type body struct {
	c    *conn
	ctx  context.Context //nolint:containedctx // of the request: it ends the reading of the answer too
	stop func() bool     // takes the connection out of reach of ctx; false: too late
	in   io.Reader
	keep bool  // what was sent and said allows the connection to be kept
	err  error // what Read gives from now on; nil: the connection is here
}

// Read gives the cause of the request's context if that ended.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.in.Read(p)
	if err == nil {
		return n, nil
	}
	whole := err == io.EOF //nolint:errorlint // a Reader gives it as it is
	if !whole && b.ctx.Err() != nil {
		err = context.Cause(b.ctx)
	}
	b.err = err
	b.finish(whole)
	return n, err
}

func (b *body) Close() error {
	if b.err == nil {
		b.err = http.ErrBodyReadAfterClose
		b.finish(false)
	}
	return nil
}

// finish gives the connection to the pool, or ends it. One that the end of ctx may reach, or has reached, is for nobody else.
func (b *body) finish(whole bool) {
	mine := b.stop()
	if whole && mine && b.keep && b.c.in.Buffered() == 0 && b.c.sentAll() {
		b.c.of.idle.put(b.c)
		return
	}
	b.c.end()
}

// inflate unpacks an answer that is packed although nobody asked for it.
func inflate(res *http.Response) {
	if !strings.EqualFold(res.Header.Get("Content-Encoding"), "gzip") {
		return
	}
	res.Body = &inflated{packed: res.Body}
	res.Header.Del("Content-Encoding")
	res.Header.Del("Content-Length")
	res.ContentLength = -1
	res.Uncompressed = true
}

// inflated begins to unpack when it is read first: to look at a status must not wait for a body.
type inflated struct {
	packed io.ReadCloser
	in     *gzip.Reader
	err    error
}

func (i *inflated) Read(p []byte) (int, error) {
	if i.in == nil && i.err == nil {
		i.in, i.err = gzip.NewReader(i.packed)
	}
	if i.err != nil {
		return 0, i.err
	}
	return i.in.Read(p)
}

func (i *inflated) Close() error { return i.packed.Close() }
