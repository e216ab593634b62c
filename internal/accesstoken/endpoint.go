package accesstoken

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/gx-ol/gx-ol/internal/tlsfiles"
)

// maxAnswer bounds what a token endpoint may answer.
const maxAnswer = 1 << 20

// Error is a token that could not be had, in words without a secret.
type Error struct {
	Endpoint string // scheme, host and path
	Refused  bool   // the endpoint answered that it gives none: a wrong id or secret, most likely
	text     string
	cause    error
}

func (e *Error) Error() string { return e.text }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.cause }

// Client is how a token endpoint is asked: by a proxy, that of the environment if it is nil, and without following redirects, which would take the secret along.
// Whom it believes: the system's roots, and the authorities of files, if they name any.
func Client(endpoint string, files tlsfiles.Files, proxy func() (*url.URL, error)) (*http.Client, error) {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 10 * time.Second, DisableKeepAlives: true} // asked once an hour
	if proxy != nil {
		transport.Proxy = func(*http.Request) (*url.URL, error) { return proxy() }
	}
	if files.CA != "" || files.CAText != nil || files.TrustStore != "" {
		files.SystemToo = true
		source, err := tlsfiles.Read(files)
		if err != nil {
			return nil, err
		}
		u, err := url.Parse(endpoint)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = source.For(u.Hostname())
	}
	return over(transport), nil
}

func over(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: transport, Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// ClientCredentials are those of OAuth 2's grant of that name (RFC 6749 §4.4).
type ClientCredentials struct {
	Endpoint string
	ID       func() string // asked each time, as is Secret: they may be renewed
	Secret   func() string
	Scopes   []string
	Extra    url.Values // further parameters, such as an audience
}

// Fetch asks the endpoint for a token.
func (c ClientCredentials) Fetch(client *http.Client) Fetch {
	return func(ctx context.Context) (Token, error) {
		secret := c.Secret()
		ask := clientcredentials.Config{ClientID: c.ID(), ClientSecret: secret, TokenURL: c.Endpoint, Scopes: c.Scopes, EndpointParams: c.Extra}
		t, err := ask.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
		if err != nil {
			refused, ok := errors.AsType[*oauth2.RetrieveError](err)
			if !ok || refused.Response == nil {
				return Token{}, unreachable(c.Endpoint, err)
			}
			return Token{}, answered(c.Endpoint, refused.Response.StatusCode, refused.ErrorCode, err)
		}
		return Token{Value: t.AccessToken, Expiry: t.Expiry}, nil
	}
}

// Exchange is how OpenLineage's Python and Java clients exchange an API key for a token (auth type jwt).
type Exchange struct {
	Endpoint                string
	APIKey                  func() string
	GrantType, ResponseType string
	TokenFields             []string // the first that the answer has
	ExpiresInField          string
}

// Fetch posts the key as a form.
func (x Exchange) Fetch(client *http.Client) Fetch {
	return func(ctx context.Context) (Token, error) {
		form := url.Values{"grant_type": {x.GrantType}, "response_type": {x.ResponseType}, "apikey": {x.APIKey()}}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, x.Endpoint, strings.NewReader(form.Encode()))
		if err != nil {
			return Token{}, &Error{Endpoint: shown(x.Endpoint), text: "the token endpoint is no address"}
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Accept", "application/json")
		res, err := client.Do(req)
		if err != nil {
			return Token{}, unreachable(x.Endpoint, err)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
		if err != nil {
			return Token{}, unreachable(x.Endpoint, err)
		}
		if res.StatusCode/100 != 2 {
			return Token{}, answered(x.Endpoint, res.StatusCode, "", nil)
		}
		return x.read(body)
	}
}

// read takes the token out of an answer. Names are compared as those clients do: without case, and the life's also without underscores.
func (x Exchange) read(body []byte) (Token, error) {
	var answer map[string]any
	if json.Unmarshal(body, &answer) != nil {
		return Token{}, &Error{Endpoint: shown(x.Endpoint), text: fmt.Sprintf("the token endpoint %s answered with something that is no JSON object", shown(x.Endpoint))}
	}
	var t Token
	for _, field := range x.TokenFields {
		if v, ok := lookUp(answer, field, strings.ToLower).(string); ok && t.Value == "" {
			t.Value = v
		}
	}
	if t.Value == "" {
		return Token{}, &Error{Endpoint: shown(x.Endpoint), text: fmt.Sprintf("the answer of the token endpoint %s has no token: tokenFields names where it stands (%s)", shown(x.Endpoint), strings.Join(x.TokenFields, ", "))}
	}
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }
	if seconds, ok := number(lookUp(answer, x.ExpiresInField, plain)); ok && seconds > 0 {
		t.Expiry = time.Now().Add(time.Duration(seconds) * time.Second)
	} else {
		t.Expiry = expiryOf(t.Value)
	}
	return t, nil
}

func lookUp(answer map[string]any, name string, as func(string) string) any {
	if v, ok := answer[name]; ok {
		return v
	}
	for key, v := range answer {
		if as(key) == as(name) {
			return v
		}
	}
	return nil
}

// number reads a number of seconds that may stand in quotes, ten years at most.
func number(v any) (int64, bool) {
	var n float64
	switch v := v.(type) {
	case float64:
		n = v
	case string:
		parsed, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return 0, false
		}
		n = parsed
	default:
		return 0, false
	}
	return int64(min(max(n, 0), 10*365*24*3600)), true
}

