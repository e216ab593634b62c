package http

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gx-ol/gx-ol/internal/fault"
	"github.com/gx-ol/gx-ol/schemas/openlineage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var event = openlineage.Event{Type: openlineage.Complete, Key: "run:ns/job", Body: []byte(`{"job":{"namespace":"ns","name":"job"}}`)}

// serve starts h and gives an HTTP destination for it, with cfg's other fields.
func serve(t *testing.T, cfg Config, h http.HandlerFunc) *Destination {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	cfg.URL = s.URL + cfg.URL
	d, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func TestEveryStatusHasItsFault(t *testing.T) {
	jsonHeader := http.Header{"Content-Type": {"application/json"}}
	for status := 100; status < 600; status++ {
		for _, backend := range []string{Marquez, DataHub, Generic} {
			for _, lastOK := range []bool{false, true} {
				f := classify(status, jsonHeader, []byte(`{"code":400,"message":"m"}`), "m", backend, lastOK)
				got := "ok"
				if f != nil {
					got = f.Kind.String()
					if f.Unclear {
						got += " unclear"
					}
					got += " " + f.Code
				}
				if want := wanted(status, backend, lastOK); got != want {
					t.Errorf("%d %s lastOK=%v: %s, want %s", status, backend, lastOK, got, want)
				}
			}
		}
	}
}

// wanted is the table of DESIGN §3, written apart from the code under test.
func wanted(status int, backend string, lastOK bool) string {
	code := fmt.Sprintf(" http_%d", status)
	gateway := status == 502 || status == 503 || status == 504
	switch {
	case status >= 200 && status < 300:
		return "ok"
	case status == 413 || status == 422:
		return "message" + code
	case status == 500 && backend == Marquez:
		return "message http_500_code_400"
	case status == 400 && lastOK:
		return "message" + code
	case status == 400, status == 403, status == 404, status == 409, status >= 500 && !gateway, gateway && backend != Marquez:
		return "backend unclear" + code
	default:
		return "backend" + code
	}
}

func TestJoinKeepsPathsAndDoublesNothing(t *testing.T) {
	for _, c := range []struct{ url, endpoint, want string }{
		{"http://h:5000", "", "http://h:5000/api/v1/lineage"},
		{"http://h:5000/", "", "http://h:5000/api/v1/lineage"},
		{"http://h/marquez/", "", "http://h/marquez/api/v1/lineage"},
		{"http://h/api/v1/lineage", "", "http://h/api/v1/lineage"},
		{"http://h/api/v1/lineage/", "", "http://h/api/v1/lineage"},
		{"http://h/openapi/openlineage", "", "http://h/openapi/openlineage/api/v1/lineage"},
		{"https://h/x?k=v", "/in", "https://h/x/in?k=v"},
		{"http://h/in", "in", "http://h/in"},
		{"h:5000", "", ""}, {"ftp://h", "", ""}, {"", "", ""}, {"http://u:secret@%zz", "", ""},
	} {
		target, _, err := join(c.url, c.endpoint)
		got := ""
		if err == nil {
			got = target.String()
		}
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%q + %q = %q, %v; want %q", c.url, c.endpoint, got, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("error shows a password: %v", err)
		}
	}
}

