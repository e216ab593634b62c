package http

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

// raw is a server that answers each connection's first request with the given bytes and then keeps the connection open, or ends it.
func raw(t *testing.T, answer string, keep bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan struct{})
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 64<<10)
			_, _ = conn.Read(buf)
			_, _ = io.WriteString(conn, answer)
			if !keep {
				_ = conn.Close()
				continue
			}
			go func() {
				<-end
				_ = conn.Close()
			}()
		}
	}()
	t.Cleanup(func() {
		close(end)
		_ = l.Close()
		<-served
	})
	return "http://" + l.Addr().String()
}

// ways are those in which a request may go: what a backend does must come to the same by each.
var ways = []string{"plainhttp", "net/http"}

func deliverTo(ctx context.Context, t *testing.T, way string, cfg Config) (took time.Duration, err error) {
	t.Helper()
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if way == "net/http" {
		d.plain = nil
	}
	defer func() { _ = d.Close() }()
	begin := time.Now()
	err = d.Deliver(ctx, event)
	return time.Since(begin), err
}

// A place in flight is worth more than the rest of an answer whose status is known.
func TestAnAnswerThatDripsHoldsNoPlace(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		code   string // "" for taken
	}{
		"201":           {"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{", ""},
		"201, chunked":  {"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", ""},
		"422":           {"HTTP/1.1 422 No\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", "http_422"},
		"101":           {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "http_101"},
		"no end at all": {"HTTP/1.1 201 Created\r\n\r\n", ""},
	} {
		for _, way := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				took, err := deliverTo(t.Context(), t, way, Config{URL: raw(t, c.answer, true), Backend: Generic, Timeout: time.Minute})
				code := ""
				if err != nil {
					code = fault.Of(err).Code
				}
				if code != c.code || took > 30*time.Second { // the attempt's own time is a minute
					t.Errorf("%v after %s", err, took)
				}
			})
		}
	}
}

func TestAStopEndsAnAttemptInEachOfItsParts(t *testing.T) {
	for name, answer := range map[string]string{"nothing yet": "", "101": "HTTP/1.1 100 Continue\r\n\r\n", "an error's body": "HTTP/1.1 500 No\r\nContent-Length: 10\r\n\r\n{"} {
		for _, batch := range []int{0, 10} {
			for _, way := range ways {
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				took, err := deliverTo(ctx, t, way, Config{URL: raw(t, answer, true), Backend: Generic, Timeout: time.Minute, BatchSize: batch})
				cancel()
				if !errors.Is(err, context.DeadlineExceeded) || took > 30*time.Second {
					t.Errorf("%s, %s, batches of %d: %v after %s", name, way, batch, err, took)
				}
			}
		}
	}
}

// Close waits for batches; the end of all their callers ends them.
func TestAStopEndsABatchUnderWay(t *testing.T) {
	d, err := New(Config{URL: raw(t, "", true), Backend: Generic, Timeout: time.Minute, BatchSize: 10, BatchLinger: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := d.Deliver(ctx, event); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	begin := time.Now()
	if err := d.Close(); err != nil || time.Since(begin) > 30*time.Second {
		t.Errorf("%v after %s", err, time.Since(begin))
	}
}

// What a 2xx says of a batch counts only if all of it arrived.
func TestABatchsAnswerThatIsLostTakesNothing(t *testing.T) {
	failed := `{"status":"partial_success","summary":{"failed":1},"failed_events":[{"index":0,"reason":"r","retriable":true}]}`
	long := `{"status":"partial_success","padding":"` + strings.Repeat("x", 200<<10) + `","failed_events":[{"index":0,"reason":"no","retriable":false}]}`
	head := "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	for name, c := range map[string]struct{ answer, code string }{
		"204":                           {"HTTP/1.1 204 No Content\r\n\r\n", ""},
		"a length of 0":                 {head + "Content-Length: 0\r\n\r\n", ""},
		"whole":                         {head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(failed)) + failed, "batch_retriable"},
		"lost":                          {head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(failed)), "batch_answer"},
		"cut short":                     {head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(failed)) + failed[:20], "batch_answer"},
		"lost, without a length":        {head + "\r\n", "batch_answer"},
		"cut short, chunked":            {head + "Transfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n", "batch_answer"},
		"lost, of no type":              {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", "batch_answer"},
		"longer than an error would be": {head + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(long)) + long, "batch_rejected"},
		"a web page":                    {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", "not_openlineage"},
	} {
		for _, way := range ways {
			_, err := deliverTo(t.Context(), t, way, Config{URL: raw(t, c.answer, false), Backend: Generic, Timeout: 10 * time.Second, BatchSize: 2, BatchLinger: time.Millisecond})
			code := ""
			if err != nil {
				code = fault.Of(err).Code
			}
			if code != c.code {
				t.Errorf("%s, %s: %v, want %q", name, way, err, c.code)
			}
		}
	}
}

