package http

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// Get asks the backend for what lies below api/v1 of its base url, with the credentials, headers and TLS that events go with. Each segment of the path is encoded by
// itself: a slash in a name is no border. An answer of more than most bytes is a Backend fault, as is none; any status is an answer. What is given of the body of one
// that refuses is short, and holds no secret.
func (h *Destination) Get(ctx context.Context, segments []string, query url.Values, most int64) (status int, body []byte, err error) {
	target := h.below("api/v1", segments...)
	target.RawQuery = query.Encode()
	a, err := h.do(ctx, http.MethodGet, target, nil, most)
	switch {
	case err != nil:
		return 0, nil, err
	case a.broken != nil:
		return 0, nil, a.broken
	case a.status/100 != 2:
		return a.status, []byte(h.wordsOf(a, nil)), nil
	}
	return a.status, a.body, nil
}

// Base is the url below which the backend's endpoints lie, without credentials.
func (h *Destination) Base() string {
	return strings.TrimSuffix(shownURL(h.base), "/")
}
