// Package fault says whose fault an error is: the message's, the backend's, or our own.
//
// The place that knows names the fault once (Message or Backend); the pipeline, which decides what becomes of the
// record, asks once with Of. An error that nobody classified is a Bug, so that forgetting to classify is loud.
package fault

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// Kind is whose fault an error is. The zero value is Bug.
type Kind int

// The kinds of DESIGN §3.
const (
	Bug     Kind = iota // our own code; buried with its stack, loud
	Message             // this record; buried with its reason, the partition goes on
	Backend             // what every record would meet alike; the record stays in hand, the partition holds
)

// String is the kind's name as logs and metrics show it.
func (k Kind) String() string {
	switch k {
	case Message:
		return "message"
	case Backend:
		return "backend"
	default:
		return "bug"
	}
}

// Disposition is what a dead letter says became of its record (header gx-ol.dlq.disposition).
type Disposition string

// The closed set of dispositions.
const (
	Poison    Disposition = "poison"    // the message is wrong
	Rejected  Disposition = "rejected"  // the backend refused its events
	Exhausted Disposition = "exhausted" // failed N times over T minutes while others succeeded
	Oversize  Disposition = "oversize"  // too large for its destination
	BugFound  Disposition = "bug"       // our own code failed on it
)

// Error is a classified error. Err's text must hold neither secrets nor row values: it goes to logs and headers.
type Error struct {
	Kind        Kind
	Disposition Disposition   // for Message faults
	Code        string        // stable slug: invalid_json, http_422, unsafe_event, connection, http_503, …
	Hint        string        // what the operator can do; may be empty
	RetryAfter  time.Duration // for Backend faults: what the backend asked for; 0 if it did not
	Unclear     bool          // for Backend faults: may be the record's own fault (5xx that others do not meet)
	Err         error
}

// Error is the text of the wrapped error, without the hint.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Code
	}
	return e.Err.Error()
}

// Unwrap gives the wrapped error to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// Of is the classification of err. An error that nobody classified is a Bug with code "bug".
func Of(err error) *Error {
	if e, ok := err.(*Error); ok { //nolint:errorlint // whether it is wrapped is the question
		return e
	}
	if e, ok := errors.AsType[*Error](err); ok {
		c := *e
		c.Err = err // keep what outer callers wrapped around it
		return &c
	}
	return &Error{Kind: Bug, Disposition: BugFound, Code: "bug", Err: err}
}

// Recover makes of a panic a Bug with code "panic", in err; it is deferred where code is called that may have one. The panic's own
// text may quote the message; its type and the stack name only code.
func Recover(err *error) {
	if r := recover(); r != nil {
		*err = &Error{Kind: Bug, Disposition: BugFound, Code: "panic", Err: fmt.Errorf("panic (%T) at %s", r, debug.Stack())}
	}
}

// MessageError is a fault of the message itself.
func MessageError(d Disposition, code string, format string, args ...any) *Error {
	return &Error{Kind: Message, Disposition: d, Code: code, Err: fmt.Errorf(format, args...)}
}

// BackendError is a fault of what every record would meet alike.
func BackendError(code string, format string, args ...any) *Error {
	return &Error{Kind: Backend, Code: code, Err: fmt.Errorf(format, args...)}
}