// expiryOf is the end that a JWT says of itself; zero for any other token. Its signature is for who is shown the token.
func expiryOf(token string) time.Time {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}
	}
	var claims struct {
		Exp any `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return time.Time{}
	}
	seconds, ok := claims.Exp.(float64)
	if !ok || seconds <= 0 || seconds > 1e11 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

// File reads a token from a file, which somebody else renews.
func File(path string) Fetch {
	return func(context.Context) (Token, error) {
		info, err := os.Stat(path)
		if err == nil && (!info.Mode().IsRegular() || info.Size() > maxAnswer) {
			err = errors.New("not a regular file of at most 1 MiB")
		}
		var data []byte
		if err == nil {
			data, err = os.ReadFile(path)
		}
		if err != nil {
			return Token{}, &Error{Endpoint: path, text: fmt.Sprintf("the token file can't be read: %v", err), cause: err}
		}
		value := strings.TrimSpace(string(data))
		if value == "" {
			return Token{}, &Error{Endpoint: path, text: fmt.Sprintf("the token file %s is empty", path)}
		}
		return Token{Value: value, Expiry: expiryOf(value)}, nil
	}
}

// unreachable is an endpoint that did not answer as one.
func unreachable(endpoint string, err error) error {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err // its text would show the address with all that stands in it
	}
	text := fmt.Sprintf("the token endpoint %s can't be used: %s", shown(endpoint), plainText(err))
	return &Error{Endpoint: shown(endpoint), text: text, cause: err}
}

// plainText is what is known to hold nothing of a request or an answer.
func plainText(err error) string {
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "no answer in time"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Op + ": " + op.Err.Error()
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return "its host is not known: " + dns.Name
	}
	switch {
	case strings.Contains(err.Error(), "x509:"), strings.Contains(err.Error(), "tls:"):
		return err.Error()
	case strings.Contains(err.Error(), "missing access_token"):
		return "its answer holds no access_token"
	}
	return "its answer is not one of a token endpoint"
}

// answered is an endpoint that answered with a refusal.
func answered(endpoint string, status int, code string, cause error) error {
	e := &Error{Endpoint: shown(endpoint), cause: cause, Refused: status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden}
	what := strconv.Itoa(status)
	if code != "" && len(code) <= 64 && !strings.ContainsFunc(code, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
		what += " " + code // one of RFC 6749's words, and no more of the answer
	}
	hint := "is it the right address?"
	switch {
	case e.Refused:
		hint = "check client id, client secret (or API key) and scope"
	case status/100 == 5 || status == http.StatusTooManyRequests:
		hint = "it is tried again"
	}
	e.text = fmt.Sprintf("the token endpoint %s answered %s: %s", e.Endpoint, what, hint)
	return e
}

// shown is an address without user, password and query.
func shown(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return "(no address)"
	}
	return u.Scheme + "://" + u.Host + u.Path
}
