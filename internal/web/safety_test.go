package web

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const rightToken = "a-token-that-nobody-guesses"

func tokenFileWith(t *testing.T, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, token+"\n")
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func fixed(token string) Token { return func() (string, error) { return token, nil } }

func TestThePageIsAskedByItsOwnNamesOnly(t *testing.T) {
	own, _ := os.Hostname()
	for _, c := range []struct {
		open  bool
		host  string
		known bool
	}{
		{true, "localhost", true}, {true, "localhost:9464", true}, {true, "LOCALHOST.:1", true}, {true, "gx.localhost", true}, {true, "127.0.0.1:9464", true}, {true, "[::1]:9464", true},
		{true, "page.example:443", true}, {true, "evil.example", false}, {true, "10.0.0.1", false}, {true, "127.0.0.1.evil.example", false}, {true, "", false}, {true, own, own == "localhost"},
		{false, "10.0.0.1:9464", true}, {false, "[fe80::1]", true}, {false, own + ":9464", true}, {false, "PAGE.example", true}, {false, "evil.example", false}, {false, "localhost", true},
		{false, "page.example.evil.example", false}, {false, "", false},
	} {
		s := made(t, Options{Open: c.open, Hosts: []string{"page.example"}, Token: fixed(rightToken)})
		w := answer(s, asked(http.MethodGet, "/now", func(r *http.Request) { r.Host = c.host }))
		if known := w.Code != http.StatusMisdirectedRequest; known != c.known {
			t.Errorf("open %v, Host %q: %d", c.open, c.host, w.Code)
		}
	}
}