func TestAWebPageIsNoBackend(t *testing.T) {
	d := serve(t, Config{Backend: Generic}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<!DOCTYPE html><html>log in</html>") // net/http finds the type
	})
	if f := fault.Of(d.Deliver(t.Context(), event)); f.Kind != fault.Backend || f.Code != "not_openlineage" || !strings.Contains(f.Hint, "no OpenLineage endpoint") {
		t.Errorf("%+v", f)
	}
	if d.okLately() {
		t.Error("it counts as a success")
	}
}

// A key in pieces is a key: quoted whole, without its scheme, and cut at any place.
func TestNoPieceOfASecretShows(t *testing.T) {
	const key, other = "abcdefgh-ijklmnop-qrstuvwx", "ZYXWVUTS-RQPONMLK"
	for at := range 230 {
		for _, quoted := range []string{key, "Bearer " + key, key[:16] + "…", other, "Basic " + other} {
			d := &Destination{cfg: Config{}}
			d.setBackend(Generic)
			d.secrets.add(key)
			d.secrets.add("Basic " + other)
			a := answer{status: 500, header: http.Header{"Content-Type": {"application/json"}}, body: fmt.Appendf(nil, `{"message":"%s%s"}`, strings.Repeat("x", at), quoted)}
			d.now = time.Now
			text := d.faultOf(a, nil).Error()
			for _, piece := range []string{key[:8], other[:8], key[8:16], other[8:]} {
				if strings.Contains(text, piece) {
					t.Fatalf("%s", text)
				}
			}
		}
	}
}

