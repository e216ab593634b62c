// Package lease says with a context until when a request may be begun. The end of a context ends what is under way too; the end of a lease only lets nothing
// begin: what was begun in time is another process's to begin again, and not to undo.
package lease

import (
	"context"
	"errors"
	"time"
)

// ErrOver is that a request was not begun, since its lease was over. Nothing of it was sent.
var ErrOver = errors.New("it was not begun in time: it may be another process's by now")

type key struct{}

// Until is ctx for what may be begun until end. A zero end is none.
func Until(ctx context.Context, end time.Time) context.Context {
	if end.IsZero() {
		return ctx
	}
	return context.WithValue(ctx, key{}, end)
}

// End is until when what ctx is for may be begun; zero: there is no end.
func End(ctx context.Context) time.Time {
	end, _ := ctx.Value(key{}).(time.Time)
	return end
}

// Check is ErrOver if what ctx is for may not be begun any more. It is to be asked last, right before the first byte leaves: the process may stand still at any time.
func Check(ctx context.Context) error {
	if end := End(ctx); !end.IsZero() && !time.Now().Before(end) {
		return ErrOver
	}
	return nil
}
