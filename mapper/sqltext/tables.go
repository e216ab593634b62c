package sqltext

import "strings"

// Bounds that keep a hostile text from costing more than its length.
const (
	maxTables  = 100
	maxDepth   = 200  // of parentheses: what lies deeper is not read
	maxScope   = 200  // names of one scope
	maxColumns = 1000 // tokens of a list of columns behind a name of WITH
)

// Tables are the tables that the query reads, each once, in the order it names them: the parts of a name (database, schema,
// table), without quotes, in the case in which the store keeps them. Names of WITH, functions, temporary tables, variables
// and files are no tables.
func (q *Query) Tables() [][]string {
	f := &tableFinder{d: q.d, src: q.src, tokens: q.tokens, known: make(map[string]bool)}
	for f.i < len(f.tokens) {
		f.level(scope{}, false)
	}
	return f.found
}

// tableFinder walks over the tokens of a query.
type tableFinder struct {
	d      dialect
	src    string
	tokens []token
	i      int
	depth  int
	found  [][]string
	known  map[string]bool
}

// scope is what a name in FROM may mean besides a table.
type scope struct {
	withs   *names // of WITH
	aliases *names // tables and their aliases: t.items may be a column
}

// names is a list that grows at its head, so that a scope inside another shares the outer one's.
type names struct {
	name string // in lower case
	next *names
	n    int
}

func (l *names) add(name string) *names {
	if l == nil {
		return &names{strings.ToLower(name), nil, 1}
	}
	if l.n >= maxScope {
		return l
	}
	return &names{strings.ToLower(name), l, l.n + 1}
}

func (l *names) has(name string) bool {
	for ; l != nil; l = l.next {
		if l.name == name {
			return true
		}
	}
	return false
}

func (s scope) with(name string) scope {
	s.withs = s.withs.add(name)
	return s
}

func (s scope) alias(name string) scope {
	s.aliases = s.aliases.add(name)
	return s
}

func (f *tableFinder) text(i int) string { return f.tokens[i].in(f.src) }

// word is the upper-case text of the token at i+n if it is an unquoted word.
func (f *tableFinder) word(n int) string {
	if i := f.i + n; i >= 0 && i < len(f.tokens) && f.tokens[i].kind == word && len(f.text(i)) < 32 {
		return strings.ToUpper(f.text(i))
	}
	return ""
}

func (f *tableFinder) symbol(n int, text string) bool {
	i := f.i + n
	return i >= 0 && i < len(f.tokens) && f.tokens[i].kind == symbol && f.text(i) == text
}

func (f *tableFinder) accept(word string) bool {
	if f.word(0) != word {
		return false
	}
	f.i++
	return true
}

// endOfFrom are the words after which a comma no longer separates tables.
var endOfFrom = map[string]bool{
	"SELECT": true, "WHERE": true, "PREWHERE": true, "GROUP": true, "ORDER": true, "HAVING": true, "LIMIT": true, "FETCH": true,
	"UNION": true, "EXCEPT": true, "INTERSECT": true, "MINUS": true, "WINDOW": true, "QUALIFY": true, "CONNECT": true,
	"START": true, "VALUES": true, "RETURNING": true, "SET": true, "CLUSTER": true, "DISTRIBUTE": true, "SORT": true, "OPTION": true,
	"SETTINGS": true, "FORMAT": true, "VIEW": true,
}

// level reads to the closing parenthesis of its level, or to the end. table says that a table comes first.
func (f *tableFinder) level(s scope, table bool) {
	if f.depth++; f.depth > maxDepth {
		f.i = len(f.tokens)
	}
	defer func() { f.depth-- }()
	query := table || f.depth == 1 || f.word(0) == "FROM"
	inFrom := table
	for f.i < len(f.tokens) {
		if table {
			table = false
			s = f.table(s)
			continue
		}
		word := f.word(0)
		f.i++
		switch {
		case f.symbol(-1, ")"):
			return
		case f.symbol(-1, ";"):
			inFrom, s = false, scope{}
		case f.symbol(-1, "("):
			f.level(s, false)
		case f.symbol(-1, ","):
			table = inFrom
		case word == "WITH":
			s = f.withs(s)
		case word == "FROM" && query && !f.isDistinctFrom(), (word == "JOIN" || word == "STRAIGHT_JOIN" || word == "APPLY") && f.word(-2) != "ARRAY":
			inFrom, table = true, true
		case word == "FOR":
			// FOR SYSTEM_TIME AS OF goes on with the tables, FOR UPDATE does not.
			inFrom = inFrom && strings.HasPrefix(f.word(0), "SYSTEM")
		case endOfFrom[word]:
			inFrom = false
			query = query || word == "SELECT"
		}
	}
}

// isDistinctFrom reports whether the FROM just read belongs to IS [NOT] DISTINCT FROM.
func (f *tableFinder) isDistinctFrom() bool {
	return f.word(-2) == "DISTINCT" && (f.word(-3) == "IS" || f.word(-3) == "NOT")
}

