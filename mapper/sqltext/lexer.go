package sqltext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a piece of a text. Spaces and comments are none.
type token struct {
	from, to int32 // in the text
	kind     kind
	glued    bool // stands right after the one before
}

func (t token) in(src string) string { return src[t.from:t.to] }

type kind uint8

const (
	word    kind = iota // keyword, name, parameter
	quoted              // quoted name
	literal             // string, number, boolean: a value
	symbol              // operator, punctuation
)

// lexer cuts a text into tokens, each byte looked at a bounded number of times. It stops (doubt) at the first place
// that the dialects in question read differently: behind it a value could pass as a name.
type lexer struct {
	d      dialect
	src    string
	at     int
	tokens []token
	space  bool // something stood between the last token and the next
	doubt  bool
}

func (l *lexer) run() {
	l.tokens = make([]token, 0, min(len(l.src), MaxRead)/5+1)
	for l.space = true; l.at < min(len(l.src), MaxRead) && !l.doubt; {
		l.next()
	}
}

func (l *lexer) next() {
	rest := l.src[l.at:]
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case unicode.IsSpace(r):
		l.space = true
		l.at += size
	case r == '\\', isOddQuote(r), r == utf8.RuneError:
		l.doubt = true // an escape or a quote of nobody that is known
	case strings.HasPrefix(rest, "/*"):
		l.block(rest)
	case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "//"), r == '#' && l.d.hash != no:
		l.line(rest)
	case r == '\'', r == '"', r == '`', r == '[':
		l.quote(rest)
	case r == '$':
		l.dollar(rest)
	case r < 0x80 && isDigit(byte(r)):
		l.add(literal, numberEnd(rest))
	case isWordStart(r):
		l.word(rest)
	default:
		l.add(symbol, size)
	}
}

// add takes the next n bytes as a token.
func (l *lexer) add(k kind, n int) {
	l.tokens = append(l.tokens, token{int32(l.at), int32(l.at + n), k, !l.space && len(l.tokens) > 0})
	l.space = false
	l.at += n
}

func (l *lexer) skip(n int) {
	l.space = true
	l.at += n
}

// isOddQuote finds the quotation marks of typography.
func isOddQuote(r rune) bool {
	return r >= 0x80 && (unicode.In(r, unicode.Pi, unicode.Pf) || strings.ContainsRune("＇＂„‚", r))
}

func isWordStart(r rune) bool {
	return r == '_' || r == '@' || r == '#' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= 0x80
}

// word reads a name or a keyword; the parameter :name is one too, its colon a symbol before it.
func (l *lexer) word(rest string) {
	n := strings.IndexFunc(rest, func(r rune) bool {
		switch {
		case r == '#':
			return !l.d.hashNames && l.d.hash != no
		case r == '$', r < 0x80 && isDigit(byte(r)):
			return false
		}
		return !isWordStart(r) || unicode.IsSpace(r) || isOddQuote(r)
	})
	if n < 0 {
		n = len(rest)
	}
	n = max(n, 1)
	k := word
	if n <= 5 && (strings.EqualFold(rest[:n], "true") || strings.EqualFold(rest[:n], "false")) {
		k = literal
	}
	l.add(k, n)
}

