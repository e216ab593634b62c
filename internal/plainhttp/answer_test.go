package plainhttp

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// said is a connection whose other end has said all that it will.
type said struct {
	net.Conn // none
	in       io.Reader
	closed   bool
}

func (s *said) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *said) Close() error                { s.closed = true; return nil }
func (s *said) SetDeadline(time.Time) error { return nil }

// Whatever comes as an answer: it is what net/http's reader makes of it, its header is bounded, and a connection is kept only if nothing is left on it.
func FuzzAnswer(f *testing.F) {
	for _, answer := range answers {
		if len(answer) < 10_000 {
			f.Add([]byte(answer), true)
		}
	}
	f.Add([]byte(empty+empty), false)
	f.Add([]byte(strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 300)+empty), true)
	f.Fuzz(func(t *testing.T, raw []byte, read bool) {
		tr := &Transport{cfg: Config{MaxHeaderBytes: 4 << 10}, idle: pool{most: 1, after: time.Hour}}
		defer tr.CloseIdleConnections()
		wire := &said{in: bytes.NewReader(raw)}
		c := &conn{Conn: wire, of: tr}
		c.in = bufio.NewReader(bounded{c})
		req := post(context.Background(), t, &url.URL{Scheme: "http", Host: "h", Path: "/"}, "event")
		res, err := c.answer(req)
		want, rest, wantErr := reference(raw, req)
		if err != nil {
			if wantErr == nil && len(raw)-len(rest) <= 4<<10 {
				t.Fatalf("%v where net/http has %d", err, want.StatusCode)
			}
			return
		}
		if wantErr != nil || res.StatusCode != want.StatusCode || res.ContentLength != want.ContentLength || res.Close != want.Close {
			t.Fatalf("%d, %d, %v where net/http has %v, %v", res.StatusCode, res.ContentLength, res.Close, want, wantErr)
		}
		b := &body{c: c, ctx: context.Background(), stop: func() bool { return true }, in: res.Body, keep: !res.Close && res.StatusCode >= 200}
		switch {
		case res.Body == http.NoBody:
			b.finish(true)
		case read:
			got, err := io.ReadAll(b)
			all, allErr := io.ReadAll(want.Body)
			if !bytes.Equal(got, all) || (err == nil) != (allErr == nil) {
				t.Fatalf("%q, %v where net/http has %q, %v", got, err, all, allErr)
			}
			_ = b.Close()
		default:
			_ = b.Close()
		}
		kept := len(tr.idle.idle) == 1
		if kept == wire.closed {
			t.Fatal("neither kept nor closed, or both")
		}
		if kept && c.in.Buffered() > 0 {
			t.Fatalf("kept with %d bytes on it", c.in.Buffered())
		}
	})
}

// reference is the answer, what follows its header, and an error, as net/http's reader has it.
func reference(raw []byte, req *http.Request) (*http.Response, []byte, error) {
	whole := bytes.NewReader(raw)
	in := bufio.NewReaderSize(whole, len(raw)+16)
	for {
		res, err := http.ReadResponse(in, req)
		if err != nil {
			return nil, nil, err
		}
		if res.StatusCode/100 != 1 || res.StatusCode == http.StatusSwitchingProtocols {
			rest, _ := in.Peek(in.Buffered())
			return res, bytes.Clone(rest), nil
		}
	}
}
