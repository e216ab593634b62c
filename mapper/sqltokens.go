package mapper

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/DataDog/go-sqllexer"
)

const (
	maxSQL     = 64 << 10 // of a query that is read, in bytes; what follows is left out
	maxRelexes = 200      // how often the lexer starts anew within one text: each may read to the end
)

// sqlToken is a token as the obfuscation and the search for tables see it. Spaces and comments are none.
type sqlToken struct {
	kind  sqlKind
	text  string
	glued bool // stands right after the one before
}

type sqlKind int

const (
	sqlWord    sqlKind = iota // keyword, name (with its dots), parameter
	sqlQuoted                 // quoted name
	sqlLiteral                // string, number, boolean: a value
	sqlSymbol                 // operator, punctuation
)

// sqlReader reads tokens with the library's lexer and mends what it takes too wide: to it a/b, a/*c*/ and a"b" are one
// name, and =/*c*/ one operator; a value or a comment would pass as a name.
type sqlReader struct {
	d      dialect
	src    string
	at     int // where the lexer's text begins
	tokens []sqlToken
	space  bool // something stood between the last token and the next
}

// readSQL gives the tokens of a text. whole is false where dialects disagree about what follows, or the text was too
// long: the tokens end there.
func readSQL(sql string, d dialect) (tokens []sqlToken, whole bool) {
	src := strings.ReplaceAll(strings.ToValidUTF8(sql, "\ufffd"), "\x00", "")
	whole = true
	if len(src) > maxSQL {
		src, whole = strings.ToValidUTF8(src[:maxSQL], ""), false
	}
	r := &sqlReader{d: d, src: src, space: true}
	for range maxRelexes {
		again, ok := r.lex()
		if !ok {
			return r.tokens, false
		}
		if !again {
			return r.tokens, whole
		}
	}
	return r.tokens, false
}

// lex runs one lexer until it must start anew (again), or the reading must stop (!ok).
func (r *sqlReader) lex() (again, ok bool) {
	lexer := sqllexer.New(r.src[r.at:], sqllexer.WithDBMS(r.d.dbms))
	for {
		tok := lexer.Scan()
		if tok.Type == sqllexer.EOF {
			return false, true
		}
		n := consumed(r.src[r.at:], tok.Value)
		if n == 0 {
			return false, false
		}
		text := r.src[r.at : r.at+n]
		keep := r.overrun(tok.Type, text)
		if keep > 0 {
			r.add(sqlWordOrSymbol(tok.Type), text[:keep])
			r.at += keep
			return true, true
		}
		if strings.HasPrefix(text, "//") && tok.Type == sqllexer.OPERATOR && r.d.slashes {
			r.space = true
			line := strings.IndexByte(r.src[r.at:], '\n')
			if line < 0 {
				return false, true
			}
			r.at += line
			return true, true
		}
		if !r.take(tok.Type, tok.Value) {
			return false, false
		}
		r.at += n
	}
}

// consumed is how much of src a token's text is: the lexer drops the spaces around the dots of a MySQL name.
func consumed(src, value string) int {
	n := 0
	for i := 0; i < len(value); i++ {
		for n < len(src) && src[n] != value[i] && strings.IndexByte(" \t\r\n", src[n]) >= 0 {
			n++
		}
		if n >= len(src) || src[n] != value[i] {
			return 0
		}
		n++
	}
	return n
}

// overrun is the length that a token should have had; 0 if it is right.
func (r *sqlReader) overrun(t sqllexer.TokenType, text string) int {
	var marks []string
	switch t {
	case sqllexer.IDENT, sqllexer.FUNCTION:
		marks = []string{`"`, "/", "?", "!", "@", "#"}
		switch r.d.dbms {
		case sqllexer.DBMSSQLServer, sqllexer.DBMSOracle, sqllexer.DBMSDB2:
			marks = marks[:5]
		}
	case sqllexer.OPERATOR:
		marks = []string{"--", "/*", "//"}
		if r.d.hash {
			marks = append(marks, "#")
		}
	}
	first := 0
	for _, m := range marks {
		if i := strings.Index(text[1:], m); i >= 0 && (first == 0 || i+1 < first) {
			first = i + 1
		}
	}
	return first
}

