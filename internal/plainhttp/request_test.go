package plainhttp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// What arrives is what net/http would send, but for the one line that asks for packed answers.
func TestRequestsAreSentAsNetHTTPSendsThem(t *testing.T) {
	for name, c := range map[string]struct {
		path    string
		headers []string
	}{
		"plain":               {"/api/v1/lineage", nil},
		"no path":             {"", nil},
		"query":               {"/a?key=x%20y&b", nil},
		"escaped path":        {"/a%2Fb/é/c d", nil},
		"headers":             {"/", []string{"Authorization: Bearer x", "X-A: 1", "X-A: 2", "X-Empty: ", "Idempotency-Key: k"}},
		"padded":              {"/", []string{"X-A: \t a b \t"}},
		"not ASCII":           {"/", []string{"X-A: é"}},
		"lines that are ours": {"/", []string{"Host: elsewhere", "Content-Length: 1", "Transfer-Encoding: chunked", "Trailer: X-B"}},
	} {
		got := make(map[string]string)
		for way, transport := range ways {
			arrived := ""
			b := start(t, func(s *served) {
				req, err := http.ReadRequest(s.in)
				if err != nil {
					return
				}
				body, _ := io.ReadAll(req.Body)
				if asks := req.Header.Get("Accept-Encoding"); asks != map[string]string{"net/http": "gzip", "plainhttp": "identity"}[way] {
					t.Errorf("%s: Accept-Encoding %q", way, asks)
				}
				req.Header.Del("Accept-Encoding")
				arrived = fmt.Sprintf("%s %s %s %q %d %v %v", req.Method, req.RequestURI, req.Proto, body, req.ContentLength, req.TransferEncoding, req.Header)
				if req.Host != s.b.Host {
					t.Errorf("%s: Host %q", way, req.Host)
				}
				s.say(empty)
			})
			target, err := url.Parse("http://" + b.Host + c.path)
			if err != nil {
				t.Fatal(err)
			}
			if said := outcome(transport(t, b, nil), post(t.Context(), t, target, "event é", c.headers...)); said != `201 "a" 0 ""` {
				t.Errorf("%s, %s: %s", name, way, said)
			}
			got[way] = arrived
		}
		if got["plainhttp"] != got["net/http"] || got["plainhttp"] == "" {
			t.Errorf("%s: got\n%s\nnet/http sends\n%s", name, got["plainhttp"], got["net/http"])
		}
	}
}

func TestTheBytesOfARequest(t *testing.T) {
	req := post(t.Context(), t, &url.URL{Scheme: "http", Host: "h:1", Path: "/a b", RawQuery: "c=d"}, "event")
	req.Header = http.Header{"X-A": {" \ta b\t "}}
	got, err := appendRequest([]byte("before "), req)
	if want := "before POST /a%20b?c=d HTTP/1.1\r\nHost: h:1\r\nAccept-Encoding: identity\r\nContent-Length: 5\r\nX-A: a b\r\n\r\nevent"; err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
}

// A value that would be a line of its own is sent by nobody, and not shown: it may be a secret.
func TestAHeaderCannotAddALine(t *testing.T) {
	for _, way := range []string{"net/http", "plainhttp"} {
		b := start(t, always(empty))
		rt := ways[way](t, b, nil)
		for _, header := range []string{"X-A: secret\r\nX-B: c", "X-A: secret\n", "X-A: secret\r", "X-A: secret\x00", "X A: secret", "X-A\r\nX-B: secret", ": secret"} {
			name, value, _ := strings.Cut(header, ": ")
			req := post(t.Context(), t, b.URL, "event")
			req.Header[name] = []string{value}
			if _, err := rt.RoundTrip(req); err == nil || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %q: %v", way, header, err)
			}
		}
		req := post(t.Context(), t, b.URL, "event")
		req.URL = &url.URL{Scheme: "http", Host: b.Host, Path: "/", RawQuery: "a HTTP/1.1\r\nX-B: c"}
		if _, err := rt.RoundTrip(req); err == nil {
			t.Errorf("%s: the url adds a line", way)
		}
		if b.requests.Load() != 0 {
			t.Errorf("%s: %d requests arrived", way, b.requests.Load())
		}
	}
}

