package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"github.com/gx-ol/gx-ol/internal/lineage"
)

// View is what every template sees.
type View struct {
	Data any // what the handler gave

	Place     string  // whose request it is
	Number    *uint64 // of the place's changes when the request came; nil: it has none
	Places    []Place
	Name      string // what the page is about
	Version   string // of gx-ol
	Session   *Session
	CanChange bool   // a session may change something: buttons are offered
	HasToken  bool   // one can sign in
	URL       string // of this request, below the host
	Now       time.Time
}

// isFragment reports whether the browser has the page already and wants what has changed of it.
func isFragment(r *http.Request) bool { return r.Header.Get("X-Fragment") != "" }

func (s *Server) funcs() template.FuncMap {
	return template.FuncMap{
		"asset": s.assets.url, "cut": cut, "ago": ago, "since": since, "stamp": stamp, "clock": clock, "count": count, "took": took, "bytes": size, "plural": plural, "runURL": runURL, "datasetURL": datasetURL,
		"lineageURL": lineageURL, "qualityMark": func(q any) string { return qualityMark(lineage.Quality(fmt.Sprint(q))) }, "assertionText": assertionText, "numbers": numbers, "percent": percent, "seenLineage": seenLineage,
	}
}

// render answers with a page.
func (s *Server) render(w http.ResponseWriter, r *http.Request, name string, data any) {
	s.renderStatus(w, r, http.StatusOK, name, data)
}

func (s *Server) renderStatus(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	one := s.session(r)
	of := placeOf(r)
	v := View{Data: data, Place: of.name, Number: of.number, Places: s.all, Name: s.Name, Version: s.Version, Session: one, CanChange: one != nil, HasToken: s.Token != nil,
		URL: r.URL.RequestURI(), Now: time.Now()}
	layout := "layout"
	if isFragment(r) {
		layout = "main"
	}
	var page bytes.Buffer
	t, err := s.templates.page(name)
	if err == nil {
		err = t.ExecuteTemplate(&page, layout, v)
	}
	if err != nil {
		s.Log.Error("the page could not be made", zap.String("template", name), zap.Error(err))
		http.Error(w, "this page could not be made: the log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Add("Vary", "X-Fragment, Cookie")
	send(w, r, status, harmless(page.Bytes()))
}

// worthPacking is how large a page must be.
const worthPacking = 2 << 10

// packers are used again: each holds some hundred kilobytes.
var packers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is right
	return z
}}

// send answers with a page, packed where the browser can unpack it.
func send(w http.ResponseWriter, r *http.Request, status int, page []byte) {
	w.Header().Add("Vary", "Accept-Encoding")
	if len(page) < worthPacking || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.WriteHeader(status)
		_, _ = w.Write(page) // the browser went away
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z := packers.Get().(*gzip.Writer)
	defer packers.Put(z)
	z.Reset(w)
	_, _ = z.Write(page) // the browser went away
	_ = z.Close()
}

// failure is what an error's page says.
type failure struct {
	Status int
	Text   string
}

// Title is the status in words.
func (f failure) Title() string { return http.StatusText(f.Status) }

// fail answers with an error, in one sentence and what to do: as text for a program, as a page for a person.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, status int, text string) {
	text = cut(2000, text)
	if !strings.Contains(r.Header.Get("Accept"), "text/html") || isFragment(r) {
		http.Error(w, string(harmless([]byte(text))), status)
		return
	}
	s.renderStatus(w, r, status, "error", failure{status, text})
}

// sentence is an error as a person reads it.
func sentence(err error) string {
	text := err.Error()
	r, n := utf8.DecodeRuneInString(text)
	return strings.ToUpper(string(r)) + text[n:] + "."
}

// harmless makes visible what a page would obey or hide of other people's text, as Go would write it: controls, and characters that turn the direction of
// what stands behind them or cannot be seen. Our own templates have none.
func harmless(page []byte) []byte {
	clean := true
	for i := 0; i < len(page) && clean; i++ {
		clean = page[i] < utf8.RuneSelf && (page[i] >= ' ' && page[i] != 0x7f || page[i] == '\n' || page[i] == '\t')
	}
	if clean {
		return page
	}
	out := make([]byte, 0, len(page)+256)
	for len(page) > 0 {
		r, n := utf8.DecodeRune(page)
		switch {
		case r == utf8.RuneError && n == 1:
			out = fmt.Appendf(out, `\x%02x`, page[0])
		case r == '\n' || r == '\t' || strconv.IsPrint(r):
			out = append(out, page[:n]...)
		case r == '\u00a0' || r == '\u202f': // spaces that do not break: ours
			out = append(out, page[:n]...)
		default:
			quoted := strconv.QuoteRune(r)
			out = append(out, quoted[1:len(quoted)-1]...)
		}
		page = page[n:]
	}
	return out
}

// cut bounds text to n characters.
func cut(n int, text string) string {
	if len(text) <= n {
		return text
	}
	i := 0
	for at := range text {
		if i++; i > n {
			return text[:at] + "…"
		}
	}
	return text
}
