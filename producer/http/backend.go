package http

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// Backend is the kind of backend: marquez, datahub or generic; empty while auto has not been answered yet.
func (h *Destination) Backend() string {
	if b := h.backend.Load(); b != nil {
		return *b
	}
	return ""
}

func (h *Destination) setBackend(b string) { h.backend.Store(&b) }

// Probe asks whether the backend is there, with a GET that changes nothing, and if its kind is not known yet it
// learns it from the answer. The error is a Backend fault when nobody answers, or only a proxy does.
func (h *Destination) Probe(ctx context.Context) error {
	status, header, body, err := h.do(ctx, http.MethodGet, h.probe, nil)
	if err != nil {
		return err
	}
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		http.StatusTooManyRequests, http.StatusRequestTimeout:
		// A gateway's answer tells nothing of what is behind it; to guess would be to guess for good.
		f := classify(status, header, nil, Generic, false)
		f.Hint = "a gateway answered, not the backend"
		return f
	}
	if h.Backend() == "" {
		h.setBackend(kindOf(status, header, body))
	}
	return nil
}

// kindOf tells Marquez by its list of namespaces, or by its own way of saying that its database is away.
func kindOf(status int, header http.Header, body []byte) string {
	switch status {
	case http.StatusOK:
		var a struct {
			Namespaces *[]json.RawMessage `json:"namespaces"`
		}
		if json.Unmarshal(body, &a) == nil && a.Namespaces != nil {
			return Marquez
		}
	case http.StatusInternalServerError:
		if isJSON(header) && codeOf(body) == http.StatusInternalServerError {
			return Marquez
		}
	}
	return Generic
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
