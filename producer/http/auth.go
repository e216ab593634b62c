package http

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/time/rate"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// authorizationNow is the Authorization header of this moment; empty for none, and for tokens, which are asked for as a request is sent.
func (h *Destination) authorizationNow() string {
	if h.cfg.Basic != nil {
		user, password := h.cfg.Basic()
		h.secrets.add(password)
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	key := h.cfg.APIKey
	if h.cfg.APIKeyNow != nil {
		key = cmp.Or(h.cfg.APIKeyNow(), key)
	}
	if key == "" {
		return ""
	}
	return "Bearer " + key
}

// send is one request, with a token where the backend wants one. A token that is refused is renewed once: the backend may have forgotten it, or its clock
// may be ahead. The transport itself sends, not a Client: a redirect would turn the POST into a GET, or send the key elsewhere; 3xx is an answer.
func (h *Destination) send(req *http.Request) (*http.Response, error) {
	if h.cfg.Token == nil {
		return h.roundTrip(req)
	}
	token, err := h.tokenNow(req.Context(), "")
	if err != nil {
		return nil, err
	}
	res, err := h.roundTrip(authorized(req, token))
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		return res, err
	}
	_ = res.Body.Close() // its connection is not used again: a 401 is rare
	if token, err = h.tokenNow(req.Context(), token); err != nil {
		return nil, err
	}
	if req.GetBody != nil {
		if req.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
	return h.roundTrip(authorized(req, token))
}

// tokenNow asks for a token. Without one nothing can be delivered, whatever the reason: that is the backend's outage, and no event's fault.
func (h *Destination) tokenNow(ctx context.Context, refused string) (string, error) {
	token, err := h.cfg.Token(ctx, refused)
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		f := fault.BackendError("no_token", "%s", h.secrets.cut(err.Error()))
		f.Hint = "check transport.auth, and that the token endpoint runs"
		return "", f
	}
	if last := h.bearer.Load(); last == nil || *last != token {
		h.bearer.Store(&token)
		h.secrets.add(token)
	}
	return token, nil
}

// authorized is req with a token. The header of a request is shared with others.
func authorized(req *http.Request, token string) *http.Request {
	own := *req
	own.Header = req.Header.Clone()
	own.Header.Set("Authorization", "Bearer "+token)
	return &own
}

// useProxy has the transport ask for the proxy at each request, and name what a proxy refuses.
func (h *Destination) useProxy() {
	h.transport.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
		if res.StatusCode/100 == 2 {
			return nil
		}
		f := fault.BackendError(fmt.Sprintf("proxy_%d", res.StatusCode), "the proxy answered %d to a connection to %s", res.StatusCode, h.base.Host)
		f.Hint = cmp.Or(hints(res.StatusCode), "does the proxy let gx-ol connect to the backend?")
		if res.StatusCode == http.StatusForbidden {
			f.Hint = "does the proxy let gx-ol connect to the backend?"
		}
		return f
	}
	if h.cfg.Proxy == nil {
		return
	}
	h.transport.Proxy = func(*http.Request) (*url.URL, error) {
		proxy, err := h.cfg.Proxy()
		if err != nil || proxy == nil {
			return nil, err
		}
		password, _ := proxy.User.Password()
		h.secrets.add(password)
		return proxy, nil
	}
}

// limiter is nil for no limit.
func limiter(perSecond float64, burst int) *rate.Limiter {
	if perSecond <= 0 {
		return nil
	}
	if burst <= 0 {
		burst = max(1, int(perSecond))
	}
	return rate.NewLimiter(rate.Limit(perSecond), burst)
}

// Pace waits for the turn of one event, where there is a rate. Its error is ctx's.
func (h *Destination) Pace(ctx context.Context) error {
	if h.pace == nil {
		return nil
	}
	turn := h.pace.Reserve()
	wait := time.NewTimer(turn.Delay())
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		turn.Cancel() // another may have it
		return ctx.Err()
	}
}
