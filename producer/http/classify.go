package http

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gx-ol/gx-ol/internal/fault"
)

const (
	quoteLimit    = 200       // bytes of the backend's own words in an error
	maxRetryAfter = time.Hour // a date in the far future must not stop delivery for good
)

// classify says whose fault an answer is; nil for success. said are the backend's own words; lastOK tells whether this destination answered another
// event with 2xx within the last minute. What every record would meet alike is never the record's fault.
func classify(status int, header http.Header, body []byte, said, backend string, lastOK bool) *fault.Error {
	code := "http_" + strconv.Itoa(status)
	text := fmt.Sprintf("the backend answered %d", status)
	if name := http.StatusText(status); name != "" {
		text += " " + name
	}
	if said != "" {
		text += ": " + said
	}
	switch {
	case status/100 == 2 && isHTML(header):
		f := fault.BackendError("not_openlineage", "%s with a web page", text)
		f.Hint = "the url is no OpenLineage endpoint: a login, or the backend's web page?"
		return f
	case status/100 == 2:
		return nil
	case status == http.StatusRequestEntityTooLarge:
		return fault.MessageError(fault.Oversize, code, "%s", text)
	case status == http.StatusUnprocessableEntity:
		return fault.MessageError(fault.Rejected, code, "%s", text)
	case status == http.StatusInternalServerError && (backend == Marquez || backend == "") && isJSON(header) && codeOf(body) == http.StatusBadRequest:
		return fault.MessageError(fault.Rejected, "http_500_code_400", "%s", text)
	case status == http.StatusBadRequest && lastOK:
		return fault.MessageError(fault.Rejected, code, "%s", text)
	}
	f := fault.BackendError(code, "%s", text)
	f.Hint = hints(status)
	f.RetryAfter = retryAfter(header.Get("Retry-After"), time.Now())
	f.Unclear = unclear(status, backend)
	return f
}

// unclear reports whether a status may be the record's own fault after all. 502 to 504 come from gateways, except
// that with an unknown kind of backend every 5xx may be the backend's way to refuse.
func unclear(status int, backend string) bool {
	switch status {
	case http.StatusBadRequest:
		return true
	case http.StatusForbidden, http.StatusNotFound, http.StatusConflict:
		return true // some backends answer so by entity: one event is refused for good while others are taken
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return backend != Marquez
	}
	return status/100 == 5
}

func hints(status int) string {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "check the api key of the destination"
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed:
		return "check the url and endpoint of the destination"
	case status/100 == 3:
		return "redirects are not followed: set the url that the backend redirects to"
	case status == http.StatusUnsupportedMediaType, status == http.StatusNotAcceptable:
		return "is the url an OpenLineage endpoint? If so, try without gzip"
	case status == http.StatusRequestHeaderFieldsTooLarge:
		return "check the api key and headers of the destination: too long for the backend"
	case status == http.StatusProxyAuthRequired:
		return "check the credentials for the proxy"
	}
	return ""
}

// retryAfter reads a Retry-After of seconds or an HTTP date; 0 if there is none or it is over.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if n, err := strconv.ParseInt(value, 10, 64); err == nil {
		return time.Duration(max(0, min(n, int64(maxRetryAfter/time.Second)))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, min(at.Sub(now), maxRetryAfter))
	}
	return 0
}

// words are the backend's own, on one line: `errors` or `message` of a JSON body, else the first line of a text. A part of what was
// sent is not quoted: it could hold values of rows.
func words(header http.Header, body, sent []byte) string {
	said := ""
	switch {
	case isHTML(header):
	case isJSON(header):
		var a struct {
			Errors  []string `json:"errors"`
			Message string   `json:"message"`
		}
		if json.Unmarshal(body, &a) != nil && a.Message == "" {
			return ""
		}
		said = a.Message
		if len(a.Errors) > 0 {
			said = strings.Join(a.Errors, "; ")
		}
	case strings.HasPrefix(strings.ToLower(header.Get("Content-Type")), "text/"):
		line, _, _ := bytes.Cut(bytes.TrimSpace(body), []byte("\n"))
		// A text quotes freely; where it may begin to quote JSON, it ends.
		if i := bytes.IndexAny(line, "{[<"); i >= 0 {
			line = line[:i]
		}
		said = string(line)
	}
	said = clean(said)
	if len(said) >= leastEcho && bytes.Contains(sent, []byte(said)) {
		return ""
	}
	return said
}

// leastEcho is how long a text must be to be taken for a piece of what was sent.
const leastEcho = 16

// clean is s in valid UTF-8 on one line without control characters, which would reach a terminal.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

func isHTML(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(h.Get("Content-Type"))), "text/html")
}

// cut is s up to n bytes, without tearing a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
