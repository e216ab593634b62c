package http

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Backend is the kind of backend: marquez, datahub or generic; empty while auto has not been answered yet.
func (h *Destination) Backend() string {
	if b := h.backend.Load(); b != nil {
		return *b
	}
	return ""
}

func (h *Destination) setBackend(b string) { h.backend.Store(&b) }

// askKindAgain is how long after an answer that taught nothing an event asks an auto backend again what it is.
const askKindAgain = 5 * time.Second

// Probe asks whether the backend is there, with a GET that changes nothing, and if its kind is not known yet it
// learns it from a 2xx or from Marquez's own words. Any other answer may be that of something on the way, and to guess would be
// to guess for good. The error is a Backend fault when nobody answers, or only a gateway does.
func (h *Destination) Probe(ctx context.Context) error {
	a, err := h.do(ctx, http.MethodGet, h.probe, nil, answerLimit)
	if err != nil {
		return err
	}
	switch a.status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		http.StatusTooManyRequests, http.StatusRequestTimeout:
		f := classify(a.status, a.header, nil, "", Generic, false)
		f.Hint = "a gateway answered, not the backend"
		return f
	}
	if h.Backend() != "" {
		return nil
	}
	kind := kindOf(a)
	if kind == "" {
		h.probed.Store(h.now().UnixNano())
		return nil
	}
	h.setBackend(kind)
	return nil
}

// kindOf tells Marquez by its list of namespaces, or by its own way of saying that its database is away; empty if the answer
// does not tell.
func kindOf(a answer) string {
	switch {
	case a.status/100 == 2 && a.broken == nil:
		var list struct {
			Namespaces *[]json.RawMessage `json:"namespaces"`
		}
		if json.Unmarshal(a.body, &list) == nil && list.Namespaces != nil {
			return Marquez
		}
		return Generic
	case a.status == http.StatusInternalServerError:
		if isJSON(a.header) && codeOf(a.body) == http.StatusInternalServerError {
			return Marquez
		}
	}
	return ""
}

func isJSON(h http.Header) bool {
	return strings.Contains(strings.ToLower(h.Get("Content-Type")), "json")
}

// codeOf is the code inside a JSON error body {"code":…,"message":…}; 0 if there is none.
func codeOf(body []byte) int {
	var a struct {
		Code int `json:"code"`
	}
	if json.Unmarshal(body, &a) != nil {
		return 0
	}
	return a.Code
}
