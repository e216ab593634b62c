package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// authorize finds whose token a request carries. Without tokens nobody is asked for one.
func (g *Gateway) authorize(r *http.Request) (*Token, *answer) {
	if len(g.cfg.Tokens) == 0 {
		return nil, nil
	}
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	given = strings.TrimSpace(given)
	var found *Token
	if strings.EqualFold(scheme, "bearer") && given != "" {
		sum := sha256.Sum256([]byte(given))
		for i := range g.cfg.Tokens { // all of them, so that time tells nothing
			for line := range strings.Lines(g.cfg.Tokens[i].Now()) {
				if line = strings.TrimSpace(line); line == "" {
					continue
				}
				if want := sha256.Sum256([]byte(line)); subtle.ConstantTimeCompare(sum[:], want[:]) == 1 {
					found = &g.cfg.Tokens[i]
				}
			}
		}
	}
	if found == nil {
		a := refusal(http.StatusUnauthorized, codeAuth, "a token of this gateway is needed", "send it as Authorization: Bearer TOKEN (OpenLineage's clients: auth type api_key)")
		a.headers = map[string]string{"WWW-Authenticate": "Bearer"}
		return nil, &a
	}
	return found, nil
}

// otherNamespace is the refusal of what belongs to another job namespace than the token's. It quotes neither.
func otherNamespace(place string) *answer {
	a := refusal(http.StatusForbidden, codeNamespace, place+": not the job namespace of this token", "send it with the token of that namespace, or set gateway.other_namespace: rewrite")
	return &a
}
