package sqltext

import (
	"strings"
	"unicode/utf8"
)

// MaxText is the largest text of SQL that leaves, in bytes.
const MaxText = 8 << 10

// Masked is the text with ? for each value and without its comments, which may hold some. It is empty where the lexer is
// not sure of any part: a query less is better than a row value. A text too long to be read whole ends with an ellipsis.
func (q *Query) Masked() string {
	if q.doubt {
		return ""
	}
	var b strings.Builder
	masked := false // a ? was written last
	for _, t := range q.tokens {
		value := t.kind == literal
		if value && masked && t.glued {
			continue
		}
		if !t.glued && b.Len() > 0 {
			b.WriteByte(' ')
		}
		if masked = value; value {
			b.WriteByte('?')
		} else {
			b.WriteString(t.in(q.src))
		}
		if b.Len() > MaxText {
			break
		}
	}
	text := b.String()
	if q.cut && text != "" {
		text += " …"
	}
	return Bound(text)
}

// Bound keeps a text within what one facet may weigh.
func Bound(text string) string {
	const limit = MaxText - len("…")
	if len(text) <= limit {
		return text
	}
	n := limit
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}
