package http

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"
)

// Place is an endpoint of a backend that may be asked about.
type Place int

// The places.
const (
	Namespaces   Place = iota // Marquez's list of namespaces, by which it is known
	Lineage                   // where events go
	LineageBatch              // where batches of them go
)

// Said is a backend's answer to a question that stores nothing.
type Said struct {
	URL       string // that was asked, without user and query
	Status    int
	Allow     string // header Allow
	Location  string // header Location, without user and query: where a redirect leads
	WebPage   bool   // the body is HTML
	Words     string // the backend's own, bounded, without secrets
	Kind      string // marquez or generic, where the answer to Namespaces tells; else empty
	Date      time.Time
	Sent, Got time.Time // when this side asked, and heard
	Expires   time.Time // end of the certificate; zero: no TLS, or a connection that stood already
}

// Ask asks about a place with a method that stores nothing (GET, HEAD, OPTIONS), with the credentials and headers of a delivery and within its timeout. What
// it learns does not change the destination. The error is a Backend fault, or ctx's own: no answer came.
func (h *Destination) Ask(ctx context.Context, method string, place Place) (Said, error) {
	target := map[Place]*url.URL{Namespaces: h.probe, Lineage: h.target}[place]
	if place == LineageBatch && h.batches != nil {
		target = h.batches.target
	}
	if target == nil {
		target = h.target
	}
	said := Said{URL: shownURL(target)}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{TLSHandshakeDone: func(state tls.ConnectionState, err error) {
		if err == nil && len(state.PeerCertificates) > 0 {
			said.Expires = state.PeerCertificates[0].NotAfter
		}
	}})
	said.Sent = h.now()
	a, err := h.do(ctx, method, target, nil, answerLimit)
	if err != nil {
		return Said{URL: said.URL}, err // the transport may still write to what it traces
	}
	said.Got, said.Status, said.Allow, said.WebPage = h.now(), a.status, a.header.Get("Allow"), isHTML(a.header)
	said.Words = h.wordsOf(a, nil)
	if at, err := http.ParseTime(a.header.Get("Date")); err == nil {
		said.Date = at
	}
	if to, err := url.Parse(a.header.Get("Location")); err == nil && a.status/100 == 3 {
		said.Location = shownURL(target.ResolveReference(to))
	}
	if place == Namespaces {
		said.Kind = kindOf(a)
	}
	return said, nil
}

// shownURL is a url without what may be a secret.
func shownURL(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
