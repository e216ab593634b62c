package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"

	"go.uber.org/zap"
)

// Options are what the page shows and how it is guarded. What is nil is not known here, and the page says so.
type Options struct {
	Version string   // of gx-ol
	Name    string   // what the page is about, in a few words: the group, or the command
	Open    bool     // it listens on a loopback address: who reads needs no token
	Hosts   []string // further names that it may be asked by, beside those of this machine and IP addresses
	Token   Token    // what a session or a request must know to change something; nil: nothing can be changed
	Log     *zap.Logger

	Flow    Flow
	Runs    Runs
	Records Records
	Sources func() []Source
	Links   Links
	Letters Letters
	Lineage Lineage
}

// Server is the page: an http.Handler. Make it with New, and end it with Close.
type Server struct {
	Options
	mux       *http.ServeMux
	all       []Place
	templates *templates
	assets    assets
	sessions  *sessions
	attempts  *attempts
	hub       *hub
	reads     chan struct{} // who has put something in reads a record again
	asks      chan struct{} // who has put something in asks for lineage

	ctx    context.Context //nolint:containedctx // the server's life: what goes on behind requests ends with it
	cancel context.CancelFunc
	behind sync.WaitGroup // requests, and what goes on behind them

	mu    sync.Mutex // guards ended
	ended bool
}

// New makes the page. Its error is a mistake of ours: what it serves cannot be read.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	s := &Server{Options: o, mux: http.NewServeMux(), sessions: newSessions(), attempts: newAttempts(),
		reads: make(chan struct{}, readsAtOnce), asks: make(chan struct{}, asksAtOnce)}
	var err error
	if s.assets, err = readAssets(); err != nil {
		return nil, err
	}
	s.templates = newTemplates(s.funcs())
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.all = s.places()
	s.hub = newHub(s.all)
	s.behind.Go(func() { s.hub.run(s.ctx) })
	s.routes()
	return s, nil
}

// places are those of the navigation, in its order. The first is shown at /.
func (s *Server) places() []Place {
	return []Place{s.nowPlace(), s.resultsPlace(), s.datasetsPlace(), s.lineagePlace(), s.lettersPlace()}
}

// has reports whether there is a place of that name.
func (s *Server) has(name string) bool {
	return slices.ContainsFunc(s.all, func(p Place) bool { return p.Name == name })
}

// Place is an entry of the navigation with its routes; see the package's comment.
type Place struct {
	Name    string // in URLs and messages of changes: "results"
	Title   string // in the navigation
	Path    string // where the navigation leads
	Routes  []Route
	Changed func() uint64 // a number that is another one when the place shows something new; nil: it is not followed
}

// Route is one URL of a place.
type Route struct {
	Pattern string // of http.ServeMux: "GET /results/{run}"
	Handle  http.HandlerFunc
	Changes bool // it changes state: a token is needed, wherever the page listens
}

func (s *Server) routes() {
	for _, p := range s.all {
		for _, r := range p.Routes {
			var h http.Handler = r.Handle
			if r.Changes {
				h = s.requireToken(h)
			} else {
				h = s.mayRead(h)
			}
			s.mux.Handle(r.Pattern, inPlace(p, h))
		}
	}
	if len(s.all) > 0 {
		first := s.all[0].Path
		s.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, first, http.StatusFound) })
	}
	s.mux.Handle("GET /changes", s.mayRead(http.HandlerFunc(s.changes)))
	s.mux.HandleFunc("GET /assets/{version}/{file...}", s.assets.serve)
	s.mux.HandleFunc("GET /favicon.ico", s.assets.icon)
	s.mux.HandleFunc("GET /signin", s.showSignIn)
	s.mux.HandleFunc("POST /signin", s.signIn)
	s.mux.Handle("POST /signout", s.requireToken(http.HandlerFunc(s.signOut)))
	s.mux.Handle("/", s.mayRead(http.HandlerFunc(s.nothingHere)))
}

func (s *Server) nothingHere(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, http.StatusNotFound, "There is nothing at this address. The places of this page are above.")
}

// ServeHTTP answers one request, if it comes by a name that the page knows.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if !s.knows(r.Host) {
		http.Error(w, "This page is not asked by the name in the Host header: web.hosts lists the names by which it may be.", http.StatusMisdirectedRequest)
		return
	}
	if !s.enter() {
		http.Error(w, "gx-ol stops", http.StatusServiceUnavailable)
		return
	}
	defer s.behind.Done()
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	s.mux.ServeHTTP(w, r)
}

// enter counts a request, unless the page has ended.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.behind.Add(1)
	}
	return !s.ended
}

// Close ends the page, and waits for requests under way and what goes on behind them. Whoever serves it closes its connections before, so that none goes on for
// long.
func (s *Server) Close() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.cancel()
	s.behind.Wait()
}

// maxForm bounds what a request may bring.
const maxForm = 1 << 20

type placeKey struct{}

// placed is whose request it is, and the number of its changes when the request came: what it is answered is as new as that at least.
type placed struct {
	name   string
	number *uint64 // nil: the place has none
}

// inPlace notes whose request it is, for the navigation and for what is pushed.
func inPlace(p Place, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		of := placed{name: p.Name}
		if p.Changed != nil {
			number := p.Changed()
			of.number = &number
		}
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), placeKey{}, of)))
	})
}

// placeOf is the place that a request is for; zero: none.
func placeOf(r *http.Request) placed {
	of, _ := r.Context().Value(placeKey{}).(placed)
	return of
}

// secure sets the headers that every answer has.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", strings.Join([]string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
		"connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"}, "; "))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
}

// errNoToken says that nothing can be changed from the page.
var errNoToken = errors.New("nothing can be changed from this page, since no token is configured: write one into a file, and name it in web.token_file")
