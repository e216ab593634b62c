package plainhttp

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// appendRequest appends the bytes of a request, as net/http would send them, but for one line: an answer to a POST is short, and not worth to be packed.
func appendRequest(out []byte, req *http.Request) ([]byte, error) {
	target := req.URL.RequestURI()
	if strings.ContainsFunc(target, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return out, errors.New("the url of the request holds a control character")
	}
	out = append(out, req.Method...)
	out = append(out, ' ')
	out = append(out, target...)
	out = append(out, " HTTP/1.1\r\nHost: "...)
	out = append(out, req.Host...)
	out = append(out, "\r\nAccept-Encoding: identity\r\nContent-Length: "...)
	out = strconv.AppendInt(out, req.ContentLength, 10)
	out = append(out, "\r\n"...)
	for name, values := range req.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return out, fmt.Errorf("invalid header field name %q", name)
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return out, fmt.Errorf("invalid header field value for %q", name) // which may be a secret
			}
			value = textproto.TrimString(value)
			if !leftOut(name, value) {
				out = append(append(append(append(out, name...), ": "...), value...), "\r\n"...)
			}
		}
	}
	return appendBody(append(out, "\r\n"...), req)
}

// leftOut reports whether net/http does not send a line of the header: those that say where the request goes and where it ends are its own.
func leftOut(name, value string) bool {
	switch name {
	case "Host", "Content-Length", "Transfer-Encoding", "Trailer":
		return true
	case "User-Agent":
		return value == ""
	}
	return false
}

// appendBody appends the body, which must be as long as was said: what is missing or too much would be taken for the next request.
func appendBody(out []byte, req *http.Request) ([]byte, error) {
	begin, n := len(out), int(req.ContentLength)
	out = append(out, make([]byte, n+1)...) // one more, to see that the body ends
	got, err := io.ReadFull(req.Body, out[begin:])
	switch {
	case err == nil:
		return out, fmt.Errorf("the body of the request has more than %d bytes", n)
	case err != io.ErrUnexpectedEOF && err != io.EOF:
		return out, fmt.Errorf("the body of the request: %w", err)
	case got < n:
		return out, fmt.Errorf("the body of the request has %d bytes instead of %d", got, n)
	}
	return out[:begin+n], nil
}
