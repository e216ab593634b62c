package mapper

import "strings"

// maxSQLText is the largest text of SQL that leaves, in bytes.
const maxSQLText = 8 << 10

// obfuscate writes a query with ? for each value and without its comments, which may hold some. Where the dialects
// disagree about how the text goes on, it ends with an ellipsis: a shorter query is better than a row value.
func obfuscate(sql string, d dialect) string {
	tokens, whole := readSQL(sql, d)
	var b strings.Builder
	mark := false // a ? was written last
	for _, t := range tokens {
		value := t.kind == sqlLiteral || t.kind == sqlQuoted && !d.names && strings.HasPrefix(t.text, `"`)
		if value && mark && t.glued {
			continue
		}
		if !t.glued && b.Len() > 0 {
			b.WriteByte(' ')
		}
		if mark = value; value {
			b.WriteByte('?')
		} else {
			b.WriteString(t.text)
		}
		if b.Len() > maxSQLText {
			break
		}
	}
	text := b.String()
	if !whole && text != "" {
		text += " …"
	}
	return boundSQL(text)
}

// boundSQL keeps a text within what one facet may weigh.
func boundSQL(text string) string { return bound(text, maxSQLText-len("…")) }
