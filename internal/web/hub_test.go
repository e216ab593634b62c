package web

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A browser is told when a place has changed, and it ends with the page.
func TestChangesArePushed(t *testing.T) {
	o := seenAll("orders")
	flow := &countedFlow{}
	o.Flow = flow
	s := made(t, o)
	server := httptest.NewServer(s)
	defer server.Close()
	resp, err := http.Get(server.URL + "/changes")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(resp.Header)
	}
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		return "ended"
	}
	if got := next(); !strings.Contains(got, `"results":5`) || !strings.Contains(got, `"now":5`) {
		t.Fatal(got)
	}
	flow.n.Store(7)
	for got := next(); !strings.Contains(got, `"now":12`); got = next() {
		if got == "ended" {
			t.Fatal(got)
		}
	}
	s.Close()
	if got := next(); got != "ended" {
		t.Errorf("after its end: %s", got)
	}
}

type countedFlow struct {
	fakeFlow
	n atomic.Uint64
}

func (f *countedFlow) Number() uint64 { return f.n.Load() }

// A browser that takes nothing finds the newest when it does, and keeps nobody waiting.
func TestASlowBrowserGetsTheNewest(t *testing.T) {
	h := newHub(nil)
	w, leave, ok := h.join()
	if !ok {
		t.Fatal("it may not join")
	}
	for _, news := range []string{"1", "2", "3"} {
		h.push([]byte(news))
	}
	if got := string(<-w.news); got != "3" {
		t.Error(got)
	}
	leave()
	h.push([]byte("4"))
	select {
	case got := <-w.news:
		t.Errorf("one that has left gets %s", got)
	default:
	}
}

func TestBrowsersThatWatchAreBounded(t *testing.T) {
	s := made(t, Options{Open: true})
	for range mostWatches {
		_, leave, ok := s.hub.join()
		if !ok {
			t.Fatal("too few")
		}
		defer leave()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if w := answer(s, asked(http.MethodGet, "/changes").WithContext(ctx)); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("one more: %d", w.Code)
	}
}

// Nobody who watches costs nothing: the places are not even asked.
func TestNobodyIsAskedWhileNobodyWatches(t *testing.T) {
	var asked atomic.Int64
	h := newHub([]Place{{Name: "p", Changed: func() uint64 { return uint64(asked.Add(1)) }}})
	h.every = time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { h.run(ctx); close(done) }()
	if n := asked.Load(); n != 0 {
		t.Errorf("asked %d times", n)
	}
	w, leave, _ := h.join()
	<-w.news
	leave()
	cancel()
	<-done
}

// What changes while a page is made, or before its browser listens, is told to the browser as news: the page says how new it is, by the time before it was made.
func TestAPageSaysHowNewItIs(t *testing.T) {
	s := made(t, seenAll("orders"))
	for path, number := range map[string]string{"/now": "6", "/results": "5", "/datasets": "5"} {
		if page := get(t, s, path, http.StatusOK); !strings.Contains(page, `data-seen="`+number+`"`) {
			t.Errorf("%s: %.600s", path, page)
		}
	}
	number := uint64(7)
	h := inPlace(Place{Name: "x", Changed: func() uint64 { return number }}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		number++
		if of := placeOf(r); of.name != "x" || *of.number != 7 {
			t.Errorf("%s, %d", of.name, *of.number)
		}
	}))
	h.ServeHTTP(httptest.NewRecorder(), asked(http.MethodGet, "/x"))
}
