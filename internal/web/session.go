package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	sessionCookie = "gx-ol-session"
	sessionIdle   = 12 * time.Hour
	mostSessions  = 256
)

// Session is somebody who knew the token.
type Session struct {
	CSRF string // what a form must bring beside the cookie

	token [sha256.Size]byte // that was right when it began: another one ends it
	used  time.Time
}

// sessions are kept in memory: a restart ends them all.
type sessions struct {
	mu sync.Mutex // guards by, and the Sessions in it
	by map[[sha256.Size]byte]*Session
}

func newSessions() *sessions { return &sessions{by: make(map[[sha256.Size]byte]*Session)} }

// begin makes a session and gives the cookie's value.
func (s *sessions) begin(token [sha256.Size]byte, now time.Time) string {
	id := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now)
	s.by[hash(id)] = &Session{CSRF: rand.Text(), token: token, used: now}
	return id
}

// forget drops what is idle, and the one idle longest where there are too many. The caller holds mu.
func (s *sessions) forget(now time.Time) {
	var oldest [sha256.Size]byte
	at := now
	for id, one := range s.by {
		if now.Sub(one.used) > sessionIdle {
			delete(s.by, id)
		} else if !one.used.After(at) {
			oldest, at = id, one.used
		}
	}
	if len(s.by) >= mostSessions {
		delete(s.by, oldest)
	}
}

// of is the session of a cookie, if the token is still the one that it began with.
func (s *sessions) of(id string, token [sha256.Size]byte, now time.Time) *Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := hash(id)
	one := s.by[key]
	if one == nil {
		return nil
	}
	if now.Sub(one.used) > sessionIdle || subtle.ConstantTimeCompare(one.token[:], token[:]) != 1 {
		delete(s.by, key)
		return nil
	}
	one.used = now
	copied := *one
	return &copied
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.by, hash(id))
}

// session is who asks; nil: nobody who is signed in.
func (s *Server) session(r *http.Request) *Session {
	c, err := r.Cookie(sessionCookie)
	if err != nil || s.Token == nil {
		return nil
	}
	token, err := s.Token()
	if err != nil {
		return nil
	}
	return s.sessions.of(c.Value, hash(token), time.Now())
}

// bearer is the token in the Authorization header.
func bearer(r *http.Request) (token string, given bool) {
	kind, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(kind, "Bearer")
}

// bearerFails answers where a bearer token is wrong, and reports whether it did.
func (s *Server) bearerFails(w http.ResponseWriter, r *http.Request, token string) bool {
	if !s.attempts.may(r) {
		s.tooMany(w, r)
		return true
	}
	if _, err := s.check(token); err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="gx-ol"`)
		s.fail(w, r, http.StatusUnauthorized, sentence(err))
		return true
	}
	s.attempts.givesBack(r)
	return false
}

// mayRead lets everybody read where the page listens on a loopback address, and elsewhere who knows the token.
func (s *Server) mayRead(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token, ok := bearer(r); ok {
			if !s.bearerFails(w, r, token) {
				h.ServeHTTP(w, r)
			}
			return
		}
		switch {
		case s.Open && !forwarded(r), s.session(r) != nil:
			h.ServeHTTP(w, r)
		case s.Token == nil:
			s.fail(w, r, http.StatusForbidden, "This page is not offered here: it is asked from elsewhere than this machine, and no token is configured. "+
				"Write one into a file (openssl rand -hex 32 > FILE) and name it in web.token_file, or ask from this machine by a loopback address.")
		case isFragment(r) || r.URL.Path == "/changes":
			s.fail(w, r, http.StatusUnauthorized, "You are not signed in any more.")
		default:
			http.Redirect(w, r, "/signin?to="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		}
	})
}

// requireToken lets only those change something who know the token: by a bearer token, or by a session with its CSRF token, from a page of ours.
func (s *Server) requireToken(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Token == nil {
			s.fail(w, r, http.StatusForbidden, sentence(errNoToken))
			return
		}
		if foreignOrigin(r) {
			s.fail(w, r, http.StatusForbidden, "This request comes from another page than this one: it is not done.")
			return
		}
		if token, ok := bearer(r); ok {
			if !s.bearerFails(w, r, token) {
				h.ServeHTTP(w, r)
			}
			return
		}
		one := s.session(r)
		if one == nil {
			s.fail(w, r, http.StatusUnauthorized, "Sign in with the token to change something.")
			return
		}
		given := r.Header.Get("X-CSRF-Token")
		if given == "" {
			given = r.PostFormValue("csrf")
		}
		if subtle.ConstantTimeCompare([]byte(given), []byte(one.CSRF)) != 1 {
			s.fail(w, r, http.StatusForbidden, "This form is too old, or not of this page: load the page again, and repeat it.")
			return
		}
		h.ServeHTTP(w, r)
	})
}

type signInView struct {
	To    string // where to go then
	Wrong string // what was wrong with the last attempt
	Ready bool   // there is a token to sign in with
}

func (s *Server) showSignIn(w http.ResponseWriter, r *http.Request) {
	s.signInPage(w, r, http.StatusOK, signInView{To: within(r.FormValue("to"))})
}

func (s *Server) signInPage(w http.ResponseWriter, r *http.Request, status int, v signInView) {
	if v.Ready = s.Token != nil; !v.Ready {
		v.Wrong = sentence(errNoToken)
	}
	s.renderStatus(w, r, status, "signin", v)
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	to := within(r.PostFormValue("to"))
	if foreignOrigin(r) {
		s.fail(w, r, http.StatusForbidden, "This request comes from another page than this one: it is not done.")
		return
	}
	if !s.attempts.may(r) {
		s.tooMany(w, r)
		return
	}
	token, err := s.check(strings.TrimSpace(r.PostFormValue("token")))
	if err != nil {
		s.signInPage(w, r, http.StatusUnauthorized, signInView{To: to, Wrong: sentence(err)})
		return
	}
	s.attempts.givesBack(r)
	http.SetCookie(w, s.cookie(r, s.sessions.begin(token, time.Now())))
	seeOther(w, to) // within made it a path of this page
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(sessionCookie); err == nil {
		s.sessions.end(c.Value)
	}
	gone := s.cookie(r, "") //nolint:gosec // as cookie says
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// cookie is the session's: no script reads it, no other site sends it, and where the connection is encrypted it travels on no other.
func (s *Server) cookie(r *http.Request, value string) *http.Cookie {
	return &http.Cookie{Name: sessionCookie, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: encrypted(r)} //nolint:gosec // plain HTTP has no other
}

func (s *Server) tooMany(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "60")
	s.fail(w, r, http.StatusTooManyRequests, "Too many wrong tokens from your address: wait a minute.")
}

// within is a path of this page; whatever else is asked for is its beginning.
func within(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}