func TestProbeTellsTheBackend(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   string // "" where nothing is learned
	}{
		"namespaces":       {200, `{"namespaces":[]}`, Marquez},
		"database away":    {500, `{"code":500,"message":"org.postgresql.util.PSQLException"}`, Marquez},
		"something else":   {200, `{"ok":true}`, Generic},
		"201":              {201, `{"namespaces":[]}`, Marquez},
		"not found":        {404, `{}`, ""},
		"other 500":        {500, `{}`, ""},
		"a gateway's 302":  {302, `{}`, ""},
		"a gateway's 400":  {400, `{"code":400}`, ""},
		"a gateway's 401":  {401, `{}`, ""},
		"a gateway's 403":  {403, `{"code":500}`, ""},
		"a gateway's 429":  {429, `{"code":500,"message":"slow down"}`, ""},
		"a gateway's 503":  {503, `{"code":500}`, ""},
		"a gateway's 504":  {504, `{}`, ""},
		"namespaces is no": {200, `{"namespaces":null}`, Generic},
	} {
		t.Run(name, func(t *testing.T) {
			posts := 0
			d := serve(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					posts++
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			})
			away := c.status == 429 || c.status > 501
			err := d.Probe(t.Context())
			if (err != nil) != away || d.Backend() != c.want {
				t.Fatalf("backend %q, %v; want %q", d.Backend(), err, c.want)
			}
			if err := d.Deliver(t.Context(), event); away && (err == nil || posts > 0) {
				t.Errorf("an event was sent although only a gateway answers: %v, %d posts", err, posts)
			}
			if !away && posts != 1 {
				t.Errorf("%d posts", posts)
			}
			// What was not learned is asked again.
			d.probed.Store(0)
			c.status, c.body = 200, `{"namespaces":[]}`
			if c.want == "" {
				c.want = Marquez
			}
			if err := d.Check(t.Context(), event); err != nil || d.Backend() != c.want {
				t.Errorf("later: backend %q, %v; want %q", d.Backend(), err, c.want)
			}
		})
	}
}

func TestDataHubIsKnownByItsURL(t *testing.T) {
	d, err := New(Config{URL: "http://h/openapi/openlineage"})
	if err != nil || d.Backend() != DataHub || d.MaxEventBytes() != 1<<20 {
		t.Fatalf("%v %v", d.Backend(), err)
	}
}