// The backend's own words help the operator, and neither his terminal nor his rows suffer from them.
func TestTheBackendsWordsAreCleaned(t *testing.T) {
	const plain, page, data = "text/plain; charset=utf-8", "text/html", "application/json"
	sent := []byte(`{"name":"a customer of ours, 42"}`)
	for name, c := range map[string]struct{ kind, body, want string }{
		"json":               {data, `{"message":"no such namespace"}`, "no such namespace"},
		"errors":             {data, `{"errors":["a","b"]}`, "a; b"},
		"text":               {plain, "quota is used up\nstack\ntrace", "quota is used up"},
		"control characters": {data, `{"message":"a\u001b[2Jb\u0000c\u202ed"}`, "a [2Jb c d"},
		"invalid UTF-8":      {plain, "a\xffb", "a b"},
		"a quoted event":     {plain, `can't read {"name":"a customer"}`, "can't read"},
		"an echo":            {plain, "a customer of ours, 42", ""},
		"a page":             {page, "<h1>no</h1>", ""},
		"no type":            {"", "who knows", ""},
	} {
		if got := words(http.Header{"Content-Type": {c.kind}}, []byte(c.body), sent); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("application/json", []byte(`{"message":"a\u0007","errors":["b"]}`))
	f.Add("text/plain", []byte("a\nb"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		for _, r := range words(http.Header{"Content-Type": {kind}}, body, nil) {
			if r < ' ' || r == 0x7f || r == '\u202e' {
				t.Errorf("%q", r)
			}
		}
	})
}

// A backend quotes what it was sent in its own ways: decoded, in JSON, in an address, packed. Each is masked, however far it goes.
func TestASecretIsMaskedInWhateverFormItIsQuoted(t *testing.T) {
	const secret = `SECRET/PW"01+23\45<é`
	for name, c := range map[string]Config{
		"key":    {APIKey: secret},
		"basic":  {Basic: func() (string, string) { return "u", secret }},
		"header": {Headers: map[string]string{"X-Token": secret}},
		"url":    {URL: "?key=" + url.QueryEscape(secret)},
	} {
		c.Backend = Generic
		form := 0
		d := serve(t, c, func(w http.ResponseWriter, r *http.Request) {
			sent := r.Header.Get("X-Token") + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") + r.URL.Query().Get("key")
			if _, password, ok := r.BasicAuth(); ok {
				sent = password
			}
			quoted, _ := json.Marshal(sent)
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(w, "no (%s)", []string{sent, string(quoted), strings.ReplaceAll(string(quoted), "/", `\/`), url.QueryEscape(sent), url.PathEscape(sent),
				base64.StdEncoding.EncodeToString([]byte(sent)), base64.URLEncoding.EncodeToString([]byte("Bearer " + sent))}[form])
		})
		for ; form < 7; form++ {
			said := d.Deliver(t.Context(), event).Error()
			if rest := said[strings.Index(said, "no (")+4:]; strings.Trim(rest, `*"=)`) != "" {
				t.Errorf("%s, form %d: %s is left", name, form, rest)
			}
		}
	}
}

func FuzzSecrets(f *testing.F) {
	f.Add("Bearer abcdefgh-ijkl", "xx abcdefgh-ijkl yy Bearer abcdefgh")
	f.Fuzz(func(t *testing.T, secret, text string) {
		var u used
		u.add(secret)
		if got := u.cut(text); len(secret) >= leastSecret && !strings.Contains("***", secret) && strings.Contains(got, secret) && !strings.Contains(secret, "*") {
			t.Errorf("%q in %q", secret, got)
		}
	})
}

func TestAPassedThroughEventOverTheCapIsRefused(t *testing.T) {
	posts := 0
	d := serve(t, Config{Backend: Generic, MaxEventBytes: 100}, func(w http.ResponseWriter, _ *http.Request) {
		posts++
		w.WriteHeader(http.StatusCreated)
	})
	large := openlineage.Event{PassThrough: true, Body: make([]byte, 101)}
	if f := fault.Of(d.Deliver(t.Context(), large)); f.Kind != fault.Message || f.Disposition != fault.Oversize || f.Code != "event_too_large" || f.Hint == "" || posts != 0 {
		t.Errorf("%+v, %d posts", f, posts)
	}
	if err := d.Deliver(t.Context(), openlineage.Event{PassThrough: true, Body: make([]byte, 100)}); err != nil || posts != 1 {
		t.Errorf("%v, %d posts", err, posts)
	}
}

func TestWhoAsks(t *testing.T) {
	agent := ""
	d := serve(t, Config{Backend: Generic, Version: "1.2.3"}, func(w http.ResponseWriter, r *http.Request) {
		agent = r.UserAgent()
		w.WriteHeader(http.StatusCreated)
	})
	if err := d.Deliver(t.Context(), event); err != nil || agent != "gx-ol/1.2.3" {
		t.Errorf("%q, %v", agent, err)
	}
}

// Each fault of TLS names the key that is about it, and an error has the same text each time.
func TestTransportFaultsHelp(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	s.Config.ErrorLog = nil
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for name, c := range map[string]struct{ url, code, hint string }{
		"self-signed": {s.URL, "tls", "transport.ssl.ca.location"},
		"no TLS":      {strings.Replace(plain.URL, "http:", "https:", 1), "tls", "transport.url"},
		"hangs up":    {raw(t, "", false), "connection", "running"},
		"nobody":      {"http://127.0.0.1:1", "connection", "running"},
	} {
		texts := make(map[string]bool)
		for i := range 4 {
			_, err := deliverTo(t.Context(), t, ways[i%2], Config{URL: c.url, Backend: Generic, Timeout: 5 * time.Second})
			f := fault.Of(err)
			if f.Kind != fault.Backend || f.Code != c.code || !strings.Contains(f.Hint, c.hint) {
				t.Errorf("%s: %+v", name, f)
			}
			texts[f.Error()] = true
		}
		if len(texts) != 1 {
			t.Errorf("%s: one error has several texts: %v", name, texts)
		}
	}
}
