package web

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Token tells the secret that lets somebody change something. It is asked for each request, so that it may be exchanged. An error says
// what keeps it from being known; then nobody is let in.
type Token func() (string, error)

// leastToken is how long a token must be: what is shorter can be guessed.
const leastToken = 16

// TokenFile is the token in a file: what stands in it, without the line's end. It is read again when the file has changed.
func TokenFile(path string) Token {
	f := &tokenFile{path: path}
	return f.now
}

type tokenFile struct {
	path string

	mu    sync.Mutex // guards below
	stamp string
	value string
}

func (f *tokenFile) now() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return "", fmt.Errorf("web.token_file: %w", err)
	}
	stamp := fmt.Sprint(info.ModTime().UnixNano(), info.Size(), info.Mode())
	if stamp == f.stamp {
		return f.value, nil
	}
	if !info.Mode().IsRegular() || info.Size() > 4096 {
		return "", fmt.Errorf("web.token_file: %s is no regular file of at most 4 KiB", f.path)
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return "", fmt.Errorf("web.token_file: %w", err)
	}
	value := strings.TrimSpace(string(text))
	if len(value) < leastToken {
		return "", fmt.Errorf("web.token_file: the token in %s is shorter than %d characters: make one with `openssl rand -hex 32`", f.path, leastToken)
	}
	f.value, f.stamp = value, stamp
	return value, nil
}

// hash is what is compared and kept of a token: of one length, and of no use to anybody.
func hash(token string) [sha256.Size]byte { return sha256.Sum256([]byte(token)) }

// errWrongToken is what whoever guesses hears.
var errWrongToken = errors.New("this is not the token")

// check compares a token in a time that says nothing about it, and gives the hash of the right one.
func (s *Server) check(given string) (right [sha256.Size]byte, err error) {
	if s.Token == nil {
		return right, errNoToken
	}
	token, err := s.Token()
	if err != nil {
		return right, err
	}
	right = hash(token)
	mine := hash(given)
	if token == "" || subtle.ConstantTimeCompare(mine[:], right[:]) != 1 {
		return right, errWrongToken
	}
	return right, nil
}

// attempts limits how often somebody may try a token.
type attempts struct {
	mu   sync.Mutex // guards below
	by   map[string]*rate.Limiter
	rest *rate.Limiter // of all beyond mostAddresses
}

const (
	mostAddresses  = 1024
	attemptsAtOnce = 5
	attemptEvery   = 12 * time.Second
)

func newAttempts() *attempts {
	return &attempts{by: make(map[string]*rate.Limiter), rest: rate.NewLimiter(rate.Every(attemptEvery), attemptsAtOnce)}
}

// may takes one attempt of whoever asks.
func (a *attempts) may(r *http.Request) bool {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.by[address]
	if l == nil {
		if len(a.by) >= mostAddresses {
			a.forget()
		}
		if l = a.rest; len(a.by) < mostAddresses {
			l = rate.NewLimiter(rate.Every(attemptEvery), attemptsAtOnce)
			a.by[address] = l
		}
	}
	return l.Allow()
}

// forget drops addresses that have not tried for so long that they have all their attempts again. The caller holds mu.
func (a *attempts) forget() {
	for address, l := range a.by {
		if l.Tokens() >= attemptsAtOnce {
			delete(a.by, address)
		}
	}
}

// givesBack gives the attempt of somebody who knew the token back.
func (a *attempts) givesBack(r *http.Request) {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.by, address)
}
