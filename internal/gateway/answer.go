package gateway

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// The codes of answers: what a client, a metric and the documentation call an outcome.
const (
	codeTaken       = "taken"
	codePartial     = "partial"
	codeOff         = "not_served"
	codeAuth        = "unauthorized"
	codeNamespace   = "other_namespace"
	codeType        = "unsupported_type"
	codeEncoding    = "unsupported_encoding"
	codeGzip        = "invalid_gzip"
	codeCut         = "incomplete_body"
	codeSlow        = "slow_client"
	codeTooLarge    = "too_large"
	codeEmpty       = "empty_body"
	codeJSON        = "invalid_json"
	codeEvent       = "invalid_event"
	codeUnsafe      = "unsafe_event"
	codeResult      = "invalid_result"
	codeBusy        = "busy"
	codeUnavailable = "unavailable"
	codeBug         = "bug"
)

func codes() []string {
	return []string{codeTaken, codePartial, codeOff, codeAuth, codeNamespace, codeType, codeEncoding, codeGzip, codeCut, codeSlow, codeTooLarge, codeEmpty,
		codeJSON, codeEvent, codeUnsafe, codeResult, codeBusy, codeUnavailable, codeBug}
}

// Seconds after which a client may come again.
const (
	afterBusy        = 1
	afterUnavailable = 5
)

// answer is what a request gets. The zero value is no answer.
type answer struct {
	status        int
	code          string
	message, hint string // no values of what came
	detail        string // the code of the fault in what came, where there is one
	headers       map[string]string
	body          any // instead of code, message and hint
}

func refusal(status int, code, message, hint string) answer {
	return answer{status: status, code: code, message: message, hint: hint}
}

func busy() *answer {
	a := refusal(http.StatusTooManyRequests, codeBusy, "too much waits for Kafka", "send it again later; nothing of it was taken")
	a.headers = map[string]string{"Retry-After": strconv.Itoa(afterBusy)}
	return &a
}

func unavailable() answer {
	a := refusal(http.StatusServiceUnavailable, codeUnavailable, "Kafka does not take records", "send it again later")
	a.headers = map[string]string{"Retry-After": strconv.Itoa(afterUnavailable)}
	return a
}

// retriable reports whether the same request may be taken later.
func (a answer) retriable() bool {
	return a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable || a.status == http.StatusInternalServerError
}

func (a answer) write(w http.ResponseWriter) {
	for k, v := range a.headers {
		w.Header().Set(k, v)
	}
	body := a.body
	if body == nil && a.status >= 400 {
		body = struct {
			Code    string `json:"code"`
			Detail  string `json:"detail,omitempty"`
			Message string `json:"message"`
			Hint    string `json:"hint,omitempty"`
		}{a.code, a.detail, a.message, a.hint}
	}
	if body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(body) // who does not read it has gone
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

// written is the answer to a record that the writer answered for: the brokers have it, will never have it, or cannot now.
func written(err error) answer {
	if err == nil {
		return answer{status: http.StatusCreated, code: codeTaken}
	}
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Message {
		return unavailable()
	}
	if f.Disposition == fault.Oversize {
		return refusal(http.StatusRequestEntityTooLarge, codeTooLarge, "it is larger than its topic takes", "raise max.message.bytes of the topic, or send less")
	}
	return refusal(http.StatusUnprocessableEntity, codeEvent, "the brokers refuse the record", "")
}
