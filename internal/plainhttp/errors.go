package plainhttp

import (
	"errors"
	"fmt"
	"net/http"
)

// errUnusable: a connection that was kept is closed at its other end, or something came that nobody had asked for. It is never returned: another one is taken.
var errUnusable = errors.New("the connection is not usable any more")

// unansweredError is the end of a connection before the first byte of an answer. Its text is that of the cause.
type unansweredError struct {
	error
	unsent bool // and before the first byte of the request was written
}

func (e *unansweredError) Unwrap() error { return e.error }

// again reports whether a request that failed on a kept connection may be sent on another one: net/http's rule for a POST, which goes by an Idempotency-Key
// in the header, with or without a value.
func again(req *http.Request, err error) bool {
	lost, ok := errors.AsType[*unansweredError](err)
	if !ok {
		return false
	}
	_, key := req.Header["Idempotency-Key"]
	_, other := req.Header["X-Idempotency-Key"]
	return lost.unsent || key || other
}

// refusedError is Config.MayBegin's, with its text: no other connection is tried.
type refusedError struct{ error }

func (e *refusedError) Unwrap() error { return e.error }

func isRefused(err error) bool {
	_, ok := errors.AsType[*refusedError](err)
	return ok
}

// headerError is an answer whose header does not end within its bound.
type headerError struct{ most int64 }

func (e headerError) Error() string {
	return fmt.Sprintf("the header of the answer has more than %d bytes", e.most)
}