// withs reads the names of a WITH. A query's own name means a table inside it, unless it is recursive.
func (f *tableFinder) withs(s scope) scope {
	recursive := f.accept("RECURSIVE") || f.d.recursive
	for {
		start := f.i
		parts := f.name()
		if f.symbol(0, "(") && len(parts) == 1 {
			for end := f.i + maxColumns; f.i < min(len(f.tokens), end) && !f.symbol(0, ")"); {
				f.i++
			}
			f.i++
		}
		if len(parts) != 1 || !f.accept("AS") {
			f.i = start
			return s
		}
		f.accept("NOT")
		f.accept("MATERIALIZED")
		if !f.symbol(0, "(") {
			f.i = start
			return s
		}
		f.i++
		inside := s
		if recursive {
			inside = s.with(parts[0])
		}
		f.level(inside, false)
		s = s.with(parts[0])
		if !f.symbol(0, ",") {
			return s
		}
		f.i++
	}
}

// noTable are words that stand where a table may, and name none.
var noTable = map[string]bool{"SELECT": true, "VALUES": true, "WHERE": true, "UNNEST": true, "TABLE": true, "DUAL": true, "SET": true, "ON": true}

// noAlias are words that follow a table, and name none.
var noAlias = map[string]bool{
	"ON": true, "USING": true, "JOIN": true, "INNER": true, "LEFT": true, "RIGHT": true, "FULL": true, "CROSS": true, "NATURAL": true,
	"OUTER": true, "LATERAL": true, "WITH": true, "TABLESAMPLE": true, "PIVOT": true, "UNPIVOT": true, "FOR": true, "STRAIGHT_JOIN": true,
}

// table reads what stands where a table may.
func (f *tableFinder) table(s scope) scope {
	for f.accept("ONLY") || f.accept("LATERAL") {
		continue
	}
	if f.symbol(0, "(") {
		f.i++
		query := f.word(0) == "SELECT" || f.word(0) == "WITH" || f.word(0) == "VALUES" || f.word(0) == "FROM" || f.word(0) == "TABLE"
		f.level(s, !query)
		return s
	}
	if noTable[f.word(0)] || endOfFrom[f.word(0)] {
		return s
	}
	parts := f.name()
	if len(parts) == 0 || f.symbol(0, "(") {
		return s // a variable, a file, a function
	}
	first, last := strings.ToLower(parts[0]), parts[len(parts)-1]
	if len(parts) == 1 && s.withs.has(first) || len(parts) > 1 && f.d.unnests && s.aliases.has(first) {
		return s
	}
	f.add(parts)
	s = s.alias(last)
	f.accept("AS")
	if w := f.word(0); w != "" && !noAlias[w] && !endOfFrom[w] {
		s = s.alias(w)
	}
	return s
}

func (f *tableFinder) add(parts []string) {
	key := strings.Join(parts, "\x00")
	if strings.Trim(key, "\x00") != "" && len(f.found) < maxTables && !f.known[key] {
		f.known[key] = true
		f.found = append(f.found, parts)
	}
}

// name reads a name with its dots; nothing is read where none stands.
func (f *tableFinder) name() (parts []string) {
	start := f.i
	for f.i < len(f.tokens) {
		switch k, text := f.tokens[f.i].kind, f.text(f.i); {
		case k == word && isNameStart(text):
			parts = append(parts, f.plainPart())
		case k == quoted, k == literal && text[0] == '"' && len(text) > 2:
			// Where "…" is a string, none can stand here.
			parts = append(parts, f.quotedParts(text)...)
		default:
			f.i = start
			return nil
		}
		f.i++
		if !f.symbol(0, ".") {
			return parts
		}
		for f.i++; f.symbol(0, "."); f.i++ {
			parts = append(parts, "") // db..table
		}
	}
	f.i = start
	return nil
}

// plainPart is a part without quotes, with the dashes that BigQuery takes into one.
func (f *tableFinder) plainPart() string {
	from := f.tokens[f.i].from
	for f.d.dotted && f.i+2 < len(f.tokens) && f.symbol(1, "-") && f.tokens[f.i+1].glued && f.tokens[f.i+2].glued &&
		(f.tokens[f.i+2].kind == word || f.tokens[f.i+2].kind == literal && isAlphanumeric(f.text(f.i+2))) {
		f.i += 2
	}
	text := f.src[from:f.tokens[f.i].to]
	if f.d.fold != foldNone {
		text = strings.ToLower(text)
	}
	return text
}

func isAlphanumeric(s string) bool {
	return strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}

// isNameStart refuses temporary tables (#t), variables (@t, :t), parameters ($1) and stages.
func isNameStart(text string) bool {
	return text[0] == '_' || text[0] >= 'a' && text[0] <= 'z' || text[0] >= 'A' && text[0] <= 'Z' || text[0] >= 0x80
}

// quotedParts are the parts of a quoted name: one, but for dialects that put all of them into one pair of quotes.
func (f *tableFinder) quotedParts(text string) []string {
	closing := text[len(text)-1:]
	text = strings.ReplaceAll(text[1:len(text)-1], closing+closing, closing)
	if f.d.fold == foldAll {
		text = strings.ToLower(text)
	}
	if f.d.dotted {
		return strings.Split(text, ".")
	}
	return []string{text}
}
