package http

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
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

// cut takes every secret out of a text, and so much of its begin as tells it: whoever quotes a key may cut it short, or write it otherwise.
func (u *used) cut(text string) string {
	u.mu.Lock()
	all := make(map[string]struct{})
	for secret := range u.all {
		for _, form := range forms(secret) {
			all[form] = struct{}{}
		}
	}
	u.mu.Unlock()
	var out strings.Builder
	for {
		at, end := nearest(text, all)
		if at < 0 {
			break
		}
		out.WriteString(text[:at])
		out.WriteString("***")
		text = text[end:]
	}
	out.WriteString(text)
	return out.String()
}

// nearest is where the first form begins in a text, or enough of it, and where the longest that begins there ends; -1 if there is none.
func nearest(text string, all map[string]struct{}) (at, end int) {
	at = -1
	for form := range all {
		begin := form[:min(leastPrefix, len(form))]
		i := strings.Index(text, begin)
		if i < 0 || at >= 0 && i > at {
			continue
		}
		n := i + len(begin)
		for n < len(text) && n-i < len(form) && text[n] == form[n-i] {
			n++
		}
		if i < at || at < 0 || n > end {
			at, end = i, n
		}
	}
	return at, end
}

// forms are the ways in which a backend may write a secret that it was sent: in a text of JSON, in an address, and packed with its scheme or without.
func forms(secret string) []string {
	quoted, _ := json.Marshal(secret) // a text always can be
	inJSON := string(quoted[1 : len(quoted)-1])
	all := []string{secret, inJSON, strings.ReplaceAll(inJSON, "/", `\/`), strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(secret), url.QueryEscape(secret), url.PathEscape(secret)}
	for _, packed := range []string{secret, "Bearer " + secret} {
		for _, as := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			all = append(all, as.EncodeToString([]byte(packed)))
		}
	}
	return all
}
