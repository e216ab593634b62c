package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// unwanted is a body that nobody may read.
type unwanted struct{ t *testing.T }

func (u unwanted) Read([]byte) (int, error) {
	u.t.Error("the body is read")
	return 0, http.ErrBodyReadAfterClose
}

// What is refused by its head is refused before a byte of its body is read or room is taken for it: a length that may not be is too large (413, for good), and not a
// gateway without room (429, come again), however long it is.
func TestABodyIsRefusedByItsHead(t *testing.T) {
	for name, c := range map[string]struct {
		length int64
		header string
		value  string
		status int
	}{
		"a byte too long":             {1001, "", "", 413},
		"longer than all room":        {1 << 40, "", "", 413},
		"packed, a byte too long":     {1001, "Content-Encoding", "gzip", 413},
		"another type":                {10, "Content-Type", "text/plain", 415},
		"another encoding":            {10, "Content-Encoding", "zstd", 415},
		"a page of another site":      {10, "Sec-Fetch-Site", "cross-site", 403},
		"a token that is none":        {10, "Authorization", "Bearer x", 401},
		"longer, and without a token": {1 << 40, "Authorization", "", 401},
	} {
		g, _ := newGateway(func(cfg *Config) {
			cfg.MaxRequestBytes, cfg.MaxBytesInFlight = 1000, 2000
			cfg.Tokens = []Token{{Name: "t", Now: func() string { return "a-token-of-sixteen" }}}
		})
		r := httptest.NewRequest(http.MethodPost, "/api/v1/lineage", unwanted{t})
		r.ContentLength = c.length
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer a-token-of-sixteen")
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != c.status || g.inFlight.Load() != 0 {
			t.Errorf("%s: %d %s, %d bytes held; want %d", name, w.Code, w.Body, g.inFlight.Load(), c.status)
		}
	}
}

// What comes is bounded too, not only what it unpacks to: empty gzip members, one after the other, unpack to nothing for as long as somebody sends them.
func TestWhatUnpacksToNothingIsBounded(t *testing.T) {
	g, _ := newGateway(func(cfg *Config) { cfg.MaxRequestBytes = 1000 })
	nothing := packed("")
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"few":           {strings.Repeat(nothing, 10), 400},
		"before events": {strings.Repeat(nothing, 10) + packed(runEvent), 201},
		"many":          {strings.Repeat(nothing, 1000/len(nothing)+1), 413},
	} {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/lineage", io.MultiReader(strings.NewReader(c.body))) // of no known length
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Content-Encoding", "gzip")
		w := httptest.NewRecorder()
		if g.ServeHTTP(w, r); w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.status)
		}
	}
}
