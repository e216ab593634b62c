package sqltext

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// mark stands in every value that the writer below writes.
const mark = "SECRETPW"

// writer writes queries as one dialect reads them, with the oddest names and values, drawn by the bytes that it is given.
type writer struct {
	scheme string
	draws  []byte
	b      strings.Builder
}

func (w *writer) draw(n int) int {
	if len(w.draws) == 0 {
		return 0
	}
	d := w.draws[0]
	w.draws = w.draws[1:]
	return int(d) % n
}

// odd is a text of characters that mean something somewhere.
func (w *writer) odd() string {
	pieces := []string{"a", "'", `"`, "`", "[", "]", `\`, "--", "/*", "*/", "//", "#", "$", "$$", "$a$", " ", "\n", "1", "q", "e", ";", "(", "é", "’"}
	var b strings.Builder
	for range w.draw(5) {
		b.WriteString(pieces[w.draw(len(pieces))])
	}
	return b.String()
}

func (w *writer) query() string {
	w.b.WriteString("SELECT ")
	for n := 0; len(w.draws) > 0 && n < 60; n++ {
		w.b.WriteString([]string{"", "", " ", ",", "=", "+", "%", "\n", " FROM t WHERE ", " t.", "b", "(", ")"}[w.draw(13)])
		switch w.draw(4) {
		case 0:
			w.name()
		case 1:
			w.comment()
		default:
			w.value()
		}
	}
	return w.b.String()
}

func (w *writer) name() {
	odd := "n" + w.odd()
	d := dialectOf(w.scheme)
	switch w.draw(3) {
	case 0:
		if d.double == isName && w.scheme != "clickhouse" {
			w.b.WriteString(`"` + strings.ReplaceAll(odd, `"`, `""`) + `"`)
		}
	case 1:
		switch {
		case d.tick != isName:
		case d.backslash == escapes:
			w.b.WriteString("`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(odd) + "`")
		default:
			w.b.WriteString("`" + strings.ReplaceAll(odd, "`", "``") + "`")
		}
	case 2:
		switch {
		case d.bracket != isName:
		case d.doubled:
			w.b.WriteString("[" + strings.ReplaceAll(odd, "]", "]]") + "]")
		default:
			w.b.WriteString("[" + strings.ReplaceAll(odd, "]", "") + "]")
		}
	}
}

func (w *writer) comment() {
	d := dialectOf(w.scheme)
	line := strings.ReplaceAll(mark+w.odd()+mark, "\n", "")
	switch w.draw(4) {
	case 0:
		w.b.WriteString("-- " + line + "\n")
	case 1:
		w.b.WriteString("/*" + strings.NewReplacer("/*", "", "*/", "").Replace(line) + " */")
	case 2:
		if d.hash == yes {
			w.b.WriteString("#" + line + "\n")
		}
	case 3:
		if d.slashes == yes {
			w.b.WriteString("//" + line + "\n")
		}
	}
}

func (w *writer) value() {
	d := dialectOf(w.scheme)
	odd := mark + w.odd() + mark
	q := "'"
	switch w.draw(6) {
	case 0:
		if d.double == isString {
			q = `"`
		}
	case 1:
		if d.dollars == yes {
			w.b.WriteString(" $z$" + odd + "$z$")
			return
		}
	case 2:
		if d.eStrings {
			w.b.WriteString(" E'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(odd) + "'")
			return
		}
	case 3:
		switch {
		case d.triple == yes:
			w.b.WriteString(" '" + "''" + strings.NewReplacer(`\`, `\\`, "'", "").Replace(odd) + "'" + "''")
			return
		case d.qQuotes == yes:
			w.b.WriteString(" q'[" + strings.ReplaceAll(odd, "]'", "") + "]'")
			return
		}
	}
	if w.escapes() {
		odd = strings.ReplaceAll(odd, `\`, `\\`)
		if w.scheme == "bigquery" || w.draw(2) == 0 {
			w.b.WriteString(" " + q + strings.ReplaceAll(odd, q, `\`+q) + q)
			return
		}
	}
	w.b.WriteString(" " + q + strings.ReplaceAll(odd, q, q+q) + q)
}

// escapes says whether a server of the dialect, as it is set up by default, takes a backslash for an escape.
func (w *writer) escapes() bool {
	switch w.scheme {
	case "mysql", "bigquery", "snowflake", "redshift", "clickhouse", "databricks":
		return true
	}
	return false
}

var writers = []string{"postgres", "redshift", "mssql", "snowflake", "oracle", "db2", "trino", "duckdb", "sqlite", "mysql", "bigquery", "clickhouse", "databricks"}

// leaks is what of a value shows in the text or the tables of a query.
func leaks(sql, scheme string) string {
	q := Read(sql, scheme)
	shown := q.Masked()
	for _, t := range q.Tables() {
		shown += " " + strings.Join(t, ".")
	}
	if strings.Contains(strings.ToUpper(shown), mark) {
		return shown
	}
	return ""
}

// Whoever wrote the query, and whether its dialect is known or not: no character of a value and of a comment shows.
func FuzzSQL(f *testing.F) {
	for i := range writers {
		f.Add([]byte("SELECT a FROM t WHERE x = [a'b]"), uint8(i))
		f.Add([]byte{1, 0, 3, 2, 5, 9, 4, 7, 2, 3, 8, 1, 1, 0, 2, 2, 2, 4, 6, 8, 10, 12, 14}, uint8(i))
	}
	f.Fuzz(func(t *testing.T, draws []byte, n uint8) {
		scheme := writers[int(n)%len(writers)]
		w := &writer{scheme: scheme, draws: draws}
		sql := w.query()
		for _, read := range []string{scheme, nobody} {
			if shown := leaks(sql, read); shown != "" {
				t.Errorf("%q, written by %s, read as %s, shows %q", sql, scheme, read, shown)
			}
		}
		for _, any := range writers { // any text at all: bounds, no panic
			q := Read(string(draws), any)
			if q.Tables(); len(q.Masked()) > MaxText {
				t.Errorf("%d bytes", len(q.Masked()))
			}
		}
	})
}

// The same without a fuzzer's patience, in every run of the tests; and not by hiding every query.
func TestNoValueOfADrawnQuerySurvives(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, scheme := range writers {
		shown := 0
		for range 4000 {
			draws := make([]byte, 1+r.IntN(60))
			for i := range draws {
				draws[i] = byte(r.Uint32())
			}
			sql := (&writer{scheme: scheme, draws: draws}).query()
			for _, read := range []string{scheme, nobody} {
				if leak := leaks(sql, read); leak != "" {
					t.Fatalf("%q, written by %s, read as %s, shows %q", sql, scheme, read, leak)
				}
			}
			if Read(sql, scheme).Masked() != "" {
				shown++
			}
		}
		if t.Logf("%s: %d of 4000 shown", scheme, shown); shown < 400 {
			t.Errorf("%s: %d of 4000 are shown: the lexer doubts too much", scheme, shown)
		}
	}
}
