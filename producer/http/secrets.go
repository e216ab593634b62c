package http

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

const (
	leastSecret = 4 // bytes; what is shorter would tear up ordinary words
	leastPrefix = 8 // bytes of the begin of a secret that tell too much of it
)

// used are the secrets that requests carried: an answer to one may quote it after it was renewed.
type used struct {
	mu  sync.Mutex // guards all
	all map[string]struct{}
}

// add also takes the value behind a scheme (Bearer …, Basic …), which a backend may quote alone.
func (u *used) add(secret string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == nil {
		u.all = make(map[string]struct{})
	}
	if len(secret) >= leastSecret {
		u.all[secret] = struct{}{}
	}
	if _, value, ok := strings.Cut(secret, " "); ok && len(strings.TrimSpace(value)) >= leastSecret {
		u.all[strings.TrimSpace(value)] = struct{}{}
	}
}

// cut takes every secret out of a text, and so much of its begin as tells it: whoever quotes a key may cut it short.
func (u *used) cut(text string) string {
	u.mu.Lock()
	all := slices.Collect(maps.Keys(u.all))
	u.mu.Unlock()
	// The longest first: one may be the begin of another, whose rest would stay.
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	for _, s := range all {
		text = without(text, s)
	}
	return text
}

// without replaces secret, and each run of its first bytes that is long enough.
func without(text, secret string) string {
	begin := secret[:min(leastPrefix, len(secret))]
	at := strings.Index(text, begin)
	if at < 0 {
		return text
	}
	var out strings.Builder
	for ; at >= 0; at = strings.Index(text, begin) {
		end := len(begin)
		for end < len(secret) && at+end < len(text) && text[at+end] == secret[end] {
			end++
		}
		out.WriteString(text[:at])
		out.WriteString("***")
		text = text[at+end:]
	}
	out.WriteString(text)
	return out.String()
}
