package gateway

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// firstRead is the room that a body of unknown size is given at first.
const firstRead = 16 << 10

var unpackers = sync.Pool{New: func() any { return new(gzip.Reader) }}

// read reads a body into room of h: as much of it as a request may bring, unpacked.
func (g *Gateway) read(w http.ResponseWriter, r *http.Request, h *hold) ([]byte, *answer) {
	if bad := contentType(r); bad != nil {
		return nil, bad
	}
	limit := int64(g.cfg.MaxRequestBytes)
	if r.ContentLength > limit {
		return nil, g.tooLarge()
	}
	body := io.Reader(http.MaxBytesReader(w, r.Body, limit)) // it also ends the connection of who sends more
	size := r.ContentLength
	switch strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ","))) {
	case "", "identity":
	case "gzip", "x-gzip":
		unpacker := unpackers.Get().(*gzip.Reader) // the pool holds nothing else
		defer unpackers.Put(unpacker)
		if err := unpacker.Reset(body); err != nil {
			return nil, g.unread(err, true)
		}
		body, size = unpacker, -1
	default:
		a := refusal(http.StatusUnsupportedMediaType, codeEncoding, "this Content-Encoding is not taken", "send gzip, or no encoding")
		a.headers = map[string]string{"Accept-Encoding": "gzip"}
		return nil, &a
	}
	return g.readAll(body, size, h, size < 0)
}

// readAll reads with the room that it takes before it uses it.
func (g *Gateway) readAll(body io.Reader, size int64, h *hold, packed bool) ([]byte, *answer) {
	limit := int64(g.cfg.MaxRequestBytes)
	want := size + 1 // one more, to see the end without growing
	if size < 0 {
		want = firstRead
	}
	if !h.more(want) {
		return nil, busy()
	}
	buf := make([]byte, 0, want)
	for {
		if len(buf) == cap(buf) {
			if int64(len(buf)) > limit {
				return nil, g.tooLarge()
			}
			more := min(int64(cap(buf)), limit+1-int64(cap(buf)))
			if more <= 0 {
				return nil, g.tooLarge()
			}
			if !h.more(more) {
				return nil, busy()
			}
			grown := make([]byte, len(buf), int64(cap(buf))+more)
			copy(grown, buf)
			buf = grown
		}
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case int64(len(buf)) > limit:
			return nil, g.tooLarge()
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return nil, g.unread(err, packed)
		}
	}
}

// contentType wants JSON to be called JSON: a page of another site can make a browser post anything else without asking.
func contentType(r *http.Request) *answer {
	given := r.Header.Get("Content-Type")
	if given == "application/json" {
		return nil
	}
	kind, _, err := mime.ParseMediaType(given)
	if err == nil && (kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")) {
		return nil
	}
	a := refusal(http.StatusUnsupportedMediaType, codeType, "the Content-Type must be application/json", "curl: -H 'Content-Type: application/json'")
	return &a
}

func (g *Gateway) tooLarge() *answer {
	a := refusal(http.StatusRequestEntityTooLarge, codeTooLarge, "the body is larger than a request may be", "gateway.max_request_bytes says how large")
	return &a
}

// unread is a body that did not come whole.
func (g *Gateway) unread(err error, packed bool) *answer {
	var large *http.MaxBytesError
	var a answer
	switch {
	case errors.As(err, &large):
		return g.tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		a = refusal(http.StatusRequestTimeout, codeSlow, "the body did not come in time", "")
	case packed && (errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)):
		a = refusal(http.StatusBadRequest, codeGzip, "the body is not whole gzip", "")
	case packed:
		a = refusal(http.StatusBadRequest, codeGzip, "the body cannot be unpacked", "")
	default:
		a = refusal(http.StatusBadRequest, codeCut, "the body did not come whole", "")
	}
	return &a
}
