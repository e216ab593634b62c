// Package sqltext reads the text of a SQL query: which tables it names, and the text without its values. It knows the
// quotes and comments of the dialects and just as much grammar as tells a table from what looks alike; it knows nothing
// of validation results.
//
// A row value must never pass as a name or as text. So the reading stops where the dialects in question disagree, and of a
// text of which a part is doubtful nothing is shown.
package sqltext

import "strings"

// MaxRead is how much of one query is read, in bytes; the token that lies there is read to its end, what follows is left out.
const MaxRead = 64 << 10

// Query is a text that was read once.
type Query struct {
	d      dialect
	src    string
	tokens []token
	doubt  bool // the dialects disagree about what follows the tokens
	cut    bool // the text was longer than MaxRead
}

// Read reads a text in the dialect of a store, which the scheme of the store's namespace names ("postgres"); of an
// unknown one only what all dialects read alike is taken for sure.
func Read(sql, scheme string) *Query {
	l := lexer{d: dialectOf(scheme), src: strings.ReplaceAll(strings.ToValidUTF8(sql, "?"), "\x00", "")}
	l.run()
	return &Query{d: l.d, src: l.src, tokens: l.tokens, doubt: l.doubt, cut: l.at < len(l.src)}
}

// Dialect is what OpenLineage's sql facet calls the dialect, "" where it is not known.
func (q *Query) Dialect() string { return q.d.name }
