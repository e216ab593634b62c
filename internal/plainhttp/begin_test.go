package plainhttp

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// The last question is asked when there is a connection, new or kept: who may not begin then writes nothing, on this connection or another.
func TestARequestThatMayNotBeginAnyMoreIsNotWritten(t *testing.T) {
	errLate := errors.New("too late")
	for name, kept := range map[string]bool{"a new connection": false, "a kept one": true} {
		t.Run(name, func(t *testing.T) {
			b := start(t, func(s *served) {
				for {
					if _, ok := s.request(); !ok {
						return
					}
					s.say("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
				}
			})
			asked, dialled, late := 0, 0, false
			tr := plain(t, b, func(cfg *Config) {
				cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					dialled++
					return (&net.Dialer{}).DialContext(ctx, network, address)
				}
				cfg.MayBegin = func(context.Context) error {
					if asked++; dialled == 0 {
						t.Error("asked before there was a connection")
					}
					if late {
						return errLate
					}
					return nil
				}
			})
			sent := int64(0)
			if kept {
				if got := outcome(tr, post(t.Context(), t, b.URL, "{}")); got != `201 "" 0 ""` {
					t.Fatal(got)
				}
				sent = 1
			}
			late = true
			res, err := tr.RoundTrip(post(t.Context(), t, b.URL, "{}"))
			if res != nil {
				_ = res.Body.Close()
			}
			if !errors.Is(err, errLate) || err.Error() != errLate.Error() || asked != int(sent)+1 {
				t.Errorf("%v after %d questions", err, asked)
			}
			time.Sleep(20 * time.Millisecond)
			if n := b.requests.Load(); n != sent {
				t.Errorf("%d requests arrived, want %d", n, sent)
			}
		})
	}
}
