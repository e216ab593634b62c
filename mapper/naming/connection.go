package naming

import (
	"cmp"
	"net/url"
	"strings"
)

// sqlURL is a connection string cut into what names a store. Its user and password are gone before it exists.
type sqlURL struct {
	scheme    string // as OpenLineage calls it
	driver    string // pyodbc; "" the default
	authority string
	parts     []string // of the path, unescaped, empty ones left out
	query     map[string][]string
}

// Connection reads a connection string of SQLAlchemy or JDBC as the store that it leads to. Its credentials and its other
// options go nowhere. ok is false for what is no connection string, and for one that does not say where it leads.
func Connection(con string) (s Store, ok bool) {
	con = strings.TrimSpace(con)
	if len(con) > len("jdbc:") && strings.EqualFold(con[:len("jdbc:")], "jdbc:") {
		u, ok := parseJDBC(con[len("jdbc:"):])
		if !ok {
			return Store{}, false
		}
		return u.store()
	}
	dialect, rest, ok := strings.Cut(DropCredentials(con), "://")
	if !ok || !isScheme(dialect) {
		return Store{}, false
	}
	if scheme := normaliseScheme(dialect); embedded(scheme) {
		return storeOfFile(scheme, rest), true
	}
	return parseSQLURL(dialect, rest).store()
}

// store names the store; whatever the string held, nothing of its options stands in a name.
func (u sqlURL) store() (s Store, ok bool) {
	if u.isDSN() {
		return Store{}, false
	}
	s = u.byScheme()
	s.Namespace = Normalise(s.Namespace)
	s.Database, s.Schema = dropOptions(s.Database), dropOptions(s.Schema)
	if _, authority, _ := strings.Cut(s.Namespace, "://"); authority == "" && s.Namespace != "bigquery" {
		s.Namespace = ""
		return s, false
	}
	return s, true
}

func (u sqlURL) byScheme() Store {
	switch u.scheme {
	case "bigquery":
		return Store{Namespace: "bigquery", Database: unescape(u.authority), Schema: u.part(0)}
	case "snowflake":
		return Store{Namespace: "snowflake://" + snowflakeAccount(u.authority), Database: u.part(0), Schema: u.part(1)}
	case "trino", "presto":
		return Store{Namespace: u.namespace(), Database: u.part(0), Schema: u.part(1)}
	case "databricks":
		return nameDatabricks(u)
	case "awsathena":
		return nameAthena(u)
	case "mssql", "sqlserver":
		return nameSQLServer(u)
	case "oracle":
		return nameOracle(u)
	case "spanner":
		return nameSpanner(u)
	case "teradata":
		return Store{Namespace: u.namespace(), Database: cmp.Or(u.part(0), u.option("database"))}
	case "postgres", "redshift", "cockroachdb":
		return namePostgres(u)
	}
	return Store{Namespace: u.namespace(), Database: strings.Join(u.parts, ".")}
}

// isDSN reports whether the host is a data source name, as SQLAlchemy reads an ODBC string without a database: only the
// producer's machine knows where that leads.
func (u sqlURL) isDSN() bool {
	odbc := strings.Contains(u.driver, "odbc") || u.driver == "" && u.scheme == "mssql"
	return odbc && u.authority != "" && len(u.parts) == 0 && u.option("odbc_connect", "database") == ""
}

// DropCredentials cuts user and password out of a SQLAlchemy connection string, whatever its dialect: the password may hold
// anything but an @.
func DropCredentials(con string) string {
	dialect, rest, ok := strings.Cut(con, "://")
	if !ok {
		return con
	}
	return dialect + "://" + dropCredentials(rest)
}

func parseSQLURL(dialect, rest string) sqlURL {
	_, driver, _ := strings.Cut(strings.ToLower(dialect), "+")
	u := sqlURL{scheme: normaliseScheme(dialect), driver: driver, query: make(map[string][]string)}
	body, query := rest, ""
	if i := strings.IndexAny(rest, "?;"); i >= 0 { // ibm_db takes its options behind a ;
		body, query = rest[:i], rest[i+1:]
		if rest[i] == ';' {
			_, query, _ = strings.Cut(query, "?")
		}
	}
	// SQLAlchemy 1.3, which GX 0.x ran on, let a password hold an @ too.
	body = afterCredentials(body)
	var path string
	u.authority, path, _ = strings.Cut(body, "/")
	for p := range strings.SplitSeq(path, "/") {
		if p != "" {
			u.parts = append(u.parts, dropOptions(unescape(p)))
		}
	}
	u.addOptions(query, "&")
	return u
}

func (u sqlURL) addOptions(text, by string) {
	for pair := range strings.SplitSeq(text, by) {
		k, v, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(v); err == nil {
			v = plain
		}
		k = strings.ToLower(strings.TrimSpace(k))
		u.query[k] = append(u.query[k], v)
	}
}

func (u sqlURL) namespace() string { return u.scheme + "://" + u.authority }

func (u sqlURL) part(i int) string {
	if i < len(u.parts) {
		return u.parts[i]
	}
	return ""
}

// option is the first value of an option that is not empty.
func (u sqlURL) option(names ...string) string {
	for _, name := range names {
		if v := u.query[name]; len(v) > 0 && v[0] != "" {
			return v[0]
		}
	}
	return ""
}

// storeOfFile reads sqlite:///relative and sqlite:////absolute: no host, the path is the store.
func storeOfFile(scheme, rest string) Store {
	p := dropQuery(rest)
	if !strings.HasPrefix(p, "//") {
		p = strings.TrimPrefix(p, "/")
	}
	p = strings.TrimPrefix(p, "file:") // SQLite's own URIs
	if p == "" {
		p = ":memory:"
	}
	return Store{Namespace: Normalise(scheme + "://" + p)}
}
