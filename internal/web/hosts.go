package web

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// knows reports whether a Host header is one that the page may be asked by: a name of this machine, a configured one, or an IP address, which no
// attacker's name server can make to mean something else. Else a page on the web whose name was made to resolve here could read what its visitor can.
func (s *Server) knows(host string) bool {
	name := hostName(host)
	if at, err := netip.ParseAddr(name); err == nil {
		return !s.Open || at.Unmap().IsLoopback()
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if slices.ContainsFunc(s.Hosts, func(h string) bool { return strings.EqualFold(hostName(h), name) }) {
		return true
	}
	own, err := os.Hostname()
	return err == nil && !s.Open && name != "" && strings.EqualFold(own, name)
}

// hostName is a host without its port, brackets and final dot, in lower case.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(host), "["), "]"), ".")
}

// forwarded reports whether somebody else stands behind whoever asks: then that it asks from this machine says nothing.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// foreignOrigin reports whether a browser says that the request comes from a page of somebody else.
func foreignOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
		return true
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	_, host, ok := strings.Cut(origin, "://")
	return !ok || !strings.EqualFold(host, r.Host)
}

// encrypted reports whether the browser's own connection is.
func encrypted(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
