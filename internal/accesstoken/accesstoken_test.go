package accesstoken

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a source whose time and endpoint the test has in hand.
type clock struct {
	*Source
	at   time.Time
	next Token
	err  error
	n    int
}

func newClock(early time.Duration) *clock {
	c := &clock{at: time.Unix(1_000_000, 0)}
	c.Source = NewSource(func(context.Context) (Token, error) { c.n++; return c.next, c.err }, early)
	c.now = func() time.Time { return c.at }
	return c
}

func (c *clock) want(t *testing.T, value string, fetched int) {
	t.Helper()
	got, err := c.Now(t.Context())
	if err != nil || got.Value != value || c.n != fetched {
		t.Errorf("%q after %d fetches, %v; want %q after %d", got.Value, c.n, err, value, fetched)
	}
}

func TestATokenIsRenewedBeforeItEnds(t *testing.T) {
	c := newClock(2 * time.Minute)
	c.next = Token{"a", c.at.Add(time.Hour)}
	c.want(t, "a", 1)
	c.next = Token{"b", c.at.Add(2 * time.Hour)}
	c.at = c.at.Add(57 * time.Minute)
	c.want(t, "a", 1)
	c.at = c.at.Add(time.Minute + time.Second)
	c.want(t, "b", 2)
}

func TestAShortTokenIsUsedForMostOfItsLife(t *testing.T) {
	c := newClock(2 * time.Minute)
	c.next = Token{"a", c.at.Add(time.Minute)}
	c.want(t, "a", 1)
	c.at = c.at.Add(44 * time.Second)
	c.want(t, "a", 1)
	c.at = c.at.Add(2 * time.Second)
	c.next = Token{"b", c.at.Add(time.Minute)}
	c.want(t, "b", 2)
}

// An endpoint that is away takes nothing from who has a token that is still good, and is not asked at each use.
func TestAnOutageOfTheEndpointIsOutlastedByTheTokenInHand(t *testing.T) {
	c := newClock(2 * time.Minute)
	c.next = Token{"a", c.at.Add(time.Hour)}
	c.want(t, "a", 1)
	c.err = errors.New("away")
	c.at = c.at.Add(59 * time.Minute)
	c.want(t, "a", 2)
	c.want(t, "a", 2)
	c.at = c.at.Add(pause)
	c.want(t, "a", 3)
	c.at = c.at.Add(time.Hour)
	if _, err := c.Now(t.Context()); err == nil {
		t.Error("a token that has ended was given")
	}
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	c := newClock(time.Minute)
	c.next = Token{"a", c.at.Add(time.Hour)}
	c.want(t, "a", 1)
	c.next = Token{"b", c.at.Add(time.Hour)}
	for range 3 { // all who were refused a
		if got, err := c.Renew(t.Context(), "a"); err != nil || got.Value != "b" || c.n != 2 {
			t.Errorf("%v, %v, %d", got, err, c.n)
		}
	}
	c.err = errors.New("away")
	if got, err := c.Renew(t.Context(), "b"); err == nil {
		t.Errorf("the refused token was given again: %v", got)
	}
}

func TestATokenOfUnknownLifeIsKeptForAWhile(t *testing.T) {
	c := newClock(time.Minute)
	c.next = Token{Value: "a"}
	c.want(t, "a", 1)
	c.at = c.at.Add(unknownLife - time.Second)
	c.want(t, "a", 1)
	c.at = c.at.Add(time.Second)
	c.want(t, "a", 2)
}