func TestReadingFromElsewhereNeedsTheToken(t *testing.T) {
	for _, c := range []struct {
		name   string
		o      Options
		change func(*http.Request)
		path   string
		status int
	}{
		{"loopback", Options{Open: true}, nil, "/now", 200},
		{"loopback, behind a proxy", Options{Open: true}, header("X-Forwarded-For", "10.0.0.9"), "/now", 403},
		{"loopback, behind a proxy, with a token set", Options{Open: true, Token: fixed(rightToken)}, header("Forwarded", "for=10.0.0.9"), "/now", 303},
		{"elsewhere, none configured", Options{}, nil, "/now", 403},
		{"elsewhere", Options{Token: fixed(rightToken)}, nil, "/now", 303},
		{"elsewhere, unknown path", Options{Token: fixed(rightToken)}, nil, "/x", 303},
		{"elsewhere, changes", Options{Token: fixed(rightToken)}, nil, "/changes", 401},
		{"elsewhere, a fragment", Options{Token: fixed(rightToken)}, header("X-Fragment", "1"), "/now", 401},
		{"elsewhere, bearer", Options{Token: fixed(rightToken)}, header("Authorization", "Bearer "+rightToken), "/now", 200},
		{"elsewhere, wrong bearer", Options{Token: fixed(rightToken)}, header("Authorization", "Bearer x"), "/now", 401},
		{"loopback, wrong bearer", Options{Open: true, Token: fixed(rightToken)}, header("Authorization", "Bearer x"), "/now", 401},
		{"elsewhere, empty bearer", Options{Token: fixed("")}, header("Authorization", "Bearer "), "/now", 401},
		{"elsewhere, a file that is not there", Options{Token: TokenFile("/nowhere/token")}, header("Authorization", "Bearer "), "/now", 401},
		{"assets hold nothing", Options{}, nil, "/favicon.ico", 200},
	} {
		s := made(t, c.o)
		r := asked(http.MethodGet, c.path)
		if c.change != nil {
			c.change(r)
		}
		if w := answer(s, r); w.Code != c.status {
			t.Errorf("%s: %d, not %d: %s", c.name, w.Code, c.status, w.Body)
		}
	}
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// post is a form that is sent.
func post(path string, form url.Values, change ...func(*http.Request)) *http.Request {
	r := asked(http.MethodPost, path, change...)
	r.Body = http.NoBody
	if form != nil {
		r.Body = body{strings.NewReader(form.Encode())}
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

type body struct{ *strings.Reader }

func (body) Close() error { return nil }

// signedIn signs in, and gives the cookie and the CSRF token of the page.
func signedIn(t *testing.T, s *Server) (cookie *http.Cookie, csrf string) {
	t.Helper()
	w := answer(s, post("/signin", url.Values{"token": {rightToken}, "to": {"/results?q=a"}}))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/results?q=a" {
		t.Fatalf("%d %s %s", w.Code, w.Header(), w.Body)
	}
	cookie = w.Result().Cookies()[0]
	page := answer(s, asked(http.MethodGet, "/now", func(r *http.Request) { r.AddCookie(cookie) })).Body.String()
	_, csrf, _ = strings.Cut(page, `<meta name="csrf" content="`)
	csrf, _, _ = strings.Cut(csrf, `"`)
	if csrf == "" || strings.Contains(page, cookie.Value) || strings.Contains(page, rightToken) {
		t.Fatal("the page has no CSRF token, or it shows a secret")
	}
	return cookie, csrf
}

func TestChangingNeedsSessionOriginAndCSRF(t *testing.T) {
	s := made(t, Options{Open: true, Token: fixed(rightToken)})
	changes := s.requireToken(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	cookie, csrf := signedIn(t, s)
	with := func(r *http.Request) { r.AddCookie(cookie) }
	for name, c := range map[string]struct {
		r      *http.Request
		status int
	}{
		"nothing":                {post("/x", nil), 401},
		"cookie alone":           {post("/x", nil, with), 403},
		"wrong csrf":             {post("/x", url.Values{"csrf": {csrf + "x"}}, with), 403},
		"empty csrf":             {post("/x", url.Values{"csrf": {""}}, with), 403},
		"csrf without cookie":    {post("/x", url.Values{"csrf": {csrf}}), 401},
		"csrf in the URL":        {post("/x?csrf="+csrf, nil, with), 403},
		"all":                    {post("/x", url.Values{"csrf": {csrf}}, with), 204},
		"all, as a header":       {post("/x", nil, with, header("X-CSRF-Token", csrf)), 204},
		"own origin":             {post("/x", url.Values{"csrf": {csrf}}, with, header("Origin", "http://127.0.0.1:9464")), 204},
		"foreign origin":         {post("/x", url.Values{"csrf": {csrf}}, with, header("Origin", "http://evil.example")), 403},
		"no origin":              {post("/x", url.Values{"csrf": {csrf}}, with, header("Origin", "null")), 403},
		"another port":           {post("/x", url.Values{"csrf": {csrf}}, with, header("Origin", "http://127.0.0.1:1")), 403},
		"a browser says foreign": {post("/x", url.Values{"csrf": {csrf}}, with, header("Sec-Fetch-Site", "cross-site")), 403},
		"bearer":                 {post("/x", nil, header("Authorization", "Bearer "+rightToken)), 204},
		"wrong bearer":           {post("/x", nil, header("Authorization", "Bearer "+rightToken+"x")), 401},
		"bearer from elsewhere":  {post("/x", nil, header("Authorization", "Bearer "+rightToken), header("Origin", "http://evil.example")), 403},
	} {
		if w := answer(changes, c.r); w.Code != c.status {
			t.Errorf("%s: %d, not %d: %s", name, w.Code, c.status, w.Body)
		}
	}
}

func TestWithoutATokenNothingCanBeChanged(t *testing.T) {
	s := made(t, Options{Open: true})
	w := answer(s, post("/signout", nil, header("Authorization", "Bearer "), header("Accept", "text/plain")))
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "web.token_file") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := answer(s, post("/signin", url.Values{"token": {""}})); w.Code != http.StatusUnauthorized || len(w.Result().Cookies()) > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestTheSessionsCookieIsKeptFromScriptsAndOtherSites(t *testing.T) {
	s := made(t, Options{Open: true, Token: fixed(rightToken)})
	for _, encrypted := range []bool{false, true} {
		r := post("/signin", url.Values{"token": {rightToken}})
		if encrypted {
			r.Header.Set("X-Forwarded-Proto", "https")
		}
		c := answer(s, r).Result().Cookies()[0]
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.Secure != encrypted || len(c.Value) < 20 {
			t.Errorf("encrypted %v: %s", encrypted, c)
		}
	}
}

func TestSigningOutAndAnotherTokenEndASession(t *testing.T) {
	path := tokenFileWith(t, rightToken)
	s := made(t, Options{Token: TokenFile(path)})
	reads := func(c *http.Cookie) int {
		return answer(s, asked(http.MethodGet, "/now", func(r *http.Request) { r.AddCookie(c) })).Code
	}
	cookie, csrf := signedIn(t, s)
	if got := reads(cookie); got != http.StatusOK {
		t.Fatal(got)
	}
	if w := answer(s, post("/signout", url.Values{"csrf": {csrf}}, func(r *http.Request) { r.AddCookie(cookie) })); w.Code != http.StatusSeeOther {
		t.Fatal(w.Code)
	}
	if got := reads(cookie); got != http.StatusSeeOther {
		t.Errorf("after signing out: %d", got)
	}
	cookie, _ = signedIn(t, s)
	write(t, path, "another-token-of-some-length")
	if got := reads(cookie); got != http.StatusSeeOther {
		t.Errorf("after the token was exchanged: %d", got)
	}
	write(t, path, "short")
	if w := answer(s, post("/signin", url.Values{"token": {"short"}})); w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), "shorter than") {
		t.Errorf("a token that can be guessed: %d %s", w.Code, w.Body)
	}
}

func TestASessionThatIsIdleEnds(t *testing.T) {
	all, now, token := newSessions(), time.Now(), hash(rightToken)
	id := all.begin(token, now)
	if all.of(id, token, now.Add(sessionIdle-time.Second)) == nil {
		t.Error("it ended too soon")
	}
	if all.of(id, token, now.Add(2*sessionIdle)) != nil {
		t.Error("it did not end")
	}
	first := all.begin(token, now)
	for i := range mostSessions {
		all.begin(token, now.Add(time.Duration(i+1)*time.Second))
	}
	if len(all.by) > mostSessions || all.of(first, token, now) != nil {
		t.Errorf("%d sessions", len(all.by))
	}
}

func TestWrongTokensAreLimitedForEachAddress(t *testing.T) {
	s := made(t, Options{Open: true, Token: fixed(rightToken)})
	try := func(from, token string) int {
		return answer(s, post("/signin", url.Values{"token": {token}}, func(r *http.Request) { r.RemoteAddr = from + ":1" })).Code
	}
	for range attemptsAtOnce {
		if got := try("10.0.0.1", "wrong"); got != http.StatusUnauthorized {
			t.Fatal(got)
		}
	}
	if got := try("10.0.0.1", rightToken); got != http.StatusTooManyRequests {
		t.Errorf("one attempt more: %d", got)
	}
	if got := answer(s, asked(http.MethodGet, "/now", header("Authorization", "Bearer x"), func(r *http.Request) { r.RemoteAddr = "10.0.0.1:1" })).Code; got != http.StatusTooManyRequests {
		t.Errorf("as a bearer token: %d", got)
	}
	if got := try("10.0.0.2", rightToken); got != http.StatusSeeOther {
		t.Errorf("somebody else: %d", got)
	}
	for i := range 2 * mostAddresses {
		try(fmt.Sprintf("10.1.%d.%d", i/256, i%256), "wrong")
	}
	if n := len(s.attempts.by); n > mostAddresses {
		t.Errorf("%d addresses are remembered", n)
	}
}

func TestARequestIsBounded(t *testing.T) {
	s := made(t, Options{Open: true, Token: fixed(rightToken)})
	w := answer(s, post("/signin", url.Values{"token": {strings.Repeat("x", 2*maxForm)}}))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("%d", w.Code)
	}
}
