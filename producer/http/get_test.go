package http

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/gx-ol/gx-ol/internal/fault"
)

// A question about lineage is authorized as a delivery is: with a token, which is renewed once when the backend refuses it.
func TestWhatIsReadCarriesTheTokenOfADelivery(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Authorization")+" "+r.URL.RequestURI())
		if r.Header.Get("Authorization") != "Bearer token-the-second" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"totalCount": 0}`))
	}))
	defer s.Close()
	h := destinationOf(t, Config{URL: s.URL + "/base", Token: func(_ context.Context, refused string) (string, error) {
		if refused != "" {
			return "token-the-second", nil
		}
		return "token-the-first", nil
	}})
	status, body, err := h.Get(t.Context(), []string{"namespaces", "a/b"}, url.Values{"limit": {"1"}}, 100)
	if status != http.StatusOK || string(body) != `{"totalCount": 0}` || err != nil {
		t.Errorf("%d %q %v", status, body, err)
	}
	if got := strings.Join(asked, ", "); got != "Bearer token-the-first /base/api/v1/namespaces/a%2Fb?limit=1, Bearer token-the-second /base/api/v1/namespaces/a%2Fb?limit=1" {
		t.Errorf("asked %s", got)
	}
}

// What is read is whole, or an outage; a refusal is an answer, told in short and without a secret.
func TestWhatIsReadIsWholeOrAFault(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/v1/cut":
			w.Header().Set("Content-Length", "8")
			_, _ = w.Write([]byte("1234"))
		case "/api/v1/refuses":
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte("not with key-of-ours" + strings.Repeat("!", 1000)))
		default:
			_, _ = w.Write([]byte("12345678"))
		}
	}))
	defer s.Close()
	h := destinationOf(t, Config{URL: s.URL, APIKey: "key-of-ours"})
	for place, want := range map[string]struct {
		most   int64
		status int
		body   string
		code   string // of the Backend fault
	}{
		"fits":     {most: 8, status: 200, body: "12345678"},
		"too-long": {most: 7, code: "answer_too_long"},
		"cut":      {most: 8, code: "connection"},
		"refuses":  {most: 1, status: 403, body: "not with ***"},
	} {
		status, body, err := h.Get(t.Context(), []string{place}, nil, want.most)
		f, _ := errors.AsType[*fault.Error](err)
		if status != want.status || !strings.HasPrefix(string(body), want.body) || len(body) > quoteLimit+len("…") || (err != nil) != (want.code != "") {
			t.Errorf("%s: %d %q %v", place, status, body, err)
		}
		if want.code != "" && (f == nil || f.Kind != fault.Backend || f.Code != want.code || f.Hint == "") {
			t.Errorf("%s: %+v", place, f)
		}
	}
}