// numberEnd is where a number ends: 1.5e-3, 0xFF, 1_000, and the letter that some dialects write behind one.
func numberEnd(s string) int {
	n := 1
	for ; n < len(s); n++ {
		c, exponent := s[n], s[n-1] == 'e' || s[n-1] == 'E'
		switch {
		case isDigit(c), isLetter(c), c == '_', c >= 0x80:
		case c == '.' && (n+1 == len(s) || !isLetter(s[n+1]) && s[n+1] != '_' || isExponent(s[n+1:])):
		case (c == '-' || c == '+') && exponent && n+1 < len(s) && isDigit(s[n+1]):
		default:
			return n
		}
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// isExponent tells 1.e5 from the project 1.e.
func isExponent(s string) bool {
	rest := strings.TrimLeft(s[1:], "+-")
	return s[0]|0x20 == 'e' && rest != "" && isDigit(rest[0])
}

// block skips a comment. One that hides a quote from some dialects would turn the strings after it inside out.
func (l *lexer) block(rest string) {
	depth, n := 1, 2
	for ; depth > 0 && n < len(rest); n++ {
		switch {
		case strings.HasPrefix(rest[n:], "*/"):
			depth--
			n++
		case l.d.nested != no && strings.HasPrefix(rest[n:], "/*"):
			if l.doubt = l.d.nested == unsure; l.doubt {
				return
			}
			depth++
			n++
		}
	}
	run := strings.HasPrefix(rest, "/*!") && strings.ContainsAny(rest[:n], "'\"`") // MySQL runs what stands in it
	if l.doubt = depth > 0 || run; !l.doubt {
		l.skip(n)
	}
}

// line skips a comment up to the end of its line, or takes what is none as a symbol.
func (l *lexer) line(rest string) {
	n := strings.IndexByte(rest, '\n')
	if n < 0 {
		n = len(rest)
	}
	is := l.d.hash
	switch rest[:1] {
	case "-":
		if is = l.d.dashes; len(rest) == 2 || rest[2] <= ' ' {
			is = yes
		}
	case "/":
		is = l.d.slashes
	}
	switch {
	case is == yes, is == unsure && rest[0] == '-' && !strings.ContainsAny(rest[:n], "'\"`[*$"):
		l.skip(n)
	case is == no:
		l.add(symbol, 1)
	default:
		l.doubt = true
	}
}

// quote reads '…', "…", `…` or […].
func (l *lexer) quote(rest string) {
	what, closing, doubled, backslash := isString, rest[0], true, l.d.backslash
	switch rest[0] {
	case '\'':
		switch {
		case l.prefixed("e"):
			if l.d.eStrings {
				backslash = escapes
			}
		case l.prefixed("q") || l.prefixed("nq"):
			l.doubt = l.doubt || l.d.qQuotes != no
		}
	case '"':
		switch what = l.d.double; {
		case what == isName && backslash == escapes:
			backslash = either
		case what == isName:
			backslash = plain
		}
	case '`':
		what = l.d.tick
	case '[':
		what, closing, doubled, backslash = l.d.bracket, ']', l.d.doubled, plain
		if what == isUnsure {
			what = isSymbol
			l.doubt = brackets(rest)
		}
	}
	if l.d.triple != no && len(rest) > 2 && rest[1] == rest[0] && rest[2] == rest[0] || what == isForeign {
		l.doubt = true
	}
	switch {
	case l.doubt:
	case what == isSymbol:
		l.add(symbol, 1)
	default:
		n := quoteEnd(rest, closing, doubled, backslash == escapes)
		if n < 0 || backslash == either && n != quoteEnd(rest, closing, doubled, true) {
			l.doubt = true
			return
		}
		k := literal
		if what == isName {
			k = quoted
		}
		l.add(k, n)
	}
}

// prefixed reports whether the quote that begins here stands right behind the letters of a string's kind.
func (l *lexer) prefixed(letters string) bool {
	n := len(l.tokens)
	return n > 0 && !l.space && l.tokens[n-1].kind == word && strings.EqualFold(l.tokens[n-1].in(l.src), letters)
}

// quoteEnd is where a quoted text ends; -1 where it does not.
func quoteEnd(s string, closing byte, doubled, escaped bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escaped && s[i] == '\\':
			i++
		case s[i] == closing && doubled && i+1 < len(s) && s[i+1] == closing:
			i++
		case s[i] == closing:
			return i + 1
		}
	}
	return -1
}

// brackets reports whether […] reads differently as a quoted name and as an index: where something in it is a quote or a
// comment of its own.
func brackets(s string) bool {
	end := strings.IndexByte(s, ']')
	return end < 0 || strings.ContainsAny(s[1:end], "'\"`[#$\\") || strings.Contains(s[:end], "--") || strings.Contains(s[:end], "/*") ||
		strings.Contains(s[:end], "//") || strings.HasPrefix(s[end:], "]]")
}

// dollar reads $tag$…$tag$, a parameter, or an amount of money.
func (l *lexer) dollar(rest string) {
	n := 1
	for n < len(rest) && (rest[n] == '_' || isDigit(rest[n]) || isLetter(rest[n]) || rest[n] >= 0x80) {
		n++
	}
	tagged := n < len(rest) && rest[n] == '$' && (n == 1 || !isDigit(rest[1]))
	switch {
	case tagged && l.d.dollars == yes:
		tag := rest[:n+1]
		end := strings.Index(rest[n+1:], tag)
		if end < 0 {
			l.doubt = true
			return
		}
		l.add(literal, n+1+end+len(tag))
	case tagged && l.d.dollars == unsure:
		l.doubt = true
	case n > 1 && n < 6 && l.d.money == no, n > 1 && !isDigit(rest[1]):
		l.add(word, n)
	default:
		l.add(symbol, 1) // a number follows, which is a value
	}
}
