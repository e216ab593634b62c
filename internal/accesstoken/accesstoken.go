// Package accesstoken fetches the access tokens that Kafka brokers and HTTP backends ask for, and keeps each until shortly before it ends.
package accesstoken

import (
	"context"
	"sync"
	"time"
)

// Token is an access token; Expiry is zero where nobody said how long it is good.
type Token struct {
	Value  string
	Expiry time.Time
}

// Fetch asks for a new token.
type Fetch func(ctx context.Context) (Token, error)

// unknownLife is how long a token is kept whose end nobody told.
const unknownLife = 5 * time.Minute

// pause is how long after a failed renewal a token that is still good is used without asking again.
const pause = 5 * time.Second

// Source keeps a token. One caller at a time fetches; the others wait for what comes of it. It is safe for concurrent use.
type Source struct {
	fetch Fetch
	early time.Duration
	now   func() time.Time

	mu      sync.Mutex // guards below
	held    Token
	renewAt time.Time // from here on a new one is wanted; held may be good for longer
	flight  *flight   // nil: nobody fetches
}

// flight is one fetch, for all who wait for it.
type flight struct {
	done  chan struct{} // closed: the rest is there
	token Token
	err   error
	ended bool // the context of who fetched ended: that says nothing about the endpoint
}

// NewSource gives a source that renews a token so long before its end, or, where the token's whole life is short, a quarter of it before.
func NewSource(fetch Fetch, early time.Duration) *Source {
	return &Source{fetch: fetch, early: early, now: time.Now}
}

// Now gives a token that is good, fetching one if there is none. Its error is an *Error, or ctx's own.
func (s *Source) Now(ctx context.Context) (Token, error) { return s.get(ctx, "") }

// Renew is Now after somebody has refused a token that looked good: it gives another one, once for all who were refused the same. Nothing refused: it is Now.
func (s *Source) Renew(ctx context.Context, refused string) (Token, error) {
	return s.get(ctx, refused)
}

func (s *Source) get(ctx context.Context, refused string) (Token, error) {
	for {
		s.mu.Lock()
		if s.held.Value != "" && s.held.Value != refused && s.now().Before(s.renewAt) {
			defer s.mu.Unlock()
			return s.held, nil
		}
		f := s.flight
		mine := f == nil
		if mine {
			f = &flight{done: make(chan struct{})}
			s.flight = f
		}
		s.mu.Unlock()
		if mine {
			s.fly(ctx, f, refused)
			return f.token, f.err
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return Token{}, ctx.Err()
		}
		if !f.ended {
			return f.token, f.err
		}
	}
}

// fly fetches for everybody.
func (s *Source) fly(ctx context.Context, f *flight, refused string) {
	f.token, f.err = s.fetch(ctx)
	f.ended = f.err != nil && ctx.Err() != nil
	if f.ended {
		f.err = ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	switch {
	case f.err == nil:
		s.held, s.renewAt = f.token, s.renewal(f.token, now)
	case s.held.Value != "" && s.held.Value != refused && now.Before(s.held.Expiry):
		f.token, f.err, f.ended = s.held, nil, false // the endpoint is away; what there is, is good for a while
		s.renewAt = now.Add(pause)
	}
	s.flight = nil
	close(f.done)
}

// renewal is when a token that was fetched now wants a successor.
func (s *Source) renewal(t Token, now time.Time) time.Time {
	if t.Expiry.IsZero() {
		return now.Add(unknownLife)
	}
	life := t.Expiry.Sub(now)
	return t.Expiry.Add(-min(s.early, life/4))
}
