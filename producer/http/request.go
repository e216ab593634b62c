package http

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// do is one request and its whole answer. The error is ctx's own, or a Backend fault.
func (h *Destination) do(ctx context.Context, method, target string, body []byte) (int, http.Header, []byte, error) {
	attempt, cancel := context.WithTimeout(ctx, h.cfg.Timeout)
	defer cancel()
	req, err := h.request(attempt, method, target, body)
	if err != nil {
		return 0, nil, nil, err
	}
	res, err := h.client.Do(req)
	if err != nil {
		return 0, nil, nil, h.transportFault(ctx, err)
	}
	defer func() { _ = res.Body.Close() }() // nothing of the answer is needed any more
	limit := int64(answerLimit)
	if method == http.MethodGet {
		limit = questionLimit // what was asked for
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, limit))
	if err == nil {
		_, err = io.CopyN(io.Discard, res.Body, drainLimit) // so that the connection can be used again
	}
	if err != nil && !errors.Is(err, io.EOF) && res.StatusCode/100 != 2 {
		return 0, nil, nil, h.transportFault(ctx, err)
	}
	return res.StatusCode, res.Header, answer, nil
}

func (h *Destination) request(ctx context.Context, method, target string, body []byte) (*http.Request, error) {
	zip := h.cfg.Gzip && body != nil
	if zip {
		var buf bytes.Buffer
		w := gzip.NewWriter(&buf)
		_, err := w.Write(body)
		if err = errors.Join(err, w.Close()); err != nil {
			return nil, fmt.Errorf("compressing event: %w", err)
		}
		body = buf.Bytes()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("making the request: url or method not valid")
	}
	for k := range h.cfg.Headers {
		req.Header.Set(k, h.headerNow(k))
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if zip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	req.Header.Set("Accept", "application/json")
	if key := h.keyNow(); key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	// An empty key is not sent; it lets net/http repeat the request at once on a fresh connection if the server had
	// closed the idle one. Events are harmless when they repeat.
	req.Header["Idempotency-Key"] = []string{}
	return req, nil
}

// keyNow is the API key of this moment.
func (h *Destination) keyNow() string {
	key := h.cfg.APIKey
	if h.cfg.APIKeyNow != nil {
		key = cmp.Or(h.cfg.APIKeyNow(), key)
	}
	h.secrets.add(key)
	return key
}

// headerNow is the value of one of the further headers at this moment.
func (h *Destination) headerNow(name string) string {
	value := h.cfg.Headers[name]
	if now := h.cfg.HeadersNow[name]; now != nil {
		value = cmp.Or(now(), value)
	}
	h.secrets.add(value)
	return value
}

// used are the secrets that requests carried: an answer to one may quote it after it was renewed.
type used struct {
	mu  sync.Mutex // guards all
	all map[string]struct{}
}

func (u *used) add(secret string) {
	if len(secret) < 4 {
		return // it would tear up ordinary words
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == nil {
		u.all = make(map[string]struct{})
	}
	u.all[secret] = struct{}{}
}

// cut takes every secret out of a text.
func (u *used) cut(text string) string {
	u.mu.Lock()
	all := slices.Collect(maps.Keys(u.all))
	u.mu.Unlock()
	// The longest first: one may be the begin of another, whose rest would stay.
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	for _, s := range all {
		text = strings.ReplaceAll(text, s, "***")
	}
	return text
}

// transportFault names an error without an answer. ctx is the caller's: its end is nobody's fault.
func (h *Destination) transportFault(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // its text quotes the url, which may hold credentials
	}
	timeout, ok := errors.AsType[net.Error](err)
	if errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout() {
		f := fault.BackendError("timeout", "no answer within %s", h.cfg.Timeout)
		f.Hint = "is the backend overloaded, or its timeout too short?"
		return f
	}
	f := fault.BackendError("connection", "%s", h.redact(err.Error()))
	f.Hint = "is the backend running, and its url right?"
	return f
}

// redact takes keys and the url's password out of a text. Errors of net and tls don't hold them; answers may.
func (h *Destination) redact(text string) string { return h.secrets.cut(text) }
