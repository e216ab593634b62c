package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	pushEvery   = time.Second      // at most one push
	quietEvery  = 15 * time.Second // a line that means nothing, so that a proxy keeps the connection
	pushWithin  = 5 * time.Second  // a browser that takes a push no faster is let go; it comes again
	mostWatches = 32               // browsers that are pushed to at once
)

// hub tells browsers which places have changed, as server-sent events. While nobody watches it does nothing.
type hub struct {
	places []Place
	every  time.Duration // pushEvery, but for tests

	mu      sync.Mutex // guards below
	watches map[*watch]bool
	came    chan struct{} // capacity 1: somebody watches
}

// watch is one browser: what it was not told yet. There is one push at most in it, the newest.
type watch struct{ news chan []byte }

func newHub(places []Place) *hub {
	return &hub{places: places, every: pushEvery, watches: make(map[*watch]bool), came: make(chan struct{}, 1)}
}

// run looks for changes until ctx ends.
func (h *hub) run(ctx context.Context) {
	tick := time.NewTicker(h.every)
	defer tick.Stop()
	var told []byte
	for {
		if h.idle() {
			select {
			case <-ctx.Done():
				return
			case <-h.came:
			}
		}
		if now := h.state(); string(now) != string(told) {
			told = now
			h.push(now)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (h *hub) idle() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watches) == 0
}

// state is the places' numbers, as JSON.
func (h *hub) state() []byte {
	numbers := make(map[string]uint64, len(h.places))
	for _, p := range h.places {
		if p.Changed != nil {
			numbers[p.Name] = p.Changed()
		}
	}
	text, _ := json.Marshal(numbers) // numbers cannot fail
	return text
}

// push hands the news to every browser. One that has not taken the last one gets this one in its place.
func (h *hub) push(news []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watches {
		select {
		case <-w.news:
		default:
		}
		w.news <- news
	}
}

// join adds a browser, unless there are too many.
func (h *hub) join() (w *watch, leave func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.watches) >= mostWatches {
		return nil, nil, false
	}
	w = &watch{news: make(chan []byte, 1)}
	h.watches[w] = true
	select {
	case h.came <- struct{}{}:
	default:
	}
	return w, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watches, w)
	}, true
}

// changes pushes what has changed, until the browser goes or the page ends.
func (s *Server) changes(w http.ResponseWriter, r *http.Request) {
	one, leave, ok := s.hub.join()
	if !ok {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "too many browsers watch this page", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // the server's own is for requests that end
	say := func(text string) bool {
		_ = out.SetWriteDeadline(time.Now().Add(pushWithin)) // where it cannot be set, the server's own holds
		_, err := fmt.Fprint(w, text)
		return err == nil && out.Flush() == nil
	}
	if !say("retry: 3000\n" + event(s.hub.state())) {
		return
	}
	quiet := time.NewTicker(quietEvery)
	defer quiet.Stop()
	for {
		text := ":\n\n"
		select {
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		case news := <-one.news:
			text = event(news)
		case <-quiet.C:
		}
		if !say(text) {
			return
		}
	}
}

func event(data []byte) string { return fmt.Sprintf("event: changed\ndata: %s\n\n", data) }