// Many ask at once: one fetches. When the one who fetches is stopped, that is no outcome for the others.
func TestOneFetchesForAll(t *testing.T) {
	var n atomic.Int64
	begun, go1 := make(chan struct{}, 10), make(chan struct{})
	s := NewSource(func(ctx context.Context) (Token, error) {
		n.Add(1)
		begun <- struct{}{}
		select {
		case <-go1:
			return Token{"a", time.Now().Add(time.Hour)}, nil
		case <-ctx.Done():
			return Token{}, ctx.Err()
		}
	}, time.Minute)
	first, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := s.Now(first); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
	<-begun
	for range 8 {
		wg.Go(func() {
			if got, err := s.Now(t.Context()); err != nil || got.Value != "a" {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
	stop()
	<-begun // another one has taken over
	close(go1)
	wg.Wait()
	if n.Load() != 2 {
		t.Errorf("%d fetches, want 2", n.Load())
	}
}

// jwt is a token that says when it ends.
func jwt(payload string) string {
	return "h." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".s"
}

// What OpenLineage's clients take as an answer is taken: other names, other cases, a life in quotes, or the token's own.
func TestTheExchangeOfOpenLineagesClients(t *testing.T) {
	var form string
	body := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form = strings.Join([]string{r.FormValue("grant_type"), r.FormValue("response_type"), r.FormValue("apikey")}, " ")
		_, _ = w.Write([]byte(body))
	}))
	defer s.Close()
	x := Exchange{Endpoint: s.URL, APIKey: func() string { return "SECRETPW" }, GrantType: "g", ResponseType: "r", TokenFields: []string{"token", "access_token"}, ExpiresInField: "expires_in"}
	hour := time.Now().Add(time.Hour)
	for given, want := range map[string]Token{
		`{"token":"a","expires_in":3600}`:               {"a", hour},
		`{"access_token":"a","expires_in":"3600"}`:      {"a", hour},
		`{"Token":"a","expiresIn":3600}`:                {"a", hour},
		`{"token":"a","access_token":"b"}`:              {"a", time.Time{}},
		`{"token":"` + jwt(`{"exp":4000000000}`) + `"}`: {jwt(`{"exp":4000000000}`), time.Unix(4_000_000_000, 0)},
		`{"token":"h.%%%.s"}`:                           {"h.%%%.s", time.Time{}},
		`{"token":1}`:                                   {},
		`{"tok":"SECRETPW"}`:                            {},
		`SECRETPW`:                                      {},
		`["SECRETPW"]`:                                  {},
		`{"token":"","x":["y"]}`:                        {},
	} {
		body = given
		got, err := x.Fetch(over(http.DefaultTransport))(t.Context())
		if want.Value == "" {
			if err == nil || strings.Contains(err.Error(), "SECRETPW") {
				t.Errorf("%s: %v, %v", given, got, err)
			}
			continue
		}
		if err != nil || got.Value != want.Value || got.Expiry.Sub(want.Expiry).Abs() > time.Minute {
			t.Errorf("%s: %v, %v", given, got, err)
		}
	}
	if form != "g r SECRETPW" {
		t.Errorf("sent %q", form)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// Whatever an endpoint does, the error says what helps, and neither the secret nor the endpoint's words, which may quote it.
func TestFaultsOfAnEndpointAreToldWithoutTheSecret(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		header  string
		body    string
		want    string
		refused bool
	}{
		"wrong secret": {401, "application/json", `{"error":"invalid_client","error_description":"SECRETPW is wrong"}`, "answered 401 invalid_client: check client id", true},
		"bad scope":    {400, "application/json", `{"error":"invalid_scope"}`, "answered 400 invalid_scope", true},
		"a web page":   {401, "text/html", "<p>SECRETPW", "answered 401: check client id", true},
		"error quotes": {400, "application/json", `{"error":"SECRETPW"}`, "answered 400: check client id", true},
		"down":         {503, "text/plain", "SECRETPW", "answered 503: it is tried again", false},
		"not found":    {404, "text/plain", "SECRETPW", "answered 404: is it the right address?", false},
		"redirect":     {302, "text/plain", "SECRETPW", "answered 302: is it the right address?", false},
		"no token":     {200, "application/json", `{"token_type":"SECRETPW"}`, "its answer holds no access_token", false},
		"no JSON":      {200, "text/html", "<p>SECRETPW", "answer", false},
	} {
		elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Errorf("%s: the secret went elsewhere", name) }))
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", c.header)
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		transport := &http.Transport{DisableKeepAlives: true}
		ask := ClientCredentials{Endpoint: s.URL + "/t?key=SECRETPW", ID: func() string { return "id" }, Secret: func() string { return "SECRETPW" }}
		_, err := ask.Fetch(over(transport))(t.Context())
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "SECRETPW") || e.Refused != c.refused || e.Endpoint != s.URL+"/t" {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
		elsewhere.Close()
	}
}

// Who is not believed is told as such, without the address as it was written.
func TestATokenEndpointThatIsNotBelievedIsTold(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	for _, fetch := range []Fetch{
		ClientCredentials{Endpoint: s.URL + "/t?key=SECRETPW", ID: func() string { return "id" }, Secret: func() string { return "x" }}.Fetch(over(&http.Transport{DisableKeepAlives: true})),
		Exchange{Endpoint: s.URL + "/t?key=SECRETPW", APIKey: func() string { return "x" }}.Fetch(over(&http.Transport{DisableKeepAlives: true})),
	} {
		if _, err := fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "x509") || strings.Contains(err.Error(), "SECRETPW") {
			t.Errorf("%v", err)
		}
	}
}

func TestATokenFileIsReadAtEachUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	fetch := File(path)
	if _, err := fetch(t.Context()); err == nil {
		t.Error("a file that is not there was read")
	}
	for _, text := range []string{"first\n", jwt(`{"exp":4000000000}`) + "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := fetch(t.Context()); err != nil || got.Value != strings.TrimSpace(text) || strings.Contains(text, ".") == got.Expiry.IsZero() {
			t.Errorf("%v, %v", got, err)
		}
	}
	if err := os.WriteFile(path, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := fetch(t.Context()); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("%v", err)
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"token":"h.eyJleHAiOjF9.s","expires_in":"1e30"}`))
	x := Exchange{Endpoint: "https://h/t", TokenFields: []string{"token"}, ExpiresInField: "expires_in"}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := x.read(body)
		if (got.Value == "") == (err == nil) || got.Expiry.After(time.Now().Add(200*365*24*time.Hour)) && !strings.Contains(got.Value, ".") {
			t.Errorf("%v, %v", got, err)
		}
	})
}