func sqlWordOrSymbol(t sqllexer.TokenType) sqlKind {
	if t == sqllexer.OPERATOR {
		return sqlSymbol
	}
	return sqlWord
}

func (r *sqlReader) add(kind sqlKind, text string) {
	glued := !r.space && len(r.tokens) > 0
	r.space = false
	if glued && kind == sqlWord && isDigit(r.tokens[len(r.tokens)-1].text[0]) {
		return // 1_000, 0b11: the rest of a number
	}
	r.tokens = append(r.tokens, sqlToken{kind, text, glued})
}

// take adds a token; false where the reading must stop.
func (r *sqlReader) take(t sqllexer.TokenType, text string) bool {
	switch t {
	case sqllexer.SPACE:
		r.space = true
	case sqllexer.COMMENT, sqllexer.MULTILINE_COMMENT:
		r.space = true
		return r.sureComment(text)
	case sqllexer.STRING:
		sure := r.sureString(text)
		r.add(sqlLiteral, text)
		return sure
	case sqllexer.NUMBER:
		if text[0] == '-' || text[0] == '+' {
			r.add(sqlSymbol, text[:1])
			text = text[1:]
		}
		r.add(sqlLiteral, text)
	case sqllexer.BOOLEAN:
		r.add(sqlLiteral, text)
	case sqllexer.DOLLAR_QUOTED_STRING, sqllexer.DOLLAR_QUOTED_FUNCTION:
		r.add(sqlLiteral, "$")
		return r.d.dollars && dollarTag.MatchString(text)
	case sqllexer.INCOMPLETE_STRING, sqllexer.ERROR:
		r.add(sqlLiteral, "?")
		return false
	case sqllexer.QUOTED_IDENT:
		r.add(sqlQuoted, text)
		return !r.d.triple || !strings.HasPrefix(r.src[r.at:], `"""`)
	case sqllexer.UNKNOWN:
		// A backtick of another dialect, a backslash: what follows may read in many ways.
		c, _ := utf8.DecodeRuneInString(text)
		r.space = true
		return unicode.IsSpace(c)
	case sqllexer.OPERATOR:
		r.add(sqlSymbol, text)
		comment := strings.HasPrefix(text, "//") || strings.Contains(text, "#")
		return !comment || !r.d.strange
	case sqllexer.JSON_OP, sqllexer.PUNCTUATION, sqllexer.WILDCARD:
		r.add(sqlSymbol, text)
	default:
		r.add(sqlWord, text)
	}
	return true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// dollarTag is how a dollar-quoted string begins.
var dollarTag = regexp.MustCompile(`^\$[A-Za-z_0-9]*\$`)

// sureComment reports whether every dialect in question sees the same comment: one that hides a quote from another
// would turn the strings after it inside out.
func (r *sqlReader) sureComment(text string) bool {
	switch {
	case strings.HasPrefix(text, "/*"):
		return !strings.Contains(text[2:], "/*") // PostgreSQL's nest
	case strings.HasPrefix(text, "#"):
		return r.d.hash || !strings.ContainsAny(text, "'\"`")
	default:
		return !r.d.dashes || len(text) == 2 || text[2] <= ' ' || !strings.ContainsAny(text, "'\"`")
	}
}

// sureString reports whether the string ends where the lexer says, in every dialect in question.
func (r *sqlReader) sureString(text string) bool {
	if r.d.triple && (strings.HasPrefix(text, "'''") || strings.HasPrefix(r.src[r.at:], `"""`) || strings.HasPrefix(text, `"""`)) {
		return false
	}
	if n := len(r.tokens); r.d.qQuotes && n > 0 && !r.space && r.tokens[n-1].kind == sqlWord {
		if w := strings.ToLower(r.tokens[n-1].text); w == "q" || w == "nq" {
			return false
		}
	}
	return r.d.standard || literalEnd(text, false) == len(text) && literalEnd(text, true) == len(text)
}

// literalEnd is where a string ends if a backslash does or does not escape; -1 if it does not end.
func literalEnd(text string, escapes bool) int {
	quote := text[0]
	for i := 1; i < len(text); i++ {
		switch {
		case escapes && text[i] == '\\':
			i++
		case text[i] == quote && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return -1
}
