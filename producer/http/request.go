package http

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/gx-ol/gx-ol/internal/fault"
)

const (
	answerLimit = 8 << 20          // bytes of an answer that says something: to a question, to a batch
	faultLimit  = 64 << 10         // bytes of an answer that refuses
	drainLimit  = 256 << 10        // bytes of an answer that nobody needs; beyond it the connection is closed rather than used again
	faultTime   = 5 * time.Second  // how long the rest of an answer that refuses is waited for
	drainTime   = time.Second      // how long the rest of an answer that nobody needs is waited for
	maxHeader   = 1 << 20          // bytes of an answer's header
	maxIdle     = 256              // connections that are kept: above any number in flight
	idleTimeout = 25 * time.Second // Marquez closes idle connections after 30 s without notice
)

// statusAlone, for do: nothing is needed of the body of a 2xx.
const statusAlone = 0

// answer is what a request brought.
type answer struct {
	status int
	header http.Header
	body   []byte
	empty  bool  // it said that there is no body; one that was lost may look like none
	broken error // a Backend fault: body is not all that there is of a 2xx
}

// errTimeout ends an attempt.
var errTimeout = errors.New("timeout")

// do is one request and what is needed of its answer: of a 2xx as many as most bytes, or none at all, for statusAlone. The error is ctx's own, or a Backend
// fault. Its timer ends first the attempt and then, when the status is known, the reading of what matters less.
func (h *Destination) do(ctx context.Context, method string, target *url.URL, body []byte, most int64) (answer, error) {
	attempt, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(h.cfg.Timeout, func() { cancel(errTimeout) })
	defer func() {
		timer.Stop()
		cancel(nil)
	}()
	req, err := h.request(attempt, method, target, body)
	if err != nil {
		return answer{}, err
	}
	res, err := h.send(req)
	if err != nil {
		return answer{}, h.transportFault(ctx, attempt, err)
	}
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode, header: res.Header, empty: res.ContentLength == 0}
	switch {
	case res.StatusCode < 200:
		return a, nil // its body is the connection itself, which has no end
	case res.StatusCode/100 == 2 && most == statusAlone:
		drain(res, timer)
	case res.StatusCode/100 == 2:
		a.body, err = io.ReadAll(io.LimitReader(res.Body, most+1))
		if err != nil {
			a.broken = h.transportFault(ctx, attempt, err)
		} else if int64(len(a.body)) > most {
			a.broken = tooLong(most)
		}
	default:
		timer.Reset(min(faultTime, h.cfg.Timeout))
		a.body, err = io.ReadAll(io.LimitReader(res.Body, faultLimit)) // what there is of it
		drain(res, timer)
	}
	if err != nil && ctx.Err() != nil {
		return answer{}, ctx.Err()
	}
	return a, nil
}

// tooLong is the fault of a 2xx of which more would have to be read than is kept.
func tooLong(most int64) error {
	f := fault.BackendError("answer_too_long", "its answer has more than %d bytes", most)
	f.Hint = "is the url that of an OpenLineage backend, and nothing between that answers in its place?"
	return f
}

// drain reads the rest of an answer, so that its connection can be used again; for a short time, and not much.
func drain(res *http.Response, timer *time.Timer) {
	if res.ContentLength == 0 || res.ContentLength > drainLimit {
		return
	}
	timer.Reset(drainTime)
	buf, _ := drains.Get().(*[]byte)
	for left := drainLimit; left > 0; {
		n, err := res.Body.Read(*buf)
		left -= n
		if err != nil {
			break
		}
	}
	drains.Put(buf)
}

// drains are buffers for what nobody reads.
var drains = sync.Pool{New: func() any { b := make([]byte, 4<<10); return &b }}

// request makes a request as net/http would, without reading the url and building the header each time.
func (h *Destination) request(ctx context.Context, method string, target *url.URL, body []byte) (*http.Request, error) {
	req := (&http.Request{Method: method, URL: target, Host: target.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	now := h.headersNow()
	if body == nil {
		req.Header = now.get
		return req, nil
	}
	req.Header = now.post
	if h.cfg.Gzip {
		var err error
		if body, err = zipped(body); err != nil {
			return nil, fmt.Errorf("compressing event: %w", err)
		}
	}
	req.ContentLength = int64(len(body))
	// net/http sends header and body in one write only if it knows that the body is in memory, and it knows this type.
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	return req, nil
}

// zippers are writers of gzip at its quickest: an idle one keeps its tables.
var zippers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level is one that there is
	return w
}}

func zipped(body []byte) ([]byte, error) {
	buf := bytes.NewBuffer(make([]byte, 0, len(body)/4+64))
	w, _ := zippers.Get().(*gzip.Writer)
	w.Reset(buf)
	_, err := w.Write(body)
	err = errors.Join(err, w.Close())
	zippers.Put(w)
	return buf.Bytes(), err
}

// headers are what requests carry as long as no secret is renewed. They are shared: net/http does not change a request's header.
type headers struct {
	values    []string // of the key and the further headers, by which a renewal shows
	get, post http.Header
}

// headersNow are the headers with the key and the values of this moment.
func (h *Destination) headersNow() *headers {
	last := h.headers.Load()
	if last != nil && !h.renews {
		return last
	}
	values := make([]string, 0, 1+len(h.names))
	values = append(values, h.authorizationNow())
	for _, name := range h.names {
		values = append(values, h.headerNow(name))
	}
	if last != nil && slices.Equal(values, last.values) {
		return last
	}
	now := &headers{values: values, get: make(http.Header)}
	now.get.Set("User-Agent", h.agent)
	now.get.Set("Accept", "application/json")
	for i, name := range h.names {
		now.get.Set(name, values[1+i])
		h.secrets.add(values[1+i])
	}
	if user := h.base.User; user != nil {
		password, _ := user.Password()
		now.get.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password)))
	}
	if values[0] != "" {
		now.get.Set("Authorization", values[0])
		_, credentials, _ := strings.Cut(values[0], " ")
		h.secrets.add(credentials)
	}
	now.post = now.get.Clone()
	now.post.Set("Content-Type", "application/json")
	if h.cfg.Gzip {
		now.post.Set("Content-Encoding", "gzip")
	}
	// An empty key is not sent; it lets net/http repeat the request at once on a fresh connection if the server had
	// closed the idle one. Events are harmless when they repeat.
	now.post["Idempotency-Key"] = []string{}
	h.headers.Store(now)
	return now
}

// headerNow is the value of one of the further headers at this moment.
func (h *Destination) headerNow(name string) string {
	if now := h.cfg.HeadersNow[name]; now != nil {
		return cmp.Or(now(), h.cfg.Headers[name])
	}
	return h.cfg.Headers[name]
}

// faultOf says whose fault an answer is; nil for a 2xx of an OpenLineage endpoint. sent is the body of the request, which is not quoted.
func (h *Destination) faultOf(a answer, sent []byte) *fault.Error {
	if a.status/100 == 2 && !isHTML(a.header) {
		return nil // before words are looked for, and in them for secrets: nearly every answer ends here
	}
	return classify(a.status, a.header, a.body, h.wordsOf(a, sent), h.Backend(), h.okLately())
}

// wordsOf are the backend's own words, in short and without secrets and what was sent.
func (h *Destination) wordsOf(a answer, sent []byte) string {
	return cut(h.secrets.cut(words(a.header, a.body, sent)), quoteLimit)
}