func TestErrorsHoldNoSecrets(t *testing.T) {
	const key = "s3cr3t-key"
	cfg := Config{APIKey: key, Backend: Generic}
	d := serve(t, cfg, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"message":"key `+key+` unknown `+strings.Repeat("é", 500)+`"}`)
	})
	err := d.Deliver(t.Context(), event)
	if err == nil || strings.Contains(err.Error(), key) || len(err.Error()) > 300 || fault.Of(err).Hint == "" {
		t.Errorf("%v", err)
	}
	gone, err := New(Config{URL: "http://user:" + key + "@127.0.0.1:1", Backend: Generic})
	if err != nil {
		t.Fatal(err)
	}
	err = gone.Deliver(t.Context(), event)
	if f := fault.Of(err); f.Kind != fault.Backend || f.Code != "connection" || strings.Contains(err.Error(), key) {
		t.Errorf("%+v", f)
	}
}

func TestDeliverSendsWhatItShould(t *testing.T) {
	d := serve(t, Config{APIKey: "k", Gzip: true, Backend: Generic, Headers: map[string]string{"X-A": "b"}}, func(w http.ResponseWriter, r *http.Request) {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		body, err := io.ReadAll(z)
		if string(body) != string(event.Body) || err != nil || r.Header.Get("Authorization") != "Bearer k" || r.Header.Get("X-A") != "b" ||
			r.Header.Get("Content-Type") != "application/json" || r.URL.Path != "/api/v1/lineage" || r.Header["Idempotency-Key"] != nil {
			t.Errorf("%s %v %s", r.URL, r.Header, body)
		}
		w.WriteHeader(http.StatusCreated)
	})
	if err := d.Deliver(t.Context(), event); err != nil {
		t.Fatal(err)
	}
}

func TestStopIsNobodysFaultAndTimeoutTheBackends(t *testing.T) {
	release := make(chan struct{})
	h := func(_ http.ResponseWriter, _ *http.Request) { <-release }
	stopped := serve(t, Config{Backend: Generic}, h)
	slow := serve(t, Config{Backend: Generic, Timeout: 20 * time.Millisecond}, h)
	t.Cleanup(func() { close(release) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := stopped.Deliver(ctx, event); !errors.Is(err, context.Canceled) || fault.Of(err).Kind != fault.Bug {
		t.Errorf("stopped: %v", err)
	}
	if f := fault.Of(slow.Deliver(t.Context(), event)); f.Kind != fault.Backend || f.Code != "timeout" {
		t.Errorf("slow: %+v", f)
	}
}

func Test400IsTheEventsFaultOnlyBesideSuccess(t *testing.T) {
	status := http.StatusBadRequest
	d := serve(t, Config{Backend: Generic}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	now := time.Now()
	d.now = func() time.Time { return now }
	expect := func(kind fault.Kind, unclear bool) {
		t.Helper()
		if f := fault.Of(d.Deliver(t.Context(), event)); f.Kind != kind || f.Unclear != unclear {
			t.Errorf("%+v", f)
		}
	}
	expect(fault.Backend, true)
	status = http.StatusCreated
	if err := d.Deliver(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	status = http.StatusBadRequest
	expect(fault.Message, false)
	now = now.Add(61 * time.Second)
	expect(fault.Backend, true)
}

func TestRedirectIsNotFollowed(t *testing.T) {
	calls := 0
	d := serve(t, Config{Backend: Generic}, func(w http.ResponseWriter, r *http.Request) {
		calls++
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	})
	if f := fault.Of(d.Deliver(t.Context(), event)); f.Kind != fault.Backend || f.Hint == "" || calls != 1 {
		t.Errorf("%+v, %d calls", f, calls)
	}
}

func TestMarquezSkipIsCountedOrBuried(t *testing.T) {
	for _, on := range []string{CountSkipped, BurySkipped} {
		d := serve(t, Config{Backend: Marquez, OnSkipped: on}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
		err := d.Deliver(t.Context(), event)
		if (err == nil) != (on == CountSkipped) || d.Skipped() != 1 {
			t.Errorf("%s: %v, %d", on, err, d.Skipped())
		}
	}
}

func TestGuardStandsBeforeTheWire(t *testing.T) {
	calls := 0
	h := func(w http.ResponseWriter, _ *http.Request) { calls++; w.WriteHeader(http.StatusCreated) }
	bad := openlineage.Event{Body: []byte(`{"job":{"namespace":"n","name":""}}`), PassThrough: true}
	if f := fault.Of(serve(t, Config{Backend: Marquez}, h).Deliver(t.Context(), bad)); f.Code != "unsafe_event" || calls != 0 {
		t.Errorf("%+v", f)
	}
	for _, cfg := range []Config{{Backend: Marquez, GuardOff: true}, {Backend: Generic}} {
		if err := serve(t, cfg, h).Deliver(t.Context(), bad); err != nil {
			t.Error(err)
		}
	}
	bad.PassThrough = false // what Map made is not read again
	if err := serve(t, Config{Backend: Marquez}, h).Deliver(t.Context(), bad); err != nil {
		t.Error(err)
	}
}

// Only what Map made, for a backend that is known, is sure; what passes through is looked at, and an unknown backend is asked first.
func TestWhatIsSureNeedsNoCheck(t *testing.T) {
	questions := 0
	h := func(w http.ResponseWriter, _ *http.Request) { questions++; w.WriteHeader(http.StatusNotFound) }
	made, passed := openlineage.Event{Body: []byte(`{"job":{"name":""}}`)}, openlineage.Event{Body: []byte(`{"job":{"name":""}}`), PassThrough: true}
	for _, backend := range []string{Marquez, DataHub, Generic} {
		d := serve(t, Config{Backend: backend}, h)
		if !d.Sure(made) || d.Sure(passed) || d.Check(t.Context(), made) != nil {
			t.Errorf("%s: made %t, passed through %t", backend, d.Sure(made), d.Sure(passed))
		}
	}
	if d := serve(t, Config{Backend: Auto}, h); d.Sure(made) || d.Check(t.Context(), made) != nil || questions == 0 {
		t.Errorf("an unknown backend: %t after %d questions", d.Sure(made), questions)
	}
}

func TestRetryAfterOfSecondsAndDates(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "x": 0, "99999999999": time.Hour,
		"Thu, 01 Jan 2026 00:00:30 GMT": 30 * time.Second, "Wed, 31 Dec 2025 00:00:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}
