package http

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Get asks the backend for what lies below api/v1 of its base url, with the key, headers and TLS that events go with. Each segment of the path is encoded by itself: a
// slash in a name is no border. An answer of more than most bytes is a Backend fault, as is none; any status is an answer. What is given of the body of one that
// refuses is short, and holds no secret.
func (h *Destination) Get(ctx context.Context, segments []string, query url.Values, most int64) (status int, body []byte, err error) {
	target := h.below("api/v1", segments...)
	target.RawQuery = query.Encode()
	attempt, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(h.cfg.Timeout, func() { cancel(errTimeout) })
	defer func() {
		timer.Stop()
		cancel(nil)
	}()
	req, err := h.request(attempt, http.MethodGet, target, nil)
	if err != nil {
		return 0, nil, err
	}
	res, err := h.transport.RoundTrip(req) // the transport itself: see do
	if err != nil {
		return 0, nil, h.transportFault(ctx, attempt, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode/100 != 2 {
		a := answer{status: res.StatusCode, header: res.Header}
		a.body, _ = io.ReadAll(io.LimitReader(res.Body, faultLimit)) // what there is of it
		return res.StatusCode, []byte(cut(h.secrets.cut(words(a.header, a.body, nil)), quoteLimit)), nil
	}
	body, err = io.ReadAll(io.LimitReader(res.Body, most+1))
	switch {
	case err != nil:
		return 0, nil, h.transportFault(ctx, attempt, err)
	case int64(len(body)) > most:
		return 0, nil, h.transportFault(ctx, attempt, errors.New("the answer is too long"))
	}
	return res.StatusCode, body, nil
}

// Base is the url below which the backend's endpoints lie, without credentials.
func (h *Destination) Base() string {
	return (&url.URL{Scheme: h.base.Scheme, Host: h.base.Host, Path: strings.TrimSuffix(h.base.Path, "/")}).String()
}