// What a body has too much or too little would be taken for the next request, or wait for it.
func TestABodyIsAsLongAsItWasSaidToBe(t *testing.T) {
	b := start(t, always(empty))
	rt := plain(t, b, nil)
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		body io.Reader
		want string
	}{
		"short":  {strings.NewReader("1234"), "4 bytes instead of 5"},
		"none":   {strings.NewReader(""), "0 bytes instead of 5"},
		"long":   {strings.NewReader("123456"), "more than 5 bytes"},
		"broken": {io.MultiReader(strings.NewReader("12"), failing{broken}), "broken"},
	} {
		req := post(t.Context(), t, b.URL, "12345")
		req.Body = io.NopCloser(c.body)
		if _, err := rt.RoundTrip(req); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := outcome(rt, post(t.Context(), t, b.URL, "12345")); b.requests.Load() != 1 {
		t.Errorf("%s, %d requests", got, b.requests.Load())
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestWhatIsUnusualIsLeftToNetHTTP(t *testing.T) {
	for raw, want := range map[string]string{
		"http://h":              "h:80",
		"http://h:5000/a":       "h:5000",
		"http://user:pw@h:5000": "h:5000",
		"http://127.0.0.1:1":    "127.0.0.1:1",
		"http://[::1]:1":        "[::1]:1",
		"http://[::1]":          "[::1]:80",
		"http://[fe80::1%25e]":  "",
		"http://bücher.example": "",
		"https://h":             "",
		"unix://h":              "",
		"http://":               "",
		"http://:80":            "",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if tr := New(u, Config{}); tr != nil {
			got = tr.address
		}
		if got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
	h := &url.URL{Scheme: "http", Host: "h:1", Path: "/"}
	tr := New(h, Config{})
	for name, change := range map[string]func(*http.Request){
		"":             func(*http.Request) {},
		"GET":          func(r *http.Request) { r.Method = http.MethodGet },
		"https":        func(r *http.Request) { r.URL.Scheme = "https" },
		"another host": func(r *http.Request) { r.URL.Host = "h:2" },
		"another name": func(r *http.Request) { r.Host = "other" },
		"opaque":       func(r *http.Request) { r.URL.Opaque = "x" },
		"no body":      func(r *http.Request) { r.Body = nil },
		"empty":        func(r *http.Request) { r.ContentLength = 0 },
		"no length":    func(r *http.Request) { r.ContentLength = -1 },
		"large":        func(r *http.Request) { r.ContentLength = maxBody + 1 },
		"close":        func(r *http.Request) { r.Close = true },
		"chunked":      func(r *http.Request) { r.TransferEncoding = []string{"chunked"} },
		"trailer":      func(r *http.Request) { r.Trailer = http.Header{"X": nil} },
		"Connection":   func(r *http.Request) { r.Header.Set("Connection", "close") },
		"Expect":       func(r *http.Request) { r.Header.Set("Expect", "100-continue") },
		"Range":        func(r *http.Request) { r.Header.Set("Range", "bytes=0-") },
		"wants br":     func(r *http.Request) { r.Header.Set("Accept-Encoding", "br") },
		"wants a trace": func(r *http.Request) {
			*r = *r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{}))
		},
	} {
		req := post(t.Context(), t, h, "event")
		change(req)
		if got := tr.Suits(req); got != (name == "") {
			t.Errorf("%q: %v", name, got)
		}
	}
	req := post(t.Context(), t, h, "event")
	if req.ContentLength = maxBody; !tr.Suits(req) {
		t.Error("the largest body does not suit")
	}
}

// Whatever stands in a header: no line can be added, and what is sent is read as what it was.
func FuzzAppendRequest(f *testing.F) {
	f.Add("/a?b", "X-A", "value", []byte("event"))
	f.Add("/a b", "Host", "\r\nX-B: c", []byte(" "))
	f.Add("//%0d%0a", "Content-Length", "0", []byte("x"))
	f.Fuzz(func(t *testing.T, target, name, value string, body []byte) {
		u, err := url.Parse("http://h:1" + target)
		if err != nil || len(body) == 0 || u.Host != "h:1" {
			t.Skip("no request")
		}
		req := post(context.Background(), t, &url.URL{Scheme: "http", Host: "h:1", Path: "/"}, string(body))
		req.URL, req.Header = u, http.Header{"User-Agent": {"test"}, name: {value}}
		out, err := appendRequest(nil, req)
		if err != nil {
			return
		}
		in := bufio.NewReader(strings.NewReader(string(out)))
		got, err := http.ReadRequest(in)
		if err != nil {
			if strings.ContainsAny(u.RequestURI(), " ") {
				return // net/http sends it alike
			}
			t.Fatalf("%v: %q", err, out)
		}
		sent, err := io.ReadAll(got.Body)
		if err != nil || string(sent) != string(body) || in.Buffered() != 0 || got.Host != "h:1" {
			t.Fatalf("%v, %q of %q, %d left", err, sent, body, in.Buffered())
		}
		for key, values := range got.Header {
			if !slices.Contains([]string{"User-Agent", "Accept-Encoding", "Content-Length", http.CanonicalHeaderKey(name)}, key) || len(values) > 2 {
				t.Fatalf("%q: %q", key, values)
			}
		}
	})
}
